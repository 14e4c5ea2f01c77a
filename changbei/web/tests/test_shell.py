"""What the shell tells every page, and the answers htmx understands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path
from django.utils import translation

from changbei.core import clock
from changbei.web import context, htmx

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def _page(request: object) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("", _page, name="board"),
    path("tasks/", _page, name="my-tasks"),
    path("tasks/done/", _page, name="plan"),
]


def test_the_machines_own_clock_needs_no_banner() -> None:
    with clock.use(clock.SystemClock()):
        assert context.clock_banner() == ""
        assert context.clock_rate() == 1.0


def test_a_shifted_clock_says_what_it_shows() -> None:
    with translation.override("en"), clock.use(clock.VirtualClock(NOON)):
        assert "it shows 2026-11-23 12:00 and runs 0 times as fast" in context.clock_banner()
    with translation.override("en"), clock.use(clock.ShiftedClock(timedelta(days=3))):
        assert context.clock_banner().startswith("The clock is set for a demonstration: it shows ")
        assert "times as fast" not in context.clock_banner()


@pytest.mark.parametrize(
    ("where", "here"),
    [("/", "board"), ("/tasks/7/", "my-tasks"), ("/tasks/done/", "plan"), ("/elsewhere/", None)],
)
@override_settings(ROOT_URLCONF=__name__)
def test_navigation_lists_what_exists_and_marks_where_we_are(where: str, here: str | None) -> None:
    items = context.navigation(RequestFactory().get(where), frozenset())
    assert [item.name for item in items] == ["board", "my-tasks", "plan"]
    assert next((item.name for item in items if item.here), None) == here


def test_a_toast_travels_in_a_header_of_plain_ascii() -> None:
    response = htmx.toast(
        htmx.toast(HttpResponse(headers={"HX-Trigger": '{"other": 1}'}), "一"), "已受理", "good"
    )
    header = response.headers["HX-Trigger"]
    assert header.isascii()
    assert json.loads(header) == {"other": 1, "changbei:toast": {"text": "已受理", "tone": "good"}}


@pytest.mark.parametrize(
    ("headers", "part"),
    [
        ({}, False),
        ({"HX-Request": "true"}, True),
        ({"HX-Request": "true", "HX-Boosted": "true"}, False),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
    ],
)
def test_redirects_in_the_way_the_caller_understands(headers: dict[str, str], part: bool) -> None:
    request = RequestFactory().post("/", headers=headers)
    answer = htmx.go_to(request, "/tasks/")
    assert htmx.wants_part(request) is part
    assert answer.status_code == (204 if part else 303)
    assert answer.headers.get("HX-Redirect" if part else "Location") == "/tasks/"


def test_polled_answers_carry_the_clock() -> None:
    with clock.use(clock.VirtualClock(NOON)):
        answer = htmx.stamp(HttpResponse(), engine_still_seconds=90)
    assert answer.headers["X-Server-Now"] == "2026-11-23T04:00:00+00:00"
    assert answer.headers["X-Clock-Rate"] == "0.0"
    assert answer.headers["X-Engine-Still"] == "90"
