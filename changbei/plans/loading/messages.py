"""messages/ID.yaml → Template."""

from __future__ import annotations

import string

from changbei.core.texts import LANGUAGES
from changbei.plans.loading.bench import Reader
from changbei.plans.loading.files import stem
from changbei.plans.loading.source import Path
from changbei.plans.model import Template


def read_template(template: Reader) -> None:
    body = template.map(("body",))
    sets = {
        language: _placeholders(template, ("body", language)) for language in LANGUAGES if language in body
    }
    everywhere = frozenset[str]().union(*sets.values()) if sets else frozenset[str]()
    for language, found in sets.items():
        for name in sorted(everywhere - found):
            template.problem(("body", language), f"{{{name}}} of the other languages is missing here")
    template.bench.templates[stem(template.source.file)] = Template(
        id=template.words(("id",)),
        title=template.map(("title",)),
        body=body,
        clause=template.clause(("clause",)),
        urgency=template.words(("urgency",)) or "routine",
        placeholders=everywhere,
        place=template.place(()),
    )


def _placeholders(template: Reader, path: Path) -> frozenset[str]:
    found: set[str] = set()
    try:
        for _, name, form, conversion in string.Formatter().parse(template.words(path)):
            if name is None:
                continue
            if not name.isidentifier() or form or conversion:
                template.problem(
                    path,
                    f"{{{name}}} is not a placeholder: write {{name}}; for a brace itself {{{{ or }}}}",
                )
            else:
                found.add(name)
    except ValueError:
        template.problem(path, "a single brace; a placeholder is {name}, a brace itself is written {{ or }}")
    return frozenset(found)
