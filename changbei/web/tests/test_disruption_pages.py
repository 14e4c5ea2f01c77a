"""What has changed today, on its page; a day into files and out of them."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from changbei.core.clock import VirtualClock
from changbei.delivery import disrupting, exchange, planning, selectors, services
from changbei.delivery.models import Closure, DeliveryDay, Loan, Stop, Tour
from changbei.incidents.tests.people import holder
from changbei.network.models import Retailer, Site, Vehicle
from changbei.people.models import Account, Person

pytestmark = pytest.mark.django_db
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 12, 1)
PAGE = "/delivery/disruptions/"


def client_of(person: Person) -> Client:
    account = Account.objects.create(login=f"t-{person.staff_no}", person=person, password="!")
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(account)
    return client


@pytest.fixture
def day(small_city: Any, clock: VirtualClock) -> DeliveryDay:
    return planning.plan_day(MONDAY, actor=None)


@pytest.fixture
def desk(day: DeliveryDay) -> Client:
    return client_of(holder("dispatcher"))


def words(answer: Any) -> str:
    return str(answer.content.decode())


def test_roads_orders_cancellations_and_loans(desk: Client, day: DeliveryDay) -> None:
    assert "Driving times are estimated by great circle" in words(desk.get(PAGE))
    area = '{"type":"Polygon","coordinates":[[[1,1],[2,1],[2,2],[1,1]]]}'
    form = {"kind": "close", "close-area": area, "close-reason": "landslide"}
    assert desk.post(PAGE, form).status_code == 303
    closure = Closure.objects.get()
    assert (closure.reason, closure.until) == ("landslide", None)
    assert "landslide" in words(desk.get(PAGE))
    (shape,) = desk.get(f"{PAGE}map.json").json()["layers"]["suspensions"]["data"]["features"]
    assert shape["geometry"] == closure.area
    (on_the_day,) = desk.get("/delivery/map/suspensions.json?date=2026-11-23").json()["features"]
    assert (on_the_day["geometry"], on_the_day["properties"]["name"]) == (closure.area, "landslide")
    late = desk.post(PAGE, {**form, "close-until": "2026-11-23T06:00"})
    assert late.status_code == 422 and "must be in the future" in words(late)

    later = {
        **form,
        "close-reason": "march",
        "close-since": "2026-11-23T14:00",
        "close-until": "2026-11-23T17:00",
    }
    assert desk.post(PAGE, {**later, "close-until": "2026-11-23T13:00"}).status_code == 422
    assert desk.post(PAGE, later).status_code == 303
    assert "closed from 14:00 to 17:00" in words(desk.get(PAGE))
    disrupting.reopen(Closure.objects.get(reason="march"), actor=None)

    new = Retailer.objects.exclude(stops__day=day).order_by("pk")[0]
    assert (
        desk.post(PAGE, {"kind": "order", "order-customer": new.licence_no, "order-cartons": "4"}).status_code
        == 303
    )
    assert Stop.objects.get(day=day, urgent=True).retailer == new
    again = desk.post(PAGE, {"kind": "order", "order-customer": new.licence_no, "order-cartons": "4"})
    assert again.status_code == 422 and "urgent order today already" in words(again)

    stop = Stop.objects.filter(day=day, urgent=False).order_by("-pk")[0]
    assert desk.post(PAGE, {"kind": "cancel", "cancel-customer": stop.retailer.licence_no}).status_code == 303
    stop.refresh_from_db()
    assert stop.status == Stop.Status.CANCELLED
    assert desk.post(PAGE, {"kind": "cancel", "cancel-customer": stop.retailer.licence_no}).status_code == 422

    held_up = Tour.objects.filter(day=day, status="planned").exclude(pk=stop.tour_id).order_by("-pk")[0]
    departs_at, comes_later = (
        held_up.departs_at,
        {"kind": "late", "late-tour": held_up.pk, "late-minutes": "25"},
    )
    assert desk.post(PAGE, {**comes_later, "late-minutes": "0"}).status_code == 422
    assert desk.post(PAGE, comes_later).status_code == 303
    held_up.refresh_from_db()
    assert held_up.departs_at == departs_at + timedelta(minutes=25)
    said = words(desk.get(PAGE)).split("close-form")[0]
    assert f"Van {held_up.vehicle.number}" in said and "25 min late" in said

    van = Vehicle.objects.filter(is_reserve=True, state="fit").order_by("pk")[0]
    site = Site.objects.exclude(pk=van.site_id).order_by("pk")[0]
    lend = {"kind": "lend", "lend-vehicle": van.pk, "lend-site": site.pk}
    assert desk.post(PAGE, lend).status_code == 303
    assert desk.post(PAGE, lend).status_code == 422
    assert "none stands here" in words(desk.get("/delivery/"))
    assert desk.post(f"{PAGE}vans/{van.number}/back").status_code == 303
    assert Loan.objects.get().returned_at is not None

    tour = Tour.objects.filter(day=day).order_by("pk")[0]
    out = services.BreakdownReport(
        tour.vehicle.number, 1, 1, "x", goods_aboard=True, injured=False, cause="driver"
    )
    stands = services.report_breakdown(out, run=None, actor=None)
    assert tour.driver_id is not None
    other = Person.objects.exclude(pk=tour.driver_id).order_by("pk")[0]
    drive = {"kind": "drive", "drive-vehicle": tour.vehicle_id, "drive-ready_at": "2026-11-23T11:00"}
    knows = selectors.substitutes(tour.vehicle.number)[0]
    assert f"{knows.person.name} ({knows.person.staff_no}, {knows.trips} trips on this line)" in words(
        desk.get(PAGE)
    )
    assert desk.post(PAGE, {**drive, "drive-person": "nobody"}).status_code == 422
    assert desk.post(PAGE, {**drive, "drive-person": other.staff_no}).status_code == 303
    stands.refresh_from_db()
    assert stands.resumed_at is not None and Tour.objects.get(pk=tour.pk).driver == other

    answer = desk.post(f"{PAGE}recompute")
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/delivery/recoveries/")
    assert day.recoveries.get().causes == ["cancelled", "closed", "late", "urgent"]
    assert desk.get(answer.headers["Location"]).status_code == 200
    drawn = desk.get(f"{answer.headers['Location']}map.json").json()["layers"]
    assert [one["geometry"] for one in drawn["suspensions"]["data"]["features"]] == [closure.area]
    assert desk.post(f"{PAGE}{closure.uuid}/reopen").status_code == 303
    assert "landslide" not in words(desk.get(PAGE)).split("close-form")[0]


def test_drivers_do_not(day: DeliveryDay) -> None:
    driver = client_of(Person.objects.filter(job="driver").order_by("pk")[0])
    assert driver.get(PAGE).status_code == 403
    assert driver.post(f"{PAGE}recompute").status_code == 403
    assert driver.get("/delivery/import/").status_code == 403
    assert driver.get(f"/delivery/export/{MONDAY}.csv").status_code == 200


def test_a_day_out_to_a_file_and_in_again(desk: Client, day: DeliveryDay) -> None:
    page = words(desk.get("/delivery/"))
    assert f"/delivery/export/{MONDAY}.xlsx" in page and "/delivery/import/" in page
    out = desk.get(f"/delivery/export/{MONDAY}.csv")
    assert out.content == exchange.write_day(day, "csv")
    assert out.headers["Content-Disposition"] == 'attachment; filename="delivery-2026-11-23.csv"'
    assert desk.get("/delivery/export/2030-01-01.csv").status_code == 404

    file = SimpleUploadedFile("monday.csv", out.content)
    done = desk.post("/delivery/import/", {"date": TUESDAY.isoformat(), "file": file})
    assert done.headers["Location"] == f"/delivery/?date={TUESDAY}"
    assert Stop.objects.filter(day__date=TUESDAY).count() == Stop.objects.filter(day=day).count()
    broken = io.BytesIO(out.content.replace(b"delivery", b"x") + b"nobody,1,12,3\r\n")
    wrong = desk.post(
        "/delivery/import/",
        {"date": "2026-12-08", "file": SimpleUploadedFile("wrong.csv", broken.getvalue())},
    )
    assert wrong.status_code == 422 and "nothing was written" in words(wrong)
    assert not DeliveryDay.objects.filter(date=date(2026, 12, 8)).exists()
