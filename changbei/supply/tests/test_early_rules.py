"""Early warnings and substitutes, case by case and as properties (E3.5.2a, E3.5.2b)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changbei.supply import rules
from changbei.supply.rules import Goods, Offered, Thresholds, UnderWay

LIMITS = Thresholds(short_weeks=1.0, slow_weeks=12.0, many_complaints=5, many_quality_complaints=3)
TODAY = date(2026, 11, 23)
BALLAST = Goods("ballast", "general", 10_000, 0, 1_000.0)  # so that not everything together is short


def warned(*goods: Goods, under_way: tuple[UnderWay, ...] = ()) -> list[tuple[str, str, str]]:
    found = rules.signals([*goods, BALLAST], under_way, LIMITS, TODAY)
    return [(one.kind, one.subject, one.proposal) for one in found]


@pytest.mark.parametrize(
    "stock,coming,complaints,supply_class,found",
    [
        (99, 0, 0, "general", [("brand_short", "P", "survey")]),
        (99, 0, 4, "general", [("brand_short", "P", "survey")]),
        (99, 0, 5, "general", [("brand_short", "P", "adjust_transfer")]),
        (99, 1, 5, "general", []),  # what is under way and due in time counts
        (100, 0, 5, "general", []),
        (0, 0, 0, "scarce", []),  # scarce by nature
        (0, 0, 5, "scarce", [("brand_short", "P", "adjust_transfer")]),
        (1_200, 0, 0, "general", []),
        (1_201, 0, 0, "general", [("slow", "P", "adjust_plan")]),
    ],
)
def test_short_and_slow(
    stock: int, coming: int, complaints: int, supply_class: str, found: list[tuple[str, str, str]]
) -> None:
    assert warned(Goods("P", supply_class, stock, coming, 100.0, complaints)) == found


def test_poor_quality_goes_to_the_factory_and_is_not_called_slow_as_well() -> None:
    poor = Goods("P", "general", 5_000, 0, 100.0, 0, 3)
    assert warned(poor) == [("quality", "P", "contact_factory")]


def test_goods_nobody_asks_for_sell_slowly_and_missing_ones_do_not() -> None:
    assert warned(Goods("P", "general", 1, 0, 0.0)) == [("slow", "P", "adjust_plan")]
    assert warned(Goods("P", "general", 0, 0, 0.0)) == []


def test_where_nobody_records_demand_stock_says_nothing() -> None:
    goods = [Goods("A", "general", 5_000, 0, 0.0), Goods("B", "general", 0, 0, 0.0)]
    assert rules.signals(goods, [], LIMITS, TODAY) == []


def test_everything_short_together_asks_the_province() -> None:
    goods = [Goods("A", "general", 90, 0, 100.0, 2), Goods("B", "general", 110, 0, 110.0, 1)]
    found = rules.signals(goods, [], LIMITS, TODAY)
    assert [(one.kind, one.subject, one.proposal) for one in found] == [
        ("total_short", "all", "ask_province"),
        ("brand_short", "A", "survey"),
    ]
    assert found[0].figures == {
        "stock": 200,
        "in_transit": 0,
        "weekly": 210,
        "cover_weeks": 1.0,
        "complaints": 3,
        "quality_complaints": 0,
    }


@pytest.mark.parametrize(
    "due,expected,days",
    [(2, 2, 0), (2, 3, 1), (0, 0, 0), (-1, -1, 1), (-1, 4, 5), (5, 3, 0)],
)
def test_goods_are_late_when_they_miss_the_cycle(due: int, expected: int, days: int) -> None:
    one = UnderWay("SHP-0001", "P", 50, TODAY + timedelta(due), TODAY + timedelta(expected))
    found = rules.signals([BALLAST], [one], LIMITS, TODAY)
    assert [(signal.kind, signal.figures["days_late"]) for signal in found] == (
        [("late", days)] if days else []
    )


def offered(code: str, **more: Any) -> Offered:
    given = {
        "supply_class": "general",
        "stock": 1_000,
        "weekly": 100.0,
        "price_class": 3,
        "wholesale": 10_000,
    }
    given |= more
    goods = Goods(code, given["supply_class"], given["stock"], 0, given["weekly"])
    return Offered(goods, f"M-{code}", given["price_class"], given["wholesale"])


MISSING = offered("missing", stock=0)


def codes(*others: Offered, wanted: int = 300) -> list[str]:
    found = rules.substitutes(MISSING, [MISSING, *others], wanted, keep_weeks=1.0)
    return [one.offered.goods.product for one in found]


def test_only_the_same_price_class_and_neither_scarce_nor_controlled_goods() -> None:
    assert codes(
        offered("near", wholesale=10_100),
        offered("other-class", price_class=2),
        offered("scarce", supply_class="scarce"),
        offered("controlled", supply_class="controlled"),
    ) == ["near"]


def test_what_suffices_comes_first_then_the_closest_price_then_the_most_to_spare() -> None:
    assert codes(
        offered("close-but-short", wholesale=10_010, stock=399),  # 299 to spare
        offered("far", wholesale=12_000),
        offered("near", wholesale=9_900),
        offered("near-and-more", wholesale=10_100, stock=2_000),
    ) == ["near-and-more", "near", "far", "close-but-short"]


def test_how_close_is_measured() -> None:
    (one,) = rules.substitutes(MISSING, [offered("near", wholesale=9_500)], 950, keep_weeks=1.0)
    assert (one.price_difference, one.spare_cartons, one.suffices) == (0.05, 900, False)


GOODS = st.builds(
    Goods,
    product=st.sampled_from([f"P{n}" for n in range(8)]),
    supply_class=st.sampled_from(["general", "scarce", "controlled"]),
    stock=st.integers(0, 5_000),
    in_transit=st.integers(0, 500),
    weekly=st.floats(0, 500),
    complaints=st.integers(0, 10),
    quality_complaints=st.integers(0, 5),
)


@given(st.lists(GOODS, unique_by=lambda one: one.product, max_size=8))
def test_more_stock_never_makes_goods_shorter(goods: list[Goods]) -> None:
    def short(rows: list[Goods]) -> set[str]:
        found = rules.signals(rows, [], LIMITS, TODAY)
        return {one.subject for one in found if one.kind in ("brand_short", "total_short")}

    more = [
        Goods(g.product, g.supply_class, g.stock + 100, g.in_transit, g.weekly, g.complaints) for g in goods
    ]
    assert short(more) <= short(goods)


@given(st.lists(GOODS, unique_by=lambda one: one.product, max_size=8))
def test_each_subject_is_warned_about_once_for_each_kind(goods: list[Goods]) -> None:
    found = [(one.kind, one.subject) for one in rules.signals(goods, [], LIMITS, TODAY)]
    assert len(found) == len(set(found))
