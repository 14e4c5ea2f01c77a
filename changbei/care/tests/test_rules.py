"""When shops are visited, which visits are drawn, which answers differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changbei.care import rules
from changbei.care.rules import Shop
from changbei.core.durations import Duration
from changbei.core.workdays import is_workday
from changbei.plans.model import CheckItem, Option, Place

START = date(2026, 11, 24)  # a Tuesday
NONE: frozenset[int] = frozenset()

shops = st.lists(
    st.builds(
        Shop,
        key=st.integers(1, 60),
        place=st.integers(1, 5),
        weeks=st.integers(1, 8),
        not_on=st.frozensets(st.integers(1, 5), max_size=2),
        last=st.none() | st.dates(START - timedelta(days=90), START + timedelta(days=20)),
    ),
    max_size=40,
    unique_by=lambda one: one.key,
)


def test_shops_never_visited_are_taken_in_turn_over_their_whole_cycle() -> None:
    many = [Shop(key, place=key // 10, weeks=4, not_on=NONE) for key in range(200)]
    days = rules.working_days(START, 4)
    found = rules.spread(many, days, {})
    assert Counter(shop for shop, _ in found).most_common(1)[0][1] <= 2
    assert {shop for shop, _ in found} == set(range(200))
    each_day = Counter(day for _, day in found)
    assert min(each_day.values()) >= 7 and max(each_day.values()) <= 15  # ten on average
    assert all(
        len({shop // 10 for shop, on in found if on == day}) <= 4 for day in days
    )  # neighbours together


@given(shops, st.integers(0, 20))
def test_planning_again_later_adds_only_what_was_not_planned_yet(found: list[Shop], later: int) -> None:
    days = rules.working_days(START, 8)
    first = rules.spread(found, days, {})
    newest = dict(first)
    known = [replace(one, last=newest.get(one.key, one.last)) for one in found]
    again = rules.working_days(START + timedelta(days=later), 8)
    added = rules.spread(known, [day for day in again if day <= days[-1]], Counter(day for _, day in first))
    assert added == []


def test_a_shop_is_due_so_many_weeks_after_its_last_visit() -> None:
    shop = Shop(1, 1, weeks=3, not_on=NONE, last=date(2026, 11, 10))
    assert rules.spread([shop], rules.working_days(START, 4), {}) == [(1, date(2026, 12, 1))]


def test_it_keeps_clear_of_the_days_on_which_the_shop_orders_and_is_served() -> None:
    shop = Shop(1, 1, weeks=3, not_on=frozenset({1, 2}), last=date(2026, 11, 10))
    ((_, day),) = rules.spread([shop], rules.working_days(START, 2), {})
    assert day.isoweekday() not in {1, 2}
    assert abs(day - date(2026, 12, 1)) <= rules.SLACK


def test_the_emptiest_day_is_taken() -> None:
    shop = Shop(1, 1, weeks=2, not_on=NONE, last=START - timedelta(weeks=2))
    load = {START: 5, START + timedelta(days=1): 4}
    ((_, day),) = rules.spread([shop], rules.working_days(START, 1), load)
    assert day == START + timedelta(days=2)


@given(shops)
def test_the_same_shops_give_the_same_visits_on_working_days_within_the_horizon(found: list[Shop]) -> None:
    days = rules.working_days(START, 5)
    planned = rules.spread(found, days, {})
    assert planned == rules.spread(list(reversed(found)), days, {})
    assert {day for _, day in planned} <= set(days)
    assert all(is_workday(day) for _, day in planned)
    weeks = {shop.key: shop.weeks for shop in found}
    for key in weeks:
        mine = [day for shop, day in planned if shop == key]
        gaps = [after - before for before, after in pairwise(mine)]
        assert all(gap >= timedelta(weeks=weeks[key]) - rules.SLACK for gap in gaps)


def test_a_sample_is_drawn_again_by_its_seed_in_whatever_order() -> None:
    visits = [UUID(int=number) for number in range(100)]
    first = rules.drawn(visits, "a-seed", 10)
    assert rules.drawn(reversed(visits), "a-seed", 10) == first
    assert rules.drawn(visits, "another", 10) != first
    assert len(set(first)) == 10
    assert rules.drawn(visits, "a-seed", 5) == first[:5]


@pytest.mark.parametrize(
    ("done", "grace", "on_time"),
    [
        (date(2026, 11, 27), Duration(), True),
        (date(2026, 11, 28), Duration(), False),
        (date(2026, 12, 1), Duration(working_days=2), True),  # Friday and two working days
        (date(2026, 12, 2), Duration(working_days=2), False),
        (date(2026, 11, 30), Duration(seconds=3 * 86400), True),
    ],
)
def test_on_time_is_until_the_grace_is_over(done: date, grace: Duration, on_time: bool) -> None:
    assert rules.is_on_time(date(2026, 11, 27), done, grace) is on_time


def item(answer: str, **more: object) -> CheckItem:
    words = {"zh-Hans": "项", "zh-Hant": "項", "en": "Item"}
    given = {
        "guide": {},
        "clause": "J2",
        "unit": words if answer == "number" else {},
        "options": (Option("a", words), Option("b", words)) if answer == "choice" else (),
        "required": True,
        "found": (),
        "below": None,
        "above": None,
        "begins": None,
        "duty": "",
        "place": Place("x", 1, 1),
    }
    return CheckItem(id="one", label=words, answer=answer, **given | more)  # type: ignore[arg-type]


def test_what_two_people_saw_differs_where_it_matters() -> None:
    assert rules.differs(item("yes_no"), True, False)
    assert rules.differs(item("choice"), "a", "b")
    assert not rules.differs(item("choice"), "a", "a")
    assert not rules.differs(item("number", above=6.0), 2, 3)  # stock moves from week to week
    assert rules.differs(item("number", above=6.0), 2, 8)
    assert not rules.differs(item("text"), "so", "so so")
