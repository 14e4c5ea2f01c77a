"""A delivery day out to a file and in again: the same. What is wrong with a file is named, and nothing written."""

from __future__ import annotations

import csv
import io
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vrplib
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, Invalid
from changbei.delivery import disrupting, exchange, moving, planning
from changbei.delivery.disrupting import UrgentOrder
from changbei.delivery.models import DeliveryDay, Stop, Tour
from changbei.delivery.tests import test_disruptions
from changbei.delivery.tests.test_disruptions import at
from changbei.journal.models import Entry
from changbei.network.models import Retailer, Site, Vehicle

pytestmark = pytest.mark.django_db
clock = test_disruptions.clock
MONDAY, NEXT_MONDAY = date(2026, 11, 23), date(2026, 11, 30)
FIELDS = ("retailer", "sequence", "cartons", "order_fen", "service_seconds", "tour__vehicle", "tour__driver")


@pytest.fixture
def day(small_city: Any, clock: VirtualClock) -> DeliveryDay:
    return planning.plan_day(MONDAY, actor=None)


def rows(day: DeliveryDay) -> list[Any]:
    return list(Stop.objects.filter(day=day).order_by("tour__vehicle", "sequence").values_list(*FIELDS))


@pytest.mark.parametrize("kind", exchange.FORMATS)
def test_what_is_written_can_be_read_again(day: DeliveryDay, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"day.{kind}"
    path.write_bytes(exchange.write_day(day, kind))
    found = exchange.read_day(path)
    assert found.problems == []
    again = exchange.take_over(found, NEXT_MONDAY, actor=None)
    assert rows(again) == rows(day)
    week = (NEXT_MONDAY - MONDAY).days
    for tour in Tour.objects.filter(day=again).select_related("vehicle"):
        twin = Tour.objects.get(day=day, vehicle=tour.vehicle)
        assert (tour.line, tour.site, (tour.departs_at - twin.departs_at).days) == (
            twin.line,
            twin.site,
            week,
        )
        planned = list(tour.stops.order_by("sequence").values_list("planned_at", "expected_at"))
        before = list(twin.stops.order_by("sequence").values_list("planned_at", flat=True))
        assert [(at - was).total_seconds() for (at, _), was in zip(planned, before, strict=True)] == [
            week * 86_400
        ] * len(planned)
        assert all(at == expected for at, expected in planned)
    fact = Entry.objects.get(kind="delivery.day_imported")
    assert (fact.data["file"], fact.data["stops"], fact.data["replaced"]) == (
        path.name,
        len(rows(day)),
        False,
    )


def write(path: Path, *lines: dict[str, Any]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(
        text, ["van", "licence_no", "cartons", "sequence", "window_start", "window_end", "driver"]
    )
    writer.writeheader()
    writer.writerows(lines)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def test_every_wrong_cell_is_named_and_nothing_is_written(day: DeliveryDay, tmp_path: Path) -> None:
    one, two = Retailer.objects.order_by("pk")[:2]
    van = Vehicle.objects.order_by("pk")[0]
    van.capacity_cartons = 10
    van.save()
    good = {"van": van.number, "licence_no": one.licence_no, "cartons": 5}
    path = write(
        tmp_path / "wrong.csv",
        good,
        {**good, "cartons": "many"},
        {**good, "licence_no": "123456"},
        {**good, "van": "no van", "licence_no": two.licence_no},
        {**good, "driver": "nobody", "licence_no": Retailer.objects.order_by("pk")[2].licence_no},
        good,
    )
    found = exchange.read_day(path)
    assert [(wrong.row, wrong.column, wrong.value) for wrong in found.problems] == [
        (3, "cartons", "many"),
        (4, "licence_no", "123456"),
        (5, "van", "no van"),
        (6, "driver", "nobody"),
        (7, "licence_no", one.licence_no),
    ]
    assert found.said()[0].startswith("wrong.csv: row 3 cartons (many): ")
    with pytest.raises(Invalid) as refused:
        exchange.take_over(found, NEXT_MONDAY, actor=None)
    assert [problem.message for problem in refused.value.problems] == found.said()
    assert not DeliveryDay.objects.filter(date=NEXT_MONDAY).exists()
    with translation.override("en"):
        heavy = exchange.read_day(write(tmp_path / "heavy.csv", {**good, "cartons": 11}))
    assert [str(problem) for problem in heavy.problems] == [
        f"row 2 van ({van.number}): this van takes 10 cartons, the file gives it 11"
    ]
    twice = exchange.read_day(
        write(
            tmp_path / "twice.csv",
            {**good, "sequence": 1, "cartons": 1, "window_start": "10:00", "window_end": "09:00"},
            {**good, "sequence": 2, "cartons": 1, "licence_no": two.licence_no},
            {
                **good,
                "sequence": 2,
                "cartons": 1,
                "licence_no": Retailer.objects.order_by("pk")[2].licence_no,
            },
        )
    )
    assert [(problem.row, problem.column) for problem in twice.problems] == [
        (2, "window_end"),
        (4, "sequence"),
    ]


def test_what_is_no_table_says_what_would_be(day: DeliveryDay, tmp_path: Path) -> None:
    for name, data in (
        ("a.xlsx", b"PK no workbook"),
        ("b.csv", b""),
        ("c.csv", b"x,y\n1,2\n"),
        ("d.pdf", b"%PDF"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        (problem,) = exchange.read_day(path).problems
        assert problem.row == 0 and problem.message
    path = tmp_path / "e.csv"
    path.write_text("van,cartons\n1,5\n")
    assert [problem.column for problem in exchange.read_day(path).problems] == ["许可证号"]


def test_a_planned_day_is_replaced_on_demand_and_not_once_it_is_driven(
    day: DeliveryDay, tmp_path: Path
) -> None:
    shop, van = Retailer.objects.order_by("pk")[0], Vehicle.objects.order_by("pk")[0]
    found = exchange.read_day(
        write(tmp_path / "one.csv", {"van": van.number, "licence_no": shop.licence_no, "cartons": 5})
    )
    with pytest.raises(Conflict, match="replaced"):
        exchange.take_over(found, MONDAY, actor=None)
    version = day.version
    again = exchange.take_over(found, MONDAY, replace=True, actor=None)
    assert (again.pk, again.version) == (day.pk, version + 1)
    stop = Stop.objects.get(day=day)
    assert (stop.retailer, stop.tour and stop.tour.vehicle) == (shop, van)
    Stop.objects.update(status="delivered")
    with pytest.raises(Conflict, match="driven"):
        exchange.take_over(found, MONDAY, replace=True, actor=None)
    with pytest.raises(Conflict, match="over"):
        exchange.take_over(found, date(2026, 11, 20), actor=None)
    assert Stop.objects.get(day=day) == stop


def test_a_name_is_no_formula(day: DeliveryDay) -> None:
    shop = Stop.objects.filter(day=day).order_by("pk")[0].retailer
    Retailer.objects.filter(pk=shop.pk).update(name="=1+1")
    table = csv.DictReader(io.StringIO(exchange.write_day(day, "csv").decode("utf-8-sig")))
    assert [row["name"] for row in table if row["licence_no"] == shop.licence_no] == ["'=1+1"]


def site_of(day: DeliveryDay) -> Site:
    return Tour.objects.filter(day=day).order_by("pk")[0].site


def test_vrplib_out_and_in(day: DeliveryDay, tmp_path: Path) -> None:
    site = site_of(day)
    tours = list(Tour.objects.filter(day=day, site=site))
    stops = list(
        Stop.objects.filter(tour__in=tours).select_related("retailer").order_by("retailer__licence_no")
    )
    (tmp_path / "day.vrp").write_bytes(exchange.write_instance(day, site))
    (tmp_path / "day.sol").write_bytes(exchange.write_solution(day, site))
    instance = vrplib.read_instance(tmp_path / "day.vrp")
    assert (instance["dimension"], instance["vehicles"]) == (len(stops) + 1, len(tours))
    assert instance["demand"].tolist() == [0, *(stop.cartons for stop in stops)]
    assert (
        instance["edge_weight"].shape == (len(stops) + 1,) * 2 and np.diag(instance["edge_weight"]).sum() == 0
    )
    assert instance["time_window"][0].tolist() == [8 * 3600, 17.5 * 3600]
    routes = vrplib.read_solution(tmp_path / "day.sol")["routes"]
    assert sorted(number for route in routes for number in route) == list(range(1, len(stops) + 1))
    before = rows(day)
    assert exchange.read_solution(tmp_path / "day.sol", day, site, actor=None) == len(stops)
    assert rows(day) == before
    vrplib.write_solution(tmp_path / "day.sol", [route[::-1] for route in routes])
    exchange.read_solution(tmp_path / "day.sol", day, site, actor=None)
    for tour, route in zip(
        sorted(tours, key=lambda one: (len(one.vehicle.number), one.vehicle.number)), routes, strict=True
    ):
        assert list(tour.stops.order_by("-sequence")) == [stops[number - 1] for number in route]


def test_a_solution_that_does_not_fit_changes_nothing(day: DeliveryDay, tmp_path: Path) -> None:
    site, before = site_of(day), rows(day)
    path = tmp_path / "bad.sol"
    for routes in ([[1, 1]], [[1]], [[10_000]], [[1]] * 100):
        vrplib.write_solution(path, routes)
        with pytest.raises(Invalid, match=r"bad\.sol"):
            exchange.read_solution(path, day, site, actor=None)
    path.write_text("no solution")
    with pytest.raises(Invalid):
        exchange.read_solution(path, day, site, actor=None)
    assert rows(day) == before


def test_a_van_that_should_have_left_keeps_its_load(
    day: DeliveryDay, clock: VirtualClock, tmp_path: Path
) -> None:
    site, before = site_of(day), rows(day)
    solution = tmp_path / "day.sol"
    solution.write_bytes(exchange.write_solution(day, site))
    table = tmp_path / "day.csv"
    table.write_bytes(exchange.write_day(day, "csv"))
    clock.advance_to(at(8, 3))
    with pytest.raises(Conflict, match="still to leave"):
        exchange.read_solution(solution, day, site, actor=None)
    with pytest.raises(Conflict, match="still to leave"):
        exchange.write_instance(day, site)
    with pytest.raises(Conflict, match="being driven"):
        exchange.take_over(exchange.read_day(table), MONDAY, replace=True, actor=None)
    assert rows(day) == before


def test_a_van_without_customers_is_in_no_solution(day: DeliveryDay, tmp_path: Path) -> None:
    site = site_of(day)
    idle = Tour.objects.filter(day=day, site=site).order_by("pk")[0]
    disrupting.cancel(list(idle.stops.values_list("pk", flat=True)), run=None, actor=None)
    before = rows(day)
    (tmp_path / "day.vrp").write_bytes(exchange.write_instance(day, site))
    (tmp_path / "day.sol").write_bytes(exchange.write_solution(day, site))
    assert (
        vrplib.read_instance(tmp_path / "day.vrp")["vehicles"]
        == Tour.objects.filter(day=day, site=site).count() - 1
    )
    exchange.read_solution(tmp_path / "day.sol", day, site, actor=None)
    assert rows(day) == before


def test_a_day_from_a_file_brings_what_was_moved_to_it(day: DeliveryDay, tmp_path: Path) -> None:
    moved = Stop.objects.filter(day=day).order_by("pk")[0]
    moving.move([moved], NEXT_MONDAY)
    path = tmp_path / "day.csv"
    path.write_bytes(exchange.write_day(day, "csv"))
    found = exchange.read_day(path)
    assert moved.retailer not in [row.retailer for row in found.rows]
    again = exchange.take_over(found, NEXT_MONDAY, actor=None)
    brought = Stop.objects.get(day=again, retailer=moved.retailer)
    moved.refresh_from_db()
    assert (moved.moved_into, brought.cartons) == (brought, moved.cartons)
    assert brought.tour is not None and brought.expected_at is not None


def test_cancelled_and_urgent_goods_are_no_part_of_a_plan(day: DeliveryDay, tmp_path: Path) -> None:
    cancelled, ordered = Stop.objects.filter(day=day).order_by("pk")[:2]
    disrupting.cancel([cancelled.pk], run=None, actor=None)
    disrupting.add_orders([UrgentOrder(ordered.retailer_id, 5)], run=None, actor=None)
    path = tmp_path / "day.csv"
    path.write_bytes(exchange.write_day(day, "csv"))
    found = exchange.read_day(path)
    assert found.problems == []
    assert len(found.rows) == Stop.objects.filter(day=day).count() - 2
    assert cancelled.retailer not in [row.retailer for row in found.rows]


def test_an_urgent_order_is_not_lost_with_the_plan(day: DeliveryDay, tmp_path: Path) -> None:
    shop = Stop.objects.filter(day=day).order_by("pk")[0].retailer
    disrupting.add_orders([UrgentOrder(shop.pk, 5)], run=None, actor=None)
    path = tmp_path / "day.csv"
    path.write_bytes(exchange.write_day(day, "csv"))
    with pytest.raises(Conflict, match="was changed"):
        exchange.take_over(exchange.read_day(path), MONDAY, replace=True, actor=None)
    assert Stop.objects.filter(day=day, urgent=True).exists()


def test_an_empty_hour_is_the_usual_one(day: DeliveryDay, tmp_path: Path) -> None:
    shop, van = Retailer.objects.order_by("pk")[0], Vehicle.objects.order_by("pk")[0]
    Retailer.objects.filter(pk=shop.pk).update(window_start=time(9), window_end=time(11))
    line = {"van": van.number, "licence_no": shop.licence_no, "cartons": 5}
    for given, wanted in (
        ({}, (time(9), time(11))),
        ({"window_start": "08:30"}, (time(8, 30), time(11))),
        ({"window_end": "10:30"}, (time(9), time(10, 30))),
    ):
        (row,) = exchange.read_day(write(tmp_path / "one.csv", {**line, **given})).rows
        assert (row.window_start, row.window_end) == wanted
    found = exchange.read_day(write(tmp_path / "one.csv", {**line, "window_start": "11:30"}))
    assert [(problem.row, problem.column) for problem in found.problems] == [(2, "window_end")]


def test_what_is_missing_is_said_in_the_readers_language(day: DeliveryDay, tmp_path: Path) -> None:
    path = write(tmp_path / "one.csv", {"licence_no": "990101100001", "cartons": 5})
    with translation.override("zh-hans"):
        (problem,) = exchange.read_day(path).problems
    assert "送货车编号，须已存在" in str(problem) and "Number" not in str(problem)


def test_many_vans_are_planned_with_as_many_statements_as_one(day: DeliveryDay, tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_bytes(exchange.write_day(day, "csv"))
    whole, one = exchange.read_day(path), exchange.read_day(path)
    one.rows = [row for row in one.rows if row.van == one.rows[0].van]
    assert len(whole.by_van()) > 3
    asked = []
    for found, on in ((one, NEXT_MONDAY), (whole, NEXT_MONDAY + timedelta(weeks=1))):
        with CaptureQueriesContext(connection) as queries:
            exchange.take_over(found, on, actor=None)
        asked.append(len(queries))
    assert asked[0] == asked[1]
