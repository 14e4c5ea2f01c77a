"""Suspending service to an area, extending it, resuming it (E3.2)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from changbei.core import moments
from changbei.incidents.actions.named import decider, incident_of, last_fact, suspension_of
from changbei.incidents.models import Suspension
from changbei.incidents.services import customers, outages, suspending
from changbei.network.models import Retailer
from changbei.plans.actions import action
from changbei.plans.schemas import COUNT, FLAG, MAP, NUMBER, TEXT, object_
from changbei.runs import drills
from changbei.runs.context import ActionContext


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
    found = customers.affected(incident_of(context), context.params["area"])
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
    given, incident = context.params, incident_of(context)
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
        decided_by=decider(context, "suspend"),
        actor=None,
    )
    fact = last_fact(context, "incidents.service_suspended", suspension)
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
    suspension, ends_at = suspension_of(context), moments.read(context.params["ends_at"], "ends_at")
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
    suspension = suspension_of(context)
    if suspension.resumed_at is None:
        suspension = suspending.resume(suspension, resumed_by=decider(context, "resume"), actor=None)
    concerned = Retailer.objects.filter(suspensions__suspension=suspension)
    fact = last_fact(context, "incidents.service_resumed", suspension)
    return {
        "suspension": str(suspension.uuid),
        "retailers": concerned.count(),
        "key": concerned.filter(is_key=True).count(),
        "stops_released": int(fact.get("stops_released", 0)),
        "practised": drills.only_practised(context.run.drill),
    }


@action("incidents.record_fallback", params=object_(fallback=TEXT), returns=object_(fallback=TEXT))
def record_fallback(context: ActionContext) -> dict[str, Any]:
    outage = outages.record_fallback(incident_of(context), context.params["fallback"], actor=None)
    return {"fallback": outage.fallback}
