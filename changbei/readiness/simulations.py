"""Exercises in which people who do not answer are answered for: when somebody looks next, and what the plan wants said.

Who answers, and how fast, is the drills' business above; here is only the row that is due.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q

from changbei.core import clock
from changbei.core.errors import Conflict
from changbei.incidents.models import Incident
from changbei.journal import services as journal
from changbei.journal.models import Entry
from changbei.people.models import Person
from changbei.plans.model import Part
from changbei.readiness.models import Simulation

ANSWERS = ("runs.task_acknowledged", "runs.task_done")
LEASE = timedelta(seconds=120 * settings.LEASE_SCALE)


def begin(incident: Incident, part: Part | None, *, actor: Person) -> Simulation:
    """From now on people are answered for; Conflict for anything but an exercise."""
    if not incident.drill:
        raise Conflict("only in an exercise are people answered for")
    made = Simulation.objects.create(incident=incident, script=_script(part), due_at=clock.now())
    journal.append(
        "readiness.simulation_begun",
        actor=actor,
        incident=incident.uuid,
        run=incident.run.uuid if incident.run else None,
        drill=True,
    )
    return made


def _script(part: Part | None) -> dict[str, Any]:
    if part is None:
        return {}
    return {"decisions": dict(part.decisions), "forms": dict(part.forms), "unseen": list(part.unseen)}


def part_of(simulation: Simulation) -> Part:
    """What the declared exercise says of the answers."""
    script = simulation.script
    return Part(
        simulation.incident.kind,
        decisions=script.get("decisions", {}),
        forms=script.get("forms", {}),
        unseen=tuple(script.get("unseen", ())),
    )


@transaction.atomic
def claim() -> Simulation | None:
    """One that is due, for the time of a lease: whoever dies meanwhile leaves it to the next."""
    due = Simulation.objects.select_for_update(skip_locked=True, of=("self",)).filter(due_at__lte=clock.now())
    found = due.select_related("incident__run").order_by("due_at", "pk").first()
    if found is not None:
        found.due_at = clock.now() + LEASE
        found.save(update_fields=["due_at"])
    return found


def settle(simulation: Simulation, due_at: datetime | None) -> None:
    """Somebody is answered for next at `due_at`, unless news have come since the claim."""
    rows = Simulation.objects.filter(pk=simulation.pk)
    rows.update(not_before=simulation.not_before)
    rows.filter(due_at=simulation.due_at).update(due_at=due_at)


def look_again(entry: Entry) -> None:
    """News of an exercise: what is to be answered may be due earlier than was thought."""
    if entry.incident is None:
        return
    now = clock.now()
    rows = Simulation.objects.filter(Q(due_at=None) | Q(due_at__gt=now), incident__uuid=entry.incident)
    rows.exclude(incident__status=Incident.Status.CLOSED).update(due_at=now)


def next_due() -> datetime | None:
    found: datetime | None = Simulation.objects.aggregate(due=Min("due_at"))["due"]
    return found
