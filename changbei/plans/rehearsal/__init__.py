"""Rehearsals: a plan carried out thousands of times in virtual time, with people who answer late or never.

    result = rehearse(scenario, pace, runs=1000, seed=1)

No database, no Django, no clock: the same arguments give the same result, byte for byte.
"""

from __future__ import annotations

from math import log
from typing import Any

from changbei.core.durations import Duration
from changbei.plans.rehearsal.draws import MICRO, draws
from changbei.plans.rehearsal.drive import play
from changbei.plans.rehearsal.model import Case, Roster, Scenario, context_of
from changbei.plans.rehearsal.pace import Pace, Response
from changbei.plans.rehearsal.preparing import Prepared, prepare
from changbei.plans.rehearsal.summary import Tally

__all__ = [
    "Case",
    "Duration",
    "Pace",
    "Response",
    "Roster",
    "Scenario",
    "context_of",
    "rehearse",
    "tally",
]


def tally(prepared: Prepared, *, runs: int, seed: int, deputy: str = "") -> Tally:
    """Play `runs` runs and count. `deputy`: the role that has one more person."""
    pace = prepared.pace
    found = Tally(prepared)
    rows = draws(
        seed,
        runs,
        prepared.times,
        chances=2 * len(prepared.slots),
        people=len(prepared.scenario.roster.people),
        no_answer_share=pace.no_answer_share,
        back=(log(pace.back_median_seconds), pace.back_sigma),
    )
    for row in rows:
        found.add(play(prepared, row, deputy))
    return found


def rehearse(
    scenario: Scenario, pace: Pace, *, runs: int, seed: int = 1, exact: bool = False
) -> dict[str, Any]:
    """Rehearse and say what came of it, as JSON. Times are seconds from the report, shares lie between 0 and 1.

    The same random numbers are used again for `one_more_deputy`, so that the difference is the deputy's.
    """
    prepared = prepare(scenario, pace, seed=seed, exact=exact)
    plain = tally(prepared, runs=runs, seed=seed)
    found = _as_json(plain)
    bottleneck = plain.bottleneck()
    found["bottleneck"] = bottleneck or None
    found["one_more_deputy"] = None
    if bottleneck:
        other = tally(prepared, runs=runs, seed=seed, deputy=bottleneck)
        found["one_more_deputy"] = {
            "role": bottleneck,
            "restored_seconds": other.percentiles(other.restored),
            "first_action_seconds": other.percentiles(other.first),
            "missed_deadlines_a_run": other.missed(),
            "restored_earlier_seconds": _difference(plain, other),
        }
    return {
        "scenario": scenario.id,
        "procedures": [case.procedure.id for case in scenario.cases],
        "begins_at": scenario.begins_at.isoformat(),
        "runs": runs,
        "seed": seed,
        "assumptions": pace.as_json(),
        **found,
    }


def _difference(before: Tally, after: Tally) -> dict[str, float | None]:
    a, b = before.percentiles(before.restored), after.percentiles(after.restored)
    return {name: None if a[name] is None or b[name] is None else round(a[name] - b[name], 1) for name in a}  # type: ignore[operator]


def _as_json(found: Tally) -> dict[str, Any]:
    prepared, runs = found.prepared, max(found.runs, 1)
    tasks = []
    for number, slot in enumerate(prepared.slots):
        if not found.opened[number] or slot.step.task is None:
            continue
        tasks.append(
            {
                "procedure": prepared.cases[slot.case].procedure.id,
                "item": slot.name,
                "title": dict(slot.step.task.title),
                "role": slot.step.task.role,
                "clause": slot.step.clause,
                "within": _written(slot.step.task.within),
                "opened_share": round(found.opened[number] / runs, 4),
                "missed_share": round(found.late[number] / found.opened[number], 4),
                "unanswered_share": round(found.nobody[number] / found.opened[number], 4),
            }
        )
    tasks.sort(key=lambda task: (-float(str(task["missed_share"])), task["procedure"], task["item"]))
    critical = max(found.critical, 1)
    roles = [
        {
            "role": role,
            "tasks_a_run": round(one.tasks / runs, 3),
            "escalations_a_run": round(one.escalations / runs, 3),
            "answer_seconds": _mean(one.answer, one.tasks),
            "queue_seconds": _mean(one.queue, one.tasks),
            "work_seconds": _mean(one.work, one.tasks),
            "critical_share": round((one.critical_wait + one.critical_work) / critical, 4),
            "critical_waiting_share": round(one.critical_wait / critical, 4),
        }
        for role, one in sorted(
            found.roles.items(), key=lambda pair: (-pair[1].critical_wait, -pair[1].queue, pair[0])
        )
    ]
    return {
        "first_action_seconds": found.percentiles(found.first),
        "restored_seconds": found.percentiles(found.restored),
        "not_restored_share": round(found.not_restored / runs, 4),
        "finished_seconds": found.percentiles(found.finished),
        "by_procedure": [
            {"procedure": case.procedure.id, "restored_seconds": found.percentiles(values)}
            for case, values in zip(prepared.scenario.cases, found.by_case, strict=True)
        ],
        "missed_deadlines_a_run": found.missed(),
        "tasks": tasks,
        "roles": roles,
    }


def _mean(total: int, number: int) -> float:
    return round(total / MICRO / number, 1) if number else 0.0


def _written(duration: Duration) -> str:
    if duration.working_days:
        return f"{duration.working_days}wd"
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60)):
        if duration.seconds % seconds == 0:
            return f"{duration.seconds // seconds}{unit}"
    return f"{duration.seconds}s"
