"""The report a rehearsed procedure begins with: what the script says, things of this city, and the form's first words.

Nothing is written; a rehearsal leaves no trace in the city.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from django.db.models import Count, Q

from changbei.core import clock
from changbei.delivery import selectors as delivery
from changbei.delivery.models import Stop, Tour
from changbei.incidents import context, rules
from changbei.network.models import District, Product, Retailer, Site, Vehicle
from changbei.people.models import Person
from changbei.plans import actions, runtime
from changbei.plans.model import Pack, Part, Procedure
from changbei.plans.plain import clean_map
from changbei.plans.rehearsal import answers
from changbei.plans.rehearsal.model import Case, context_of

MOST_DRAWS = 60  # of a report that is to have a level
LASTS = timedelta(hours=6)  # what a script's event lasts: a warning's end, a suspension's end
ENDS = {"ends_at": LASTS, "until": LASTS, "due_at": timedelta(days=2)}  # moments of a form that are not now
_SOMETHING: Mapping[str, Any] = {"integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}}
A_CALL_SECONDS = 90.0  # a customer phoned, as in a drill


@dataclass(frozen=True, slots=True)
class Begun:
    """A case ready to be rehearsed and what its roles are resolved with."""

    case: Case
    scope: Mapping[str, Any]
    level: str


def begin(procedure: Procedure, part: Part, begins_at: datetime, *, seed: int) -> Begun:
    """The case of one part of a script in this city."""
    random = Random(f"{seed}:{procedure.id}")
    given = {
        name: value for name, value in part.report.items() if name in procedure.form.get("properties", {})
    }
    report = _report(procedure.form, given, begins_at, random)
    known = context.look_up(report, procedure.form)
    level = _level(procedure, report, known, begins_at)
    facts = clean_map(
        context.facts_of(
            known,
            number="INC-0000",
            kind=procedure.id,
            family=procedure.family,
            level=level,
            drill=True,
            reported_at=begins_at.isoformat(),
            reporter="",
        )
    )
    seen = context_of(procedure, report, facts)
    named, _ = runtime.named_roles(procedure, seen, begins_at)
    case = Case(
        procedure,
        seen,
        part.after.seconds,
        decisions=part.decisions,
        results=_results(procedure, known, begins_at),
        works=_works(procedure, known),
    )
    scope = {
        "site": known.site,
        "unit": known.unit,
        "district": known.district,
        "kind": procedure.family,
        "named": named,
    }
    return Begun(case, scope, level)


def suggest(procedure: Procedure, part: Part, at: datetime, level: str = "") -> tuple[dict[str, Any], str]:
    """A report of the procedure and what its table says of it: `level` when there is one, if some draws find it;
    else the first that was drawn. Texts are left to whoever begins the exercise.

    Things of the city stay the same, so that they are looked up once; what is chosen from is drawn anew each time.
    """
    fields = procedure.form.get("properties", {})
    given = {name: value for name, value in part.report.items() if name in fields}
    first = _report(procedure.form, given, at, Random(procedure.id))
    known = context.look_up(first, procedure.form)
    chosen = [name for name, field in fields.items() if name not in given and _is_choice(field)]
    found, random = first, Random(procedure.id)
    for _ in range(MOST_DRAWS if level else 0):
        if _level(procedure, found, known, at) == level:
            return _without_words(found), level
        asked = procedure.form.get("required", ())
        picked = {
            "type": "object",
            "properties": {name: fields[name] for name in chosen},
            "required": [name for name in chosen if name in asked or random.random() < 0.5],
        }
        kept = {name: value for name, value in first.items() if name not in chosen}
        found = {**kept, **answers.fill(picked, {}, random)}
    return _without_words(first), _level(procedure, first, known, at)


def _without_words(report: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in report.items() if value != answers.WORDS}


def _is_choice(field: Mapping[str, Any]) -> bool:
    return "oneOf" in field or "enum" in field or field.get("type") == "boolean"


def called(pack: Pack, begins_at: datetime, *, seed: int) -> dict[tuple[str, str], Case]:
    """What a step of the pack may call: every other procedure of it, with its own usual decisions."""
    return {
        ("", name): begin(procedure, Part(name), begins_at, seed=seed).case
        for name, procedure in pack.procedures.items()
    }


def _level(procedure: Procedure, report: Mapping[str, Any], known: context.Known, now: datetime) -> str:
    family = procedure.family
    if procedure.level is None:
        return rules.level_without_table(family)
    inputs = rules.level_inputs(procedure.level.table.inputs, report, family=family, share=known.share)
    seen = {"report": dict(report), "incident": clean_map(context.facts_of(known, family=family))}
    outcome = runtime.level_of(procedure, seen, inputs, now)
    return str((outcome.outputs or {"level": rules.level_without_table(family)})["level"])


# --- the report


def _report(
    form: Mapping[str, Any], given: Mapping[str, Any], begins_at: datetime, random: Random
) -> dict[str, Any]:
    """Script first, then things of the city, then the form's own words."""
    of_city = {}
    for name, field in form.get("properties", {}).items():
        find = _THINGS.get(field.get("x-widget", ""))
        if find is not None and name not in given and name in form.get("required", ()):
            of_city[name] = find()
    times = {
        name: (begins_at + ENDS.get(name, timedelta())).isoformat()
        for name, field in form.get("properties", {}).items()
        if field.get("format") == "date-time"
    }
    filled = answers.fill(form, {**times, **of_city, **given}, random)
    day = clock.day_of(begins_at) + timedelta(days=8)
    found: dict[str, Any] = answers.with_moment(filled, begins_at.isoformat())
    return {name: _dated(form, name, value, day) for name, value in found.items()}


def _dated(form: Mapping[str, Any], name: str, value: Any, day: date) -> Any:
    field = form.get("properties", {}).get(name, {})
    return day.isoformat() if field.get("format") == "date" else value


def _tour() -> Tour | None:
    """The one on the road today with the most customers left."""
    day = delivery.day_for(clock.today())
    drive = [one for one in delivery.tours(day) if one.tour.status != Tour.Status.BROKEN_DOWN] if day else []
    tours = [one for one in drive if one.tour.line_id and one.tour.driver]
    return max(tours, key=lambda one: (one.open, one.tour.vehicle.number)).tour if tours else None


def _vehicle() -> str:
    if tour := _tour():
        return tour.vehicle.number
    found = Vehicle.objects.filter(keeper__isnull=False, is_reserve=False).order_by("number").first()
    return found.number if found else ""


def _retailer() -> str:
    honest = Retailer.objects.filter(active=True, conduct=Retailer.Conduct.LAW_ABIDING, marked_prices=True)
    found = honest.order_by("-supply_tier", "pk").first()
    return found.licence_no if found else ""


def district() -> District | None:
    """The one with the most customers among those with less than half of the city's."""
    total = Retailer.objects.filter(active=True).count()
    counted = District.objects.annotate(shops=Count("retailers", filter=Q(retailers__active=True)))
    return next((one for one in counted.order_by("-shops", "code") if 0 < one.shops * 2 < total), None)


def _area() -> Mapping[str, Any]:
    found = district()
    outline: Mapping[str, Any] = found.outline if found else {}
    return outline


def _lines() -> list[dict[str, Any]]:
    goods = Product.objects.filter(supply_class=Product.SupplyClass.GENERAL, active=True).order_by("code")[:2]
    return [{"product": one.code, "cartons": 5} for one in goods]


def _place() -> dict[str, Any]:
    """Where the van on the road goes next; any customer's place without one."""
    tour = _tour()
    next_stop = tour.stops.filter(status=Stop.Status.PLANNED).order_by("sequence").first() if tour else None
    shop = next_stop.retailer if next_stop else Retailer.objects.filter(active=True).order_by("pk").first()
    if shop is None:
        return {"text": ""}
    return {"text": shop.address, "longitude": shop.longitude, "latitude": shop.latitude}


def _site() -> str:
    found = Site.objects.order_by("code").first()
    return found.code if found else ""


def _person() -> str:
    found = Person.objects.filter(active=True).order_by("staff_no").first()
    return found.staff_no if found else ""


def _product() -> str:
    found = Product.objects.filter(active=True).order_by("code").first()
    return found.code if found else ""


_THINGS: Mapping[str, Callable[[], Any]] = {
    "vehicle": _vehicle,
    "retailer": _retailer,
    "area": _area,
    "product-lines": _lines,
    "place": _place,
    "site": _site,
    "person": _person,
    "product": _product,
}


# --- what actions give and how long things take


def _results(procedure: Procedure, known: context.Known, begins_at: datetime) -> dict[str, dict[str, Any]]:
    """For each action of the procedure a result that fits what it declares to return: things go as they should."""
    wanted = {step.action for step in procedure.steps.values() if step.action}
    offered = actions.registry()
    found = {name: _success(offered[name].returns, begins_at) for name in wanted if name in offered}
    for name, values in _of_city(known).items():
        if name in wanted:
            found[name] = {**found.get(name, {}), **values}
    found["delivery.recovery_accepted"] = {"unserved": 0}
    return found


def _of_city(known: context.Known) -> dict[str, dict[str, Any]]:
    return {
        "incidents.affected": {"retailers": known.affected, "total": known.total, "share": known.share},
        "incidents.make_call_list": {"calls": known.affected},
        "delivery.recover": {"options": 3, "stops": 24, "unserved": 0, "reserve": True},
        "supply.assess_request": {"eligible": True, "cartons": 10, "reasons": []},
    }


def _success(returns: Mapping[str, Any], begins_at: datetime) -> dict[str, Any]:
    """A value for every field the action declares to return."""
    values: dict[str, Any] = {}
    for name, field in returns.get("properties", {}).items():
        if name.endswith("_at") or field.get("format") == "date-time":
            values[name] = (begins_at + LASTS).isoformat()
        elif name.endswith("_on"):
            values[name] = (clock.day_of(begins_at) + timedelta(days=1)).isoformat()
        else:
            values[name] = _SOMETHING.get(str(field.get("type")), "rehearsal")
    return values


def _works(procedure: Procedure, known: context.Known) -> dict[str, float]:
    """Phoning the customers takes as long as the longest list: each customer manager phones their own."""
    managers = Retailer.objects.filter(active=True).values("customer_manager").distinct().count()
    each = known.total / managers if managers else 0.0
    calls = min(float(known.affected), each)
    return {
        step.id: max(calls, 1.0) * A_CALL_SECONDS
        for step in procedure.steps.values()
        if step.task is not None and step.task.page == "notify.calls"
    }


__all__ = ["Begun", "begin", "called", "district", "suggest"]
