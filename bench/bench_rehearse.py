"""Rehearsals: whole-plan runs a second on one core, beside the bare runtime given the same facts.

`typhoon` is the severe-weather procedure, the longest of the plan, from the warning until its review; the whole day
has three more procedures at the same time, with the same people. CPU time counts, so that what else the machine
does does not.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from math import log
from pathlib import Path
from typing import Any

from changbei.plans import runtime
from changbei.plans.loading import load_pack, read_folder
from changbei.plans.model import Pack
from changbei.plans.rehearsal import Case, Pace, Roster, Scenario, tally
from changbei.plans.rehearsal.draws import draws
from changbei.plans.rehearsal.drive import play
from changbei.plans.rehearsal.exact import ExactRun
from changbei.plans.rehearsal.model import context_of
from changbei.plans.rehearsal.preparing import Prepared, prepare

FOLDER = Path(__file__).resolve().parent.parent / "plans" / "customer-service-emergency"
BEGINS = datetime(2026, 11, 23, 1, 40, tzinfo=UTC)
ENDS = (BEGINS + timedelta(hours=6)).isoformat()
INCIDENT = {"level": "MAJOR", "share": 0.3, "reported_at": BEGINS.isoformat(), "place": ""}
WEATHER = {"phenomenon": "typhoon", "area": {}, "ends_at": ENDS}
BREAKDOWN = {
    "vehicle": "8",
    "place": {},
    "injured": False,
    "goods_aboard": True,
    "driver_fit": True,
    "cause": "fault",
}
DECISIONS = {
    "whole": "suspend",
    "partial": "suspend",
    "resume-whole": "resume",
    "resume-partial": "resume",
    "standby": "failed",
}
RESULTS: dict[str, dict[str, Any]] = {
    "incidents.affected": {"share": 0.3, "retailers": 900},
    "incidents.suspend": {"suspension": "x", "ends_at": ENDS},
    "incidents.make_call_list": {"calls": 90},
    "delivery.recover": {"options": 3, "stops": 20, "unserved": 0, "reserve": True},
    "delivery.recovery_accepted": {"unserved": 0},
    "supply.assess_request": {"eligible": True, "cartons": 10, "request": "r"},
    "supply.merge_into_order": {"deliver_at": (BEGINS + timedelta(hours=26)).isoformat()},
}
RUNS, FLOOR_RUNS, SEED = 2000, 40, 1
Row = dict[str, Any]


def run() -> list[Row]:
    """Rows of name, value, unit, note."""
    pack = load_pack(read_folder(FOLDER), check_actions=False)
    weather = _case(pack, "severe-weather", WEATHER, 20)
    day = (
        weather,
        _case(pack, "vehicle-breakdown", BREAKDOWN, 60),
        _case(pack, "ordering-system-down", {"fails": "server", "stops_work": True, "city_wide": True}, 150),
        _case(pack, "sudden-demand", {"path": "planned"}, 240),
    )
    typhoon = _scenario(weather)
    rate, floor = _rate(prepare(typhoon, Pace(), seed=SEED)), _floor(typhoon)
    return [
        _row(
            "rehearsal, typhoon",
            rate,
            "runs/s",
            "whole runs a second of CPU on one core; goal: 1,000 or more",
        ),
        _row(
            "rehearsal, whole typhoon day",
            _rate(prepare(_scenario(*day), Pace(), seed=SEED)),
            "runs/s",
            "4 plans",
        ),
        _row(
            "rehearsal, the bare runtime", floor, "runs/s", "the same facts through plans.runtime, no people"
        ),
        _row("rehearsal, times the bare runtime", rate / floor, "x"),
    ]


def _row(name: str, value: float, unit: str, note: str = "") -> Row:
    return {"name": name, "value": round(value, 2), "unit": unit, "note": note}


def _case(pack: Pack, procedure: str, report: dict[str, Any], after: float) -> Case:
    found = pack.procedures[procedure]
    return Case(found, context_of(found, report, INCIDENT), after, decisions=DECISIONS, results=RESULTS)


def _scenario(*cases: Case) -> Scenario:
    roles = tuple(dict.fromkeys(role for case in cases for role in case.procedure.roles_used()))
    return Scenario("bench", cases, Roster.one_each(roles), BEGINS)


def _rate(prepared: Prepared) -> float:
    tally(prepared, runs=50, seed=SEED)
    began = time.process_time()
    tally(prepared, runs=RUNS, seed=SEED)
    return RUNS / (time.process_time() - began)


def _floor(scenario: Scenario) -> float:
    """Runs a second of the runtime itself when the facts are there already."""
    prepared = prepare(scenario, Pace(), seed=SEED, exact=True)
    rows = draws(
        SEED,
        FLOOR_RUNS,
        prepared.times,
        chances=2 * len(prepared.slots),
        people=len(scenario.roster.people),
        no_answer_share=prepared.pace.no_answer_share,
        back=(log(prepared.pace.back_median_seconds), prepared.pace.back_sigma),
    )
    played = [run for row in rows for run in play(prepared, row).runs if isinstance(run, ExactRun)]
    procedure = scenario.cases[0].procedure
    began = time.process_time()
    for one in played:
        runtime.replay(procedure, one.facts)
    return len(played) / (time.process_time() - began)
