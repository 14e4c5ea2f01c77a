"""A small city with the shipped plan in force."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from changbei.core.clock import VirtualClock
from changbei.network.city import City
from changbei.notify.channels.sms import Twin, shared_twin
from changbei.plans.models import PlanVersion
from changbei.plans.services import adopt

FOLDER = Path(__file__).resolve().parents[3] / "plans" / "customer-service-emergency"


@pytest.fixture
def carrier(settings: object) -> Iterator[Twin]:
    settings.SMS_GATEWAY_URL, settings.EMAIL_URL = "twin:", ""  # type: ignore[attr-defined]
    shared_twin().clear()
    yield shared_twin()
    shared_twin().clear()


@pytest.fixture
def plan(small_city: City, clock: VirtualClock, carrier: Twin) -> PlanVersion:
    return adopt(FOLDER, actor=None)
