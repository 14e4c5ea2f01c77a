from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from changbei.plans.plain import canonical, clean, clean_map

ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(codec=None, categories=None)),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_what_has_no_json_form_becomes_plain() -> None:
    assert clean({1: (datetime(2026, 1, 1, 8, tzinfo=UTC), date(2026, 1, 2), timedelta(minutes=1))}) == {
        "1": ["2026-01-01T08:00:00+00:00", "2026-01-02", 60.0]
    }
    assert clean([float("inf"), -0.0, 1e300, "a\x00b\ud800"]) == [None, 0.0, int(1e300), "ab?"]
    assert str(clean(-0.0)) == "0.0"
    assert clean_map([1]) == {}


def test_what_lies_too_deep_is_cut_off() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    assert canonical(clean(deep)) == "[" * 40 + "null" + "]" * 40


@pytest.mark.django_db
@settings(max_examples=60, deadline=None)
@given(ANYTHING)
def test_cleaned_values_come_back_from_postgresql_byte_for_byte(value: Any) -> None:
    kept = clean(value)
    assert clean(kept) == kept
    with connection.cursor() as cursor:
        cursor.execute("SELECT (%s::jsonb)::text", [canonical(kept)])
        (stored,) = cursor.fetchone()
    assert canonical(json.loads(stored)) == canonical(kept)
