"""A small city for tests: generated once per session, copied into each test's transaction in a few dozen
milliseconds.
"""

from __future__ import annotations

import pytest

from changbei.network import loading
from changbei.network.city import City, CitySpec, make

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
