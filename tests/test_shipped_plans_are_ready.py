"""The shipped plans against a generated city: nothing to mend and nothing to look at, at any hour of the week."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changbei.core.clock import VirtualClock
from changbei.network.city import City
from changbei.plans.loading import read_folder
from changbei.readiness import plan_check

PLANS = Path(__file__).resolve().parents[1] / "plans"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "pack",
    ["collective-petitions", "customer-service", "customer-service-emergency", "warehouse-flood"],
)
def test_nothing_is_found(pack: str, small_city: City, clock: VirtualClock) -> None:
    with CaptureQueriesContext(connection) as captured:
        report = plan_check.check(read_folder(PLANS / pack), at=clock.now())
    assert [str(one) for one in report.findings] == []
    assert len(captured) <= 12  # one set of queries, then memory
