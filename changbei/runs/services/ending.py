"""A run is closed before its plan has come to an end, and with it those that it has called."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from changbei.people.models import Person
from changbei.plans.facts import Ended
from changbei.runs import access
from changbei.runs.models import Run
from changbei.runs.services.applying import apply_locked
from changbei.runs.services.locking import lock, running_called


def end(run: Run, *, actor: Person) -> None:
    """Close the run and those it has called: everything open is cancelled. Nothing happens when they have
    finished. Raises NotAllowed.
    """
    with transaction.atomic():
        run = lock(run.uuid)
        access.require_to_end(actor, run)
        _end_with_called(run, actor)


def end_by_incident(run_uuid: UUID, *, actor: Person) -> None:
    """Close the run and those it has called because their incident is closed; who may close that, the
    incident has decided.
    """
    with transaction.atomic():
        _end_with_called(lock(run_uuid), actor)


def _end_with_called(run: Run, actor: Person) -> None:
    for one in [run, *(lock(called) for called in list(running_called(run.uuid)))]:
        if one.status == Run.Status.RUNNING:
            apply_locked(one, [Ended(actor.staff_no)], actor=actor)
