"""A small city with the shipped plan in force, on an ordinary Monday morning."""

from __future__ import annotations

from pathlib import Path

import pytest

from changbei.core.clock import VirtualClock
from changbei.network.city import City
from changbei.notify.channels.sms import Twin
from changbei.plans.models import PlanVersion
from changbei.plans.services import adopt

PACK = Path(__file__).resolve().parents[3] / "plans" / "customer-service-emergency"


@pytest.fixture
def plan(small_city: City, clock: VirtualClock, carrier: Twin) -> PlanVersion:
    """The shipped plan in force in the small city."""
    return adopt(PACK, actor=None)
