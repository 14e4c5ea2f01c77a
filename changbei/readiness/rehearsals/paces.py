"""How fast people really answered, from what has happened here."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from math import log
from statistics import median, pstdev

from changbei.core.errors import Conflict
from changbei.plans.rehearsal.pace import Pace, Response
from changbei.runs.models import Task

ENOUGH = 20  # acknowledgements of a role, before its own figures count
_SHORTEST = 1.0
_LEAST_SPREAD = 0.1


def from_journal(pace: Pace) -> Pace:
    """`pace` with the figures of every role that has acknowledged often enough in earnest; drills do not count.

    Raises Conflict when no role has.
    """
    answered: dict[str, list[float]] = defaultdict(list)
    rows = Task.objects.filter(acknowledged_at__isnull=False, run__drill=False)
    for role, opened, seen in rows.values_list("role", "opened_at", "acknowledged_at"):
        if seen is not None:
            answered[role].append(max((seen - opened).total_seconds(), _SHORTEST))
    by_role = {
        role: Response(
            round(median(times), 1), round(max(pstdev([log(one) for one in times]), _LEAST_SPREAD), 3)
        )
        for role, times in sorted(answered.items())
        if len(times) >= ENOUGH
    }
    if not by_role:
        raise Conflict(f"no role has acknowledged {ENOUGH} times or more; rehearse without the journal")
    counted = ", ".join(f"{role} {len(answered[role])}" for role in by_role)
    return replace(pace, by_role=by_role, source=f"the journal's acknowledgements: {counted}; {pace.source}")
