"""What came of a notice, for the journal."""

from __future__ import annotations

from typing import Any

from changbei.journal.services import NewEntry
from changbei.notify.models import Notice
from changbei.people.models import Person


def fact(kind: str, notice: Notice, actor: Person | None, /, *, item: str = "", **data: Any) -> NewEntry:
    """A fact of a notice and of the incident and run it was sent for, before it is written."""
    data = {"notice": str(notice.uuid), **data}
    return NewEntry(kind, actor, notice.incident, notice.run, item, notice.clause, notice.drill, data)
