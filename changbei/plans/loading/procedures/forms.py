"""What the schema cannot say of a form."""

from __future__ import annotations

from changbei.plans.loading.bench import Reader
from changbei.plans.loading.shapes import listed
from changbei.plans.loading.source import Path


def check_form(reader: Reader, path: Path) -> None:
    """What the schema cannot say of a form: required fields exist, choices differ; down to the fields of
    lists.
    """
    fields = reader.map((*path, "properties"))
    for n, name in enumerate(reader.list((*path, "required"))):
        if isinstance(name, str) and name not in fields:
            reader.problem(
                (*path, "required", n),
                f"there is no field {name!r}; {listed(name, fields)}",
            )
    for name in fields:
        inner: Path = (*path, "properties", name)
        _check_choices(reader, (*inner, "oneOf"))
        check_form(reader, inner)
        check_form(reader, (*inner, "items"))


def _check_choices(reader: Reader, path: Path) -> None:
    seen: set[str] = set()
    for n, _ in enumerate(reader.list(path)):
        choice = reader.words((*path, n, "const"))
        if choice in seen:
            reader.problem((*path, n, "const"), f"the choice {choice!r} is there twice")
        seen.add(choice)
