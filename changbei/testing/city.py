"""A small city for tests: generated once per session, copied into each test's transaction in a few dozen
milliseconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from changbei.core.clock import LOCAL, VirtualClock
from changbei.delivery import planning, services
from changbei.delivery.models import DeliveryDay, Stop
from changbei.network import loading
from changbei.network.city import City, CitySpec, make
from changbei.notify.channels.sms import Twin
from changbei.people.models import DutyShift, Person
from changbei.plans.models import PlanVersion
from changbei.plans.services import adopt

SHIPPED = Path(__file__).resolve().parents[2] / "plans" / "customer-service-emergency"
SMALL = CitySpec(retailers=300, vans=6, seed=7, roster_weeks=2)
"""300 retailers, 6 vans with lines and 5 in reserve, duty roster two weeks around Monday 2026-11-23."""


@pytest.fixture(scope="session")
def small_city_plan() -> City:
    """The tables of the small city, not loaded."""
    return make(SMALL)


@pytest.fixture
def small_city(db: None, small_city_plan: City) -> City:
    """The small city in the test's database. Sites have the code of their unit: `delivery-center`,
    `transfer-station-1` …
    """
    loading.load(small_city_plan)
    return small_city_plan


@pytest.fixture
def plan(small_city: City, clock: VirtualClock, carrier: Twin) -> PlanVersion:
    """The shipped plan in force in the small city."""
    return adopt(SHIPPED, actor=None)


@pytest.fixture
def dispatcher(small_city: City, clock: VirtualClock) -> Person:
    """Who is on duty at the delivery centre."""
    shifts = DutyShift.objects.filter(starts_at__lte=clock.now(), ends_at__gt=clock.now())
    return shifts.filter(post__kind="dispatcher").order_by("pk")[0].person


@pytest.fixture
def day(small_city: City, clock: VirtualClock) -> DeliveryDay:
    """Monday, driven as planned until 10:00."""
    day = planning.plan_day(clock.now().date(), actor=None)
    clock.advance_to(datetime(2026, 11, 23, 10, 0, tzinfo=LOCAL))
    for stop in Stop.objects.filter(day=day).order_by("planned_at"):
        leaves = stop.planned_at + timedelta(seconds=stop.service_seconds)
        if leaves <= clock.now():
            services.record_stop(stop, "delivered", actor=None, at=leaves)
    return day
