"""Transport papers: whoever carries goods that other papers name, or comes from another site, needs them anew before
it leaves (E3.3.2). They follow what vans still have to fetch, and which van drives a tour."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict
from changbei.delivery import access, changing
from changbei.delivery.models import (
    DeliveryDay,
    Handover,
    Loan,
    RecoveryCase,
    Stop,
    Tour,
    TransportPapers,
)
from changbei.network.models import Vehicle
from changbei.people.models import Person
from changbei.runs.noting import note


@transaction.atomic
def written(papers: TransportPapers, *, actor: Person) -> None:
    """The papers name the van that carries the goods now. Conflict when that was said before."""
    access.require_accept(actor)
    waiting = TransportPapers.objects.filter(pk=papers.pk, written_at__isnull=True, withdrawn_at__isnull=True)
    if not waiting.update(written_at=clock.now(), written_by=actor):
        raise Conflict(gettext_noop("these papers are written, or no longer needed"))
    note(
        "delivery.papers_written",
        papers.case.run if papers.case else None,
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
        (one.vehicle_id, one.from_vehicle_id): one for one in valid_on(day).filter(tour=None).order_by("pk")
    }
    for pair, papers in valid.items():
        _set_right(papers, goods.get(pair))
    for pair in sorted(goods.keys() - valid.keys(), key=str):
        if goods[pair].open:
            _flag(day, case, pair, goods[pair])
    for papers in valid_on(day).exclude(tour=None).select_related("tour"):
        if papers.tour and not changing.has_left(papers.tour):
            _set_right(papers, _aboard(papers.tour))


def valid_on(day: DeliveryDay) -> QuerySet[TransportPapers]:
    """All papers of the day that are needed, written or not."""
    return TransportPapers.objects.filter(day=day, withdrawn_at__isnull=True)


def van_named(tour: Tour) -> Vehicle:
    """The van that the papers of the tour's goods name: that which drives it, or while they are still to be written
    anew the one before."""
    waiting = (
        valid_on(tour.day).filter(tour=tour, written_at__isnull=True).select_related("from_vehicle").first()
    )
    return waiting.from_vehicle if waiting is not None and waiting.from_vehicle else tour.vehicle


def follow_van(tour: Tour, named: Vehicle) -> None:
    """The tour's goods drive in its van now; their papers name `named`, so that they are to be written anew where
    that is another one."""
    valid_on(tour.day).filter(tour=tour).update(withdrawn_at=clock.now())
    if tour.vehicle_id == named.pk:
        return
    goods = _aboard(tour)
    TransportPapers.objects.create(
        day=tour.day,
        tour=tour,
        vehicle=tour.vehicle,
        from_vehicle=named,
        stops=goods.stops,
        cartons=goods.cartons,
        borrowed=tour.vehicle.site_id != tour.site_id,
    )


@dataclass
class _Goods:
    """What a van fetches from another van, or (None) at a site, in calls still to come; whether there are such. Or
    what it leaves its site with."""

    open: bool = False
    stops: int = 0
    cartons: int = 0
    borrowed: bool = False


def _aboard(tour: Tour) -> _Goods:
    """What the tour's van sets off with."""
    own = tour.stops.filter(status__in=Stop.WAITING, goods_at=None, goods_site=None)
    found = own.aggregate(stops=Count("pk"), cartons=Sum("cartons"))
    return _Goods(open=True, stops=found["stops"], cartons=found["cartons"] or 0)


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


def _flag(day: DeliveryDay, case: RecoveryCase | None, pair: Pair, goods: _Goods) -> None:
    vehicle, from_vehicle = pair
    TransportPapers.objects.create(
        day=day,
        case=case,
        vehicle_id=vehicle,
        from_vehicle_id=from_vehicle,
        stops=goods.stops,
        cartons=goods.cartons,
        borrowed=goods.borrowed,
    )
