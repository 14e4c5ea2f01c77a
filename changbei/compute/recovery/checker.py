"""The judge: simple code of its own that shares nothing with the search, so that one cannot hide the other's error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from changbei.compute.recovery.model import SHIFT_LIMIT_SECONDS, Problem
from changbei.compute.recovery.policy import allowed_vans
from changbei.compute.recovery.result import Call, Recovery, Stop, VanPlan


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule: kind (window, shift, capacity, goods, served_twice, policy, figure), where, and what exactly."""

    kind: str
    van: int
    detail: str


def check(problem: Problem, recovery: Recovery) -> list[Violation]:
    """Every rule a recovery breaks, and every figure it states wrongly; empty when it may be driven."""
    found: list[Violation] = []
    allowed = allowed_vans(problem, recovery.policy)
    if len(recovery.vans) != len(problem.vans):
        return [Violation("figure", -1, f"{len(recovery.vans)} van plans for {len(problem.vans)} vans")]
    if unknown := list(_unknown(problem, recovery)):
        return unknown
    served: dict[int, int] = {}
    taken: set[int] = set()
    for van, plan in enumerate(recovery.vans):
        found += _check_van(problem, recovery, allowed, van, plan)
        found += _check_goods(van, plan, taken)
        for order in plan.orders:
            if order in served:
                found.append(
                    Violation("served_twice", van, f"order {order}, also served by van {served[order]}")
                )
            served[order] = van
    return found + _check_figures(problem, recovery, served)


def _unknown(problem: Problem, recovery: Recovery) -> Iterator[Violation]:
    """Orders and places that the problem does not know; beginnings that no stop belongs to."""
    for van, plan in enumerate(recovery.vans):
        if len(plan.begin_seconds) != len(plan.tokens):
            said = f"{len(plan.begin_seconds)} beginnings of {len(plan.tokens)} stops"
            yield Violation("figure", van, said)
        for call in plan.calls:
            if not 0 <= call.place < len(problem.places):
                yield Violation("goods", van, f"there is no place {call.place}")
        for order in (*plan.orders, *(order for call in plan.calls for order in call.orders)):
            if not 0 <= order < len(problem.orders):
                yield Violation("goods", van, f"there is no order {order}")


def _check_goods(van: int, plan: VanPlan, taken: set[int]) -> Iterator[Violation]:
    """What is taken over is taken by one van, and delivered by it; `taken` by the vans before, and by this one then."""
    served = set(plan.orders)
    for order in (order for call in plan.calls for order in call.orders):
        if order in taken:
            yield Violation("goods", van, f"order {order} is taken over twice")
        if order not in served:
            yield Violation("goods", van, f"order {order} is taken over and not delivered")
        taken.add(order)


def _check_van(
    problem: Problem, recovery: Recovery, allowed: tuple[tuple[int, ...], ...], van: int, plan: VanPlan
) -> list[Violation]:
    """Drive the list, stop by stop."""
    found: list[Violation] = []
    orders, places, travel = problem.orders, problem.places, problem.travel_seconds
    now, here = int(problem.vans.ready_seconds[van]), int(problem.vans.start[van])
    aboard = {order: int(orders.size[order]) for order in problem.planned[van]}
    driving, begins = 0, []
    for token in plan.tokens:
        is_call = isinstance(token, Call)
        there = (
            int(places.location[token.place])
            if isinstance(token, Call)
            else int(orders.location[token.order])
        )
        driving += int(travel[here, there])
        now, here = now + int(travel[here, there]), there
        if isinstance(token, Call):
            now = max(now, int(places.ready_seconds[token.place]))
            begins.append(now)
            now += int(places.handover_seconds[token.place])
            now += len(token.orders) * int(places.handover_per_order_seconds[token.place])
            if van not in allowed[token.place]:
                found.append(Violation("policy", van, f"may not call at place {token.place}"))
            for order in token.orders:
                if int(orders.source[order]) != token.place or order in aboard:
                    found.append(
                        Violation("goods", van, f"order {order} is not to be had at place {token.place}")
                    )
                aboard[order] = int(orders.size[order])
        else:
            assert isinstance(token, Stop)
            order = token.order
            now = max(now, int(orders.window_open_seconds[order]))
            begins.append(now)
            if now > int(orders.window_close_seconds[order]):
                found.append(Violation("window", van, f"order {order} begins at {now}"))
            if order not in aboard:
                found.append(Violation("goods", van, f"order {order} is not aboard"))
            aboard.pop(order, None)
            now += int(orders.service_seconds[order])
        if is_call and sum(aboard.values()) > int(problem.vans.capacity[van]):
            found.append(Violation("capacity", van, f"carries {sum(aboard.values())}"))
    end = int(problem.vans.end[van])
    stays = bool(problem.vans.reserve[van]) and not plan.tokens
    if not stays:
        driving, now = driving + int(travel[here, end]), now + int(travel[here, end])
    straight = int(problem.vans.ready_seconds[van]) + int(travel[problem.vans.start[van], end])
    limit = max(int(problem.vans.shift_end_seconds[van]) + recovery.policy.overtime_seconds, straight)
    if not stays and now > limit:
        found.append(Violation("shift", van, f"returns at {now}, allowed {limit}"))
    stated = (plan.driving_seconds, plan.return_seconds, plan.begin_seconds)
    if stated != (driving, now, tuple(begins)):
        found.append(
            Violation("figure", van, f"times stated {stated}, driven {(driving, now, tuple(begins))}")
        )
    return found


def _check_figures(problem: Problem, recovery: Recovery, served: dict[int, int]) -> list[Violation]:
    begin = {
        token.order: at
        for plan in recovery.vans
        for token, at in zip(plan.tokens, plan.begin_seconds, strict=True)
        if isinstance(token, Stop)
    }
    unserved = tuple(i for i in range(len(problem.orders)) if i not in served)
    driving = sum(plan.driving_seconds for plan in recovery.vans)
    shifted = tuple(
        i
        for i in sorted(begin)
        if problem.eta_seconds[i] >= 0 and abs(begin[i] - int(problem.eta_seconds[i])) > SHIFT_LIMIT_SECONDS
    )
    reserve = problem.vans.reserve
    changed = [van for van, plan in enumerate(recovery.vans) if plan.tokens != _as_planned(problem, van)]
    overtime = max(
        (
            plan.return_seconds - int(problem.vans.shift_end_seconds[van])
            for van, plan in enumerate(recovery.vans)
            if plan.tokens
        ),
        default=0,
    )
    truth = {
        "unserved": unserved,
        "unserved_priority": sum(int(problem.orders.priority[i]) for i in unserved),
        "unserved_value": sum(int(problem.orders.value[i]) for i in unserved),
        "driving_seconds": driving,
        "extra_driving_seconds": driving - problem.undisturbed_driving_seconds,
        "moved": tuple(i for i in sorted(served) if problem.orders.source[i] >= 0),
        "touched_vans": tuple(van for van in changed if not reserve[van]),
        "reserve_vans": tuple(van for van in changed if reserve[van]),
        "shifted": shifted,
        "shifted_aboard": tuple(i for i in shifted if problem.orders.source[i] < 0),
        "overtime_seconds": max(overtime, 0),
    }
    return [
        Violation("figure", -1, f"{name} stated {getattr(recovery, name)}, is {value}")
        for name, value in truth.items()
        if getattr(recovery, name) != value
    ]


def _as_planned(problem: Problem, van: int) -> tuple[Stop, ...]:
    return tuple(Stop(order) for order in problem.planned[van])
