"""Held against a foreign scenario maker and its own judge, when that folder is beside the repository."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from changbei.compute.recovery import Call, Orders, Places, Problem, Recovery, Token, Vans, check, recover

FOREIGN = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "delivery"

pytestmark = pytest.mark.skipif(
    not (FOREIGN / "scen.py").exists(), reason="no foreign scenarios beside the repository"
)


@pytest.fixture(scope="module")
def scen() -> Any:
    sys.path.insert(0, str(FOREIGN))
    try:
        yield importlib.import_module("scen")
    finally:
        sys.path.remove(str(FOREIGN))


def problem_of(scen: Any, scenario: dict[str, Any]) -> Problem:
    orders, vans, breaks = scenario["orders"], scenario["vans"], scenario["breaks"]
    number = {van["k"]: index for index, van in enumerate(vans)}
    planned: list[list[int]] = [[] for _ in vans]
    stranded: list[list[int]] = [[] for _ in breaks]
    for index, order in enumerate(orders):
        (planned[number[order["home"]]] if order["src"] < 0 else stranded[order["src"]]).append(index)
    names = ("loc", "tw0", "tw1", "svc", "dem", "pri", "src", "eta")
    column = {name: [order[name] for order in orders] for name in names}
    return Problem(
        travel_seconds=scenario["M"],
        vans=Vans.of(
            start=[van["loc"] for van in vans],
            end=0,
            ready_seconds=[van["ready"] for van in vans],
            shift_end_seconds=scen.END,
            capacity=[van["Q"] for van in vans],
            reserve=[bool(van["reserve"]) for van in vans],
        ),
        orders=Orders.of(
            location=column["loc"],
            window_open_seconds=column["tw0"],
            window_close_seconds=column["tw1"],
            service_seconds=column["svc"],
            size=column["dem"],
            priority=column["pri"],
            source=column["src"],
            eta_seconds=column["eta"],
        ),
        places=Places.of(
            location=[place["loc"] for place in breaks],
            handover_seconds=scen.H0,
            handover_per_order_seconds=scen.H1,
            planned=stranded,
        ),
        planned=tuple(tuple(row) for row in planned),
        base_driving_seconds=scenario["base"],
    )


def judged(scen: Any, scenario: dict[str, Any], recovery: Recovery) -> dict[str, int]:
    plan = {van: [said(token) for token in row.tokens] for van, row in enumerate(recovery.vans)}
    return dict(scen.check(scenario, plan, "T"))


def said(token: Token) -> tuple[Any, ...]:
    """A token in the foreign folder's words."""
    return ("b", token.place, token.orders) if isinstance(token, Call) else ("o", token.order)


def dispatcher(scen: Any, scenario: dict[str, Any]) -> dict[str, int]:
    """By hand: one reserve per breakdown takes the whole load and delivers in the planned sequence, skipping what is
    late, dropping from the end what the shift or the van does not hold."""
    orders, vans, travel = scenario["orders"], scenario["vans"], scenario["M"]
    plan = {
        index: [("o", i) for i, order in enumerate(orders) if order["home"] == van["k"] and order["src"] < 0]
        for index, van in enumerate(vans)
    }

    def fault(van: dict[str, Any], place: int, row: list[int]) -> int | None:
        now, here = van["ready"], scenario["breaks"][place]["loc"]
        now += travel[van["loc"], here] + scen.H0 + scen.H1 * len(row)
        for i in row:
            now = max(now + travel[here, orders[i]["loc"]], orders[i]["tw0"])
            here = orders[i]["loc"]
            if now > orders[i]["tw1"]:
                return i
            now += orders[i]["svc"]
        full = sum(orders[i]["dem"] for i in row) > van["Q"]
        return row[-1] if full or now + travel[here, 0] > scen.END else None

    reserves = [index for index, van in enumerate(vans) if van["reserve"]]
    for place, index in zip(range(len(scenario["breaks"])), reserves, strict=False):
        row = [i for i, order in enumerate(orders) if order["src"] == place]
        while row and (gone := fault(vans[index], place, row)) is not None:
            row.remove(gone)
        plan[index] = [("b", place), *(("o", i) for i in row)]
    return dict(scen.check(scenario, plan, "T"))


@pytest.mark.parametrize(
    ("day", "seed", "breakdowns", "reserves", "more"),
    [
        ("d2000_s1", 101, 1, 1, {}),
        ("d2000_s1", 102, 2, 1, {}),
        ("d2000_s2", 103, 3, 1, {}),
        ("d2000_s2", 104, 2, 3, {"frac": 0.55}),
        ("d2000_s1", 105, 1, 0, {}),
        ("d2000_s2", 106, 1, 1, {"new_orders": 20}),
        pytest.param("d6000_s1", 107, 3, 2, {}, marks=pytest.mark.slow),
    ],
)
def test_valid_and_no_worse_than_by_hand(
    scen: Any, day: str, seed: int, breakdowns: int, reserves: int, more: dict[str, Any]
) -> None:
    scenario = scen.make(str(FOREIGN / f"{day}.npz"), seed, breakdowns, reserves, **more)
    problem = problem_of(scen, scenario)

    recovery = recover(problem, seconds=0, seed=1, iterations=60)

    theirs = judged(scen, scenario, recovery)
    assert check(problem, recovery) == []
    assert theirs["viol"] == 0
    assert theirs["unsp"] == recovery.unserved_priority
    assert theirs["prem"] == recovery.extra_driving_seconds
    assert theirs["touched"] == len(recovery.touched_vans)
    assert theirs["unsp"] <= dispatcher(scen, scenario)["unsp"]


def test_closed_roads_are_driven_around_and_closed_stops_left_out(scen: Any) -> None:
    scenario = scen.make(str(FOREIGN / "d2000_s1.npz"), 108, 1, 1, closure=1500)
    closed = {index for index, order in enumerate(scenario["orders"]) if order.get("closed")}

    recovery = recover(problem_of(scen, scenario), seconds=0, seed=1, iterations=60)

    assert closed
    assert closed <= set(recovery.unserved)
    assert judged(scen, scenario, recovery)["viol"] == 0
