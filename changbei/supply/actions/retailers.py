"""What plans may call about one customer: tell the customer something."""

from __future__ import annotations

from typing import Any

from changbei.core.errors import NotFound
from changbei.network.models import Retailer
from changbei.notify.recipients import of_retailers
from changbei.plans.actions import action, message
from changbei.runs.context import ActionContext
from changbei.supply.actions.schemas import COUNT, TEXT, object_
from changbei.supply.actions.telling import tell_once


@action(
    "supply.tell_retailer",
    params=object_("values", retailer=TEXT, template=message("retailer"), values={"type": "object"}),
    returns=object_(told=COUNT),
)
def tell_retailer(context: ActionContext) -> dict[str, Any]:
    """Tell one customer, by licence number, once; 0 when there is no number to reach."""
    retailer = _retailer(context)
    values = {"retailer": retailer.name} | dict(context.params.get("values", {}))
    return {"told": tell_once(context, of_retailers(Retailer.objects.filter(pk=retailer.pk)), values)}


def _retailer(context: ActionContext) -> Retailer:
    licence_no = context.params["retailer"]
    found = Retailer.objects.filter(licence_no=licence_no).first()
    if found is None:
        raise NotFound(f"there is no customer with licence {licence_no!r}")
    return found
