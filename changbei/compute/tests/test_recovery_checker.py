"""The judge finds every kind of broken rule, and nothing in a sound plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from changbei.compute.recovery import (
    ALL_MEANS,
    OWN_RESERVE,
    Call,
    Problem,
    Recovery,
    Stop,
    Token,
    check,
    recover,
)
from changbei.compute.tests.days import one_breakdown


@pytest.fixture(scope="module")
def sound() -> Recovery:
    return recover(one_breakdown(), seconds=0, seed=1, policy=OWN_RESERVE, iterations=20)


def kinds(problem: Problem, recovery: Recovery) -> set[str]:
    return {violation.kind for violation in check(problem, recovery)}


def with_tokens(recovery: Recovery, van: int, *tokens: Token) -> Recovery:
    vans = list(recovery.vans)
    vans[van] = replace(vans[van], tokens=tokens, begin_seconds=(0,) * len(tokens))
    return replace(recovery, vans=tuple(vans))


def test_a_sound_plan_passes(sound: Recovery) -> None:
    assert check(one_breakdown(), sound) == []


def test_delivering_before_the_goods_are_aboard(sound: Recovery) -> None:
    assert "goods" in kinds(one_breakdown(), with_tokens(sound, 1, Stop(2), Call(0, (2, 3)), Stop(3)))


def test_delivering_what_another_van_has_aboard(sound: Recovery) -> None:
    assert "goods" in kinds(
        one_breakdown(), with_tokens(sound, 1, Call(0, (2, 3)), Stop(2), Stop(3), Stop(0))
    )


def test_taking_over_what_does_not_lie_there(sound: Recovery) -> None:
    assert "goods" in kinds(one_breakdown(), with_tokens(sound, 1, Call(0, (0, 2, 3)), Stop(2), Stop(3)))


def test_serving_somebody_twice(sound: Recovery) -> None:
    twice = with_tokens(sound, 1, Call(0, (2, 3)), Stop(2), Stop(3), Stop(3))
    assert "served_twice" in kinds(one_breakdown(), twice)


def test_taking_over_what_another_van_takes_over_or_what_is_not_delivered(sound: Recovery) -> None:
    day = replace(one_breakdown(), vans=replace(one_breakdown().vans, reserve=np.array([False, False])))
    anybody = replace(sound, policy=ALL_MEANS)
    twice = with_tokens(anybody, 0, Call(0, (2,)), Stop(0), Stop(1))
    details = [violation.detail for violation in check(day, twice) if violation.kind == "goods"]
    assert details == ["order 2 is taken over and not delivered", "order 2 is taken over twice"]


@pytest.mark.parametrize("token", [Stop(4), Stop(-1), Call(1, (2,)), Call(0, (9,))])
def test_what_nobody_knows(sound: Recovery, token: Token) -> None:
    assert kinds(one_breakdown(), with_tokens(sound, 0, token)) == {"goods"}


def test_beginnings_that_belong_to_no_stop(sound: Recovery) -> None:
    vans = (sound.vans[0], replace(sound.vans[1], begin_seconds=(90,)))
    assert kinds(one_breakdown(), replace(sound, vans=vans)) == {"figure"}


def test_a_van_that_may_not_help(sound: Recovery) -> None:
    assert "policy" in kinds(one_breakdown(), with_tokens(sound, 0, Call(0, (2,)), Stop(2), Stop(0), Stop(1)))


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [("capacity", 3, "capacity"), ("shift_end_seconds", 675, "shift")],
)
def test_limits_of_the_van(sound: Recovery, column: str, value: int, kind: str) -> None:
    day = one_breakdown()
    limits = getattr(day.vans, column).copy()
    limits[1] = value
    assert kinds(replace(day, vans=replace(day.vans, **{column: limits})), sound) - {"figure"} == {kind}


def test_a_window_missed_by_a_second(sound: Recovery) -> None:
    day = one_breakdown()
    close = np.array([9999, 9999, 9999, 525])
    assert kinds(replace(day, orders=replace(day.orders, window_close_seconds=close)), sound) == {"window"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"unserved": (2,)},
        {"unserved_priority": 5},
        {"driving_seconds": 1},
        {"extra_driving_seconds": 29},
        {"moved": ()},
        {"touched_vans": (0,)},
        {"reserve_vans": ()},
        {"shifted": (2,)},
        {"overtime_seconds": 1},
        {"vans": ()},
    ],
)
def test_a_figure_that_is_not_true(sound: Recovery, wrong: dict[str, object]) -> None:
    assert kinds(one_breakdown(), replace(sound, **wrong)) == {"figure"}


def test_a_return_that_is_not_true(sound: Recovery) -> None:
    vans = (sound.vans[0], replace(sound.vans[1], return_seconds=1))
    assert "figure" in kinds(one_breakdown(), replace(sound, vans=vans))
