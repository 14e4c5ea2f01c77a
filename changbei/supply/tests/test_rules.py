"""The supply rules, case by case."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changbei.supply import rules
from changbei.supply.rules import Customer, Wish

SOFT = Wish("P1", 10, "general", 9_800, 11_000)
SCARCE = Wish("P2", 5, "scarce", 39_000, 45_000)
CONTROLLED = Wish("P3", 1, "controlled", 60_000, 70_000)
GOOD = Customer(True, "law_abiding", True)

MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    "wishes,scarce,controlled,cartons",
    [
        ([SOFT], False, False, 10),
        ([SOFT, SCARCE], True, False, 15),
        ([CONTROLLED], False, True, 1),
        ([SCARCE, CONTROLLED], True, True, 6),
    ],
)
def test_eligibility_sees_the_classes_of_every_line(
    wishes: list[Wish], scarce: bool, controlled: bool, cartons: int
) -> None:
    assert rules.eligibility_inputs(GOOD, "planned", wishes, "customer-service-head") == {
        "licence_active": True,
        "conduct": "law_abiding",
        "marked_prices": True,
        "scarce": scarce,
        "controlled": controlled,
        "path": "planned",
        "cartons": cartons,
        "role": "customer-service-head",
    }


def test_a_consumer_pays_the_retail_price_and_a_shop_the_wholesale_price() -> None:
    assert [rules.price_fen(path, SOFT) for path in ("planned", "special", "consumer")] == [
        9_800,
        9_800,
        11_000,
    ]


@pytest.mark.parametrize(
    "lines,found",
    [
        ([{"product": "P1", "cartons": 3}], []),
        ([], [("lines", "at least one product is needed")]),
        ([{"product": "P9", "cartons": 3}], [("lines.1.product", "there is no product 'P9'")]),
        (
            [{"product": "P1", "cartons": 0}, {"product": "P1", "cartons": True}],
            [
                ("lines.1.cartons", "a whole number of cartons from 1 is needed"),
                ("lines.2.cartons", "a whole number of cartons from 1 is needed"),
            ],
        ),
    ],
)
def test_problems_of_lines(lines: list[dict[str, object]], found: list[tuple[str, str]]) -> None:
    assert [(one.field, one.message) for one in rules.problems(lines, ["P1"])] == found


def test_the_same_product_twice_is_one_wish() -> None:
    lines = [
        {"product": "P1", "cartons": 3},
        {"product": "P2", "cartons": 1},
        {"product": "P1", "cartons": 4},
    ]
    assert rules.joined(lines) == {"P1": 7, "P2": 1}


@pytest.mark.parametrize(
    "weekday,day",
    [
        (1, date(2026, 11, 23)),  # today
        (2, date(2026, 11, 24)),
        (5, date(2026, 11, 27)),
    ],
)
def test_the_order_day_is_the_next_one_today_included(weekday: int, day: date) -> None:
    assert rules.order_day(MONDAY, weekday) == day


def test_an_order_day_on_a_holiday_moves_to_the_next_working_day() -> None:
    # Thursday 2026-10-01 is National Day; the holiday lasts to Wednesday 2026-10-07
    assert rules.order_day(date(2026, 9, 29), 4) == date(2026, 10, 8)


def test_a_moved_order_day_is_today_when_it_comes() -> None:
    after = date(2026, 10, 8)  # a Thursday, the first working day after the seventh
    assert [rules.order_day(after, weekday) for weekday in (3, 4)] == [after, after]


@given(st.dates(date(2026, 1, 1), date(2026, 12, 24)), st.integers(1, 5))
def test_today_is_the_next_order_day_when_it_is_one(today: date, weekday: int) -> None:
    assert (rules.order_day(today, weekday) == today) == rules.is_order_day(today, weekday)


@pytest.mark.parametrize(
    "line_weekday,day",
    [(1, date(2026, 11, 30)), (2, date(2026, 11, 24)), (5, date(2026, 11, 27))],
)
def test_delivery_follows_the_order_day(line_weekday: int, day: date) -> None:
    assert rules.delivery_after(MONDAY, line_weekday) == day


@pytest.mark.parametrize(
    "today,hour,day",
    [
        (MONDAY, 9, MONDAY),
        (MONDAY, 13, MONDAY),
        (MONDAY, 14, date(2026, 11, 24)),
        (date(2026, 11, 27), 15, date(2026, 11, 30)),  # Friday afternoon
        (date(2026, 11, 28), 9, date(2026, 11, 30)),  # Saturday
    ],
)
def test_a_replenishment_goes_today_while_a_van_can(today: date, hour: int, day: date) -> None:
    assert rules.replenishment_day(today, hour) == day


@pytest.mark.parametrize(
    "path,approvers,enough",
    [
        ("planned", ["A"], True),
        ("planned", [], False),
        ("consumer", ["A"], True),
        ("special", ["A"], False),
        ("special", ["A", "A"], False),
        ("special", ["A", "B"], True),
    ],
)
def test_a_special_case_needs_two_different_people(path: str, approvers: list[str], enough: bool) -> None:
    assert rules.approved_enough(path, approvers) is enough


@pytest.mark.parametrize(
    "wanted,site",
    [({"P1": 10}, "station"), ({"P1": 50}, "center"), ({"P1": 50, "P2": 1}, ""), ({}, "station")],
)
def test_the_first_site_that_has_everything(wanted: dict[str, int], site: str) -> None:
    stock = {"station": {"P1": 20}, "center": {"P1": 80}}
    assert rules.site_with(wanted, stock, ["station", "center"]) == site


def test_a_usual_order_follows_what_is_held_most() -> None:
    held = {"P1": 100, "P2": 50, "P3": 50, "P4": 0}
    assert rules.usual_order(20, held) == {"P1": 10, "P2": 5, "P3": 5}
    assert rules.usual_order(3, held) == {"P1": 3}
    assert rules.usual_order(500, held) == {"P1": 100, "P2": 50, "P3": 50}
    assert rules.usual_order(5, {}) == {}


@given(st.integers(0, 300), st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 60)))
def test_a_usual_order_neither_makes_nor_overdraws_goods(cartons: int, held: dict[str, int]) -> None:
    given_out = rules.usual_order(cartons, held)
    assert all(0 < amount <= held[product] for product, amount in given_out.items())
    most = sum(sorted(held.values(), reverse=True)[: rules.KINDS_IN_A_USUAL_ORDER])
    assert sum(given_out.values()) == min(cartons, most)


def test_what_is_below_the_floor() -> None:
    assert rules.below_floor({"P1": 19, "P2": 20, "P3": 0}, 20) == ["P1", "P3"]
