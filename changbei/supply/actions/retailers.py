"""What plans may call about one customer: tell something, take up as a network store, give special service."""

from __future__ import annotations

from typing import Any

from changbei.core import clock
from changbei.core.errors import Invalid, there
from changbei.network import customers
from changbei.network.models import Retailer
from changbei.notify.recipients import of_retailers
from changbei.plans.actions import action, message
from changbei.plans.schemas import COUNT, FLAG, MAP, TEXT, object_
from changbei.runs import drills
from changbei.runs.context import ActionContext
from changbei.runs.models import Task
from changbei.supply.actions.telling import tell_once


@action(
    "supply.tell_retailer",
    params=object_("values", retailer=TEXT, template=message("retailer"), values=MAP),
    returns=object_(told=COUNT),
)
def tell_retailer(context: ActionContext) -> dict[str, Any]:
    """Tell one customer, by licence number, once; 0 when there is no number to reach."""
    retailer = _retailer(context)
    values = {"retailer": retailer.name} | dict(context.params.get("values", {}))
    return {"told": tell_once(context, of_retailers(Retailer.objects.filter(pk=retailer.pk)), values)}


@action(
    "supply.join_network_stores",
    params=object_(retailer=TEXT),
    returns=object_(since=TEXT, practised=FLAG),
)
def join_network_stores(context: ActionContext) -> dict[str, Any]:
    """The customer has signed the agreement and is a network store from today (S11)."""
    run, since = context.run, clock.day_of(context.now)
    with drills.practice(run.drill):
        customers.join_network_stores(
            _retailer(context), since=since, agreement=run.number, run=run.uuid, drill=run.drill, actor=None
        )
    return {"since": since.isoformat(), "practised": drills.only_practised(run.drill)}


@action(
    "supply.set_care",
    params=object_(retailer=TEXT, needed=FLAG),
    returns=object_(needed=FLAG, practised=FLAG),
)
def set_care(context: ActionContext) -> dict[str, Any]:
    """Special service begins or ends. Refused before somebody of this run has assessed the customer (S6)."""
    run, needed = context.run, bool(context.params["needed"])
    assessed = Task.objects.filter(
        run=run, kind=Task.Kind.APPROVE, status=Task.Status.DONE, result__approved=True
    )
    if not assessed.exists():
        raise Invalid("needed", f"{run.number}: nobody has assessed the customer yet")
    with drills.practice(run.drill):
        customers.set_care(_retailer(context), needed=needed, run=run.uuid, drill=run.drill, actor=None)
    return {"needed": needed, "practised": drills.only_practised(run.drill)}


def _retailer(context: ActionContext) -> Retailer:
    licence_no = context.params["retailer"]
    found = Retailer.objects.filter(licence_no=licence_no).first()
    return there(found, f"there is no customer with licence {licence_no!r}")
