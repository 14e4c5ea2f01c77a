"""What happened to an incident, for the journal."""

from __future__ import annotations

from typing import Any

from changbei.incidents.models import Incident
from changbei.journal.services import NewEntry, append_many
from changbei.people.models import Person


def fact(
    kind: str, incident: Incident, actor: Person | None, /, *, clause: str = "", item: str = "", **data: Any
) -> NewEntry:
    """A fact of an incident and its run, before it is written."""
    run = incident.run.uuid if incident.run else None
    return NewEntry(kind, actor, incident.uuid, run, item, clause, incident.drill, data)


def note(
    kind: str, incident: Incident, actor: Person | None, /, *, clause: str = "", item: str = "", **data: Any
) -> None:
    """Record one in the caller's transaction."""
    append_many([fact(kind, incident, actor, clause=clause, item=item, **data)])
