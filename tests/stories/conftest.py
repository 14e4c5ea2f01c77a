"""A small city with the shipped plan in force, on Monday 2026-11-23 at 09:40, with real commits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from changbei.core.clock import VirtualClock
from changbei.delivery import planning
from changbei.network.city import City
from changbei.notify.channels.sms import shared_twin
from changbei.plans.services import adopt
from changbei.site.drills.colleagues import drive
from changbei.testing.city import SHIPPED
from tests.stories.telling import Town


@pytest.fixture
def town(
    transactional_db: None, small_city: City, clock: VirtualClock, settings: Any, tmp_path: Path
) -> Iterator[Town]:
    """The city with its plan; texts go to the carrier's twin, evidence to a temporary folder."""
    settings.SMS_GATEWAY_URL, settings.EMAIL_URL, settings.MEDIA_ROOT = "twin:", "", tmp_path
    shared_twin().clear()
    adopt(SHIPPED, actor=None)
    yield Town(clock)
    shared_twin().clear()


@pytest.fixture
def delivery_morning(town: Town, clock: VirtualClock) -> Town:
    """The same, and the vans have been driving as planned since the morning."""
    planning.plan_day(clock.now().date(), actor=None)
    drive(clock.now())
    return town
