"""What plans may call: `do: supply.assess_request` and its kin (E3.4)."""

from __future__ import annotations

from datetime import date
from typing import Any

from changbei.core import clock, moments
from changbei.core.errors import Invalid, NotFound
from changbei.core.texts import LANGUAGES, uuid_in
from changbei.network.models import Retailer
from changbei.notify.recipients import of_retailers
from changbei.people.models import Person
from changbei.plans.actions import action, message
from changbei.plans.loading import pack_for
from changbei.plans.schemas import COUNT, FLAG, LIST, TEXT, object_
from changbei.runs import drills
from changbei.runs.context import ActionContext
from changbei.supply import selectors, services
from changbei.supply.actions.telling import tell_once
from changbei.supply.models import SupplyRequest


@action(
    "supply.assess_request",
    params=object_(retailer=TEXT, occasion=TEXT, needed_on=TEXT, path=TEXT, lines=LIST),
    returns=object_(
        request=TEXT,
        number=TEXT,
        eligible=FLAG,
        reasons=LIST,
        texts=LIST,
        cartons=COUNT,
        approver=TEXT,
        verifier=TEXT,
        order_day=TEXT,
        today=TEXT,
    ),
)
def assess_request(context: ActionContext) -> dict[str, Any]:
    """Record the request and say whether it may be granted, and by whom."""
    given = context.params
    try:
        needed_on = date.fromisoformat(given["needed_on"])
    except ValueError:
        raise Invalid("needed_on", f"{given['needed_on']!r} is no date") from None
    found = services.assess(
        given["retailer"],
        occasion=given["occasion"],
        needed_on=needed_on,
        path=given["path"],
        lines=given["lines"],
        pack=pack_for(context.run.plan_version),
        run=context.run,
        requested_by=_reporter(context),
        actor=None,
    )
    return {
        "request": str(found.request.uuid),
        "number": found.request.number,
        "eligible": found.eligible,
        "reasons": list(found.reasons),
        "texts": list(found.texts),
        "cartons": found.cartons,
        "approver": found.approver,
        "verifier": found.verifier,
        "order_day": found.order_day.isoformat(),
        "today": clock.today().isoformat(),
    }


@action(
    "supply.merge_into_order",
    params=object_(request=TEXT),
    returns=object_(deliver_on=TEXT, deliver_at=TEXT),
)
def merge_into_order(context: ActionContext) -> dict[str, Any]:
    """The approved request joins the customer's regular order (E3.4.3a)."""
    request = services.merge_into_order(services.approve_by_run(_request(context), actor=None), actor=None)
    return _delivery(request)


@action(
    "supply.dispatch_replenishment",
    params=object_("act_first", request=TEXT, act_first=FLAG),
    returns=object_(deliver_on=TEXT, deliver_at=TEXT, site=TEXT, practised=FLAG),
)
def dispatch_replenishment(context: ActionContext) -> dict[str, Any]:
    """The approved request goes out by itself (E3.4.3b, E3.4.3c).

    `act_first`: it goes before the last approval, which ratifies it afterwards; the plan's setting has to say so.
    """
    request = _request(context)
    if context.params.get("act_first"):
        approved = services.approve_before_ratified(request, actor=None)
    else:
        approved = services.approve_by_run(request, actor=None)
    request, site = services.dispatch_replenishment(approved, actor=None)
    return {**_delivery(request), "site": site, "practised": drills.only_practised(context.run.drill)}


@action("supply.decline", params=object_(request=TEXT, why=TEXT), returns=object_(request=TEXT))
def decline(context: ActionContext) -> dict[str, Any]:
    request = services.decline(_request(context), why=context.params["why"], actor=None)
    return {"request": str(request.uuid)}


@action(
    "supply.tell_customer",
    params=object_(request=TEXT, template=message("request", "retailer", "reasons", "day", "cartons")),
    returns=object_(told=COUNT),
)
def tell_customer(context: ActionContext) -> dict[str, Any]:
    """Tell the customer what became of the request, once; 0 when there is no number to reach."""
    request = _request(context)
    shop = of_retailers(Retailer.objects.filter(pk=request.retailer_id))
    return {"told": tell_once(context, shop, _values(request))}


def _values(request: SupplyRequest) -> dict[str, Any]:
    return {
        "request": request.number,
        "retailer": request.retailer.name,
        "reasons": {
            language: " ".join(text.get(language, "") for text in request.reasons) for language in LANGUAGES
        },
        "day": moments.day(request.deliver_on) if request.deliver_on else "",
        "cartons": sum(request.lines.values_list("cartons", flat=True)),
    }


def _request(context: ActionContext) -> SupplyRequest:
    """The request named in the parameters, which has to be of this run."""
    uuid = uuid_in(context.params["request"])
    if uuid is None:
        raise Invalid("request", "is no supply request")
    found = SupplyRequest.objects.select_related("retailer", "run__plan_version").filter(uuid=uuid).first()
    if found is None or found.run_id != context.run.pk:
        raise NotFound(f"{context.run.number} has no supply request {uuid}")
    return found


def _reporter(context: ActionContext) -> Person | None:
    incident = context.run.state["context"].get("incident", {})
    return Person.objects.filter(staff_no=incident.get("reporter") or "").first()


def _delivery(request: SupplyRequest) -> dict[str, Any]:
    arrives_at = selectors.arrives_at(request)
    return {
        "deliver_on": request.deliver_on.isoformat() if request.deliver_on else "",
        "deliver_at": arrives_at.isoformat() if arrives_at else "",
    }
