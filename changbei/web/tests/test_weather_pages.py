"""The forecast, go or no-go of lines, and a customer's own next delivery, as a browser asks for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from changbei.core import clock as house_clock
from changbei.core.clock import VirtualClock
from changbei.delivery import planning
from changbei.delivery.models import Stop, Tour
from changbei.incidents import cap, cap_writer
from changbei.incidents import services as incidents
from changbei.incidents.models import Forecast, Incident, LineMeasure
from changbei.incidents.services.lines import lines_concerned
from changbei.incidents.tests import people
from changbei.network.models import District, Line, Retailer
from changbei.people.models import PostHolding
from changbei.testing.typhoon import typhoon_warning
from changbei.web.tests.conftest import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adopted", "carrier")]


@pytest.fixture
def storm(adopted: None, clock: VirtualClock) -> Incident:
    planning.plan_day(clock.now().date(), actor=None)
    line = Line.objects.filter(weekday=1).order_by("pk")[0]
    area = people.box(Retailer.objects.filter(line=line), margin=0.0005)
    data = {"phenomenon": "typhoon", "area": area, "colour": "orange"}
    return incidents.report("severe-weather", data, actor=None, source="web").incident


def client(post: str, login: str) -> Client:
    held = PostHolding.objects.filter(post__kind=post, rank=1, until__isnull=True).select_related("person")
    return client_of(held.order_by("pk")[0].person, login)


def typed(**second: str) -> dict[str, str]:
    calm = {
        "weather": "clear",
        "low_celsius": "5",
        "high_celsius": "14",
        "wind_force": "2",
        "rain_millimetres": "0",
        "snow_centimetres": "",
    }
    days = [calm, calm | second, calm]
    return {"name": "电台"} | {
        f"day{number}-{field}": value for number, day in enumerate(days) for field, value in day.items()
    }


@pytest.mark.clause("E3.2.9")
def test_a_forecast_is_typed_in_and_its_severe_day_stands_out(clock: VirtualClock) -> None:
    office = client("leading-group-office", "office")
    assert "Type the forecast in" in office.get("/forecast/").content.decode()
    wrong = office.post("/forecast/", typed(high_celsius="1"))
    assert wrong.status_code == 422 and not Forecast.objects.exists()
    assert office.post("/forecast/", typed(rain_millimetres="80", weather="rainstorm")).status_code == 303
    found = Forecast.objects.get()
    assert (found.source, found.name, found.severity) == ("hand", "电台", "severe")
    page = office.get("/forecast/").content.decode()
    assert page.count("Severe") == 1
    assert "flood boards" in page and "电台" in page
    board = office.get("/").content.decode()
    assert "Three-day forecast" in board and "0 of 0 departments have confirmed" in board


@pytest.mark.clause("E2.6")
def test_lines_are_decided_on_their_page(storm: Incident, clock: VirtualClock) -> None:
    url = f"/incidents/{storm.uuid}/lines/"
    dispatcher = client("dispatcher", "dispatcher")
    (tour, *_others) = lines_concerned(storm)
    assert dispatcher.get(url).status_code == 200
    assert client("finance-head", "finance").get(url).status_code == 403
    held = {f"tour{tour.pk}-measure": "hold"}
    assert dispatcher.post(url, held).status_code == 422
    assert not LineMeasure.objects.exists()
    review_at = house_clock.local_now() + timedelta(hours=3)
    answer = dispatcher.post(url, held | {"review_at": f"{review_at:%Y-%m-%dT%H:%M}"})
    assert answer.status_code == 303
    made = LineMeasure.objects.get()
    assert (made.measure, made.tour, made.retailers.count()) == ("hold", tour.uuid, made.stops)
    assert set(Tour.objects.get(pk=tour.pk).stops.values_list("status", flat=True)) == {"held"}
    assert "1 line is on hold" in dispatcher.get(url).content.decode()


@pytest.mark.clause("E3.2.2")
def test_a_customer_sees_the_own_next_delivery(storm: Incident, clock: VirtualClock) -> None:
    """Without an account, by licence and telephone; the wrong telephone tells nothing."""
    stop = Stop.objects.select_related("retailer").order_by("-expected_at", "pk")[0]
    shop, visitor = stop.retailer, Client(headers={"accept-language": "en"})
    assert visitor.get("/next/").status_code == 200
    refused = visitor.post("/next/", {"licence_no": shop.licence_no, "phone": "000"})
    assert refused.status_code == 422 and shop.name not in refused.content.decode()
    licence, phone = shop.licence_no, shop.phone
    ask = {"licence_no": f"{licence[:6]} {licence[6:]}", "phone": f"{phone[:3]}-{phone[3:7]} {phone[7:]}"}
    page = visitor.post("/next/", ask).content.decode()
    assert stop.expected_at is not None
    assert shop.name in page and f"{stop.expected_at.astimezone(house_clock.LOCAL):%H:%M}" in page
    area = people.box(Retailer.objects.filter(pk=shop.pk), margin=0.0005)
    now = clock.now()
    incidents.suspend(
        storm, area=area, starts_at=now, ends_at=now + timedelta(hours=12), reason="暴雨路断", actor=None
    )
    page = visitor.post("/next/", ask).content.decode()
    assert "暴雨路断" in page and "Your goods are ready and wait" in page


def cap_file(identifier: str, **changes: Any) -> bytes:
    """A warning of the weather service for one county."""
    area = District.objects.order_by("code")[0].outline
    city = {"zh-Hans": "示例市", "zh-Hant": "示例市", "en": "Sample City"}
    made = typhoon_warning(
        area, sent=house_clock.now(), city=city, identifier=identifier, **({"colour": "yellow"} | changes)
    )
    return cap_writer.write(made)


@pytest.mark.clause("E3.2")
def test_a_warning_says_whom_it_concerns_and_what_is_proposed(adopted: None, clock: VirtualClock) -> None:
    district = District.objects.order_by("code")[0]
    shops = Retailer.objects.filter(district=district, active=True)
    first = incidents.receive_warning(cap_file("W-1"), source="test").warning
    office = client("leading-group-office", "office")
    page = office.get("/warnings/")
    (row,) = page.context["in_force"]
    assert page.context["proposed"] == [row] and row.may_start
    assert (row.who.count, row.who.key) == (shops.count(), shops.filter(is_key=True).count())
    assert row.who.vulnerable == shops.filter(is_vulnerable=True).count()
    assert round(row.who.percent, 6) == round(100 * shops.count() / Retailer.objects.count(), 6)
    assert [count for _name, count in row.who.districts] == [shops.count()]
    assert len(row.who.lines) == shops.values("line").distinct().count()
    assert 'data-colour="yellow"' in page.content.decode()

    # An update takes its place: one warning in force, the other is its history; on the map there is one.
    clock.advance(timedelta(hours=1))
    reference = cap.Reference(first.sender, first.identifier, first.sent)
    later = incidents.receive_warning(
        cap_file("W-2", colour="blue", msg_type="Update", references=[reference]), source="test"
    ).warning
    page = office.get("/warnings/")
    (row,) = page.context["in_force"]
    assert (row.warning, row.history, page.context["proposed"]) == (later, [first], [])
    drawn = office.get("/map/warnings.json").json()["features"]
    assert [(one["id"], one["properties"]["colour"]) for one in drawn] == [(later.pk, "blue")]

    # Lifted: nothing is in force, and nothing on the map.
    clock.advance(timedelta(hours=1))
    end = cap.Reference(later.sender, later.identifier, later.sent)
    incidents.receive_warning(cap_file("W-3", msg_type="Cancel", references=[end]), source="test")
    page = office.get("/warnings/")
    assert page.context["in_force"] == [] and len(page.context["over"][0].history) == 2
    assert office.get("/map/warnings.json").json()["features"] == []


@pytest.mark.clause("E3.2")
def test_a_warning_speaks_the_readers_language(adopted: None, clock: VirtualClock) -> None:
    warning = incidents.receive_warning(cap_file("W-1"), source="test").warning
    office = client("leading-group-office", "office")
    chinese, traditional, english = (
        "示例市气象台发布台风黄色预警信号",
        "示例市氣象臺發布颱風黃色預警信號",
        "Yellow warning: typhoon",
    )
    for language, shown, hidden in (
        ("en", english, chinese),
        ("zh-hans", chinese, english),
        ("zh-hant", traditional, english),
    ):
        office.cookies["django_language"] = language
        for url in ("/warnings/", "/"):
            page = office.get(url).content.decode()
            assert shown in page and hidden not in page, (language, url)
        drawn = office.get("/map/warnings.json", {"language": language}).json()["features"]
        assert [one["properties"]["name"].startswith(shown) for one in drawn] == [True]
    incidents.start_from_warning(warning, actor=people.head())
    office.cookies["django_language"] = "en"
    page = office.get(f"/incidents/{Incident.objects.get().uuid}/").content.decode()
    assert english in page and chinese not in page


@pytest.mark.clause("E3.2")
def test_a_test_of_the_publisher_starts_nothing_and_is_not_in_force(
    adopted: None, clock: VirtualClock
) -> None:
    warning = incidents.receive_warning(cap_file("W-1", status="Test", colour="red"), source="test").warning
    office = client("leading-group-office", "office")
    page = office.get("/warnings/")
    assert page.context["in_force"] == [] and [row.may_start for row in page.context["over"]] == [False]
    assert office.get("/map/warnings.json").json()["features"] == []
    assert office.post(f"/warnings/{warning.uuid}/start").status_code == 409
    assert not Incident.objects.exists()


@pytest.mark.clause("E3.2")
def test_a_feed_is_taken_in_whole_on_the_page(adopted: None, clock: VirtualClock) -> None:
    bodies = [cap_file(name).decode().partition("?>")[2] for name in ("W-1", "W-2")]
    feed = SimpleUploadedFile("feed.xml", f"<alerts>{''.join(bodies)}<x/></alerts>".encode())
    office = client("leading-group-office", "office")
    page = office.post("/warnings/", {"file": feed}, follow=True)
    assert [len(page.context[name]) for name in ("in_force", "refused", "proposed")] == [2, 1, 2]
    said = [str(one) for one in page.context["messages"]]
    assert [one.endswith("(×2)") for one in said] == [True, False]


@pytest.mark.clause("E3.2.1")
def test_an_all_clear_proposes_on_the_page_to_resume(storm: Incident, clock: VirtualClock) -> None:
    now = house_clock.now()
    assert storm.area is not None
    suspension = incidents.suspend(
        storm, area=storm.area, starts_at=now, ends_at=now + timedelta(hours=8), reason="台风", actor=None
    )
    office = client("leading-group-office", "office")
    assert office.get("/warnings/").context["resumptions"] == []
    clock.advance(timedelta(hours=1))
    incidents.declare_all_clear(storm, actor=people.head())
    ((found, why),) = office.get("/warnings/").context["resumptions"]
    assert found.suspension == suspension and why
    incidents.resume(suspension, actor=people.head())
    assert office.get("/warnings/").context["resumptions"] == []
