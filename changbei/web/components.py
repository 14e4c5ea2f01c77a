"""What the shared parts of pages are given: plain values that a view fills in and a partial shows.

A part never touches the database. Moments are aware; texts are already in the reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Tone = Literal["neutral", "info", "good", "notice", "warn", "bad"]


@dataclass(frozen=True)
class Clause:
    """A place in a plan document: `number` as printed (E3.3.1), and where it can be read."""

    number: str
    url: str = ""
    title: str = ""


@dataclass(frozen=True)
class Action:
    """A button: with `dialog` (an id) it opens that, with `post` it sends `fields`, else it is a link."""

    label: str
    url: str = ""
    icon: str = ""
    tone: Literal["primary", "plain", "danger"] = "plain"
    post: bool = True
    confirm: str = ""
    dialog: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    target: str = ""  # htmx target as a CSS selector; empty: an ordinary form


@dataclass(frozen=True)
class TaskCard:
    """One task as its holder sees it. `state` is one that `state_chip` knows; `actions` in order of use."""

    key: str
    title: str
    role: str
    state: str
    url: str = ""
    holder: str = ""
    holder_phone: str = ""
    clause: Clause | None = None
    due_at: datetime | None = None
    opened_at: datetime | None = None
    done_at: datetime | None = None
    late: bool = False
    incident: str = ""
    incident_title: str = ""
    incident_url: str = ""
    level: str = ""
    note: str = ""
    instructions: str = ""
    actions: Sequence[Action] = ()

    @property
    def finished(self) -> bool:
        return self.done_at is not None


@dataclass(frozen=True)
class TimelineEntry:
    """One thing that was observed."""

    at: datetime
    text: str
    actor: str = ""
    icon: str = "point-filled"
    tone: Tone = "neutral"
    detail: str = ""
    clause: Clause | None = None
    late: bool = False
    simulated: bool = False
    url: str = ""
    url_label: str = ""


@dataclass(frozen=True)
class PersonCard:
    """Somebody who can be called. `note` says in what capacity (acting commander, on duty until 18:00)."""

    name: str
    post: str = ""
    unit: str = ""
    phone: str = ""
    second_phone: str = ""
    note: str = ""
    away: bool = False
    acting: bool = False


@dataclass(frozen=True)
class Step:
    """One stage of a procedure, for the stepper."""

    label: str
    state: Literal["done", "now", "ahead", "skipped"]
    at: datetime | None = None


@dataclass(frozen=True)
class NavItem:
    """An entry of the main navigation."""

    name: str
    label: str
    icon: str
    url: str
    here: bool = False
    count: int = 0
    further: bool = False  # not in the tab bar of a phone
