"""Recovering disrupted days, beside what a dispatcher does by hand and beside PyVRP, OR-Tools and VROOM.

The same instance for everybody, ours one second; one judge for all. Short: a few scenarios of 2,000 stops, a few
seconds. `CHANGBEI_BENCH=long`: 48 scenarios of 2,000 and 6,000 stops, a minute for each peer, and the scale up
to 8,000 stops; hours. `python -m bench.bench_recovery` runs it alone.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

from bench.peers import environment
from bench.recovery_days import Scenario, disrupted, scenarios
from bench.recovery_peers import PEERS, ask, judge, plan_of
from changbei.compute.recovery import OWN_RESERVE, alternatives, check, recover

LONG = os.environ.get("CHANGBEI_BENCH") == "long"
SCENARIOS, STOPS = (48, (2000, 6000)) if LONG else (2, (2000,))
OURS_SECONDS, PEER_SECONDS, OUR_LONG_SECONDS = (1.0, 60.0, 60.0) if LONG else (1.0, 5.0, 5.0)
SCALE = (500, 1000, 2000, 4000, 8000) if LONG else (500, 2000)
TOO_MANY_FOR_PYVRP = 3000
"""Stops left above which PyVRP's matrix per van does not fit into memory."""
Row = dict[str, Any]


def run() -> list[Row]:
    """Rows of name, value, unit, note."""
    missing = environment.prepare()
    found = [_scenario(scenario, peers=not missing) for scenario in scenarios(SCENARIOS, STOPS)]
    rows = list(_ours(found)) + list(_calm(found)) + list(_scale())
    if missing:
        return [*rows, _row("recovery.peers", 0, "peers", f"left out: {missing}")]
    return rows + [row for name in ("by hand", *PEERS) for row in _beside(name, found)]


def _row(name: str, value: float, unit: str, note: str) -> Row:
    return {"name": name, "value": round(float(value), 3), "unit": unit, "note": note}


def _scenario(scenario: Scenario, *, peers: bool) -> Row:
    """Everybody's figures on one disrupted day."""
    problem = disrupted(scenario)
    hand = plan_of(recover(problem, seconds=0.0, seed=1, policy=OWN_RESERVE, iterations=0))
    mine = recover(problem, seconds=OURS_SECONDS, seed=1)
    long = recover(problem, seconds=OUR_LONG_SECONDS, seed=1)
    options = alternatives(problem, seconds=4 * OURS_SECONDS, seed=1)
    figures = {
        "by hand": judge(problem, hand),
        "ours": judge(problem, plan_of(mine)),
        "long": judge(problem, plan_of(long)),
    }
    for peer in PEERS if peers else ():
        if not (peer.startswith("PyVRP") and len(problem.orders) > TOO_MANY_FOR_PYVRP):
            plan, _ = ask(peer, problem, hand, 0 if LONG and peer == "VROOM" else PEER_SECONDS)
            if plan is not None:
                figures[peer] = judge(problem, plan)
    faults = sum(len(check(problem, found)) for found in (mine, long, *options))
    print(
        json.dumps({"scenario": scenario.name, "first": mine.first_seconds, **figures}),
        file=sys.stderr,
        flush=True,
    )
    return {"figures": figures, "first": mine.first_seconds, "faults": faults, "options": options}


def _ours(found: list[Row]) -> Iterator[Row]:
    said = f"{len(found)} scenarios of {' and '.join(f'{n:,}' for n in STOPS)} stops"
    yield _row(
        "recovery.first", max(one["first"] for one in found), "s", f"the latest first valid plan; {said}"
    )
    broken = sum(one["faults"] + one["figures"]["ours"]["violations"] for one in found)
    yield _row("recovery.violations", broken, "", "of both judges; must be 0")
    mine, long = ([one["figures"][which] for one in found] for which in ("ours", "long"))
    for name in ("unserved", "extra", "touched"):
        each = ", ".join(str(figures[name]) for figures in mine)
        yield _row(
            f"recovery.{name}",
            statistics.mean(f[name] for f in mine),
            "mean",
            f"after {OURS_SECONDS} s: {each}"[:200],
        )
    equal = [
        a["extra"] / b["extra"]
        for a, b in zip(mine, long, strict=True)
        if a["unserved"] == b["unserved"] and b["extra"] > 0
    ]
    yield _row(
        "recovery.against_longer",
        _median(equal),
        "×",
        f"driving after 1 s against {OUR_LONG_SECONDS} s, {len(equal)} equal in unserved",
    )


def _beside(name: str, found: list[Row]) -> Iterator[Row]:
    """Ours against one other: who leaves fewer unserved; driving and touched vans where both leave the same."""
    pairs = [(one["figures"]["ours"], one["figures"][name]) for one in found if name in one["figures"]]
    valid = [(mine, theirs) for mine, theirs in pairs if not theirs["violations"]]
    worse = sum(mine["unserved"] > theirs["unserved"] for mine, theirs in valid)
    equal = [(mine, theirs) for mine, theirs in valid if mine["unserved"] == theirs["unserved"]]
    label, seconds = name.replace(" ", "_").lower(), f"given {PEER_SECONDS} s" if name in PEERS else "at once"
    unserved = f"{sum(m['unserved'] for m, _ in valid)} against {sum(t['unserved'] for _, t in valid)} in all"
    yield _row(
        f"recovery.{label}.valid",
        len(valid),
        f"of {len(found)}",
        f"days on which {name} found a valid plan, {seconds}",
    )
    yield _row(
        f"recovery.{label}.leaves_fewer",
        worse,
        "days",
        f"on which {name} leaves fewer unserved than ours; {unserved}",
    )
    for figure in ("extra", "touched"):
        ratios = [m[figure] / t[figure] for m, t in equal if t[figure] > 0]
        if not ratios:
            continue
        yield _row(
            f"recovery.{label}.{figure}",
            _median(ratios),
            "×",
            f"ours / theirs, median of {len(ratios)} days equal in unserved",
        )


def _calm(found: list[Row]) -> Iterator[Row]:
    """The calm option against the cheapest one."""
    shifted, driving = [], []
    for one in found:
        calm = next((o for o in one["options"] if o.policy.name == "calm"), None)
        same = [o for o in one["options"] if calm and o.unserved_priority == calm.unserved_priority]
        cheap = min(same, key=lambda o: o.extra_driving_seconds, default=None)
        if calm is not None and cheap is not None and cheap is not calm and cheap.shifted_aboard:
            shifted.append(len(calm.shifted_aboard) / len(cheap.shifted_aboard))
            driving.append(calm.driving_seconds / cheap.driving_seconds)
    yield _row(
        "recovery.calm.shifted",
        _median(shifted),
        "×",
        f"customers who notice, calm / cheapest; {len(shifted)} days with both",
    )
    yield _row(
        "recovery.calm.driving", _median(driving), "×", "driving of the rest of the day, calm / cheapest"
    )


def _median(values: list[float]) -> float:
    return statistics.median(values) if values else 0.0


def _scale() -> Iterator[Row]:
    """Processor time of the same work, and memory, on growing days with two broken vans; a process each."""
    for stops in SCALE:
        command = [sys.executable, "-m", "bench.bench_recovery", "scale", str(stops)]
        said = json.loads(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
        )
        yield _row(
            f"recovery.scale.{stops}.cpu",
            said["cpu"],
            "CPU-s",
            f"10,000 rounds; first plan after {said['first']:.3f} s",
        )
        yield _row(
            f"recovery.scale.{stops}.memory",
            said["memory"],
            "MB",
            "the matrix, and the most that is allocated besides",
        )


def _one_size(stops: int) -> None:
    problem = disrupted(Scenario(stops, 0, 7, 2, 1, 0.3))
    recover(problem, seconds=0.0, seed=1, iterations=10)
    began = time.process_time()
    found = recover(problem, seconds=0.0, seed=1, iterations=10_000)
    cpu = time.process_time() - began
    tracemalloc.start()
    recover(problem, seconds=0.0, seed=1, iterations=100)
    memory = (problem.travel_seconds.nbytes + tracemalloc.get_traced_memory()[1]) / 2**20
    print(json.dumps({"cpu": cpu, "first": found.first_seconds, "memory": memory}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["scale"]:
        _one_size(int(sys.argv[2]))
    else:
        for row in run():
            print(f"{row['name']:38} {row['value']:>12} {row['unit']:9} {row['note']}")
