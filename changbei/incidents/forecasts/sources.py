"""Where forecasts come from: a public API over HTTP, or a file somebody drops into a folder. By hand it is the page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from changbei.core.errors import Outside
from changbei.incidents.forecasts.days import DAYS_AHEAD, Day, Draft, beaufort

TIMEOUT_SECONDS = 10.0
MOST_BYTES = 1_000_000
DAILY = (
    "weather_code",
    "temperature_2m_min",
    "temperature_2m_max",
    "wind_speed_10m_max",
    "precipitation_sum",
    "snowfall_sum",
)
RAINSTORM_MILLIMETRES = 50.0  # of a day, as the weather services of China count it
COLUMNS = ("date", "weather", "low", "high", "wind_force", "rain_mm", "snow_cm", "text")


class Source(Protocol):
    """Gives the forecast of `today` and the two days after. Raises Outside when it cannot."""

    @property
    def kind(self) -> str:
        """api or file."""
        ...

    def fetch(self, today: date, longitude: float, latitude: float) -> Draft: ...


@dataclass(frozen=True)
class HttpSource:
    """An API in the manner of Open-Meteo: `GET {url}?latitude=…&longitude=…&daily=…&forecast_days=3`."""

    url: str
    kind: str = "api"

    def fetch(self, today: date, longitude: float, latitude: float) -> Draft:
        wanted = {
            "latitude": f"{latitude:.4f}",
            "longitude": f"{longitude:.4f}",
            "daily": ",".join(DAILY),
            "timezone": "Asia/Shanghai",
            "forecast_days": str(DAYS_AHEAD),
        }
        try:
            answer = httpx.get(self.url, params=wanted, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            daily = answer.json()["daily"]
            days = tuple(_from_api(daily, number) for number in range(DAYS_AHEAD))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            words = str(error).partition("\n")[0]
            raise Outside(f"the forecast cannot be fetched: {words}", permanent=False) from error
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise Outside(f"the forecast cannot be read: {error!r}", permanent=False) from error
        return Draft(days, urlsplit(self.url).hostname or self.url)


def _from_api(daily: Mapping[str, Sequence[Any]], number: int) -> Day:
    rain = float(daily["precipitation_sum"][number] or 0)
    return Day(
        on=date.fromisoformat(daily["time"][number]),
        weather=_weather(int(daily["weather_code"][number]), rain),
        low_celsius=float(daily["temperature_2m_min"][number]),
        high_celsius=float(daily["temperature_2m_max"][number]),
        wind_force=beaufort(float(daily["wind_speed_10m_max"][number])),
        rain_millimetres=rain,
        snow_centimetres=float(daily["snowfall_sum"][number] or 0),
    )


def _weather(code: int, rain_millimetres: float) -> str:
    """WMO code 4677 as forecasts use it, in our words."""
    if code in (56, 57, 66, 67):
        return "freezing_rain"
    if 71 <= code <= 77 or code in (85, 86):
        return "snow"
    if rain_millimetres >= RAINSTORM_MILLIMETRES:
        return "rainstorm"
    if code >= 95:
        return "thunderstorm"
    if code >= 51:
        return "rain"
    if code in (45, 48):
        return "fog"
    return {0: "clear", 1: "clear", 2: "cloudy", 3: "overcast"}.get(code, "other")


@dataclass(frozen=True)
class FolderSource:
    """The newest `*.json` or `*.csv` of a folder that has today's forecast.

    JSON: {"name": …, "days": [{…}]}; CSV: a header and three rows; the columns are those of COLUMNS, the last two may
    be missing.
    """

    folder: Path
    kind: str = "file"

    def fetch(self, today: date, longitude: float, latitude: float) -> Draft:
        try:
            files = [path for path in self.folder.iterdir() if path.suffix.lower() in {".json", ".csv"}]
            files.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        except OSError as error:
            raise Outside(f"the folder of forecasts cannot be read: {error}", permanent=False) from error
        troubles = []
        for path in files:
            try:
                draft = read_file(path)
            except (OSError, ValueError, KeyError, TypeError) as error:
                troubles.append(f"{path.name}: {error!r}")
                continue
            if draft.days and draft.days[0].on == today:
                return draft
        raise Outside("; ".join(troubles) or "no file with today's forecast", permanent=False)


def read_file(path: Path) -> Draft:
    """Raises ValueError, KeyError or TypeError when it is no forecast."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError("too long for a forecast")
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() == ".json":
        found = json.loads(text)
        return Draft(tuple(_from_row(row) for row in found["days"]), str(found.get("name") or path.name))
    rows = csv.DictReader(io.StringIO(text))
    return Draft(tuple(_from_row(row) for row in rows), path.name)


def _from_row(row: Mapping[str, Any]) -> Day:
    return Day(
        on=date.fromisoformat(str(row["date"])),
        weather=str(row["weather"]),
        low_celsius=float(row["low"]),
        high_celsius=float(row["high"]),
        wind_force=int(row["wind_force"]),
        rain_millimetres=float(row["rain_mm"]),
        snow_centimetres=float(row.get("snow_cm") or 0),
        text=str(row.get("text") or ""),
    )


def configured() -> list[Source]:
    """The sources this house has set up, in the order in which they are asked."""
    found: list[Source] = []
    if settings.FORECAST_URL:
        found.append(HttpSource(settings.FORECAST_URL))
    if settings.FORECAST_FOLDER:
        found.append(FolderSource(Path(settings.FORECAST_FOLDER)))
    return found
