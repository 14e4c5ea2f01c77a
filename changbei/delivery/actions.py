"""What plans may call: `do: delivery.recover` and its kin (clauses E3.3.1–E3.3.5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core.errors import Conflict, NotFound
from changbei.delivery import breaking, planning, recovery, selectors, services, telling
from changbei.delivery.models import Breakdown, RecoveryCase
from changbei.notify import personal
from changbei.notify.models import Message
from changbei.people.models import Person
from changbei.plans.actions import action, message
from changbei.plans.schemas import COUNT, FLAG, LIST, MAP, NUMBER, TEXT, object_
from changbei.runs import drills
from changbei.runs.context import ActionContext

# A new time today, or another day: which of the two, and so which message, depends on what was decided.
TO_CUSTOMERS = message("planned", "expected", "day", *personal.FIELDS, "next_delivery")


@action(
    breaking.RECOVER,
    params=object_(vehicle=TEXT, goods_aboard=FLAG, injured=FLAG, cause=TEXT, place=MAP),
    returns=object_(
        case=TEXT,
        stops=COUNT,
        options=COUNT,
        best=TEXT,
        reserve=FLAG,
        unserved=COUNT,
        seconds=NUMBER,
    ),
)
def recover(context: ActionContext) -> dict[str, Any]:
    """Record the breakdown and offer ways to take over; nothing is offered when nothing is left to deliver.

    Vans that break down together share one offer. Raises Conflict in an exercise beside the real day (ADR 0004): the
    van drives on.
    """
    if drills.only_practised(context.run.drill):
        raise Conflict(gettext_noop("an exercise stops no van: the take-over is practised by hand"))
    report = breaking.report_of(context.params)
    breakdown = services.report_breakdown(report, run=context.run, actor=None)
    case = selectors.standing_case(breakdown) or recovery.offer(breakdown, run=context.run)
    if case is None:
        return {
            "case": "",
            "stops": 0,
            "options": 0,
            "best": "",
            "reserve": False,
            "unserved": 0,
            "seconds": 0.0,
        }
    options = list(case.options.order_by("rank"))
    best = next((one for one in options if one.accepted_at), options[0] if options else None)
    return {
        "case": str(case.uuid),
        "stops": case.stops_stranded,
        "options": len(options),
        "best": best.kind if best else "",
        "reserve": any(option.plan["reserve_vehicles"] for option in options),
        "unserved": best.unserved if best else case.stops_stranded,
        "seconds": round(case.computing_seconds, 3),
    }


@action(
    "delivery.postpone", params=object_(vehicle=TEXT, reason=TEXT), returns=object_(stops=COUNT, next_on=TEXT)
)
def postpone(context: ActionContext) -> dict[str, Any]:
    stops, next_on = services.postpone(_breakdown(context), reason=context.params["reason"], actor=None)
    return {"stops": stops, "next_on": next_on.isoformat()}


@action(
    "delivery.tell_drivers",
    params=object_(case=TEXT, template=message("vehicle", "stops", "first")),
    returns=object_(told=COUNT, drivers={"type": "array", "items": TEXT}),
)
def tell_drivers(context: ActionContext) -> dict[str, Any]:
    case = RecoveryCase.objects.select_related("breakdown__tour__vehicle").get(
        uuid=UUID(context.params["case"])
    )
    template = context.params["template"]
    if case.run_id != context.run.pk:
        people = []  # decided together with another van, whose run tells everybody
    elif telling.already_told(context.run, template):
        people = list(
            Person.objects.filter(
                messages__notice__run=context.run.uuid, messages__notice__template=template
            ).distinct()
        )
    else:
        people = telling.drivers(case, template, context.run)
    return {"told": len(people), "drivers": [person.staff_no for person in people]}


@action(
    "delivery.tell_customers",
    params=object_(vehicle=TEXT, template=TO_CUSTOMERS, than_minutes=COUNT),
    returns=object_(told=COUNT, unreachable=COUNT, notice=TEXT),
)
def tell_customers(context: ActionContext) -> dict[str, Any]:
    """Tell the customers of this breakdown, each with the own new time or day."""
    breakdown, template = _breakdown(context), context.params["template"]
    if telling.already_told(context.run, template):
        messages = list(
            Message.objects.filter(notice__run=context.run.uuid, notice__template=template).order_by("pk")
        )
    elif selectors.is_postponed(breakdown):
        next_on = planning.next_delivery_day(breakdown.tour.day.date)
        messages = list(telling.postponed_customers(breakdown, template, next_on, context.run))
    else:
        than = timedelta(minutes=context.params["than_minutes"])
        messages = list(telling.shifted_customers(breakdown, template, than, context.run))
    unreachable = sum(message.state == Message.State.UNREACHABLE for message in messages)
    notice = telling.last_notice(messages)
    return {"told": len(messages) - unreachable, "unreachable": unreachable, "notice": str(notice or "")}


@action("delivery.order_repair", params=object_(vehicle=TEXT), returns=object_(order=COUNT, vehicle=TEXT))
def order_repair(context: ActionContext) -> dict[str, Any]:
    with transaction.atomic():
        breakdown = _breakdown(context)
        order = services.order_repair(breakdown, actor=None)
    return {"order": order.pk, "vehicle": breakdown.tour.vehicle.number}


@action(
    "delivery.find_substitute",
    params=object_(vehicle=TEXT),
    returns=object_(found=COUNT, staff_no=TEXT, name=TEXT, trips=COUNT, candidates=LIST),
)
def find_substitute(context: ActionContext) -> dict[str, Any]:
    """Customer managers and inspectors who know the broken van's line and are here, most trips first (E3.3.5)."""
    found = selectors.substitutes(context.params["vehicle"])
    rows = [
        {
            "staff_no": one.person.staff_no,
            "name": one.person.name,
            "job": one.person.job,
            "trips": one.trips,
            "phone": one.person.phone,
        }
        for one in found
    ]
    best = rows[0] if rows else {"staff_no": "", "name": "", "trips": 0}
    return {
        "found": len(rows),
        "staff_no": best["staff_no"],
        "name": best["name"],
        "trips": best["trips"],
        "candidates": rows,
    }


@action(
    "delivery.call_substitute",
    params=object_(vehicle=TEXT, staff_no=TEXT, template=message("vehicle", "place", "line")),
    returns=object_(told=COUNT),
)
def call_substitute(context: ActionContext) -> dict[str, Any]:
    person = Person.objects.filter(staff_no=context.params["staff_no"], active=True).first()
    if person is None:
        raise NotFound(f"nobody has the staff number {context.params['staff_no']}")
    if not telling.already_told(context.run, context.params["template"]):
        telling.substitute(person, _breakdown(context), context.params["template"], context.run)
    return {"told": 1}


def _breakdown(context: ActionContext) -> Breakdown:
    """The run's breakdown; it is recorded by `delivery.recover`, which may still be at work."""
    found = (
        Breakdown.objects.select_related("tour__vehicle", "tour__line", "tour__day", "run")
        .filter(run=context.run)
        .first()
    )
    if found is None:
        raise Conflict(f"the breakdown of van {context.params['vehicle']} is not recorded yet")
    return found
