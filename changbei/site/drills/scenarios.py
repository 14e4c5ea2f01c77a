"""What is drilled: an exercise of a plan in force, or one of its procedures, begun by the verbs of pages and feeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from changbei.core import clock, texts
from changbei.core.errors import Conflict, NotFound
from changbei.core.texts import Text
from changbei.delivery import planning
from changbei.delivery.models import Tour
from changbei.incidents import plan
from changbei.incidents import services as incidents
from changbei.incidents.cap_writer import NewWarning, WarningText, write
from changbei.incidents.models import Incident
from changbei.network.models import Retailer
from changbei.people import services as people
from changbei.people.models import Person
from changbei.people.resolution import resolve_many
from changbei.plans.model import Pack, Part
from changbei.plans.selectors import packs_in_force
from changbei.readiness import rehearsals
from changbei.readiness.rehearsals import reports
from changbei.runs.roles import spec_of
from changbei.site.drills import answers

WEATHER_SERVICE = "weather@changbei.invalid"
WARNED_FOR = timedelta(hours=6)
AWAY_FOR = timedelta(hours=10)
DELIVERIES = {"vehicle", "area"}  # widgets of forms about what is on the road


@dataclass(frozen=True)
class Scenario:
    """What is played, in the order of time."""

    id: str
    title: Text
    parts: Sequence[Part]
    away: Sequence[str] = ()

    def prepare(self) -> None:
        """Before the first event: the day's lines where they matter, and whoever is away leaves."""
        forms = [plan.procedure_in_force(part.procedure).procedure.form for part in self.parts]
        fields = [field for form in forms for field in form.get("properties", {}).values()]
        if any(field.get("x-widget") in DELIVERIES for field in fields):
            planning.plan_day(clock.today(), actor=None)
        for role in self.away:
            _leave(_holder(self.parts[0], role))


def known(packs: Iterable[Pack]) -> dict[str, Text]:
    """Everything of these plans that can be drilled with its title: their exercises, then every other procedure."""
    declared: dict[str, Text] = {}
    procedures: dict[str, Text] = {}
    for pack in packs:
        declared = {**{one.id: one.title for one in pack.exercises.values()}, **declared}
        procedures = {**{one.id: one.title for one in pack.procedures.values()}, **procedures}
    return {**declared, **{name: title for name, title in sorted(procedures.items()) if name not in declared}}


def named(name: str) -> Scenario:
    """The exercise of this id, else the procedure by itself; NotFound with everything that there is."""
    titles = known(packs_in_force())
    if name not in titles:
        raise NotFound(
            f"{name!r} is no exercise or procedure of a plan in force; there are {', '.join(titles)}"
        )
    declared = rehearsals.exercises().get(name)
    if declared is None:
        return Scenario(name, titles[name], (Part(name),))
    return Scenario(
        name, declared.title, sorted(declared.parts, key=lambda part: part.after.seconds), declared.away
    )


def happen(part: Part, *, drill: bool) -> Incident | None:
    """What the part begins with happens now; None when a warning begins nothing."""
    found = plan.procedure_in_force(part.procedure)
    suggested, _ = reports.suggest(found.procedure, part, clock.now())
    report = answers.fill(found.procedure.form, answers.Knowledge(clock.now(), suggested))
    if part.warning:
        return _warned(report, found.procedure.form, drill)
    reporter = _reporter(part, report)
    return incidents.report(part.procedure, report, actor=reporter, source="web", drill=drill).incident


def start_of_drill(today: datetime) -> datetime:
    """09:40 of the next day on which vans go out: every drill begins in the middle of a delivery morning."""
    day = planning.next_delivery_day(clock.day_of(today))
    return datetime(day.year, day.month, day.day, 9, 40, tzinfo=clock.LOCAL)


# --- people


def _holder(part: Part, role: str) -> Person:
    pack = plan.procedure_in_force(part.procedure).pack
    holder = resolve_many({role: spec_of(pack, role)}, {}, clock.now())[role].person
    if holder is None:
        raise Conflict(f"nobody holds the role {role} of {pack.id}")
    return holder


def _leave(person: Person) -> None:
    """Out of the city for the day (E2.1c)."""
    now = clock.now()
    people.record_absence(person, now, now + AWAY_FOR, out_of_city=True, substitute=None, actor=person)


def _reporter(part: Part, report: Mapping[str, Any]) -> Person:
    """The role that the exercise names; else the driver of the van, the manager of the customer, or somebody."""
    if part.reporter:
        return _holder(part, part.reporter)
    found: Person | None = None
    if "vehicle" in report:
        tours = Tour.objects.filter(day__date=clock.today(), vehicle__number=report["vehicle"])
        found = next((tour.driver for tour in tours.select_related("driver")), None)
    if "retailer" in report:
        shop = (
            Retailer.objects.filter(licence_no=report["retailer"]).select_related("customer_manager").first()
        )
        found = shop.customer_manager if shop else None
    found = found or Person.objects.filter(active=True).order_by("staff_no").first()
    if found is None:
        raise Conflict("there is nobody who could report it")
    return found


# --- the weather service (E3.2)


def _warned(report: Mapping[str, Any], form: Mapping[str, Any], drill: bool) -> Incident | None:
    """The weather service publishes what the report says: a warning of a colour for an area."""
    now, area = clock.now(), report["area"]
    district = reports.district()
    place = district.name if district and district.outline == area else {}
    warning = NewWarning(
        sender=WEATHER_SERVICE,
        identifier=f"drill-{now:%Y%m%d%H%M%S}",
        sent=now,
        texts=[_worded(language, report, form, place) for language in ("zh-Hans", "en")],
        area=area,
        effective=now,
        expires=now + WARNED_FOR,
        status="Exercise" if drill else "Actual",
        colour=report["colour"],
    )
    return incidents.receive_warning(write(warning), source="scenario").incident


def _worded(
    language: str, report: Mapping[str, Any], form: Mapping[str, Any], place: Mapping[str, str]
) -> WarningText:
    what = _title(form, "phenomenon", report.get("phenomenon"), language)
    colour = _title(form, "colour", report["colour"], language)
    where, hours = texts.pick(place, language), int(WARNED_FOR.total_seconds() // 3600)
    if language == "en":
        event = f"{colour} {what.lower()} warning"
        headline = f"{event}: {where or 'the area shown'}, within {hours} hours"
        return WarningText(
            "en-US", event, headline, f"{headline}.", "Stop work outdoors, travel less.", where,
            "Demo weather service",
        )  # fmt: skip
    event = f"{what}{colour}预警"
    headline = f"{event}：预计{hours}小时内影响{where or '图示区域'}"
    return WarningText(
        "zh-CN", event, headline, f"{headline}。", "停止户外作业，减少出行。", where, "演示气象台"
    )


def _title(form: Mapping[str, Any], field: str, value: Any, language: str) -> str:
    options = form["properties"].get(field, {}).get("oneOf", ())
    found = next((texts.pick(one["title"], language) for one in options if one["const"] == value), "")
    return found or str(value or "")
