"""Days small enough to work out on paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from changbei.compute.recovery import (
    ALL_MEANS,
    CALM,
    NEAREST_RESERVE,
    NEIGHBOURING_LINES,
    OVERTIME,
    OWN_RESERVE,
    Call,
    Orders,
    Places,
    Policy,
    Problem,
    Stop,
    VanPlan,
    Vans,
    allowed_vans,
    alternatives,
    check,
    recover,
)
from changbei.compute.tests.days import DAY_END, one_breakdown, road
from changbei.core.errors import Invalid


def test_the_reserve_takes_the_whole_load_over() -> None:
    recovery = recover(one_breakdown(), seconds=0, seed=1, policy=OWN_RESERVE, iterations=50)

    # away at 60, 30 s to the breakdown, 300 + 2·8 s hand-over, then 1 s, 100 s service, 19 s, 100 s service, 50 s home
    assert recovery.vans[1] == VanPlan(
        tokens=(Call(0, (2, 3)), Stop(2), Stop(3)),
        begin_seconds=(90, 407, 526),
        return_seconds=676,
        driving_seconds=100,
    )
    assert recovery.vans[0].tokens == (Stop(0), Stop(1))
    assert recovery.vans[0].begin_seconds == (10, 130)
    assert (recovery.moved, recovery.unserved, recovery.touched_vans, recovery.reserve_vans) == (
        (2, 3),
        (),
        (),
        (1,),
    )
    # undisturbed: 10 + 20 + 40 for van 0 and 1 + 19 + 50 for the broken one
    assert recovery.driving_seconds == 170
    assert recovery.extra_driving_seconds == 30
    assert recovery.feasible
    assert recovery.complete
    assert check(one_breakdown(), recovery) == []


def test_a_neighbouring_line_takes_it_when_no_reserve_may() -> None:
    recovery = recover(one_breakdown(), seconds=0, seed=1, policy=NEIGHBOURING_LINES, iterations=200)

    assert recovery.unserved == ()
    assert recovery.touched_vans == (0,)
    assert recovery.reserve_vans == ()
    assert recovery.vans[1].tokens == ()
    # out to 50 and home again is the least any van can drive: 40 + 50, against 140 undisturbed
    assert recovery.driving_seconds == 90
    assert recovery.extra_driving_seconds == -50


def test_goods_aboard_count_against_the_capacity_of_who_takes_over() -> None:
    day = one_breakdown()
    # van 0 carries 4; with room for 7 it can take one stranded order before it delivers, both after the first stop
    tight = replace(day, vans=replace(day.vans, capacity=np.array([7, 0])))
    recovery = recover(tight, seconds=0, seed=1, policy=NEIGHBOURING_LINES, iterations=200)

    assert recovery.unserved == ()
    tokens = recovery.vans[0].tokens
    assert tokens.index(Stop(0)) < tokens.index(Call(0, (2, 3))) or Call(0, (3, 2)) in tokens
    assert check(tight, recovery) == []


def test_the_more_important_customer_is_served_when_only_one_can_be() -> None:
    day = one_breakdown()
    orders = replace(day.orders, priority=np.array([1, 1, 1, 3]))
    scarce = replace(day, orders=orders, vans=replace(day.vans, capacity=np.array([4, 2])))

    recovery = recover(scarce, seconds=0, seed=1, policy=OWN_RESERVE, iterations=50)

    assert recovery.unserved == (2,)
    assert recovery.unserved_priority == 1
    assert recovery.vans[1].tokens == (Call(0, (3,)), Stop(3))


def test_between_equals_the_greater_value_is_served() -> None:
    day = one_breakdown()
    orders = replace(day.orders, value=np.array([0, 0, 70_000, 50_000]))
    scarce = replace(day, orders=orders, vans=replace(day.vans, capacity=np.array([4, 2])))

    recovery = recover(scarce, seconds=0, seed=1, policy=OWN_RESERVE, iterations=50)

    assert recovery.unserved == (3,)
    assert recovery.unserved_value == 50_000


def test_a_closed_window_leaves_the_customer_unserved_and_says_so() -> None:
    day = one_breakdown()
    close = np.array(
        [DAY_END, DAY_END, 398, DAY_END]
    )  # the reserve cannot begin order 2 before 90 + 300 + 8 + 1
    late = replace(day, orders=replace(day.orders, window_close_seconds=close))

    recovery = recover(late, seconds=0, seed=1, policy=OWN_RESERVE, iterations=50)

    assert recovery.unserved == (2,)
    assert recovery.vans[1].begin_seconds == (90, 90 + 308 + 20)


def test_goods_waiting_at_the_depot_are_fetched_once_ready() -> None:
    day = one_breakdown()
    depot = Places.of(
        location=[0], ready_seconds=500, handover_seconds=60, handover_per_order_seconds=0, site=0
    )
    recovery = recover(replace(day, places=depot), seconds=0, seed=1, policy=OWN_RESERVE, iterations=50)

    assert recovery.vans[1].tokens == (Call(0, (2, 3)), Stop(2), Stop(3))
    assert recovery.vans[1].begin_seconds == (500, 591, 710)


def test_a_line_that_would_miss_a_window_takes_its_stops_in_another_sequence() -> None:
    late = Problem(
        travel_seconds=road(0, 100, 200),
        vans=Vans.of(start=[0], end=0, ready_seconds=[0], shift_end_seconds=1000, capacity=5),
        orders=Orders.of(location=[1, 2], service_seconds=50, size=1, window_close_seconds=[120, 250]),
        planned=((1, 0),),
    )
    recovery = recover(late, seconds=0, seed=1, iterations=20)

    assert recovery.vans[0].tokens == (Stop(0), Stop(1))
    assert recovery.vans[0].begin_seconds == (100, 250)
    assert recovery.touched_vans == (0,)
    assert recovery.extra_driving_seconds == 0


def test_overtime_is_an_option_of_its_own() -> None:
    day = one_breakdown()
    short = replace(day, vans=replace(day.vans, shift_end_seconds=np.array([DAY_END, 600])))

    assert recover(short, seconds=0, seed=1, policy=OWN_RESERVE, iterations=50).unserved == (3,)
    overtime = recover(
        short, seconds=0, seed=1, policy=replace(OWN_RESERVE, overtime_seconds=76), iterations=50
    )
    assert overtime.unserved == ()
    assert overtime.overtime_seconds == 76


def test_nothing_stranded_and_nothing_late_changes_nothing() -> None:
    day = one_breakdown()
    calm = replace(
        day,
        orders=Orders.of(location=[2, 3], service_seconds=100, size=2),
        places=Places.of(location=()),
    )
    recovery = recover(calm, seconds=0, seed=1, iterations=20)

    assert recovery.extra_driving_seconds == 0
    assert recovery.touched_vans == ()
    assert recovery.moved == ()


def test_reserves_are_called_from_the_own_site_then_from_the_nearest_that_has_one() -> None:
    # sites at 0, 500, 90 and 200; the breakdown at 100 belongs to site 0; site 2 has no reserve
    problem = Problem(
        travel_seconds=road(0, 500, 90, 200, 100, 110),
        vans=Vans.of(
            start=[0, 1, 3, 4],
            end=0,
            ready_seconds=0,
            shift_end_seconds=DAY_END,
            capacity=9,
            reserve=[True, True, True, False],
            site=[0, 1, 3, 0],
        ),
        orders=Orders.of(location=[5], service_seconds=1, size=1, source=[0]),
        places=Places.of(location=[4], site=[0]),
        planned=((), (), (), ()),
        site_location=np.array([0, 1, 2, 3]),
    )

    assert allowed_vans(problem, OWN_RESERVE) == ((0,),)
    assert set(allowed_vans(problem, NEAREST_RESERVE)[0]) == {0, 2}
    assert allowed_vans(problem, NEIGHBOURING_LINES) == ((3,),)
    assert set(allowed_vans(problem, ALL_MEANS)[0]) == {0, 1, 2, 3}
    assert allowed_vans(problem, Policy("nobody", reserves="none", lines="none")) == ((),)


def test_alternatives_differ_and_none_is_worse_in_everything() -> None:
    options = alternatives(one_breakdown(), seconds=0, seed=1, iterations=600)

    assert [option.policy.name for option in options] == ["neighbouring_lines", "own_reserve"]
    assert [option.extra_driving_seconds for option in options] == [-50, 30]
    assert [option.touched_vans for option in options] == [(0,), ()]
    assert all(option.feasible and option.complete for option in options)


def test_what_nobody_wants_any_more_is_not_computed() -> None:
    wanted = iter([True, False])
    assert (
        len(alternatives(one_breakdown(), seconds=0, seed=1, iterations=600, wanted=lambda: next(wanted)))
        == 1
    )
    assert alternatives(one_breakdown(), seconds=0, seed=1, iterations=600, wanted=lambda: False) == []


def test_overtime_is_offered_when_somebody_would_stay_unserved() -> None:
    day = one_breakdown()
    vans = replace(day.vans, shift_end_seconds=np.array([300, 600]), capacity=np.array([4, 4]))
    options = alternatives(replace(day, vans=vans), seconds=0, seed=1, iterations=300)

    assert options[0].policy == OVERTIME
    assert options[0].unserved == ()
    assert options[0].overtime_seconds == 76
    assert options[1].unserved == (3,)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"planned": ((0, 1, 2), ())}, "planned"),
        ({"planned": ((0,), ())}, "planned"),
        ({"planned": ((0, 1),)}, "planned"),
        ({"planned": ((0,), (1,))}, "planned"),
        ({"planned": ((0, 9), ())}, "planned"),
        ({"travel_seconds": road(0, 10)}, "orders.location"),
        ({"travel_seconds": np.zeros((3, 4), dtype=int)}, "travel_seconds"),
        ({"travel_seconds": np.zeros((7, 7))}, "travel_seconds"),
        ({"travel_seconds": -road(0, 10, 20, 40, 31, 50, 30)}, "travel_seconds"),
        ({"places": Places.of(location=[])}, "orders.source"),
        ({"places": Places.of(location=[6], planned=[[0]])}, "places.planned"),
        ({"site_location": np.array([7])}, "site_location"),
    ],
)
def test_wrong_arrays_are_refused_by_name(change: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        replace(one_breakdown(), **change)
    assert field in {problem.field for problem in caught.value.problems}


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(Invalid, match=r"orders\.size: has 1 entries, expected 2"):
        Orders.of(location=[0, 1], service_seconds=1, size=[1])
    with pytest.raises(Invalid, match=r"vans\.reserve"):
        Vans.of(start=[0], end=0, ready_seconds=0, shift_end_seconds=1, capacity=1, reserve=[True, False])


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("window_close_seconds", [60, NAN], "entry 1 is nan, not a whole number"),
        ("window_close_seconds", [60.9, 60], "entry 0 is 60.9, not a whole number"),
        ("window_close_seconds", [-INF, 60], "entry 0 is -inf, not a whole number"),
        ("window_open_seconds", INF, "entry 0 is inf, not a whole number"),
        ("size", [1, 1e30], "entry 1 is 1e[+]30, allowed are -1099511627776 to 1099511627776"),
        ("size", [1, 2**63], "entry 1 is 9.*, allowed are"),
        ("size", [1, 2**80], "entry 1 is 12.*, allowed are"),
        ("size", ["one", "two"], "must be whole numbers"),
        ("size", [[1], [2, 3]], "must be whole numbers"),
    ],
)
def test_what_is_not_a_whole_number_is_refused_by_name(column: str, value: object, said: str) -> None:
    columns: dict[str, object] = {"location": [0, 1], "service_seconds": 1, "size": 1, column: value}
    with pytest.raises(Invalid, match=rf"^orders\.{column}: {said}"):
        Orders.of(**columns)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match=r"^planned\[1\]: entry 0 is 0.9"):
        replace(one_breakdown(), planned=((0, 1), (0.9,)))


def test_without_end_is_infinite_or_very_large() -> None:
    ends: list[object] = [INF, 2**63, [1e30, 2**63 - 1]]
    for end in ends:
        orders = Orders.of(location=[0, 1], service_seconds=1, size=1, window_close_seconds=end)  # type: ignore[arg-type]
        vans = Vans.of(start=[0, 0], end=0, ready_seconds=0, shift_end_seconds=end, capacity=1)  # type: ignore[arg-type]
        assert orders.window_close_seconds.tolist() == vans.shift_end_seconds.tolist() == [2**40, 2**40]


def test_an_endless_shift_with_overtime_serves_everybody() -> None:
    day = one_breakdown()
    endless = Vans.of(
        start=[1, 0], end=0, ready_seconds=0, shift_end_seconds=INF, capacity=10, reserve=[False, True]
    )
    assert recover(replace(day, vans=endless), seconds=0, seed=1, policy=OVERTIME, iterations=50).complete


def test_numbers_of_numpy_and_lists_of_lists_are_understood() -> None:
    day = one_breakdown()
    vans = Vans.of(
        start=np.array([1, 0]),
        end=np.int64(0),
        ready_seconds=[0, 60],
        shift_end_seconds=float(DAY_END),
        capacity=np.array(10),
        reserve=[False, True],
    )
    said = replace(day, vans=vans, travel_seconds=day.travel_seconds.tolist())

    found = recover(said, seconds=0, seed=np.int64(-1), iterations=np.int32(50))

    assert found.vans == recover(day, seconds=0, seed=-1, iterations=50).vans


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"seed": 1.0}, "seed: must be a whole number, is 1.0"),
        ({"cores": 0}, "cores: is 0, must be 1 or more"),
        ({"iterations": -5}, "iterations: is -5, must be 0 or more"),
        ({"iterations": 100.5}, "iterations: must be a whole number, is 100.5"),
    ],
)
def test_a_search_that_cannot_be_made_is_refused(how: dict[str, object], said: str) -> None:
    with pytest.raises(Invalid, match=f"^{said}"):
        recover(one_breakdown(), **{"seconds": 0, "seed": 1} | how)  # type: ignore[arg-type]


def test_whatever_is_beyond_all_bounds_is_refused_by_name() -> None:
    day, beyond = one_breakdown(), np.array([0, 2**41])
    wrong = {
        "vans": {"shift_end_seconds": beyond, "site": np.array([0, 7])},
        "orders": dict.fromkeys(
            ("window_open_seconds", "window_close_seconds", "eta_seconds"), np.tile(beyond, 2)
        ),
        "places": {"ready_seconds": beyond[1:]},
    }
    for record, columns in wrong.items():
        for column, value in columns.items():
            with pytest.raises(Invalid, match=rf"^{record}\.{column}: entry \d is"):
                replace(day, **{record: replace(getattr(day, record), **{column: value})})


def test_a_search_goes_on_from_an_earlier_recovery() -> None:
    first = recover(one_breakdown(), seconds=0, seed=1, policy=NEIGHBOURING_LINES, iterations=200)
    cheapest = Policy("cheapest", touch_price_seconds=0, shift_price_seconds=0)
    again = recover(one_breakdown(), seconds=0, seed=1, policy=cheapest, iterations=0, start=first)

    assert again.vans == first.vans
    assert again.extra_driving_seconds == -50


def test_an_earlier_recovery_is_disregarded_where_the_policy_forbids_it() -> None:
    first = recover(one_breakdown(), seconds=0, seed=1, policy=NEIGHBOURING_LINES, iterations=200)
    again = recover(one_breakdown(), seconds=0, seed=1, policy=OWN_RESERVE, iterations=0, start=first)

    assert again.touched_vans == ()
    assert again.reserve_vans == (1,)
    assert check(one_breakdown(), again) == []


def test_calm_leaves_the_customers_of_sound_vans_their_times() -> None:
    """The goods of the one customer who waits lie on the way to ten others, and so does the customer. To fetch them on
    the way holds the ten up for more than a quarter of an hour; to come back for them is 1,180 s to drive."""
    day = Problem(
        travel_seconds=road(0, *range(1000, 1100, 10), 500, 600),
        vans=Vans.of(
            start=[0], end=10, ready_seconds=0, shift_end_seconds=9000, capacity=20, reserve=[False]
        ),
        orders=Orders.of(location=[*range(1, 11), 12], service_seconds=30, size=1, source=[-1] * 10 + [0]),
        places=Places.of(location=[11], handover_seconds=1000, planned=[[10]]),
        planned=(tuple(range(10)),),
    )
    found = [recover(day, seconds=0, seed=1, iterations=300, policy=policy) for policy in (ALL_MEANS, CALM)]

    assert all(one.complete for one in found)
    assert [len(one.shifted_aboard) for one in found] == [10, 0]
    assert [one.driving_seconds for one in found] == [1090, 1090 + 1180]
