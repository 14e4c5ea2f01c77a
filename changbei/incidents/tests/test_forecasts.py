"""Forecast sources against a local server and a folder, and what is kept of them (E3.2.9)."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from changbei.core.clock import VirtualClock
from changbei.core.errors import Invalid, Outside
from changbei.incidents.forecasts import Day, Draft, FolderSource, HttpSource, beaufort
from changbei.incidents.forecasts.days import problems
from changbei.incidents.models import Forecast
from changbei.incidents.services import forecasting
from changbei.journal.models import Entry
from changbei.plans.models import PlanVersion

MONDAY = date(2026, 11, 23)
DAILY = {
    "time": ["2026-11-23", "2026-11-24", "2026-11-25"],
    "weather_code": [2, 65, 75],
    "temperature_2m_min": [6.4, 4.0, -3.2],
    "temperature_2m_max": [14.6, 9.0, 1.0],
    "wind_speed_10m_max": [18.0, 63.0, 30.5],
    "precipitation_sum": [0.0, 61.5, 9.0],
    "snowfall_sum": [0.0, 0.0, 6.3],
}


class Api(BaseHTTPRequestHandler):
    """The public API as it answers; `body` and `status` are what the test sets."""

    body: bytes = b""
    status: int = 200
    asked: dict[str, list[str]]

    def do_GET(self) -> None:
        type(self).asked = parse_qs(urlsplit(self.path).query)
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def api() -> Iterator[str]:
    Api.body, Api.status = json.dumps({"daily": DAILY}).encode(), 200
    server = HTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/forecast"
    server.shutdown()
    server.server_close()


def days(**second: Any) -> tuple[Day, ...]:
    calm: dict[str, Any] = {
        "weather": "clear",
        "low_celsius": 5.0,
        "high_celsius": 14.0,
        "wind_force": 2,
        "rain_millimetres": 0.0,
    }
    return tuple(Day(on=MONDAY + timedelta(days=n), **(calm | second if n == 1 else calm)) for n in range(3))


def test_the_api_is_asked_for_three_days_and_read(api: str) -> None:
    draft = HttpSource(api).fetch(MONDAY, 117.25, 30.5)
    assert Api.asked == {
        "latitude": ["30.5000"],
        "longitude": ["117.2500"],
        "daily": [
            "weather_code,temperature_2m_min,temperature_2m_max,wind_speed_10m_max,precipitation_sum,snowfall_sum"
        ],
        "timezone": ["Asia/Shanghai"],
        "forecast_days": ["3"],
    }
    assert draft == Draft(
        (
            Day(MONDAY, "cloudy", 6.4, 14.6, 3, 0.0, 0.0),
            Day(date(2026, 11, 24), "rainstorm", 4.0, 9.0, 8, 61.5, 0.0),
            Day(date(2026, 11, 25), "snow", -3.2, 1.0, 5, 9.0, 6.3),
        ),
        "127.0.0.1",
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, b"{}"),
        (200, b"<html>"),
        (200, b'{"daily": {}}'),
        (200, json.dumps({"daily": {**DAILY, "time": []}}).encode()),
    ],
)
def test_an_api_that_does_not_answer_soundly_is_outside(api: str, status: int, body: bytes) -> None:
    Api.status, Api.body = status, body
    with pytest.raises(Outside) as error:
        HttpSource(api).fetch(MONDAY, 117.25, 30.5)
    assert not error.value.permanent


def test_an_api_that_is_not_there(api: str) -> None:
    with pytest.raises(Outside):
        HttpSource("http://127.0.0.1:1/v1/forecast").fetch(MONDAY, 117.25, 30.5)


def test_the_newest_file_of_today_counts(tmp_path: Path) -> None:
    old = [{"date": "2026-11-22", "weather": "clear", "low": 1, "high": 9, "wind_force": 2, "rain_mm": 0}]
    (tmp_path / "yesterday.json").write_text(json.dumps({"days": old}), encoding="utf-8")
    rows = "\n".join(f"{MONDAY + timedelta(days=n)},rain,5,11,4,{n * 10},0,小雨" for n in range(3))
    (tmp_path / "today.csv").write_text(
        f"\ufeffdate,weather,low,high,wind_force,rain_mm,snow_cm,text\n{rows}\n", encoding="utf-8"
    )
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    os.utime(tmp_path / "today.csv", (1, 1))
    draft = FolderSource(tmp_path).fetch(MONDAY, 0, 0)
    assert draft.name == "today.csv"
    assert draft.days[2] == Day(date(2026, 11, 25), "rain", 5.0, 11.0, 4, 20.0, 0.0, "小雨")
    with pytest.raises(Outside, match=r"broken\.json"):
        FolderSource(tmp_path).fetch(date(2026, 11, 30), 0, 0)
    with pytest.raises(Outside):
        FolderSource(tmp_path / "nowhere").fetch(MONDAY, 0, 0)


@pytest.mark.parametrize(
    ("kmh", "force"),
    [(0, 0), (0.9, 0), (1, 1), (38.9, 5), (39, 6), (61.9, 7), (62, 8), (117.9, 11), (118, 12)],
)
def test_beaufort(kmh: float, force: int) -> None:
    assert beaufort(kmh) == force


@pytest.mark.parametrize(
    ("second", "field"),
    [
        ({"weather": "frogs"}, "days.1.weather"),
        ({"low_celsius": 20.0}, "days.1.high_celsius"),
        ({"wind_force": 18}, "days.1.wind_force"),
        ({"rain_millimetres": -1.0}, "days.1.rain_millimetres"),
    ],
)
def test_unsound_days_are_refused(second: dict[str, Any], field: str) -> None:
    assert [problem.field for problem in problems(days(**second), MONDAY)] == [field]
    assert problems(days(), MONDAY) == []
    assert [problem.field for problem in problems(days()[:2], MONDAY)] == ["days"]
    assert [problem.field for problem in problems(days(), MONDAY + timedelta(days=1))] == ["days"]


@pytest.mark.django_db
class TestKept:
    @pytest.mark.clause("E3.2.9")
    @pytest.mark.parametrize(
        ("second", "severity", "departments"),
        [
            ({}, "calm", []),
            ({"wind_force": 6}, "watch", ["delivery"]),
            ({"wind_force": 8}, "severe", ["delivery", "warehouse", "order", "marketing"]),
            ({"rain_millimetres": 24.9}, "calm", []),
            ({"rain_millimetres": 25.0}, "watch", ["delivery"]),
            ({"rain_millimetres": 50.0}, "severe", ["warehouse", "delivery", "order", "marketing"]),
            ({"snow_centimetres": 2.9}, "watch", ["delivery"]),
            ({"snow_centimetres": 3.0}, "severe", ["delivery", "order", "marketing"]),
            ({"low_celsius": 0.0}, "watch", ["delivery"]),
            ({"high_celsius": 37.0}, "watch", ["delivery", "warehouse"]),
            ({"weather": "freezing_rain"}, "severe", ["delivery", "order", "marketing"]),
            ({"weather": "typhoon"}, "severe", ["delivery", "warehouse", "order", "marketing"]),
        ],
    )
    def test_the_table_of_the_plan_judges_each_day(
        self, plan: PlanVersion, small_city: Any, clock: VirtualClock, second: dict[str, Any], severity: str,
        departments: list[str],
    ) -> None:  # fmt: skip
        made = forecasting.keep(Draft(days(**second), "x"), source="hand", actor=None)
        assert [day["severity"] for day in made.days] == ["calm", severity, "calm"]
        assert [one["department"] for one in made.days[1]["prepare"]] == departments
        assert made.severity == severity and forecasting.of_day(MONDAY) == made

    @pytest.mark.clause("E3.2.9")
    def test_sources_are_asked_in_turn(
        self, plan: PlanVersion, small_city: Any, clock: VirtualClock, api: str, tmp_path: Path
    ) -> None:
        Api.status = 500
        with pytest.raises(Outside, match=r"api: .*file: "):
            forecasting.fetch([HttpSource(api), FolderSource(tmp_path)])
        assert not Forecast.objects.exists()
        Api.status = 200
        made = forecasting.fetch([FolderSource(tmp_path), HttpSource(api)])
        assert (made.source, made.name, made.severity, made.on) == ("api", "127.0.0.1", "severe", MONDAY)
        fact = Entry.objects.get(kind="incidents.forecast_kept")
        assert (fact.clause, fact.data["severity"]) == ("E3.2.9", "severe")
        with pytest.raises(Outside, match="no source"):
            forecasting.fetch([])

    def test_an_unsound_forecast_is_not_kept(
        self, plan: PlanVersion, small_city: Any, clock: VirtualClock
    ) -> None:
        with pytest.raises(Invalid):
            forecasting.keep(Draft(days(weather="frogs"), "x"), source="hand", actor=None)
        assert not Forecast.objects.exists()
