"""The next day's lines on their page: asked, waited for, compared, driven, kept, taken back; who only looks."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from django.test import Client

from changbei.core.clock import LOCAL, VirtualClock
from changbei.delivery import planning
from changbei.delivery.lines import answers, questions
from changbei.delivery.models import DeliveryDay, LineEvening, LineQuestion, Stop, Tour
from changbei.incidents.tests.people import holder
from changbei.people.models import Person
from changbei.web.tests.test_disruption_pages import client_of, words

pytestmark = pytest.mark.django_db
PAGE, HTMX = "/delivery/lines/", {"HX-Request": "true"}
TUESDAY = {"date": "2026-11-24", "site": "delivery-center"}


@pytest.fixture
def desk(small_city: Any, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> Client:
    clock.advance_to(datetime(2026, 11, 23, 16, 0, tzinfo=LOCAL))
    monkeypatch.setattr(questions, "ROUNDS_PER_STOP", 5)
    return client_of(holder("dispatcher"))


def test_from_asking_to_driving_and_back(desk: Client) -> None:
    assert "This day is not planned yet" in words(desk.get(PAGE))
    asked = desk.post(f"{PAGE}ask", {**TUESDAY, "weight": "compact"})
    question = LineQuestion.objects.get()
    assert (question.date, question.weight, question.status) == (date(2026, 11, 24), "compact", "waiting")
    address = asked.headers["Location"]
    assert "Waiting for a worker" in words(desk.get(address))
    answers.claim()
    assert "Being planned" in words(desk.get(f"{address}&waited=1", headers=HTMX))
    LineQuestion.objects.update(claim=None, lease_until=None)
    answers.work()
    assert desk.get(f"{address}&waited=1", headers=HTMX).headers["HX-Redirect"].startswith(PAGE)

    page = words(desk.get(address))
    assert "To decide" in page and "Customers whose usual van comes" in page
    question.refresh_from_db()
    assert question.answer is not None
    layers = desk.get(f"{PAGE}{question.uuid}/map.json").json()["layers"]
    used = sum(1 for line in question.answer["lines"] if line)
    assert len(layers["after"]["data"]["features"]) == used
    van = layers["after"]["data"]["features"][0]["properties"]["name"]
    one = desk.get(f"{PAGE}{question.uuid}/map.json?van={van}").json()["layers"]
    assert len(one["after"]["data"]["features"]) == 1
    assert len(one["stops"]["data"]["features"]) == max(map(len, question.answer["lines"][:1]))

    before = list(Stop.objects.order_by("pk").values_list("tour_id", "sequence", "expected_at"))
    desk.post(f"{PAGE}{question.uuid}/accept")
    assert "These lines are driven" in words(desk.get(address))
    desk.post(f"{PAGE}{question.uuid}/undo")
    assert list(Stop.objects.order_by("pk").values_list("tour_id", "sequence", "expected_at")) == before
    desk.post(f"{PAGE}{question.uuid}/keep")
    assert "The lines so far are driven" in words(desk.get(address))
    Stop.objects.update(cartons=3)
    DeliveryDay.objects.update(version=9)
    assert "Out of date" in words(desk.get(address))
    LineQuestion.objects.update(status="failed", trouble="no memory")
    failed = words(desk.get(address))
    assert "Could not be planned" in failed and "no memory" in failed


def test_who_fits_into_no_van_is_named(desk: Client) -> None:
    day = planning.plan_day(date(2026, 11, 24), actor=None)
    large = Stop.objects.filter(day=day, tour__site__code="delivery-center").order_by("pk")[0]
    Stop.objects.filter(pk=large.pk).update(cartons=5_000)
    address = desk.post(f"{PAGE}ask", TUESDAY).headers["Location"]
    answers.work()
    page = words(desk.get(address))
    vans = Tour.objects.filter(day=day, site__code="delivery-center")
    takes = max(vans.values_list("vehicle__capacity_cartons", flat=True))
    assert "1 customer fits into no van" in page and large.retailer.address in page and large.tour is not None
    assert f"so far on van {large.tour.vehicle.number}" in page and f"the largest van takes {takes}" in page
    assert page.count(large.retailer.phone) == 2


def test_every_evening_is_set_on_the_page_and_a_driver_only_looks(desk: Client, clock: VirtualClock) -> None:
    form = {**TUESDAY, "on": "on", "at": "17:30", "days_ahead": "1"}
    driver = client_of(Person.objects.filter(job="driver").order_by("pk")[0])
    assert driver.get(PAGE).status_code == 200
    for address in ("ask", "evening"):
        assert driver.post(f"{PAGE}{address}", form).status_code == 403
    assert not LineEvening.objects.exists() and not DeliveryDay.objects.exists()
    desk.post(f"{PAGE}evening", form)
    assert LineEvening.objects.get().due_at == datetime(2026, 11, 23, 17, 30, tzinfo=LOCAL)
    assert 'value="17:30"' in words(desk.get(PAGE))
    assert desk.get(f"{PAGE}?date=never").status_code == 404
    assert desk.get(f"{PAGE}?site=nowhere").status_code == 404
