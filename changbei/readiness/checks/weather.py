"""The forecast of the morning has been published (E3.2.9), and the sources of warnings are heard of (E3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from changbei.core import clock
from changbei.core.clock import LOCAL
from changbei.incidents.services import forecasting, sources
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.readiness import rules
from changbei.readiness.params import params
from changbei.readiness.rules import Trouble

WALL = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


@check_kind(
    "forecast_published",
    params=params(
        {
            "by": {
                "type": "string",
                "pattern": WALL,
                "description": "Time of the day at which there is a forecast.",
            }
        },
        {
            "confirmed_by": {
                "type": "string",
                "pattern": WALL,
                "description": "Time of the day at which every department has published and confirmed it.",
            }
        },
        required=("by", "confirmed_by"),
    ),
)
def forecast_published(given: Mapping[str, Any], _pack: Pack, now: datetime) -> list[Trouble]:
    """Today's forecast is there in time, and every department has confirmed it in time (E3.2.9)."""
    today, wall = clock.day_of(now), now.astimezone(LOCAL).time()
    if wall < time.fromisoformat(given["by"]):
        return []
    if forecasting.of_day(today) is None:
        return [rules.trouble("no-forecast", today.isoformat(), day=f"{today:%m-%d}", by=given["by"])]
    if wall < time.fromisoformat(given["confirmed_by"]):
        return []
    return [
        rules.trouble(
            "forecast-unconfirmed", f"{today}:{task.item}", day=f"{today:%m-%d}", department=task.label
        )
        for task in forecasting.confirmations(today)
        if task.status != task.Status.DONE
    ]


@check_kind("warning_sources", params=params())
def warning_sources(_given: Mapping[str, Any], _pack: Pack, now: datetime) -> list[Trouble]:
    """Every source of weather warnings that is switched on has been heard of lately (E3.2)."""
    return [
        rules.trouble(
            "source-silent",
            str(one.uuid),
            name=one.name,
            since=f"{(one.heard_at or one.added_at).astimezone(LOCAL):%m-%d %H:%M}",
            trouble=one.trouble,
        )
        for one in sources.silent(now)
    ]
