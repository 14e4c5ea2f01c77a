"""A plan from nothing: a small one that can be carried out as it stands, to be written in."""

from __future__ import annotations

import json
import re
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable

from django.utils.translation import gettext_noop

from changbei.core.errors import Invalid, Problem
from changbei.plans.loading import shapes

OWN, TITLE, EFFECTIVE = "own-plan", "TITLE", "EFFECTIVE"  # what stands in the files for what is asked
LONGEST_TITLE = 80


def starter(pack_id: str, title: str, *, effective_on: date) -> dict[str, str]:
    """The files (path → text) of a new plan with one procedure of its own name. Raises Invalid."""
    rules = shapes.schema("common")["$defs"]["id"]
    problems = []
    if not re.fullmatch(rules["pattern"], pack_id) or len(pack_id) > rules["maxLength"]:
        problems.append(
            Problem("pack", gettext_noop("small letters, digits and single hyphens, e.g. fire-drill"))
        )
    if not 0 < len(title.strip()) <= LONGEST_TITLE:
        problems.append(Problem("title", gettext_noop("a title is needed")))
    if problems:
        raise Invalid(problems=problems)
    words = json.dumps(title.strip(), ensure_ascii=False)  # a text of JSON is one of YAML
    return {
        path.replace(OWN, pack_id): text.replace(OWN, pack_id)
        .replace(EFFECTIVE, effective_on.isoformat())
        .replace(TITLE, words)
        for path, text in sorted(_files(resources.files("changbei.plans").joinpath("starter")))
    }


def _files(folder: Traversable, within: str = "") -> list[tuple[str, str]]:
    found = []
    for entry in folder.iterdir():
        path = f"{within}{entry.name}"
        if entry.is_dir():
            found += _files(entry, f"{path}/")
        elif path.endswith((".yaml", ".md")):
            found.append((path, entry.read_text(encoding="utf-8")))
    return found
