"""Exercises beside the real day with simulated colleagues: whoever has not answered after a while is answered for.

Everything is marked in the journal as simulated. Whoever answers once is left alone from then on, and never is
anything answered outside of the exercise.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from changbei.core import clock
from changbei.incidents.models import Incident
from changbei.journal import services as journal
from changbei.journal.models import Entry
from changbei.readiness import simulations
from changbei.readiness.models import Simulation
from changbei.site.drills import closing
from changbei.site.drills.colleagues import Colleagues
from changbei.site.drills.pace import Pace

SOONEST = timedelta(seconds=5)  # between one look at an exercise and the next, without news


def answer_due(limit: int = 20) -> int:
    """Answer for whoever it is time for, in the exercises that are due; how much was done."""
    done = 0
    for _ in range(limit):
        simulation = simulations.claim()
        if simulation is None:
            break
        done += _answer(simulation)
    return done


def _answer(simulation: Simulation) -> int:
    incident = simulation.incident
    if incident.status == Incident.Status.CLOSED:
        simulations.settle(simulation, None)
        return 0
    colleagues = _colleagues(simulation)
    with journal.simulated():
        done = colleagues.act() + _close(incident, colleagues)
    simulation.not_before = {str(task): at.isoformat() for task, at in colleagues.not_before.items()}
    moments = [one for one in (colleagues.next_at(), _closing_at(incident, colleagues)) if one]
    simulations.settle(simulation, max(min(moments), clock.now() + SOONEST) if moments else None)
    return done


def _colleagues(simulation: Simulation) -> Colleagues:
    incident = simulation.incident
    took_part = _took_part(incident)
    return Colleagues(
        Pace(incident.pk),
        {incident.kind: simulations.part_of(simulation)},
        is_human=lambda person: person.pk in took_part,
        drive=False,
        of={"drill": True, "incident": incident.uuid},
        not_before={int(task): datetime.fromisoformat(at) for task, at in simulation.not_before.items()},
    )


def _took_part(incident: Incident) -> set[int]:
    """Whoever has answered here is a person at a screen."""
    own = Entry.objects.filter(incident=incident.uuid, kind__in=simulations.ANSWERS, actor_id__isnull=False)
    return {
        int(key) for key in own.exclude(data__has_key="simulated").values_list("actor_id", flat=True) if key
    }


def _closing_at(incident: Incident, colleagues: Colleagues) -> datetime | None:
    """A commander who took no part closes it a while after the plan's end."""
    incident = Incident.objects.select_related("run").get(pk=incident.pk)
    commander = closing.commander(incident)
    if incident.status == Incident.Status.CLOSED or commander is None or colleagues.is_human(commander):
        return None
    return closing.closing_at(incident)


def _close(incident: Incident, colleagues: Colleagues) -> int:
    at = _closing_at(incident, colleagues)
    if at is None or at > clock.now():
        return 0
    closing.close(incident)
    return 1
