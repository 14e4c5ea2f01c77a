"""The three-day forecast: what comes, what is to be prepared, who has confirmed, and typing it in (E3.2.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changbei.core import clock, texts
from changbei.core.errors import Invalid
from changbei.incidents.forecasts import DAYS_AHEAD, Day, Draft
from changbei.incidents.forecasts.days import WEATHERS
from changbei.incidents.models import Forecast
from changbei.incidents.services import forecasting
from changbei.people import access as people
from changbei.runs.models import Task
from changbei.web import entry, htmx
from changbei.web.errors import refuse
from changbei.web.showing import clause, language, say

DEPARTMENTS = {
    "marketing": (gettext_lazy("Marketing"), "users"),
    "order": (gettext_lazy("Order department"), "phone-call"),
    "delivery": (gettext_lazy("Delivery"), "truck-delivery"),
    "warehouse": (gettext_lazy("Warehouse"), "package"),
}
TONES = {"calm": "good", "watch": "warn", "severe": "bad"}
SEVERITIES = {
    "calm": (gettext_lazy("Calm"), "sun"),
    "watch": (gettext_lazy("Take care"), "alert-circle"),
    "severe": (gettext_lazy("Severe"), "storm"),
}
SOURCES = {
    "api": gettext_lazy("fetched"),
    "file": gettext_lazy("from a file"),
    "hand": gettext_lazy("typed in"),
}
DAYS_BACK = 7


@dataclass(frozen=True)
class DayCard:
    """One day as the page shows it."""

    on: date
    weather: str
    low: int
    high: int
    wind: int
    rain: str
    snow: float
    text: str
    severity: str
    label: str
    tone: str
    icon: str
    prepare: list[tuple[str, str, str]]  # department, icon, words


def day_card(day: Mapping[str, Any]) -> DayCard:
    label, icon = SEVERITIES[day["severity"]]
    return DayCard(
        date.fromisoformat(day["on"]),
        texts.pick(WEATHERS[day["weather"]], language()),
        round(day["low_celsius"]),
        round(day["high_celsius"]),
        day["wind_force"],
        f"{day['rain_millimetres']:g}",
        day["snow_centimetres"],
        day["text"],
        day["severity"],
        str(label),
        TONES[day["severity"]],
        icon,
        [
            (str(DEPARTMENTS[one["department"]][0]), DEPARTMENTS[one["department"]][1], say(one["text"]))
            for one in day["prepare"]
            if one["department"] in DEPARTMENTS
        ],
    )


class DayForm(forms.Form):
    """One day, typed in."""

    weather = forms.ChoiceField(label=gettext_lazy("Weather"))
    low_celsius = forms.FloatField(label=gettext_lazy("Lowest (°C)"), min_value=-60, max_value=60)
    high_celsius = forms.FloatField(label=gettext_lazy("Highest (°C)"), min_value=-60, max_value=60)
    wind_force = forms.IntegerField(label=gettext_lazy("Wind force"), min_value=0, max_value=17)
    rain_millimetres = forms.FloatField(label=gettext_lazy("Rain (mm)"), min_value=0, max_value=2000)
    snow_centimetres = forms.FloatField(
        label=gettext_lazy("Snow (cm)"), min_value=0, max_value=500, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["weather"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [(code, texts.pick(words, language())) for code, words in WEATHERS.items()]

    def day(self, on: date) -> Day:
        given = self.cleaned_data
        return Day(
            on=on,
            weather=given["weather"],
            low_celsius=given["low_celsius"],
            high_celsius=given["high_celsius"],
            wind_force=given["wind_force"],
            rain_millimetres=given["rain_millimetres"],
            snow_centimetres=given["snow_centimetres"] or 0.0,
        )


class NameForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Where the forecast comes from"), max_length=160)


@entry.staff
def forecast(request: HttpRequest) -> HttpResponse:
    """The page; sent, it keeps a forecast that was typed in."""
    people.require(request.user, "incidents.see")
    today = clock.today()
    data = request.POST if request.method == "POST" else None
    days = [today + timedelta(days=number) for number in range(DAYS_AHEAD)]
    by_day = [(on, DayForm(data, prefix=f"day{number}")) for number, on in enumerate(days)]
    name = NameForm(data)
    status = 200
    if data is not None:
        sound = all([name.is_valid(), *(form.is_valid() for _on, form in by_day)])
        if sound and _keep(request, name, by_day):
            return htmx.go_to(request, reverse("forecast"))
        status = 422
    return render(request, "web/forecast/page.html", _context(today, name, by_day), status=status)


def _keep(request: HttpRequest, name: NameForm, by_day: list[tuple[date, DayForm]]) -> bool:
    draft = Draft(tuple(form.day(on) for on, form in by_day), name.cleaned_data["name"])
    try:
        forecasting.keep(draft, source=Forecast.Source.HAND, actor=entry.actor(request))
    except Invalid as error:
        refuse(name, error)
        return False
    messages.success(request, _("The forecast is kept; the departments hear of it."))
    return True


def _context(today: date, name: NameForm, by_day: list[tuple[date, DayForm]]) -> dict[str, Any]:
    found = forecasting.of_day(today)
    asked = forecasting.confirmations(today)
    earlier = Forecast.objects.filter(on__lt=today, on__gte=today - timedelta(days=DAYS_BACK)).order_by(
        "-on", "-pk"
    )
    return {
        "forecast": found,
        "source": SOURCES[found.source] if found else "",
        "days": [day_card(day) for day in found.days] if found else [],
        "asked": [(task, task.label, task.status == Task.Status.DONE) for task in asked],
        "confirmed": sum(task.status == Task.Status.DONE for task in asked),
        "name_form": name,
        "day_forms": by_day,
        "clause": clause("E3.2.9"),
        "earlier": [(one, [day_card(day) for day in one.days]) for one in earlier],
    }


def card() -> dict[str, Any] | None:
    """What the board shows of today's forecast; None as long as there is none."""
    found = forecasting.of_day(clock.today())
    if found is None:
        return None
    asked = forecasting.confirmations(found.on)
    return {
        "days": [day_card(day) for day in found.days],
        "asked": len(asked),
        "confirmed": sum(task.status == Task.Status.DONE for task in asked),
    }


urlpatterns = [path("forecast/", forecast, name="forecast")]
