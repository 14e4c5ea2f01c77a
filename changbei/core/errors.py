"""The errors every room raises; pages, API and command line map them in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

Found = TypeVar("Found")


class Words(str):
    """What an error says about something by its name: `text` with `%(name)s` in it, so that it can be translated.

    It is the filled text; `str` of it, and of the error it was given to, is itself, with `text` and `values`.
    """

    text: str
    values: Mapping[str, object]

    def __new__(cls, text: str, **values: object) -> Words:
        made = super().__new__(cls, text % values if values else text)
        made.text, made.values = text, values
        return made

    def __str__(self) -> str:
        return self


class ChangbeiError(Exception):
    """Something a person can understand and act on."""


class NotAllowed(ChangbeiError):
    """The actor may not do this."""


class NotFound(ChangbeiError):
    """No such thing, or none that the actor may see."""


def there(found: Found | None, what: object) -> Found:
    """What was looked for; NotFound, with what it was or in these words, when there is none."""
    if found is None:
        raise NotFound(str(what))
    return found


class Conflict(ChangbeiError):
    """The thing has changed meanwhile, or is in a state that does not permit this."""


class Outside(ChangbeiError):
    """Something beyond our walls failed: a gateway, a server. `permanent` says that trying again is useless."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input: where it is, what is wrong, what would be right."""

    field: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        head = f"{place}: " if place else ""
        return f"{head}{self.field}: {self.message}" if self.field else f"{head}{self.message}"


class Invalid(ChangbeiError):
    """Input that cannot be taken; carries every problem found, not only the first."""

    def __init__(self, field: str = "", message: str = "", *, problems: list[Problem] | None = None) -> None:
        self.problems = problems if problems is not None else [Problem(field, message)]
        super().__init__("; ".join(str(problem) for problem in self.problems))
