"""What customers of an event are given: replenishment, cash in place of a settlement (E3.2.4, E3.2.5)."""

from __future__ import annotations

from typing import Any

from changbei.core import clock
from changbei.core.errors import NotFound
from changbei.incidents import replenishing, settling
from changbei.incidents.actions.named import decider, suspension_of
from changbei.network.models import Retailer
from changbei.plans.actions import action
from changbei.plans.schemas import COUNT, FLAG, LIST, TEXT, object_
from changbei.runs import drills
from changbei.runs.context import ActionContext
from changbei.supply import cash


@action(
    "supply.replenish_key_customers",
    params=object_(suspension=TEXT),
    returns=object_(requests=COUNT, retailers=COUNT, cartons=COUNT, practised=FLAG),
)
def replenish_key_customers(context: ActionContext) -> dict[str, Any]:
    """Key customers of the area who missed a delivery get their usual order as a replenishment (E3.2.5)."""
    made = replenishing.replenish_key_customers(suspension_of(context), actor=None)
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
    allowed_by = decider(context, "all")
    return {"allowed": cash.allow(context.run, retailers, event, allowed_by=allowed_by, actor=None)}
