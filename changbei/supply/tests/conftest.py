"""A small city with the shipped plan in force."""

from __future__ import annotations

import pytest

from changbei.plans.loading import pack_for
from changbei.plans.model import Pack
from changbei.plans.models import PlanVersion


@pytest.fixture
def version(plan: PlanVersion) -> PlanVersion:
    return plan


@pytest.fixture
def pack(version: PlanVersion) -> Pack:
    return pack_for(version)
