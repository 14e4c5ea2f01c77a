"""A typhoon over the small city."""

from __future__ import annotations

import pytest

from changbei.incidents import services
from changbei.incidents.models import Incident
from changbei.incidents.tests import people
from changbei.plans.models import PlanVersion


@pytest.fixture
def typhoon(plan: PlanVersion) -> Incident:
    data = {"phenomenon": "typhoon", "area": people.box(), "colour": "orange"}
    return services.report("severe-weather", data, actor=None, source="web").incident
