"""The delivery day for other systems: loads with an ETag, changes since a version, late orders, closed roads."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from changbei.core.clock import VirtualClock
from changbei.delivery import planning
from changbei.delivery.models import Closure, DeliveryDay, Stop, Tour
from changbei.incidents.tests.people import holder
from changbei.network.models import Retailer
from changbei.people.models import Person
from changbei.web.tests.test_api import Caller

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 11, 23)
HERE = f"/deliveries/{MONDAY}"


@pytest.fixture
def day(small_city: Any, clock: VirtualClock) -> DeliveryDay:
    return planning.plan_day(MONDAY, actor=None)


@pytest.fixture
def dispatcher(day: DeliveryDay) -> Caller:
    return Caller(holder("dispatcher"))


def shown(stop: Stop) -> dict[str, Any]:
    assert stop.tour is not None
    van = stop.tour.vehicle
    return {
        "licence_no": stop.retailer.licence_no,
        "urgent": False,
        "name": stop.retailer.name,
        "van": van.number,
        "plate": van.plate,
        "site": stop.tour.site.code,
        "sequence": stop.sequence,
        "cartons": stop.cartons,
        "goods": "aboard",
    }


def test_loads_by_van_and_sequence_with_a_tag(day: DeliveryDay, dispatcher: Caller) -> None:
    answer = dispatcher.client.get(f"/api/v1{HERE}/loads")
    body = answer.json()
    stops = Stop.objects.filter(day=day).select_related("retailer", "tour__vehicle", "tour__site")
    expected = sorted(
        (shown(stop) for stop in stops), key=lambda one: (len(one["van"]), one["van"], one["sequence"])
    )
    assert (body["on"], body["version"], body["loads"]) == ("2026-11-23", day.version, expected)
    tag = answer.headers["ETag"]
    again = dispatcher.client.get(f"/api/v1{HERE}/loads", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    Stop.objects.filter(pk=stops[0].pk).update(cartons=1)
    changed = dispatcher.client.get(f"/api/v1{HERE}/loads", headers={"If-None-Match": tag})
    assert changed.status_code == 200 and changed.headers["ETag"] != tag


def test_changes_since_a_version(day: DeliveryDay, dispatcher: Caller) -> None:
    status, first = dispatcher.get(f"{HERE}/loads")
    assert status == 200
    assert dispatcher.get(f"{HERE}/changes", since=first["version"])[1]["changed"] == []
    gone = first["loads"][0]["licence_no"]
    new = Retailer.objects.exclude(stops__day=day).order_by("pk")[0]
    status, made = dispatcher.post(
        "/deliveries/today/orders", {"orders": [{"licence_no": new.licence_no, "cartons": 3}]}
    )
    assert (status, made) == (201, {"stops": 1})
    assert dispatcher.post("/deliveries/today/cancellations", {"licence_nos": [gone]}) == (200, {"stops": 1})
    assert dispatcher.post("/deliveries/today/cancellations", {"licence_nos": [gone]}) == (200, {"stops": 0})
    status, body = dispatcher.get(f"{HERE}/changes", since=first["version"])
    assert status == 200 and body["version"] > first["version"]
    assert [(one["licence_no"], one["urgent"], one["van"], one["goods"]) for one in body["added"]] == [
        (new.licence_no, True, "", "site")
    ]
    assert [one["licence_no"] for one in body["removed"]] == [gone] and body["changed"] == []
    later = Stop.objects.get(day=day, retailer__licence_no=first["loads"][1]["licence_no"])
    Stop.objects.filter(pk=later.pk).update(cartons=99)
    status, body = dispatcher.get(f"{HERE}/changes", since=body["version"])
    ((change),) = body["changed"]
    assert (change["now"]["cartons"], change["before"]["cartons"]) == (99, later.cartons)
    status, body = dispatcher.get(f"{HERE}/changes", since=10_000)
    assert (status, body["error"]) == (404, "not_found")
    assert dispatcher.get("/deliveries/2030-01-01/loads")[0] == 404


def test_a_wrong_order_is_named_and_none_is_taken(day: DeliveryDay, dispatcher: Caller) -> None:
    new = Retailer.objects.order_by("pk")[0]
    orders = [{"licence_no": new.licence_no, "cartons": 3}, {"licence_no": "000000", "cartons": 3}]
    status, body = dispatcher.post("/deliveries/today/orders", {"orders": orders})
    assert (status, [one["field"] for one in body["problems"]]) == (422, ["orders.2.licence_no"])
    assert not Stop.objects.filter(urgent=True).exists()


def test_a_road_is_closed_and_the_rest_of_the_day_is_computed(
    day: DeliveryDay, dispatcher: Caller, clock: VirtualClock
) -> None:
    stop = Stop.objects.filter(day=day).order_by("-planned_at")[0]
    lon, lat, far = stop.retailer.longitude, stop.retailer.latitude, 1e-4
    ring = [[lon - far, lat - far], [lon + far, lat - far], [lon + far, lat + far], [lon - far, lat + far]]
    area = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    until = clock.now() + timedelta(hours=2)
    status, made = dispatcher.post(
        "/deliveries/today/closures", {"area": area, "reason": "flood", "until": until.isoformat()}
    )
    assert status == 201 and made["area"] == area and made["lifted_at"] is None
    assert dispatcher.get("/deliveries/today/closures") == (200, [made])
    status, body = dispatcher.post("/deliveries/today/recompute", {"causes": ["bad luck"]})
    assert (status, [one["field"] for one in body["problems"]]) == (422, ["causes"])
    status, reopened = dispatcher.post(f"/deliveries/today/closures/{made['uuid']}/reopen")
    assert status == 200 and reopened["lifted_at"] is not None
    assert dispatcher.get("/deliveries/today/closures") == (200, [])


def test_drivers_read_and_do_not_change(day: DeliveryDay) -> None:
    person = Person.objects.filter(job="driver").order_by("pk")[0]
    driver = Caller(person)
    assert driver.get(f"{HERE}/loads")[0] == 200
    area = {"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 1]]]}
    for path, body in (
        ("orders", {"orders": []}),
        ("cancellations", {"licence_nos": []}),
        ("closures", {"area": area, "reason": "x"}),
        ("recompute", {}),
    ):
        assert driver.post(f"/deliveries/today/{path}", body)[0] == 403
    assert not Closure.objects.exists()
    described = Client().get("/api/v1/openapi.json").json()
    assert {"/api/v1/deliveries/{on}/loads", "/api/v1/deliveries/{on}/changes"} <= set(described["paths"])


def test_a_van_that_leaves_late(day: DeliveryDay, dispatcher: Caller) -> None:
    tour = Tour.objects.filter(day=day).order_by("pk")[0]
    here, waiting = "/deliveries/today/late", tour.stops.filter(status="planned").count()
    status, body = dispatcher.post(here, {"van": tour.vehicle.number, "minutes": 20})
    assert (status, body) == (200, {"stops": waiting})
    assert Tour.objects.get(pk=tour.pk).departs_at == tour.departs_at + timedelta(minutes=20)
    for wrong in ({"van": "no van", "minutes": 20}, {"van": tour.vehicle.number, "minutes": 0}):
        assert dispatcher.post(here, wrong)[0] == 422


def test_what_no_table_takes_is_refused_with_its_field(day: DeliveryDay, dispatcher: Caller) -> None:
    licence = Retailer.objects.order_by("pk")[0].licence_no
    area = {"type": "Polygon", "coordinates": [[[119, 33], [119.1, 33], [119.1, 33.1], [119, 33]]]}
    for path, body, field in (
        ("orders", {"orders": [{"licence_no": licence, "cartons": 10**10}]}, "orders.1.cartons"),
        (
            "orders",
            {"orders": [{"licence_no": licence, "cartons": 1, "order_fen": -1}]},
            "orders.1.order_fen",
        ),
        ("orders", {"orders": [{"licence_no": "1\0", "cartons": 1}]}, "orders.0.licence_no"),
        ("cancellations", {"licence_nos": ["1\0"]}, "licence_nos.0"),
        ("closures", {"area": area, "reason": "x" * 161}, "reason"),
        ("closures", {"area": area, "reason": "x\0"}, "reason"),
        ("late", {"van": "1\0", "minutes": 10}, "van"),
    ):
        status, answer = dispatcher.post(f"/deliveries/today/{path}", body)
        assert (status, [one["field"] for one in answer["problems"]]) == (422, [field])
    assert not Stop.objects.filter(urgent=True).exists() and not Closure.objects.exists()
