"""The driver's phone: the own list and nothing else, words that arrive late or twice, a breakdown with its place."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from changbei.core.clock import VirtualClock
from changbei.delivery import breaking, recovery, services
from changbei.delivery.models import Breakdown, DeliveryDay, DriverAction, Handover, Position, Stop, Tour
from changbei.incidents.models import Incident, Report
from changbei.incidents.tests.people import holder
from changbei.web.tests import test_delivery_pages
from changbei.web.tests.conftest import client_of

pytestmark = pytest.mark.django_db
tour = test_delivery_pages.tour
SYNC = "/delivery/mine/sync"


@pytest.fixture
def wheel(tour: Tour) -> Client:
    assert tour.driver is not None
    return client_of(tour.driver, "driver")


def word(number: int, tour: Tour, kind: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {"uuid": str(UUID(int=number)), "tour": str(tour.uuid), "kind": kind, "at": at.isoformat(), **more}


def send(wheel: Client, clock: VirtualClock, *actions: dict[str, Any], **more: Any) -> Any:
    body = {"sent_at": clock.now().isoformat(), "actions": list(actions), **more}
    return wheel.post(SYNC, body, content_type="application/json")


def ahead_of(tour: Tour) -> list[Stop]:
    return list(tour.stops.filter(status="planned").select_related("retailer").order_by("sequence"))


def test_the_own_list_and_no_more_than_is_needed(wheel: Client, tour: Tour) -> None:
    found = wheel.get("/delivery/mine/list.json")
    assert found.headers["Cache-Control"].count("no-store") == 1
    given = found.json()
    assert (given["driver"], given["tour"]["uuid"]) == (tour.driver and tour.driver.staff_no, str(tour.uuid))
    steps = given["tour"]["steps"]
    assert [step["stop"] for step in steps] == list(
        tour.stops.order_by("sequence").values_list("pk", flat=True)
    )
    first = ahead_of(tour)[0].retailer
    step = next(step for step in steps if step["status"] == "planned")
    assert (step["name"], step["phone"], step["address"]) == (first.name, first.phone, first.address)
    assert step["geo"].startswith(f"geo:{first.latitude:.6f},{first.longitude:.6f}?q=")
    # who has been served is a name on the phone, without phone number or address
    served = next(step for step in steps if step["status"] == "delivered")
    assert set(served) == {"stop", "name", "status", "reason", "at"}


def test_chinese_maps_get_their_own_coordinates(wheel: Client, tour: Tour) -> None:
    step = next(
        s for s in wheel.get("/delivery/mine/list.json").json()["tour"]["steps"] if s["status"] == "planned"
    )
    shop = ahead_of(tour)[0].retailer
    east, north = (float(part) for part in step["amap"].partition("to=")[2].split(",")[:2])
    assert 0.003 < east - shop.longitude < 0.008 and 0.0005 < abs(north - shop.latitude) < 0.004
    assert f"latlng:{north:.6f},{east:.6f}" in step["baidu"] and "coord_type=gcj02" in step["baidu"]


def test_words_count_once_and_the_answer_has_the_list(wheel: Client, tour: Tour, clock: VirtualClock) -> None:
    first, second = ahead_of(tour)[:2]
    said_at = clock.now()
    clock.advance(timedelta(minutes=40))
    words = [
        word(2, tour, "refused", said_at + timedelta(minutes=9), stop=second.pk, reason="no_money"),
        word(1, tour, "delivered", said_at, stop=first.pk),
    ]
    for _ in range(2):
        answer = send(wheel, clock, *words).json()
        assert {one["outcome"] for one in answer["done"]} == {"taken"}
        by_stop = {step["stop"]: step for step in answer["tour"]["steps"]}
        assert (by_stop[first.pk]["status"], by_stop[second.pk]["status"]) == ("delivered", "refused")
    first.refresh_from_db()
    assert first.done_at == said_at
    assert DriverAction.objects.count() == 2


def test_somebody_elses_tour_is_refused_in_words(
    wheel: Client, tour: Tour, day: DeliveryDay, clock: VirtualClock
) -> None:
    others = Tour.objects.filter(day=day, stops__status="planned")
    other = others.exclude(driver=tour.driver)[0]
    theirs = ahead_of(other)[0]
    answer = send(wheel, clock, word(1, other, "delivered", clock.now(), stop=theirs.pk)).json()
    assert answer["done"][0]["outcome"] == "refused"
    theirs.refresh_from_db()
    assert theirs.status == "planned"
    assert not DriverAction.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "[]",
        "{}",
        '{"sent_at": "yesterday"}',
        '{"sent_at": "2026-11-23T10:00:00", "actions": []}',
        '{"sent_at": "2026-11-23T10:00:00Z", "actions": {}}',
    ],
)
def test_what_is_no_message_is_refused(wheel: Client, body: str) -> None:
    assert wheel.post(SYNC, body, content_type="application/json").status_code == 422
    assert not DriverAction.objects.exists() and not Position.objects.exists()


def test_what_is_no_word_is_refused_and_the_others_are_taken(
    wheel: Client, tour: Tour, clock: VirtualClock
) -> None:
    [stop, *_] = ahead_of(tour)
    actions = [
        word(1, tour, "eaten", clock.now(), stop=stop.pk),
        {**word(2, tour, "delivered", clock.now(), stop=stop.pk), "at": "noon"},
        {**word(3, tour, "delivered", clock.now(), stop=stop.pk), "uuid": "three"},
        {**word(4, tour, "delivered", clock.now()), "tour": 7},
        word(5, tour, "delivered", clock.now(), stop=stop.pk),
    ]
    done = send(wheel, clock, *actions, "no word").json()["done"]
    assert {one["uuid"]: one["outcome"] for one in done} == {
        **{one["uuid"]: "refused" for one in actions[:4]},
        actions[4]["uuid"]: "taken",
    }
    assert all(one["words"] for one in done if one["outcome"] == "refused")
    assert DriverAction.objects.count() == 1


def test_nobody_logged_in_gets_no_list() -> None:
    assert Client().get("/delivery/mine/list.json").status_code == 401
    assert Client().post(SYNC, "{}", content_type="application/json").status_code == 401


def test_a_breakdown_is_reported_once_with_its_place(
    wheel: Client, tour: Tour, clock: VirtualClock, adopted: object
) -> None:
    here = {"longitude": 119.05, "latitude": 33.61, "goods_aboard": True}
    broken = word(1, tour, "breakdown", clock.now(), **here)
    numbers = {send(wheel, clock, broken).json()["done"][0]["words"] for _ in range(2)}
    incident = Incident.objects.get()
    assert numbers == {incident.number}
    assert (incident.longitude, incident.latitude) == (119.05, 33.61)
    report = Report.objects.get()
    assert (report.reporter, report.data["vehicle"]) == (tour.driver, tour.vehicle.number)
    assert (report.data["goods_aboard"], report.data["cause"], report.data["driver_fit"]) == (
        True,
        "fault",
        True,
    )


def test_a_reported_van_stands_on_the_phone_before_anybody_has_written_it_down(
    wheel: Client, tour: Tour, clock: VirtualClock, adopted: object
) -> None:
    """Its number stays through a reload, and until somebody drives the van on."""

    def reported() -> str:
        return str(wheel.get("/delivery/mine/list.json").json()["tour"]["reported"])

    assert reported() == ""
    answer = send(wheel, clock, word(1, tour, "breakdown", clock.now(), driver_fit=True)).json()
    number = Incident.objects.get().number
    assert not Breakdown.objects.exists()
    assert answer["tour"]["reported"] == reported() == number
    breaking.record_reported()
    assert reported() == number
    Breakdown.objects.update(resumed_at=clock.now())
    assert reported() == ""


def test_without_a_position_the_place_is_where_the_list_leads(
    wheel: Client, tour: Tour, clock: VirtualClock, adopted: object
) -> None:
    send(wheel, clock, word(1, tour, "breakdown", clock.now()))
    heading = ahead_of(tour)[0].retailer
    incident = Incident.objects.get()
    assert (incident.longitude, incident.latitude) == (heading.longitude, heading.latitude)
    assert heading.address in incident.place


def test_who_comes_for_the_goods_of_a_broken_van(wheel: Client, tour: Tour, clock: VirtualClock) -> None:
    """As soon as it is decided: van, time, cartons and whom to phone; nobody any more once they are handed over."""
    assert wheel.get("/delivery/mine/list.json").json()["tour"]["relief"] == []
    here = ahead_of(tour)[0].retailer
    report = services.BreakdownReport(
        tour.vehicle.number, here.longitude, here.latitude, here.address, goods_aboard=True, injured=False
    )
    broken = services.report_breakdown(report, run=None, actor=None)
    case = recovery.offer(broken, run=None, iterations=50)
    assert case is not None
    services.accept(case.options.get(rank=1), actor=holder("dispatcher"))
    calls = Handover.objects.filter(breakdown=broken).order_by("expected_at", "pk")
    relief = wheel.get("/delivery/mine/list.json").json()["tour"]["relief"]
    assert [(one["van"], one["cartons"]) for one in relief] == [
        (one.tour.vehicle.number, one.cartons) for one in calls
    ]
    taker = calls[0].tour.driver
    assert taker is not None and (relief[0]["driver"], relief[0]["phone"]) == (taker.name, taker.phone)
    desk = client_of(holder("dispatcher"), "desk").get(f"/delivery/tours/{tour.uuid}/")
    assert list(desk.context["takers"]) == list(calls)
    assert f"tel:{taker.phone}" in desk.content.decode()
    for call in calls:
        services.record_handover(call, actor=None)
    assert wheel.get("/delivery/mine/list.json").json()["tour"]["relief"] == []


def test_where_the_phone_is(wheel: Client, tour: Tour, clock: VirtualClock) -> None:
    place: dict[str, Any] = {
        "longitude": 119.05,
        "latitude": 33.61,
        "accuracy": 9.6,
        "at": clock.now().isoformat(),
        "tour": str(tour.uuid),
    }
    assert send(wheel, clock, position={**place, "longitude": "east"}).status_code == 422
    other = Tour.objects.filter(day=tour.day_id).exclude(pk=tour.pk)[0]
    send(wheel, clock, position={**place, "tour": str(other.uuid)})  # of the list that the phone had before
    assert not Position.objects.exists()
    assert send(wheel, clock, position=place).json()["tour"]["shares_position"] is True
    kept = Position.objects.get()
    assert (kept.tour, kept.longitude, kept.latitude, kept.accuracy_metres) == (tour, 119.05, 33.61, 10)
    assert send(wheel, clock, hide=True).json()["tour"]["shares_position"] is False
    assert not Position.objects.exists()


def test_a_position_is_deleted_whatever_the_driver_drives_now(
    wheel: Client, tour: Tour, clock: VirtualClock
) -> None:
    """The van is broken and its driver takes over elsewhere; midnight is past."""
    place = {"longitude": 119.05, "latitude": 33.61, "at": clock.now().isoformat(), "tour": str(tour.uuid)}
    send(wheel, clock, position=place)
    Tour.objects.filter(pk=tour.pk).update(status="broken_down")
    other = Tour.objects.filter(day=tour.day_id).exclude(pk=tour.pk)[0]
    Tour.objects.filter(pk=other.pk).update(driver=tour.driver, line=None)
    assert Position.objects.count() == 1
    send(wheel, clock, hide=True)
    assert not Position.objects.exists()
    Tour.objects.filter(pk=tour.pk).update(shift_ends_at=clock.now() + timedelta(days=1))
    Position.objects.create(
        tour=tour, longitude=119, latitude=33, accuracy_metres=9, at=clock.now(), received_at=clock.now()
    )
    clock.advance(timedelta(hours=16))
    assert send(wheel, clock, hide=True).json()["tour"] is None
    assert not Position.objects.exists()


def test_the_worker_and_the_page(wheel: Client, tour: Tour) -> None:
    script = wheel.get("/delivery/mine/worker.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    page = wheel.get("/delivery/mine/").content.decode()
    assert f"/report/vehicle-breakdown/?vehicle={tour.vehicle.number}" in page
    for code in ("damaged", "no_answer"):
        assert f'value="{code}"' in page
    assert services.today() is not None


def test_a_word_that_nobody_can_read_holds_up_no_other(
    wheel: Client, tour: Tour, clock: VirtualClock
) -> None:
    first, now = ahead_of(tour)[0], clock.now()
    unread = [
        word(1, tour, "delivered", now, stop=10**30),
        word(2, tour, "delivered", now, stop=True),
        word(3, tour, "taken_over", now, source="x\0"),
        {**word(4, tour, "delivered", now, stop=first.pk), "at": "0001-01-01T00:00:00+00:00"},
        {**word(5, tour, "delivered", now, stop=first.pk), "at": "yesterday"},
        word(6, tour, "eaten", now, stop=first.pk),
        None,
        1,
    ]
    answer = send(wheel, clock, *unread, word(7, tour, "delivered", now, stop=first.pk)).json()  # type: ignore[arg-type]
    outcomes = {UUID(one["uuid"]).int: one["outcome"] for one in answer["done"]}
    assert outcomes == {**dict.fromkeys(range(1, 7), "refused"), 7: "taken"}
    first.refresh_from_db()
    assert first.status == "delivered" and DriverAction.objects.count() == 1
