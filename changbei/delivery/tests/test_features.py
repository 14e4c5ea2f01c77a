"""What the map is given of a delivery day, and where vans are thought to be."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changbei.delivery import recovery, rules, selectors, services
from changbei.delivery.features import DayMap, RecoveryMap, stranded_of, tour_stops
from changbei.delivery.models import Breakdown, DeliveryDay, Stop, Tour
from changbei.network.models import Vehicle

MONDAY = date(2026, 11, 23)
EIGHT = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (-30, (0.0, 0.0)),  # before it leaves
        (5, (5.0, 0.0)),  # half-way to the first
        (10, (10.0, 0.0)),
        (60, (10.0, 0.0)),  # late: not beyond the stop nobody has recorded
    ],
)
def test_a_van_is_on_its_way_to_the_first_stop(minutes: float, expected: tuple[float, float]) -> None:
    legs = [rules.Leg(10.0, 0.0, at(10), None), rules.Leg(20.0, 0.0, at(20), None)]
    assert rules.estimated_position((0.0, 0.0), at(0), legs, at(minutes)) == expected


def test_a_van_is_between_its_last_stop_and_the_next() -> None:
    legs = [rules.Leg(10.0, 0.0, at(10), at(12)), rules.Leg(20.0, 8.0, at(20), None)]
    assert rules.estimated_position((0.0, 0.0), at(0), legs, at(16)) == (15.0, 4.0)
    done = [legs[0], rules.Leg(20.0, 8.0, at(20), at(21))]
    assert rules.estimated_position((0.0, 0.0), at(0), done, at(90)) == (20.0, 8.0)
    assert rules.estimated_position((1.0, 2.0), at(0), [], at(90)) == (1.0, 2.0)


@pytest.fixture
def broken(day: DeliveryDay) -> Breakdown:
    tour = max(selectors.tours(day), key=lambda one: one.open).tour
    here = tour.stops.filter(status="planned").order_by("sequence")[0].retailer
    report = services.BreakdownReport(
        tour.vehicle.number, here.longitude, here.latitude, here.address, goods_aboard=True, injured=False
    )
    return services.report_breakdown(report, run=None, actor=None)


def drawn(day: DeliveryDay) -> DayMap:
    return DayMap(DeliveryDay.objects.get(pk=day.pk), "en", lambda uuid: f"/tour/{uuid}")


@pytest.mark.django_db
def test_the_day_in_four_queries(day: DeliveryDay) -> None:
    with CaptureQueriesContext(connection) as queries:
        made = drawn(day)
        lines, stops = made.lines(), made.stops()
    assert len(queries) <= 5  # the day itself, tours, breakdowns, stops
    assert len(stops["features"]) == Stop.objects.filter(day=day).count()
    states = [one["properties"]["state"] for one in stops["features"]]
    assert states.count("served") == Stop.objects.filter(day=day, status="delivered").count() > 0
    assert states.count("waiting") == Stop.objects.filter(day=day, status="planned").count() > 0
    ahead = [one for one in lines["features"] if "index" in one["properties"]]
    left = [tour.stops.filter(status="planned").count() for tour in made.tours]
    assert [one["properties"]["index"] for one in ahead] == [n for n, count in enumerate(left) if count]
    # from where each van is, through its open stops, and back to the site
    assert [len(one["geometry"]["coordinates"]) for one in ahead] == [count + 2 for count in left if count]


@pytest.mark.django_db
def test_vans_of_tours_and_in_reserve(day: DeliveryDay, broken: Breakdown) -> None:
    vans = {one["properties"]["name"]: one for one in drawn(day).vans()["features"]}
    assert len(vans) == Vehicle.objects.count() == 11
    number = broken.tour.vehicle.number
    assert vans[number]["properties"]["state"] == "broken"
    assert vans[number]["geometry"]["coordinates"] == [round(broken.longitude, 5), round(broken.latitude, 5)]
    assert vans[number]["properties"]["url"] == f"/tour/{broken.tour.uuid}"
    others = [one["properties"]["state"] for name, one in vans.items() if name != number]
    assert sorted(set(others)) == ["driving", "reserve"]
    assert others.count("reserve") == 5


@pytest.mark.django_db
def test_customers_of_a_broken_van_have_none(day: DeliveryDay, broken: Breakdown) -> None:
    states = [one["properties"]["state"] for one in drawn(day).stops()["features"]]
    assert states.count("unserved") == Stop.objects.filter(goods_at=broken).count() > 0
    ahead = [one["properties"] for one in drawn(day).lines()["features"] if "index" in one["properties"]]
    assert broken.tour.vehicle.number not in {one["name"] for one in ahead}


@pytest.mark.django_db
def test_a_drivers_list_counts_what_is_ahead(day: DeliveryDay) -> None:
    longest = max(selectors.tours(day), key=lambda one: one.open).tour
    tour = Tour.objects.select_related("vehicle", "site").get(pk=longest.pk)
    found = tour_stops(tour, list(selectors.stops_of(tour)))
    ahead = [one["properties"] for one in found["stops"]["features"] if one["properties"]["state"] == "moved"]
    open_ = tour.stops.filter(status="planned").count()
    assert [one["sequence"] for one in ahead] == list(range(1, open_ + 1))
    assert len(found["lines"]["features"][0]["geometry"]["coordinates"]) == open_ + 2


@pytest.mark.django_db
def test_before_and_after_of_each_option(day: DeliveryDay, broken: Breakdown) -> None:
    case = recovery.offer(broken, run=None, iterations=50)
    assert case is not None
    options = list(case.options.order_by("rank"))
    made = RecoveryMap(case, options)
    stranded = set(Stop.objects.filter(goods_at=broken).values_list("pk", flat=True))
    for option in options:
        assert set(stranded_of(option.plan)) == stranded
        layers = made.layers(option)
        after = layers["after"]["features"]
        assert [one["properties"]["index"] for one in after] == list(range(len(option.plan["tours"])))
        shown = {one["id"]: one["properties"] for one in layers["stops"]["features"]}
        assert {pk for pk, one in shown.items() if one["state"] == "moved"} == set(option.plan["moved"])
        assert {pk for pk, one in shown.items() if one["state"] == "unserved"} == set(option.plan["unserved"])
        own = next(
            one
            for one in layers["before"]["features"]
            if one["properties"]["name"] == broken.tour.vehicle.number
        )
        assert len(own["geometry"]["coordinates"]) == len(stranded) + 2
        assert [one["properties"]["name"] for one in layers["vans"]["features"]] == [
            broken.tour.vehicle.number
        ]
    west, south, east, north = made.bounds()
    assert west < broken.longitude < east and south < broken.latitude < north


@pytest.mark.django_db
def test_what_each_van_takes(day: DeliveryDay, broken: Breakdown) -> None:
    case = recovery.offer(broken, run=None, iterations=50)
    assert case is not None
    options = list(case.options.order_by("rank"))
    shares = selectors.shares(case, options)
    for option in options:
        own = shares[option.rank]
        assert sum(share.takes for share in own) == option.stops_moved
        assert len(own) == option.vans_touched
        cartons = Stop.objects.filter(pk__in=option.plan["moved"]).values_list("cartons", flat=True)
        assert sum(share.cartons for share in own) == sum(cartons)
        assert [share.takes for share in own] == sorted((share.takes for share in own), reverse=True)
    reserve = next(one for one in options if one.kind == "site_reserve")
    [share] = [one for one in shares[reserve.rank] if one.vehicle.is_reserve]
    assert not share.borrowed
    assert share.handovers[0][0] == broken.tour.vehicle.number
    assert not selectors.is_stale(case)
    services.hold_stops([Stop.objects.filter(day=day, status="planned")[0].pk], actor=None, run=None)
    fresh = selectors.cases_of_day(DeliveryDay.objects.get(pk=day.pk)).get()
    assert selectors.is_stale(fresh)
    assert selectors.newer_case(case) is None


@pytest.mark.django_db
def test_reserve_vans_of_each_site(day: DeliveryDay) -> None:
    found = selectors.site_reserves()
    assert [(one.ready, one.total) for one in found] == [(1, 1)] * 5
    Vehicle.objects.filter(is_reserve=True).update(checked_on=MONDAY)
    Vehicle.objects.filter(is_reserve=True, site=found[1].site).update(checked_on=None)
    assert [one.unchecked for one in selectors.site_reserves()] == [0, 1, 0, 0, 0]
    Vehicle.objects.filter(is_reserve=True, site=found[2].site).update(state=Vehicle.State.UNDER_REPAIR)
    assert [one.ready for one in selectors.site_reserves()] == [1, 1, 0, 1, 1]
    assert selectors.stops_by_status(day)["planned"] == Stop.objects.filter(day=day, status="planned").count()
    assert selectors.days_around(MONDAY) == [MONDAY]
    assert selectors.stop_on(Tour.objects.all()[0], UUID(int=1)) is None
