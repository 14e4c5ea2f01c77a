"""Telling customers, the public and whom the plan needs outside (E3.1, E3.2.1, E3.2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from changbei.core import moments
from changbei.core.errors import Invalid
from changbei.incidents.actions.named import incident_of, suspension_of
from changbei.incidents.models import PublicNotice
from changbei.incidents.services import customers
from changbei.notify import personal
from changbei.notify.models import CallList
from changbei.plans.actions import action, message
from changbei.plans.schemas import COUNT, FLAG, LIST, MAP, TEXT, object_
from changbei.runs.context import ActionContext

OF_SUSPENSION = ("area", "reason", "from", "until", "period")
OF_EACH_CUSTOMER = (*personal.FIELDS, "next_delivery")
LOOK_UP = "next_page"  # where customers see their next delivery
TO_CUSTOMERS = message(*OF_SUSPENSION, *OF_EACH_CUSTOMER, LOOK_UP)


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
            incident_of(context),
            given["template"],
            audience=given["audience"],
            suspension=suspension_of(context) if given["suspension"] else None,
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
    suspension = suspension_of(context)
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
        suspension_of(context), context.params["template"], actor=None
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
            incident_of(context),
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


def _told_before(context: ActionContext) -> customers.Told | None:
    """How far the notice of an earlier attempt goes."""
    notice = context.told_before()
    return customers.counted(notice) if notice else None
