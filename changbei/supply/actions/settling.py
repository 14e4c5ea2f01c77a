"""Settlements put right, and cash in their place: telling the customers concerned (E2.7, E3.2.4)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from changbei.network.models import Retailer
from changbei.notify.recipients import of_retailers
from changbei.plans.actions import action, message
from changbei.plans.schemas import COUNT, object_
from changbei.runs.context import ActionContext
from changbei.supply.actions.telling import tell_once
from changbei.supply.models import CashSettlement, SettlementCorrection


@action("supply.tell_corrected", params=object_(template=message()), returns=object_(told=COUNT))
def tell_corrected(context: ActionContext) -> dict[str, Any]:
    """Every customer whose settlement was wrong hears, once, that it has been put right (E2.7)."""
    rows = SettlementCorrection.objects.filter(run=context.run)
    done = rows.exclude(status=SettlementCorrection.Status.OPEN)
    return {"told": _tell(context, done)}


@action("supply.tell_cash_customers", params=object_(template=message()), returns=object_(told=COUNT))
def tell_cash_customers(context: ActionContext) -> dict[str, Any]:
    """Every customer who may settle in cash hears, once, that they may, and that a receipt is given (E3.2.4)."""
    rows = CashSettlement.objects.filter(run=context.run, status=CashSettlement.Status.ALLOWED)
    return {"told": _tell(context, rows)}


def _tell(context: ActionContext, rows: QuerySet[Any]) -> int:
    customers = Retailer.objects.filter(pk__in=rows.values("retailer")).order_by("pk")
    return tell_once(context, of_retailers(customers))
