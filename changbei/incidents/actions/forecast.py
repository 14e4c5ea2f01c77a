"""The three-day forecast of the morning (E3.2.9)."""

from __future__ import annotations

from typing import Any

from changbei.core import clock
from changbei.core.errors import Outside, there
from changbei.incidents.forecasts import configured
from changbei.incidents.services import forecasting
from changbei.plans.actions import action
from changbei.plans.schemas import COUNT, FLAG, MAP, TEXT, object_
from changbei.runs.context import ActionContext

FORECAST_TRIES = 4  # within three quarters of a minute; then somebody types it in


@action(
    "incidents.fetch_forecast",
    params=object_(),
    returns=object_(kept=FLAG, forecast=TEXT, trouble=TEXT),
)
def fetch_forecast(context: ActionContext) -> dict[str, Any]:
    """Look the forecast up; `kept` is false, with what was wrong, when no source answers after some tries (E3.2.9)."""
    try:
        made = forecasting.fetch(run=context.run)
    except Outside as error:
        if context.attempt < FORECAST_TRIES and configured():
            raise
        return {"kept": False, "forecast": "", "trouble": str(error)}
    return {"kept": True, "forecast": str(made.uuid), "trouble": ""}


@action(
    "incidents.read_forecast",
    params=object_(),
    returns=object_(
        forecast=TEXT,
        severity=TEXT,
        severe_days=COUNT,
        first=MAP,
        second=MAP,
        third=MAP,
        prepare=MAP,
        source=TEXT,
    ),
)
def read_forecast(context: ActionContext) -> dict[str, Any]:
    """Today's forecast in words, and what its severe days ask to be prepared."""
    found = there(forecasting.of_day(clock.today()), "there is no forecast of today")
    first, second, third = forecasting.words(found)
    return {
        "forecast": str(found.uuid),
        "severity": found.severity,
        "severe_days": sum(day["severity"] == "severe" for day in found.days),
        "first": first,
        "second": second,
        "third": third,
        "prepare": forecasting.prepare_words(found),
        "source": found.name,
    }
