"""What is done for a run outside of its plan, for the journal."""

from __future__ import annotations

from typing import Any

from changbei.journal import services as journal
from changbei.people.models import Person
from changbei.runs.models import Run


def note(kind: str, run: Run | None, actor: Person | None, /, *, clause: str, **data: Any) -> None:
    """Record a fact in the caller's transaction, with the run and its incident where there is one."""
    journal.append(
        kind,
        actor=actor,
        incident=run.incident if run else None,
        run=run.uuid if run else None,
        clause=clause,
        drill=run is not None and run.drill,
        data=data,
    )
