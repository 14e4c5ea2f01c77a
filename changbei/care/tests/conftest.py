"""A small city with the plan of everyday service in force, and a customer manager with customers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from changbei.care.models import Visit
from changbei.care.services import Seen, record
from changbei.core import clock
from changbei.core.clock import VirtualClock
from changbei.network.city import City
from changbei.network.models import Retailer
from changbei.people.models import Person
from changbei.plans.models import PlanVersion
from changbei.plans.services import adopt

FOLDER = Path(__file__).resolve().parents[3] / "plans" / "customer-service"
GOOD = {
    "minors_sign": True,
    "age_check": True,
    "in_stock": True,
    "weeks_of_stock": 2,
    "in_sight": True,
    "fresh": True,
    "slow": 0,
    "marked_prices": True,
    "ordering": "fits",
    "ledger": True,
}
_adopted: dict[str, Any] = {}


@pytest.fixture
def version(small_city: City, clock: VirtualClock, settings: Any, tmp_path: Path) -> PlanVersion:
    """Reading the plan takes a second, so later tests get the row of the first."""
    settings.MEDIA_ROOT = tmp_path
    if _adopted:
        return PlanVersion.objects.create(**_adopted)
    version = adopt(FOLDER, actor=None)
    _adopted.update(PlanVersion.objects.values().get(pk=version.pk))
    del _adopted["id"]
    return version


@pytest.fixture
def manager(version: PlanVersion) -> Person:
    """The customer manager with most customers."""
    people = Person.objects.filter(job="customer_manager", active=True).select_related("unit")
    return max(people.order_by("pk"), key=lambda one: (one.customers.count(), -one.pk))


@pytest.fixture
def shop(manager: Person) -> Retailer:
    found = Retailer.objects.filter(customer_manager=manager, active=True)
    return found.select_related("customer_manager__unit", "line").order_by("pk")[0]


def colleague(manager: Person) -> Person:
    """Another customer manager of the same department, else anybody who visits there."""
    return Person.objects.filter(job="market_manager", unit=manager.unit).order_by("pk")[0]


def head(manager: Person) -> Person:
    """Who leads the marketing department that the manager's office belongs to."""
    department = manager.unit.parent or manager.unit
    post = department.posts.get(kind="marketing-department-head")
    return post.holdings.filter(until=None).order_by("rank")[0].person


def visited(shop: Retailer, by: Person, **answers: Any) -> Visit:
    """A visit that was planned for today and made."""
    today = clock.local_now().date()
    visit = Visit.objects.create(
        retailer=shop, manager=by, why=Visit.Why.WISH, planned_for=today, first_for=today
    )
    return record(visit, Seen({**GOOD, **answers}), actor=by)
