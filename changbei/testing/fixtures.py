"""Fixtures that need the product's models: loaded by the plugin once Django is set up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations
from django.utils import translation

from changbei.notify.channels.sms import Twin, shared_twin
from changbei.testing.city import day, dispatcher, plan, small_city, small_city_plan

__all__ = ["day", "dispatcher", "plan", "small_city", "small_city_plan"]

APPEND_ONLY = ("journal_entry", "journal_seal")


@pytest.fixture(scope="session", autouse=True)
def _journal_can_be_emptied_between_tests() -> Iterator[None]:
    """Tests with real commits end with a TRUNCATE of all tables, which the journal refuses: switched off
    for that moment.
    """
    original = DatabaseOperations.sql_flush

    def sql_flush(self, style, tables, **options):  # type: ignore[no-untyped-def]
        locked = [table for table in APPEND_ONLY if table in tables]
        return [
            *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in locked),
            *original(self, style, tables, **options),
            *(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in locked),
        ]

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign]
    yield
    DatabaseOperations.sql_flush = original  # type: ignore[method-assign]


@pytest.fixture
def in_english() -> Iterator[None]:
    """What the test reads is the English wording, whatever catalogues are compiled."""
    with translation.override("en"):
        yield


@pytest.fixture
def carrier(settings: Any) -> Iterator[Twin]:
    """Text messages go to the twin of a gateway, and no mail goes out."""
    settings.SMS_GATEWAY_URL, settings.EMAIL_URL = "twin:", ""
    shared_twin().clear()
    yield shared_twin()
    shared_twin().clear()
