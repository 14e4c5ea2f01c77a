"""Transport papers: whoever carries goods that other papers name, or comes from another site, needs them anew before
it leaves (E3.3.2). They follow what vans still have to fetch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict
from changbei.delivery import access, changing
from changbei.delivery.models import DeliveryDay, Handover, Loan, RecoveryCase, TransportPapers
from changbei.people.models import Person


@transaction.atomic
def written(papers: TransportPapers, *, actor: Person) -> None:
    """The papers name the van that carries the goods now. Conflict when that was said before."""
    access.require_accept(papers.case, actor)
    waiting = TransportPapers.objects.filter(pk=papers.pk, written_at__isnull=True, withdrawn_at__isnull=True)
    if not waiting.update(written_at=clock.now(), written_by=actor):
        raise Conflict(gettext_noop("these papers are written, or no longer needed"))
    changing.note(
        "delivery.papers_written",
        papers.case.run,
        actor,
        clause="E3.3.2",
        vehicle=papers.vehicle.number,
        cartons=papers.cartons,
    )


def follow(day: DeliveryDay, case: RecoveryCase | None = None) -> None:
    """Calls where nothing is to be fetched any more fall away, the others say how much, and so do the papers: written
    anew where that changed, withdrawn where nothing is fetched, flagged (for `case`) where they are missing."""
    open_calls = Handover.objects.filter(tour__day=day, done_at__isnull=True)
    for call in open_calls:
        found = call.waiting().aggregate(stops=Count("pk"), cartons=Sum("cartons"))
        if not found["stops"]:
            call.delete()
        elif found["cartons"] != call.cartons:
            Handover.objects.filter(pk=call.pk).update(cartons=found["cartons"])
    goods = _goods(day)
    valid = {
        (one.vehicle_id, one.from_vehicle_id): one
        for one in TransportPapers.objects.filter(case__day=day, withdrawn_at__isnull=True).order_by("pk")
    }
    for pair, papers in valid.items():
        _set_right(papers, goods.get(pair))
    for pair in sorted(goods.keys() - valid.keys(), key=str):
        if case is not None and goods[pair].open:
            _flag(case, pair, goods[pair])


@dataclass
class _Goods:
    """What a van fetches from another van, or (None) at a site, in calls still to come; whether there are such."""

    open: bool = False
    stops: int = 0
    cartons: int = 0
    borrowed: bool = False


Pair = tuple[int, int | None]


def _goods(day: DeliveryDay) -> dict[Pair, _Goods]:
    lent = dict(Loan.objects.filter(day=day, returned_at=None).values_list("vehicle_id", "site_id"))
    calls = Handover.objects.filter(tour__day=day).select_related("tour__vehicle", "breakdown__tour")
    found: dict[Pair, _Goods] = defaultdict(_Goods)
    for call in calls.order_by("pk"):
        van, source = call.tour.vehicle, call.breakdown.tour if call.breakdown else None
        goods = found[van.pk, source.vehicle_id if source else None]
        if call.done_at is not None:
            continue
        goods.open = True
        goods.stops += call.waiting().count()
        goods.cartons += call.cartons
        stands_at, site = lent.get(van.pk, van.site_id), source.site_id if source else call.site_id
        goods.borrowed = van.is_reserve and stands_at != site
    return dict(found)


def _set_right(papers: TransportPapers, goods: _Goods | None) -> None:
    mine = TransportPapers.objects.filter(pk=papers.pk)
    if goods is None:
        mine.update(withdrawn_at=clock.now())
    elif goods.open and (goods.stops, goods.cartons) != (papers.stops, papers.cartons):
        mine.update(stops=goods.stops, cartons=goods.cartons, written_at=None, written_by=None)


def _flag(case: RecoveryCase, pair: Pair, goods: _Goods) -> None:
    vehicle, from_vehicle = pair
    TransportPapers.objects.create(
        case=case,
        vehicle_id=vehicle,
        from_vehicle_id=from_vehicle,
        stops=goods.stops,
        cartons=goods.cartons,
        borrowed=goods.borrowed,
    )
