"""What happens to a delivery day: a van breaks down, stops are driven, an area is held, a recovery is accepted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Q, Value
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid
from changbei.delivery import (
    access,
    breaking,
    changing,
    deciding,
    expecting,
    moving,
    papers,
    planning,
    rules,
    selectors,
    undoing,
)
from changbei.delivery.models import (
    Breakdown,
    DeliveryDay,
    Handover,
    RecoveryCase,
    RecoveryOption,
    RepairOrder,
    Stop,
    Tour,
)
from changbei.network.models import Vehicle
from changbei.people import access as people
from changbei.people.models import Person
from changbei.runs.models import Run
from changbei.runs.noting import note

BreakdownReport, report_breakdown = breaking.BreakdownReport, breaking.report_breakdown
accept, undo, papers_written = deciding.accept, undoing.undo, papers.written
expect_rest = expecting.expect_rest
SECOND = Value(timedelta(seconds=1))


def today() -> DeliveryDay | None:
    """The day being driven, if there is one."""
    return DeliveryDay.objects.filter(date=clock.today()).first()


@transaction.atomic
def save_offer(
    breakdown: Breakdown | None,
    day: DeliveryDay,
    *,
    causes: Sequence[str] = (),
    version: int,
    seconds: float,
    stranded: int,
    considered: int,
    options: Sequence[RecoveryOption],
    run: Run | None,
) -> RecoveryCase:
    """Keep what was computed on a snapshot; raises Conflict when the day's plan has changed since.

    Without a breakdown it is about the day, disturbed by `causes` (see `delivery.disrupting`). Every other van that
    waits just now is decided on as well (`others`).
    """
    day = changing.locked_day(day.pk)
    if day.version != version:
        raise Conflict(gettext_noop("the day changed while the recovery was being computed"))
    RecoveryCase.objects.filter(breakdown=breakdown, day=day, status=RecoveryCase.Status.OFFERED).update(
        status=RecoveryCase.Status.STALE
    )
    case = RecoveryCase.objects.create(
        run=run,
        day=day,
        breakdown=breakdown,
        causes=list(causes),
        day_version=version,
        computed_at=clock.now(),
        computing_seconds=seconds,
        stops_stranded=stranded,
        stops_considered=considered,
    )
    case.others.set(one for one in selectors.waiting(day) if one != breakdown)
    for rank, option in enumerate(options, start=1):
        option.case, option.rank = case, rank
    RecoveryOption.objects.bulk_create(options)
    note(
        "delivery.recovery_offered",
        run,
        None,
        clause="E3.3.2",
        case=str(case.uuid),
        stops=stranded,
        options=[
            {"kind": one.kind, "extra_minutes": round(one.extra_minutes, 1), "unserved": one.unserved}
            for one in options
        ],
    )
    return case


@transaction.atomic
def record_stop(
    stop: Stop,
    status: str,
    *,
    actor: Person | None,
    at: datetime | None = None,
    reason: str = "",
    expect: bool = True,
) -> None:
    """Delivered, refused or absent, as the driver says; the rest of the tour is expected anew, unless whoever records
    many stops does so after them (`expect`).

    `reason`: one of `rules.REASONS`. Raises Conflict when the stop is already recorded, Invalid for another status.
    """
    if status not in {Stop.Status.DELIVERED, Stop.Status.REFUSED, Stop.Status.ABSENT}:
        raise Invalid("status", f"{status!r}: say delivered, refused or absent")
    if reason and reason not in rules.REASONS.get(status, ()):
        raise Invalid("reason", f"{reason!r}: {', '.join(rules.REASONS.get(status, ()))}")
    access.require_record(stop, actor, at)
    Tour.objects.select_for_update().get(stops=stop)
    done_at = at or clock.now()
    waiting = Stop.objects.filter(pk=stop.pk, status__in=Stop.WAITING)
    if not waiting.update(status=status, done_at=done_at, reason=reason):
        raise Conflict(gettext_noop("this stop is already recorded"))
    if expect:
        expect_rest(stop.tour_id)
    Tour.objects.filter(stops=stop.pk, status=Tour.Status.PLANNED).update(status=Tour.Status.DRIVING)


@transaction.atomic
def drive_as_expected(until: datetime, *, except_drivers: Collection[int] = (), actor: Person | None) -> int:
    """Record everything that today's vans have done by `until` when all goes as expected; how much that was.

    For drills and demonstrations, in a handful of statements however long the day is. What is held, waits at a
    broken van, or belongs to the drivers left out stays as it is.
    """
    today_on = clock.day_of(until)
    ours = Tour.objects.filter(day__date=today_on).exclude(driver__in=list(except_drivers))
    due = Handover.objects.filter(tour__in=ours, done_at__isnull=True, expected_at__lte=until)
    taken_over = list(due.select_related("tour__vehicle", "tour__site", "tour__driver", "breakdown__run"))
    for handover in taken_over:
        record_handover(handover, actor=actor or handover.tour.driver)
    leaves_at = ExpressionWrapper(
        F("expected_at") + ExpressionWrapper(F("service_seconds") * SECOND, output_field=DurationField()),
        output_field=DateTimeField(),
    )
    done = (
        Stop.objects.filter(tour__in=ours, status=Stop.Status.PLANNED)
        .filter(goods_at__isnull=True, goods_site__isnull=True)
        .exclude(tour__status=Tour.Status.BROKEN_DOWN)
        .annotate(leaves_at=leaves_at)
        .filter(leaves_at__lte=until)
    )
    count = done.update(status=Stop.Status.DELIVERED, done_at=leaves_at)
    ours.filter(status=Tour.Status.PLANNED, stops__done_at__isnull=False).update(status=Tour.Status.DRIVING)
    return len(taken_over) + count


@transaction.atomic
def record_handover(handover: Handover, *, actor: Person | None, at: datetime | None = None) -> None:
    """The goods have changed vans: from now on they are aboard the van that took them over."""
    access.require_record_tour(handover.tour, actor, at)
    day = changing.locked_day(handover.tour.day_id)
    if not Handover.objects.filter(pk=handover.pk, done_at__isnull=True).update(done_at=at or clock.now()):
        raise Conflict(gettext_noop("this hand-over is already recorded"))
    left: Mapping[str, None] = (
        {"goods_at": None} if handover.breakdown else {"goods_site": None, "goods_ready_at": None}
    )
    moved = handover.waiting().update(**left)
    changing.changed(day)
    note(
        "delivery.goods_taken_over",
        handover.breakdown.run if handover.breakdown else None,
        actor,
        clause="E3.3.1",
        vehicle=handover.tour.vehicle.number,
        stops=moved,
        cartons=handover.cartons,
    )


@transaction.atomic
def postpone(breakdown: Breakdown, *, reason: str, actor: Person | None) -> tuple[int, date]:
    """The stranded customers are served on the next delivery day (E3.3.4); their number and that day."""
    day = changing.locked_day(breakdown.tour.day_id)
    next_on = planning.next_delivery_day(day.date)
    count = moving.move(Stop.objects.filter(goods_at=breakdown, status=Stop.Status.PLANNED), next_on)
    changing.changed(day)
    note(
        "delivery.postponed",
        breakdown.run,
        actor,
        clause="E3.3.4",
        stops=count,
        next_on=next_on.isoformat(),
        reason=reason,
    )
    return count, next_on


@transaction.atomic
def hold_stops(stops: Collection[int], *, actor: Person | None, run: Run | None) -> int:
    """Those of these stops that are open today are not driven for now (E3.2.1, E3.2.2); their number."""
    return _set_held(stops, Stop.Status.PLANNED, Stop.Status.HELD, "delivery.stops_held", run, actor)


@transaction.atomic
def release_stops(stops: Collection[int], *, actor: Person | None, run: Run | None) -> int:
    """Those of these stops that are held today are driven again; their number."""
    return _set_held(stops, Stop.Status.HELD, Stop.Status.PLANNED, "delivery.stops_released", run, actor)


@transaction.atomic
def move_held(stops: Collection[int], on: date, *, actor: Person | None, run: Run | None) -> int:
    """Those of these stops that are held today go out on another day, together with that day's goods; their number."""
    if (day := today()) is None:
        return 0
    day = changing.locked_day(day.pk)
    held = Stop.objects.filter(day=day, pk__in=stops, status=Stop.Status.HELD)
    count = moving.move(held, on)
    if count:
        changing.changed(day)
        note("delivery.stops_moved", run, actor, clause="E3.2.1", stops=count, next_on=on.isoformat())
    return count


def _set_held(
    stops: Collection[int], before: str, after: str, kind: str, run: Run | None, actor: Person | None
) -> int:
    if (day := today()) is None:
        return 0
    day = changing.locked_day(day.pk)
    count = Stop.objects.filter(day=day, pk__in=stops, status=before).update(status=after)
    if count:
        changing.changed(day)
    note(kind, run, actor, clause="E3.2.1", stops=count)
    return count


@transaction.atomic
def order_repair(breakdown: Breakdown, *, actor: Person | None) -> RepairOrder:
    """The broken van goes to repair (E3.3.1), once, however often it was reported."""
    vehicle = breakdown.tour.vehicle
    known = RepairOrder.objects.filter(Q(breakdown=breakdown) | Q(vehicle=vehicle, finished_at=None)).first()
    order = known or RepairOrder.objects.create(
        breakdown=breakdown, vehicle=vehicle, ordered_at=clock.now(), ordered_by=actor
    )
    if known is None:
        Vehicle.objects.filter(pk=vehicle.pk).update(state=Vehicle.State.UNDER_REPAIR)
        note("delivery.repair_ordered", breakdown.run, actor, clause="E3.3.1", vehicle=vehicle.number)
    return order


@transaction.atomic
def end_repair(order: RepairOrder, *, actor: Person) -> None:
    """The van is back and drives again; a reserve van has to be looked at before it counts as checked (E3.2.6).

    Raises NotAllowed, and Conflict when it is back already.
    """
    people.require(actor, "delivery.recover")
    if not RepairOrder.objects.filter(pk=order.pk, finished_at=None).update(finished_at=clock.now()):
        raise Conflict(gettext_noop("this van is back already"))
    Vehicle.objects.filter(pk=order.vehicle_id, state__in=Vehicle.OUT).update(
        state=Vehicle.State.FIT, checked_on=None
    )
    run = order.breakdown.run if order.breakdown else None
    note("delivery.repair_ended", run, actor, clause="E3.3.1", vehicle=order.vehicle.number)
