"""A van has broken down in the small city: the incident, and clients of three people with different standing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from changbei.core.clock import VirtualClock
from changbei.incidents import services as incidents
from changbei.incidents.models import Incident
from changbei.journal.models import Entry
from changbei.network.city import City
from changbei.network.models import Vehicle
from changbei.people.models import Account, Person
from changbei.plans import services as plans
from changbei.plans.models import PlanVersion
from changbei.runs.models import Task
from changbei.testing.city import SHIPPED


def client_of(person: Person | None, login: str) -> Client:
    """A browser in English in which this person, or an account without one, is logged in."""
    account = Account.objects.filter(login=login).first() or Account.objects.create_user(
        login, None, person=person
    )
    client = Client(headers={"accept-language": "en"})
    client.force_login(account)
    return client


def text(client: Client, url: str, status: int = 200) -> str:
    """The page at this address."""
    answer = client.get(url)
    assert answer.status_code == status, answer.content[:2000]
    return answer.content.decode()


def facts_of_people() -> list[str]:
    """What was recorded of people, keys for the tests aside."""
    kinds = Entry.objects.filter(kind__startswith="people.").exclude(kind="people.token_issued")
    return list(kinds.order_by("id").values_list("kind", flat=True))


@dataclass
class Case:
    """holder: the driver, who holds `confirm_place`; colleague: a customer manager; outsider: nobody on the staff."""

    incident: Incident
    driver: Person
    colleague: Person
    holder: Client
    colleague_client: Client
    outsider: Client

    def task(self, item: str) -> Task:
        return Task.objects.get(run=self.incident.run, item=item)


_adopted: dict[str, Any] = {}


@pytest.fixture
def adopted(small_city: City, clock: VirtualClock) -> None:
    """The shipped plan in force. Reading it takes a second, so later tests get the row of the first."""
    if _adopted:
        PlanVersion.objects.create(**_adopted)
        return
    version = plans.adopt(SHIPPED, actor=None)
    _adopted.update(PlanVersion.objects.values().get(pk=version.pk))
    del _adopted["id"]


@pytest.fixture
def breakdown(adopted: None) -> Case:
    van = Vehicle.objects.filter(is_reserve=False, keeper__isnull=False).order_by("pk")[0]
    driver = van.keeper
    assert driver is not None
    report = {
        "vehicle": van.number,
        "place": {"text": "示例路口", "longitude": van.site.longitude, "latitude": van.site.latitude},
        "injured": False,
        "goods_aboard": True,
    }
    incident = incidents.report("vehicle-breakdown", report, actor=driver, source="web").incident
    colleague = Person.objects.filter(job="customer_manager").order_by("pk")[0]
    return Case(
        incident=incident,
        driver=driver,
        colleague=colleague,
        holder=client_of(driver, "holder"),
        colleague_client=client_of(colleague, "colleague"),
        outsider=client_of(None, "outsider"),
    )
