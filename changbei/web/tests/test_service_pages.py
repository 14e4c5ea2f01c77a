"""Everyday service on the pages: recorded, listed by owner and limit, seen by those concerned."""

from __future__ import annotations

from pathlib import Path

import pytest

from changbei.incidents import services
from changbei.incidents.models import Incident
from changbei.network.city import City
from changbei.network.models import Retailer
from changbei.people.models import Account, DutyShift, Person
from changbei.plans.services import adopt
from changbei.runs.models import Run
from changbei.web.tests.conftest import client_of, text

PACKS = Path(__file__).resolve().parents[3] / "plans"

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(small_city: City) -> Person:
    """Whoever is on duty at the service desk; both plans are in force."""
    adopt(PACKS / "customer-service-emergency", actor=None)
    adopt(PACKS / "customer-service", actor=None)
    return DutyShift.objects.filter(post__kind="customer-service-desk").order_by("pk")[0].person


def complaint(desk: Person) -> Incident:
    retailer = Retailer.objects.filter(active=True).order_by("pk")[0]
    data = {"retailer": retailer.licence_no, "kind": "delivery", "what": "送货晚到两小时"}
    return services.report("complaint", data, actor=desk, source="web").incident


def test_emergencies_come_first_and_everyday_service_has_a_heading_of_its_own(desk: Person) -> None:
    words = text(client_of(desk, "desk"), "/report/")
    assert words.index("/report/vehicle-breakdown/") < words.index("/report/complaint/")
    assert 'href="#customer-service"' in words
    assert "/report/supply-tilt/" not in words  # a date begins it


def test_a_complaint_is_recorded_with_three_fields(desk: Person) -> None:
    client = client_of(desk, "desk")
    retailer = Retailer.objects.filter(active=True).order_by("pk")[0]
    filled = {"retailer": retailer.licence_no, "kind": "delivery", "what": "送货晚到"}
    assert client.post("/report/complaint/", filled).status_code == 303
    incident = Incident.objects.get()
    assert (incident.level, incident.reports.get().data["channel"]) == ("SERVICE", "phone")


@pytest.mark.clause("S8")
def test_open_matters_are_listed_by_owner_and_limit_and_not_on_the_board(desk: Person) -> None:
    incident, client = complaint(desk), client_of(desk, "desk")
    words = text(client, "/service/")
    assert incident.number in words
    assert Run.objects.get().tasks.get().holder.name in words  # type: ignore[union-attr]
    assert incident.number not in text(client, "/service/?view=mine")
    assert incident.number not in text(client, "/service/?view=late")
    assert incident.number not in text(client, "/service/?kind=network-store")
    assert incident.number not in text(client, "/")


def test_only_those_concerned_see_a_matter(desk: Person) -> None:
    incident = complaint(desk)
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    client = client_of(driver, "driver")
    assert client.get(f"/incidents/{incident.uuid}/").status_code == 404
    assert incident.number not in text(client, "/service/")
    owner = Run.objects.get().tasks.get().holder
    assert owner is not None
    assert incident.number in text(client_of(owner, "owner"), f"/incidents/{incident.uuid}/")


@pytest.mark.clause("S9")
def test_sheets_of_the_supply_tilt_begin_empty(desk: Person) -> None:
    assert "28" in text(client_of(desk, "desk"), "/service/tilt/")
    assert Account.objects.exists()
