"""A day of a forecast, whatever its source. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from changbei.core.errors import Problem
from changbei.core.texts import Text

DAYS_AHEAD = 3
BEAUFORT_FROM_KMH = (1, 6, 12, 20, 29, 39, 50, 62, 75, 89, 103, 118)  # of force 1, 2 … 12
COLDEST, HOTTEST = -60.0, 60.0

WEATHERS: Mapping[str, Text] = {
    "clear": {"zh-Hans": "晴", "zh-Hant": "晴", "en": "Clear"},
    "cloudy": {"zh-Hans": "多云", "zh-Hant": "多雲", "en": "Cloudy"},
    "overcast": {"zh-Hans": "阴", "zh-Hant": "陰", "en": "Overcast"},
    "fog": {"zh-Hans": "雾", "zh-Hant": "霧", "en": "Fog"},
    "rain": {"zh-Hans": "雨", "zh-Hant": "雨", "en": "Rain"},
    "rainstorm": {"zh-Hans": "暴雨", "zh-Hant": "暴雨", "en": "Rainstorm"},
    "thunderstorm": {"zh-Hans": "雷阵雨", "zh-Hant": "雷陣雨", "en": "Thunderstorm"},
    "freezing_rain": {"zh-Hans": "冻雨", "zh-Hant": "凍雨", "en": "Freezing rain"},
    "snow": {"zh-Hans": "雪", "zh-Hant": "雪", "en": "Snow"},
    "typhoon": {"zh-Hans": "台风", "zh-Hant": "颱風", "en": "Typhoon"},
    "other": {"zh-Hans": "其他", "zh-Hant": "其他", "en": "Other"},
}


@dataclass(frozen=True, slots=True)
class Day:
    """One day. `wind_force` is the Beaufort force of the strongest wind; rain counts melted snow as well."""

    on: date
    weather: str  # one of WEATHERS
    low_celsius: float
    high_celsius: float
    wind_force: int
    rain_millimetres: float
    snow_centimetres: float = 0.0
    text: str = ""  # the words of the source

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "on": self.on.isoformat()}


@dataclass(frozen=True, slots=True)
class Draft:
    """What a source gave: days from today on, and its name in words."""

    days: tuple[Day, ...]
    name: str


def beaufort(kmh: float) -> int:
    """The Beaufort force of a wind in km/h."""
    return bisect_right(BEAUFORT_FROM_KMH, kmh)


def problems(days: Sequence[Day], today: date) -> list[Problem]:
    """What is wrong with a forecast: it has to be of today and the two days after, with sound values."""
    wanted = [today + timedelta(days=number) for number in range(DAYS_AHEAD)]
    if [day.on for day in days] != wanted:
        return [Problem("days", f"{wanted[0]} to {wanted[-1]} are needed, one after the other")]
    found = []
    for number, day in enumerate(days):
        if day.weather not in WEATHERS:
            found.append(Problem(f"days.{number}.weather", f"one of {', '.join(WEATHERS)}"))
        if not COLDEST <= day.low_celsius <= day.high_celsius <= HOTTEST:
            found.append(
                Problem(f"days.{number}.high_celsius", "not below the lowest, and a temperature of the air")
            )
        if not 0 <= day.wind_force <= 17:
            found.append(Problem(f"days.{number}.wind_force", "a force between 0 and 17"))
        if not (0 <= day.rain_millimetres <= 2000 and 0 <= day.snow_centimetres <= 500):
            found.append(Problem(f"days.{number}.rain_millimetres", "rain and snow of one day"))
    return found
