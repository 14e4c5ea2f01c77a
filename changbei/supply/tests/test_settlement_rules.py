"""Who may settle in cash, and what a settlement is off by (E2.7, E3.2.4)."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from changbei.supply import rules

HELD = ("active", "orders_today", "weather", "affected", "electronic")
REASONS = {
    "active": "no-licence",
    "orders_today": "not-order-day",
    "weather": "no-weather",
    "affected": "not-affected",
    "electronic": "pays-cash-anyway",
}


@pytest.mark.parametrize("case", list(product([True, False], repeat=5)), ids=str)
def test_cash_needs_the_order_day_and_weather_and_being_affected(case: tuple[bool, ...]) -> None:
    asked = dict(zip(HELD, case, strict=True))
    found = rules.cash_refusals(**asked)
    assert (found == []) is all(case)
    assert set(found) == {REASONS[name] for name, holds in asked.items() if not holds}


@pytest.mark.parametrize(
    "today,weekday,orders",
    [
        (date(2026, 11, 23), 1, True),  # Monday
        (date(2026, 11, 23), 2, False),
        (date(2026, 10, 8), 4, True),  # the first day after the holiday: Thursday's own
        (date(2026, 10, 8), 1, True),  # Monday 5 October was a holiday and moved here
        (date(2026, 10, 8), 5, True),  # and so did Friday 2 October
        (date(2026, 10, 9), 5, True),
        (date(2026, 10, 9), 1, False),
        (date(2026, 10, 5), 1, False),  # a holiday is nobody's order day
    ],
)
def test_an_order_day_that_was_a_holiday_has_moved(today: date, weekday: int, orders: bool) -> None:
    assert rules.is_order_day(today, weekday) is orders


@pytest.mark.parametrize(
    "kind,booked,right,wrong",
    [
        ("twice", 200, 100, True),
        ("twice", 100, 100, False),
        ("amount", 90, 100, True),
        ("amount", 110, 100, True),
        ("amount", 100, 100, False),
        ("account", 100, 0, True),
        ("account", 100, 100, False),
        ("missing", 0, 100, True),
        ("missing", 5, 100, False),
        ("missing", 0, 0, False),
    ],
)
def test_the_figures_have_to_show_what_is_said_to_be_wrong(
    kind: str, booked: int, right: int, wrong: bool
) -> None:
    assert rules.is_wrong(kind, booked, right) is wrong


def test_the_gap_is_what_the_customer_is_owed() -> None:
    assert [rules.settlement_gap_fen(booked, right) for booked, right in ((200, 100), (0, 100))] == [
        100,
        -100,
    ]
