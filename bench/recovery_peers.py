"""The same disrupted day given to others, and one judge for all plans.

The judge is written from the rules alone and shares nothing with the product: times, windows, shifts, capacity, goods.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.peers import environment
from changbei.compute.recovery import Call, Problem, Recovery

Token = list[Any]
Plan = dict[int, list[Token]]
KEPT = environment.ROOT / "build" / "recovery-peers"
PEERS = {
    "PyVRP": ("recovery_pyvrp", "scratch"),
    "PyVRP warm": ("recovery_pyvrp", "warm"),
    "OR-Tools": ("recovery_ortools", "scratch"),
    "VROOM": ("recovery_vroom", "scratch"),
}


def plan_of(recovery: Recovery) -> Plan:
    return {
        van: [
            ["b", token.place, list(token.orders)] if isinstance(token, Call) else ["o", token.order]
            for token in plan.tokens
        ]
        for van, plan in enumerate(recovery.vans)
    }


def ask(peer: str, problem: Problem, hand: Plan, seconds: float) -> tuple[Plan | None, float]:
    """The peer's plan and the processor seconds it took; None: nothing that may be driven. 0 seconds: to its end.

    Answers are kept under build/, so that ours can be measured again without waiting hours for the others.
    """
    program, begin = PEERS[peer]
    day = {**_arrays(problem), "hand": np.array(json.dumps({str(van): row for van, row in hand.items()}))}
    kept = KEPT / f"{_digest(day, program, begin, seconds)}.json"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "day.npz"
            np.savez(path, **day)
            said = environment.run(program, path, seconds, begin)
        KEPT.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(said))
    said = json.loads(kept.read_text())
    plan = {int(van): row for van, row in said["plan"].items()}
    return plan or None, float(said["seconds"])


def _digest(day: dict[str, Any], program: str, begin: str, seconds: float) -> str:
    """Of everything an answer depends on: the day, the seconds, the peer's program and its version."""
    text = (environment.HERE / f"{program}_peer.py").read_bytes() + environment.wanted().encode()
    found = hashlib.sha256(text + f"{begin} {seconds}".encode())
    for name in sorted(day):
        found.update(name.encode() + np.ascontiguousarray(day[name]).tobytes())
    return found.hexdigest()[:24]


def _arrays(problem: Problem) -> dict[str, Any]:
    """Only the locations that are still of interest: starts, ends, places, orders."""
    vans, orders, places = problem.vans, problem.orders, problem.places
    where = np.concatenate([vans.start, vans.end, places.location, orders.location])
    travel = np.ascontiguousarray(problem.travel_seconds[where[:, None], where[None, :]], dtype=np.int32)
    np.fill_diagonal(travel, 0)
    return {
        "travel": travel,
        "capacity": vans.capacity,
        "ready": vans.ready_seconds,
        "limit": problem.van_limit_seconds,
        "reserve": vans.reserve,
        "handover": places.handover_seconds,
        "each": places.handover_per_order_seconds,
        "size": orders.size,
        "service": orders.service_seconds,
        "open": orders.window_open_seconds,
        "close": orders.window_close_seconds,
        "priority": orders.priority,
        "source": orders.source,
        "home": problem.home,
    }


def judge(problem: Problem, plan: Plan) -> dict[str, int]:
    """What a van carries and the plan leaves unserved is put off before it drives, and takes no room.

    violations, unserved (priority), extra (driving seconds), touched (sound vans), shifted (customers of sound vans
    whose van comes more than 15 minutes earlier or later)."""
    travel, orders, vans, places = problem.travel_seconds, problem.orders, problem.vans, problem.places
    driving, violations, touched, begins = 0, 0, 0, {}
    for van in range(len(vans)):
        row = plan.get(van, [])
        now, here = int(vans.ready_seconds[van]), int(vans.start[van])
        served = {int(number) for what, number, *_ in row if what == "o"}
        aboard = {i: int(orders.size[i]) for i in problem.planned[van] if i in served}
        for token in row:
            what, number = token[0], int(token[1])
            there = int((orders if what == "o" else places).location[number])
            driving += int(travel[here, there])
            now, here = now + int(travel[here, there]), there
            if what == "b":
                aboard |= {i: int(orders.size[i]) for i in token[2]}
                violations += any(int(orders.source[i]) != number for i in token[2])
                violations += sum(aboard.values()) > int(vans.capacity[van])
                now = max(now, int(places.ready_seconds[number])) + int(places.handover_seconds[number])
                now += len(token[2]) * int(places.handover_per_order_seconds[number])
                continue
            now = max(now, int(orders.window_open_seconds[number]))
            violations += (
                number in begins or number not in aboard or now > int(orders.window_close_seconds[number])
            )
            begins[number] = now
            aboard.pop(number, None)
            now += int(orders.service_seconds[number])
        if row or not vans.reserve[van]:
            driving += int(travel[here, vans.end[van]])
            violations += now + int(travel[here, vans.end[van]]) > int(problem.van_limit_seconds[van])
        as_planned = row == [["o", i] for i in problem.planned[van]]
        touched += not vans.reserve[van] and not as_planned
    left = [i for i in range(len(orders)) if i not in begins]
    eta = problem.eta_seconds
    return {
        "violations": int(violations),
        "unserved": int(orders.priority[left].sum()),
        "extra": driving - problem.undisturbed_driving_seconds,
        "touched": int(touched),
        "shifted": sum(1 for i, at in begins.items() if orders.source[i] < 0 and abs(at - int(eta[i])) > 900),
    }
