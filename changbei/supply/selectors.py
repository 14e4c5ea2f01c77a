"""Questions about supply requests: when goods come, from where, and what else a customer asked for. Read-only."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db.models import QuerySet, Sum

from changbei.core import clock
from changbei.core.clock import LOCAL
from changbei.journal.models import Entry
from changbei.network.models import Retailer
from changbei.supply import rules
from changbei.supply.models import SupplyRequest

Status, Path = SupplyRequest.Status, SupplyRequest.Path
NEARBY = timedelta(days=7)
DELIVERED_BY = time(18, 0)  # when a day's vans are back


def comes_on(request: SupplyRequest) -> date:
    """The day its goods come; while nothing is sent, the day they would come if it were decided now."""
    if request.deliver_on is not None:
        return request.deliver_on
    local, retailer = clock.local_now(), request.retailer
    if request.path != Path.PLANNED:
        return rules.replenishment_day(local.date(), local.hour)
    order_day = rules.order_day(local.date(), retailer.order_weekday)
    return rules.delivery_after(order_day, retailer.line.weekday)


def arrives_at(request: SupplyRequest) -> datetime | None:
    """When the goods of a request are there at the latest."""
    if request.deliver_on is None:
        return None
    return datetime.combine(request.deliver_on, DELIVERED_BY, LOCAL)


def dispatched_from(request: SupplyRequest) -> str:
    """The code of the store that the goods left; "" before."""
    run = request.run.uuid if request.run else None
    facts = Entry.objects.filter(kind="supply.replenishment_dispatched", run=run)
    fact = facts.filter(data__request=str(request.uuid)).order_by("id").first()
    return str(fact.data["site"]) if fact else ""


def also_asked(request: SupplyRequest) -> QuerySet[SupplyRequest]:
    """What else the customer asked for within a week of it and was not refused, with `cartons`: nobody gets round a
    limit by asking in parts, and nothing comes twice unseen (E3.4.3).
    """
    nearby = (request.requested_at - NEARBY, request.requested_at + NEARBY)
    others = SupplyRequest.objects.filter(retailer=request.retailer_id, requested_at__range=nearby)
    practised = request.run is not None and request.run.drill
    others = others.exclude(pk=request.pk).exclude(status=Status.REFUSED).exclude(run__drill=not practised)
    return others.annotate(cartons=Sum("lines__cartons")).order_by("pk")


def on_its_way(retailer: Retailer) -> QuerySet[SupplyRequest]:
    """What comes to a customer beside the regular order, with `cartons`, the next first."""
    today = clock.today()
    sent = SupplyRequest.objects.filter(retailer=retailer, status=Status.DISPATCHED, deliver_on__gte=today)
    return sent.exclude(run__drill=True).annotate(cartons=Sum("lines__cartons")).order_by("deliver_on", "pk")
