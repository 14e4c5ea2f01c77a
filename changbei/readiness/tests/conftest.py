"""A small city with the shipped plan in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from changbei.core.clock import VirtualClock
from changbei.network.city import City
from changbei.notify.channels.sms import Twin
from changbei.plans.models import PlanVersion
from changbei.plans.services import adopt

FOLDER = Path(__file__).resolve().parents[3] / "plans" / "customer-service-emergency"


@pytest.fixture
def plan(small_city: City, clock: VirtualClock, carrier: Twin) -> PlanVersion:
    return adopt(FOLDER, actor=None)
