"""What plans may call: the `incidents.*` capabilities, and the replenishment that needs a suspension (E3.2, E3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from changbei.core import clock, moments
from changbei.core.errors import Invalid, NotFound, Outside, there
from changbei.core.texts import uuid_in
from changbei.incidents import departments, replenishing, settling
from changbei.incidents.forecasts import configured
from changbei.incidents.models import Incident, PublicNotice, Suspension
from changbei.incidents.services import customers, forecasting, lines, outages, suspending
from changbei.journal.models import Entry
from changbei.network.models import Retailer
from changbei.notify import personal
from changbei.notify.models import CallList
from changbei.people.models import Person
from changbei.plans.actions import action, message
from changbei.plans.schemas import COUNT, FLAG, LIST, MAP, NUMBER, TEXT, object_
from changbei.runs import drills
from changbei.runs.context import ActionContext
from changbei.runs.models import Task
from changbei.supply import cash

OF_SUSPENSION = ("area", "reason", "from", "until", "period")
OF_EACH_CUSTOMER = (*personal.FIELDS, "next_delivery")
LOOK_UP = "next_page"  # where customers see their next delivery
TO_CUSTOMERS = message(*OF_SUSPENSION, *OF_EACH_CUSTOMER, LOOK_UP)
FORECAST_TRIES = 4  # within three quarters of a minute; then somebody types it in


@action(
    "incidents.affected",
    params=object_(area=MAP),
    returns=object_(
        retailers=COUNT,
        total=COUNT,
        key=COUNT,
        orders_today=COUNT,
        stops_today=COUNT,
        managers=COUNT,
        share=NUMBER,
    ),
)
def affected(context: ActionContext) -> dict[str, Any]:
    """Who lies in the area, and what the day holds for them; the incident keeps the number."""
    found = customers.affected(_incident(context), context.params["area"])
    return asdict(found) | {"share": found.share}


@action(
    "incidents.suspend",
    params=object_("goods", scope=TEXT, area=MAP, starts_at=TEXT, ends_at=TEXT, reason=TEXT, goods=TEXT),
    returns=object_(
        suspension=TEXT,
        retailers=COUNT,
        stops_held=COUNT,
        starts_at=TEXT,
        ends_at=TEXT,
        period=MAP,
        practised=FLAG,
    ),
)
def suspend(context: ActionContext) -> dict[str, Any]:
    """Suspend service, as a person of the run decided; once, however often it is called."""
    given, incident = context.params, _incident(context)
    starts_at, ends_at = (
        moments.read(given["starts_at"], "starts_at"),
        moments.read(given["ends_at"], "ends_at"),
    )
    known = Suspension.objects.filter(
        incident=incident, scope=given["scope"], area=given["area"], starts_at=starts_at, ends_at=ends_at
    )
    suspension = known.first() or suspending.suspend(
        incident,
        area=given["area"],
        starts_at=starts_at,
        ends_at=ends_at,
        reason=given["reason"],
        scope=given["scope"],
        goods=given.get("goods") or Suspension.Goods.HOLD,
        decided_by=_decider(context, "suspend"),
        actor=None,
    )
    fact = _last_fact(context, "incidents.service_suspended", suspension)
    return {
        "suspension": str(suspension.uuid),
        "retailers": suspension.retailers.count(),
        "stops_held": int(fact.get("stops_held", 0)),
        "starts_at": suspension.starts_at.isoformat(),
        "ends_at": suspension.ends_at.isoformat(),
        "period": moments.period(suspension.starts_at, suspension.ends_at),
        "practised": drills.only_practised(context.run.drill),
    }


@action(
    "incidents.extend",
    params=object_(suspension=TEXT, ends_at=TEXT),
    returns=object_(suspension=TEXT, ends_at=TEXT, extended_at=TEXT, practised=FLAG),
)
def extend(context: ActionContext) -> dict[str, Any]:
    suspension, ends_at = _suspension(context), moments.read(context.params["ends_at"], "ends_at")
    if suspension.ends_at < ends_at:
        suspension = suspending.extend(suspension, ends_at, actor=None)
    return {
        "suspension": str(suspension.uuid),
        "ends_at": suspension.ends_at.isoformat(),
        "extended_at": context.now.isoformat(),
        "practised": drills.only_practised(context.run.drill),
    }


@action(
    "incidents.resume",
    params=object_(suspension=TEXT),
    returns=object_(suspension=TEXT, retailers=COUNT, key=COUNT, stops_released=COUNT, practised=FLAG),
)
def resume(context: ActionContext) -> dict[str, Any]:
    suspension = _suspension(context)
    if suspension.resumed_at is None:
        suspension = suspending.resume(suspension, resumed_by=_decider(context, "resume"), actor=None)
    concerned = Retailer.objects.filter(suspensions__suspension=suspension)
    fact = _last_fact(context, "incidents.service_resumed", suspension)
    return {
        "suspension": str(suspension.uuid),
        "retailers": concerned.count(),
        "key": concerned.filter(is_key=True).count(),
        "stops_released": int(fact.get("stops_released", 0)),
        "practised": drills.only_practised(context.run.drill),
    }


@action(
    "incidents.notify_customers",
    params=object_("values", audience=TEXT, suspension=TEXT, area=MAP, template=TO_CUSTOMERS, values=MAP),
    returns=object_(told=COUNT, unreachable=COUNT, notice=TEXT),
)
def notify_customers(context: ActionContext) -> dict[str, Any]:
    """One tracked message to each customer of the audience."""
    given = context.params
    told = _told_before(context)
    if told is None:
        told = customers.notify_customers(
            _incident(context),
            given["template"],
            audience=given["audience"],
            suspension=_suspension(context) if given["suspension"] else None,
            area=given["area"] or None,
            values=_readable(given.get("values", {})),
            item=context.item,
            actor=None,
        )
    return {"told": told.told, "unreachable": told.unreachable, "notice": str(told.notice.uuid)}


@action(
    "incidents.make_call_list",
    params=object_(
        suspension=TEXT,
        script=message(*OF_SUSPENSION),
        template=message(*OF_SUSPENSION, LOOK_UP, "calls"),
    ),
    returns=object_(call_list=TEXT, calls=COUNT, callers=COUNT),
)
def make_call_list(context: ActionContext) -> dict[str, Any]:
    """Every customer of the suspension is phoned by the own customer manager (E3.2.2)."""
    suspension = _suspension(context)
    made = CallList.objects.filter(uuid=suspension.call_list).first() if suspension.call_list else None
    if made is None:
        made = customers.make_call_list(
            suspension,
            script=context.params["script"],
            template=context.params["template"],
            item=context.item,
            actor=None,
        )
    callers = made.calls.order_by().values("caller").distinct().count()
    return {"call_list": str(made.uuid), "calls": made.calls.count(), "callers": callers}


@action(
    "incidents.public_notice",
    params=object_(suspension=TEXT, template=message(*OF_SUSPENSION)),
    returns=object_(notices=COUNT, texts=MAP),
)
def public_notice(context: ActionContext) -> dict[str, Any]:
    made: list[PublicNotice] = customers.public_notice(
        _suspension(context), context.params["template"], actor=None
    )
    return {"notices": len(made), "texts": {notice.medium: notice.text for notice in made}}


@action(
    "incidents.tell_contacts",
    params=object_("values", group=TEXT, serves=TEXT, template=message(LOOK_UP), values=MAP),
    returns=object_(told=COUNT, contacts=LIST, missing=FLAG),
)
def tell_contacts(context: ActionContext) -> dict[str, Any]:
    """Tell the outside contacts that serve something; `missing` when the list has none (E3.1.13)."""
    given, before = context.params, _told_before(context)
    contacts = customers.contacts_of(given["group"], given["serves"])
    told = before.told if before else 0
    if before is None:
        notice = customers.tell_contacts(
            _incident(context),
            given["template"],
            group=given["group"],
            serves=given["serves"],
            values=_readable(given.get("values", {})),
            item=context.item,
            actor=None,
        )
        told = customers.counted(notice).told if notice else 0
    return {
        "told": told,
        "contacts": [
            {"code": one.code, "organisation": one.organisation, "phone": one.phone} for one in contacts
        ],
        "missing": not contacts,
    }


@action("incidents.record_fallback", params=object_(fallback=TEXT), returns=object_(fallback=TEXT))
def record_fallback(context: ActionContext) -> dict[str, Any]:
    outage = outages.record_fallback(_incident(context), context.params["fallback"], actor=None)
    return {"fallback": outage.fallback}


@action(
    "supply.replenish_key_customers",
    params=object_(suspension=TEXT),
    returns=object_(requests=COUNT, retailers=COUNT, cartons=COUNT, practised=FLAG),
)
def replenish_key_customers(context: ActionContext) -> dict[str, Any]:
    """Key customers of the area who missed a delivery get their usual order as a replenishment (E3.2.5)."""
    made = replenishing.replenish_key_customers(_suspension(context), actor=None)
    return {
        "requests": made.requests,
        "retailers": made.retailers,
        "cartons": made.cartons,
        "practised": drills.only_practised(context.run.drill),
    }


@action(
    "supply.cash_candidates",
    params=object_(),
    returns=object_(event=TEXT, order_day=TEXT, retailers=COUNT, customers=LIST),
)
def cash_candidates(context: ActionContext) -> dict[str, Any]:
    """Customers of the weather event who order today and settle electronically: who may be allowed cash (E3.2.4)."""
    event, today = settling.weather_event(context.run), clock.today()
    found = cash.candidates(event, today)
    return {
        "event": event.number,
        "order_day": today.isoformat(),
        "retailers": len(found),
        "customers": [one.licence_no for one in found],
    }


@action("supply.allow_cash", params=object_(customers=LIST), returns=object_(allowed=COUNT))
def allow_cash(context: ActionContext) -> dict[str, Any]:
    """These customers may settle today's order in cash, as a person of the run has decided."""
    wanted = [str(one) for one in context.params["customers"]]
    retailers = list(Retailer.objects.filter(licence_no__in=wanted).order_by("pk"))
    if missing := set(wanted) - {one.licence_no for one in retailers}:
        raise NotFound(f"there is no customer {sorted(missing)[0]}")
    event = settling.weather_event(context.run)
    decider = _decider(context, "all")
    return {"allowed": cash.allow(context.run, retailers, event, allowed_by=decider, actor=None)}


@action(
    "incidents.tell_line_customers",
    params=object_(templates=MAP),
    returns=object_(told=COUNT, unreachable=COUNT),
)
def tell_line_customers(context: ActionContext) -> dict[str, Any]:
    """Each customer of the lines decided on gets the own new time, van or day; nobody twice (E3.2.1, E3.2.2)."""
    told, unreachable = lines.tell_customers(
        _incident(context), context.params["templates"], item=context.item, actor=None
    )
    return {"told": told, "unreachable": unreachable}


@action(
    "incidents.end_line_hold",
    params=object_(measure=TEXT),
    returns=object_(lines=COUNT, stops=COUNT, measure=TEXT, practised=FLAG),
)
def end_line_hold(context: ActionContext) -> dict[str, Any]:
    """Lines on hold go again, or their goods go out with the next delivery day."""
    measure = context.params["measure"]
    made = lines.end_hold(_incident(context), measure, decided_by=_decider(context, measure), actor=None)
    return {
        "lines": len(made),
        "stops": sum(one.stops for one in made),
        "measure": measure,
        "practised": drills.only_practised(context.run.drill),
    }


@action(
    "incidents.departments",
    params=object_("codes", kinds=LIST, codes=LIST),
    returns=object_(departments=LIST, count=COUNT),
)
def list_departments(context: ActionContext) -> dict[str, Any]:
    """The departments headed by posts of these kinds, or only those with these codes, with who heads them now."""
    found = departments.headed_by(context.params["kinds"], context.params.get("codes"), context.now)
    return {"departments": [one.to_json() for one in found], "count": len(found)}


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


def _incident(context: ActionContext) -> Incident:
    uuid = context.run.incident
    found = Incident.objects.select_related("run__plan_version").filter(uuid=uuid).first() if uuid else None
    return there(found, f"the run {context.run.number} belongs to no incident")


def _suspension(context: ActionContext) -> Suspension:
    """The suspension named in the parameters, which has to be of this incident."""
    uuid = uuid_in(context.params["suspension"])
    if uuid is None:
        raise Invalid("suspension", "is no suspension")
    found = Suspension.objects.select_related("incident__run__plan_version").filter(uuid=uuid).first()
    if found is None or found.incident.uuid != context.run.incident:
        raise NotFound(f"{context.run.number} has no suspension {uuid}")
    return found


def _readable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Times among the values of a message as people read them off the wall clock."""
    found = dict(values)
    for name, value in values.items():
        if isinstance(value, str) and len(value) >= len("2026-11-23T09:40Z"):
            try:
                found[name] = moments.moment(moments.read(value, name))
            except Invalid:
                continue
    return found


def _decider(context: ActionContext, option: str) -> Person | None:
    """Who decided in this run what the plan now carries out."""
    done = Task.objects.filter(
        run=context.run, kind=Task.Kind.DECIDE, status=Task.Status.DONE, result__option=option
    )
    task = done.select_related("done_by").order_by("-done_at").first()
    return task.done_by if task else None


def _told_before(context: ActionContext) -> customers.Told | None:
    """How far the notice of an earlier attempt goes."""
    notice = context.told_before()
    return customers.counted(notice) if notice else None


def _last_fact(context: ActionContext, kind: str, suspension: Suspension) -> dict[str, Any]:
    facts = Entry.objects.filter(run=context.run.uuid, kind=kind, data__suspension=str(suspension.uuid))
    fact = facts.order_by("-id").first()
    return dict(fact.data) if fact else {}
