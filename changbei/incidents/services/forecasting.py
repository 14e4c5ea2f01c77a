"""The three-day forecast of the morning: fetched or typed in, judged by the plan's table, kept (E3.2.9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction

from changbei.core import clock
from changbei.core.errors import Invalid, NotAllowed, Outside, there
from changbei.core.texts import LANGUAGES
from changbei.incidents import plan
from changbei.incidents.forecasts import Day, Draft, Source, configured, days
from changbei.incidents.models import Forecast
from changbei.journal import services as journal
from changbei.network.models import Site
from changbei.people import access as people
from changbei.people.models import Person
from changbei.plans import tables
from changbei.plans.model import Pack
from changbei.runs.models import Run, Task

KIND = "forecast"
TABLE = "forecast-prepare"
WORST = {"calm": 0, "watch": 1, "severe": 2}
CONFIRM = "confirm"  # the step that asks each department
MOST_RUNS = 50  # as far as one looks back


def of_day(on: date) -> Forecast | None:
    """The forecast that was looked up on that day, the newest."""
    return Forecast.objects.filter(on=on).order_by("-fetched_at", "-pk").first()


def fetch(sources: Sequence[Source] | None = None, *, run: Run | None = None) -> Forecast:
    """Ask the sources in turn; the first that answers soundly counts. Raises Outside with what each said."""
    asked = configured() if sources is None else sources
    site = there(Site.objects.order_by("pk").first(), "there is no site whose weather could be asked for")
    troubles = []
    for source in asked:
        try:
            draft = source.fetch(clock.today(), site.longitude, site.latitude)
            return keep(draft, source=source.kind, run=run, actor=None)
        except Outside as error:
            troubles.append(f"{source.kind}: {error}")
        except Invalid as error:
            troubles.append(f"{source.kind}: {'; '.join(problem.message for problem in error.problems)}")
    raise Outside("; ".join(troubles) or "no source of forecasts is set up", permanent=False)


@transaction.atomic
def keep(draft: Draft, *, source: str, run: Run | None = None, actor: Person | None) -> Forecast:
    """Keep a forecast for today and the two days after, with what the plan says is to be prepared.

    `source`: api, file or hand. Typed in by hand the waiting run of the plan hears of it. Raises Invalid, NotAllowed.
    """
    if actor is not None and not people.may(actor, "incidents.report"):
        raise NotAllowed("incidents.report")
    if problems := days.problems(draft.days, clock.today()):
        raise Invalid(problems=problems)
    pack = plan.procedure_in_force(KIND).pack
    judged = [judge(pack, day) for day in draft.days]
    worst = max((day["severity"] for day in judged), key=WORST.__getitem__)
    run = run or waiting_run()
    made = Forecast.objects.create(
        on=draft.days[0].on,
        days=judged,
        severity=worst,
        source=source,
        name=draft.name[:160],
        fetched_at=clock.now(),
        kept_by=actor,
        run=run,
    )
    journal.append(
        "incidents.forecast_kept",
        actor=actor,
        run=run.uuid if run else None,
        clause="E3.2.9",
        drill=bool(run and run.drill),
        data={"forecast": str(made.uuid), "source": source, "name": made.name, "severity": worst},
    )
    return made


def judge(pack: Pack, day: Day) -> dict[str, Any]:
    """The day with its severity and what each department prepares, by the table `forecast-prepare` (COLLECT)."""
    table = pack.tables.get(TABLE)
    found = day.to_json()
    if table is None:
        return found | {"severity": "calm", "prepare": []}
    inputs = {name: found[name] for name in table.inputs if name in found}
    outcome = tables.evaluate(table, inputs)
    rows = [table.rows[number - 1] for number in outcome.rows]
    severity = max((row.then["severity"] for row in rows), key=WORST.__getitem__, default="calm")
    prepare = [{"department": row.then["department"], "text": dict(row.note)} for row in rows]
    return found | {"severity": severity, "prepare": prepare}


def waiting_run() -> Run | None:
    """The morning's run, which may wait for a forecast that is typed in."""
    running = Run.objects.filter(procedure=KIND, status=Run.Status.RUNNING, drill=False)
    return running.order_by("-pk").first()


def run_of(on: date) -> Run | None:
    """The morning's run of that day."""
    runs = Run.objects.filter(procedure=KIND, drill=False).order_by("-pk")[:MOST_RUNS]
    return next((run for run in runs if clock.day_of(run.started_at) == on), None)


def confirmations(on: date) -> list[Task]:
    """What the departments were asked on that day, one task for each."""
    run = run_of(on)
    tasks = Task.objects.filter(run=run, item__startswith=f"{CONFIRM}@") if run else Task.objects.none()
    return list(tasks.select_related("holder", "done_by").order_by("pk"))


def words(forecast: Forecast) -> list[dict[str, str]]:
    """One line for each day in the three languages, for messages."""
    return [line(day) for day in forecast.days]


def line(day: Mapping[str, Any]) -> dict[str, str]:
    on = date.fromisoformat(day["on"])
    weather = days.WEATHERS[day["weather"]]
    low, high = round(day["low_celsius"]), round(day["high_celsius"])
    tails = {
        "zh-Hans": f"{low}～{high}℃，风力{day['wind_force']}级，雨量{day['rain_millimetres']:g}毫米",
        "zh-Hant": f"{low}～{high}℃，風力{day['wind_force']}級，雨量{day['rain_millimetres']:g}毫米",
        "en": f"{low} to {high} °C, wind force {day['wind_force']}, rain {day['rain_millimetres']:g} mm",
    }
    marks = {"zh-Hans": "【恶劣】", "zh-Hant": "【惡劣】", "en": "SEVERE "}
    separator = {"zh-Hans": "，", "zh-Hant": "，", "en": ", "}
    return {
        language: (marks[language] if day["severity"] == "severe" else "")
        + f"{on.month}-{on.day} {weather[language]}{separator[language]}{tail}"
        for language, tail in tails.items()
    }


def measures(forecast: Forecast, department: str = "") -> list[dict[str, Any]]:
    """What is to be prepared, each measure once, with the first of its days; of one department or of all."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for day in forecast.days:
        for one in day["prepare"]:
            if department in ("", one["department"]):
                key = (one["department"], one["text"]["en"])
                found.setdefault(key, {**one, "on": day["on"], "severity": day["severity"]})
    return list(found.values())


def prepare_words(forecast: Forecast) -> dict[str, str]:
    """All measures as one text of numbered parts."""
    rows = [one["text"] for one in measures(forecast)]
    return {
        language: " ".join(f"{number}) {text[language]}" for number, text in enumerate(rows, start=1))
        for language in LANGUAGES
    }
