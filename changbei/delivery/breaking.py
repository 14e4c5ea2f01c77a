"""A van breaks down: its tour stops, its goods wait. What was reported is written down before anybody computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from changbei.core import clock
from changbei.core.errors import NotFound
from changbei.delivery import changing
from changbei.delivery.models import Breakdown, Handover, Stop, Tour
from changbei.network.models import Vehicle
from changbei.people.models import Person
from changbei.runs import drills
from changbei.runs.models import ActionCall, Run
from changbei.runs.noting import note

RECOVER = "delivery.recover"
"""The action by which a plan's run asks who takes over from a van."""


@dataclass(frozen=True)
class BreakdownReport:
    """What is known of a van that cannot go on. Degrees WGS-84."""

    vehicle: str  # its number
    longitude: float
    latitude: float
    place: str
    goods_aboard: bool
    injured: bool
    cause: str = "fault"


def report_of(given: Mapping[str, Any]) -> BreakdownReport:
    """The parameters of `delivery.recover`."""
    return BreakdownReport(
        vehicle=given["vehicle"],
        longitude=given["place"]["longitude"],
        latitude=given["place"]["latitude"],
        place=given["place"]["text"],
        goods_aboard=given["goods_aboard"],
        injured=given["injured"],
        cause=given["cause"],
    )


@transaction.atomic
def report_breakdown(report: BreakdownReport, *, run: Run | None, actor: Person | None) -> Breakdown:
    """Stop the van's tour where it stands (E3.3.1); its open stops, held ones too, wait at the van. Once per run.

    Raises NotFound when the van has no tour today.
    """
    if run is not None and (known := Breakdown.objects.filter(run=run).first()):
        return known
    day = changing.locked_day()
    if run is not None and (known := Breakdown.objects.filter(run=run).first()):
        return known  # another worker was faster
    tour = (
        Tour.objects.select_for_update(of=("self",))
        .select_related("vehicle")
        .filter(day=day, vehicle__number=report.vehicle)
        .first()
    )
    if tour is None:
        raise NotFound(f"van {report.vehicle} is on no tour today")
    breakdown = Breakdown.objects.create(
        tour=tour,
        run=run,
        at=clock.now(),
        longitude=report.longitude,
        latitude=report.latitude,
        place=report.place,
        goods_aboard=report.goods_aboard,
        injured=report.injured,
        cause=report.cause,
    )
    stranded = _strand(tour, breakdown)
    tour.papers.filter(written_at=None, withdrawn_at=None).update(withdrawn_at=clock.now())
    tour.status = Tour.Status.BROKEN_DOWN
    tour.save(update_fields=["status"])
    if report.cause != "driver":
        Vehicle.objects.filter(pk=tour.vehicle_id).update(state=Vehicle.State.BROKEN_DOWN)
    changing.changed(day)
    note(
        "delivery.broken_down",
        run,
        actor,
        clause="E3.3.1",
        vehicle=report.vehicle,
        place=report.place,
        stops=stranded,
        injured=report.injured,
    )
    return breakdown


def _strand(tour: Tour, breakdown: Breakdown) -> int:
    """The tour's open stops wait at the van; goods it was still to fetch elsewhere stay where they are."""
    Handover.objects.filter(tour=tour, done_at__isnull=True).delete()
    aboard = Q(tour=tour, goods_at__isnull=True, goods_site__isnull=True) | Q(aboard=tour)
    return Stop.objects.filter(aboard, status__in=Stop.WAITING).update(goods_at=breakdown, aboard=None)


def record_reported() -> int:
    """Stop every van whose run has asked who takes over, though nobody has got to its question yet; how many.

    Whoever computes options begins with this: they hold for all these vans. A van without a tour today is left to its
    own run, which says so.
    """
    calls = _reported().select_related("run").order_by("requested_at", "pk")
    return sum(_record(call) for call in calls if not drills.only_practised(call.run.drill))


def run_of(tour: Tour) -> Run | None:
    """The run that is about this van, which stands: also from the moment of the report until it is written down."""
    stands = tour.breakdowns.filter(resumed_at=None).select_related("run").order_by("-pk").first()
    if stands is not None:
        return stands.run
    calls = _reported().filter(params__vehicle=tour.vehicle.number).select_related("run").order_by("-pk")
    return next((call.run for call in calls if not drills.only_practised(call.run.drill)), None)


def _reported() -> QuerySet[ActionCall]:
    recorded = Breakdown.objects.filter(run=OuterRef("run"))
    return ActionCall.objects.filter(
        ~Exists(recorded), action=RECOVER, due_at__isnull=False, run__status=Run.Status.RUNNING
    )


def _record(call: ActionCall) -> bool:
    try:
        report_breakdown(report_of(call.params), run=call.run, actor=None)
    except NotFound:
        return False
    return True
