"""A delivery day as it is driven: its tours, its stops, who is late, what is closed. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Greatest

from changbei.core import clock, workdays
from changbei.delivery import rules
from changbei.delivery.arrivals import at_wall
from changbei.delivery.models import Closure, DeliveryDay, Handover, Loan, Stop, Tour
from changbei.network.models import Line

DAYS_BESIDE = 3


@dataclass(frozen=True)
class TourFigures:
    """A tour on the day's page. Minutes late: of the next stop against the morning's plan, negative when early."""

    tour: Tour
    stops: int
    done: int
    open: int
    held: int
    next_at: datetime | None
    last_at: datetime | None
    late_minutes: float

    @property
    def is_late(self) -> bool:
        """Whether the next customer notices."""
        return self.late_minutes > rules.NOTICEABLE_MINUTES

    @property
    def progress(self) -> float:
        return self.done / self.stops if self.stops else 1.0


def day_for(on: Any) -> DeliveryDay | None:
    return DeliveryDay.objects.filter(date=on).first()


def closures(day: DeliveryDay) -> list[Closure]:
    """Roads and areas that are closed on this day, since this or an earlier one, at this moment or later."""
    begins, ends = at_wall(day.date, time.min), at_wall(day.date + timedelta(days=1), time.min)
    lasts = Q(until__isnull=True, day=day) | Q(until__gt=max(begins, clock.now()))
    return list(Closure.objects.filter(lasts, since__lt=ends, lifted_at__isnull=True).order_by("since", "pk"))


def causes_of(day: DeliveryDay) -> list[str]:
    """What disturbs the day now, in the words of `disrupting.CAUSES`."""
    waiting = Stop.objects.filter(day=day, status=Stop.Status.PLANNED)
    found = {
        "broken": waiting.filter(goods_at__isnull=False).exists(),
        "cancelled": Stop.objects.filter(day=day, status=Stop.Status.CANCELLED).exists(),
        "closed": bool(closures(day)),
        "late": any(one.is_late for one in tours(day)),
        "left_out": waiting.filter(urgent=False, tour=None, goods_at=None).exists(),
        "lent": Loan.objects.filter(day=day, returned_at=None).exists(),
        "urgent": waiting.filter(urgent=True, tour=None).exists(),
    }
    return [cause for cause, there in found.items() if there]


def tours(day: DeliveryDay) -> list[TourFigures]:
    """All tours of the day with their figures, two queries, in the order of the vans' numbers. Cancelled stops do not
    count."""
    wanted = ~Q(stops__status=Stop.Status.CANCELLED)
    done = wanted & ~Q(stops__status__in=[*Stop.WAITING, Stop.Status.POSTPONED])
    open_ = Q(stops__status=Stop.Status.PLANNED)
    ahead = Stop.objects.filter(tour=OuterRef("pk"), status=Stop.Status.PLANNED, expected_at__isnull=False)
    rows = (
        Tour.objects.filter(day=day)
        .select_related("vehicle", "driver", "site", "line")
        .annotate(
            n=Count("stops", filter=wanted),
            n_done=Count("stops", filter=done),
            n_open=Count("stops", filter=open_),
            n_held=Count("stops", filter=Q(stops__status=Stop.Status.HELD)),
            next_at=Min("stops__expected_at", filter=open_),
            next_planned=Subquery(ahead.order_by("expected_at", "sequence").values("planned_at")[:1]),
            last_at=Max("stops__expected_at", filter=open_),
        )
    )
    figures = [
        TourFigures(
            row,
            row.n,
            row.n_done,
            row.n_open,
            row.n_held,
            row.next_at,
            row.last_at,
            _late(row.next_planned, row.next_at),
        )
        for row in rows
    ]
    return sorted(figures, key=lambda one: (len(one.tour.vehicle.number), one.tour.vehicle.number))


def _late(planned: datetime | None, expected: datetime | None) -> float:
    return rules.delay_minutes(planned, expected) if planned and expected else 0.0


def stops_of(tour: Tour) -> QuerySet[Stop]:
    """The driver's list, in driving order."""
    return tour.stops.select_related("retailer", "goods_at").order_by("sequence")


def handovers_of(tour: Tour) -> QuerySet[Handover]:
    return tour.handovers.select_related("breakdown__tour__vehicle", "site").order_by("before_sequence")


def taken_over_from(tour: Tour) -> QuerySet[Handover]:
    """Who takes over, or has taken over, what this broken van has aboard; the first to come first."""
    calls = Handover.objects.filter(breakdown__tour=tour)
    return calls.select_related("tour__vehicle", "tour__driver").order_by("expected_at", "pk")


def unserved(day: DeliveryDay) -> QuerySet[Stop]:
    """Open stops that no van is going to: a customer to be called."""
    nobody = Q(tour__isnull=True) | Q(tour__status=Tour.Status.BROKEN_DOWN)
    return Stop.objects.filter(nobody, day=day, status=Stop.Status.PLANNED).select_related("retailer")


@dataclass(frozen=True)
class LateStop:
    """A customer whom the van reaches noticeably later than planned. `expected_at` is never in the past."""

    stop: Stop
    expected_at: datetime
    minutes: int


def late_stops(day: DeliveryDay, now: datetime) -> list[LateStop]:
    """Open stops that are more than 15 minutes late as things are now: who needs care first, then key customers."""
    on_its_way = Stop.objects.filter(day=day, status=Stop.Status.PLANNED, tour__isnull=False)
    on_its_way = on_its_way.exclude(tour__status=Tour.Status.BROKEN_DOWN)
    known = on_its_way.annotate(now_expected=Greatest(F("expected_at"), Value(now)))
    late = known.filter(now_expected__gt=F("planned_at") + rules.NOTICEABLE)
    found = [
        LateStop(stop, stop.now_expected, round(rules.delay_minutes(stop.planned_at, stop.now_expected)))
        for stop in late.select_related("retailer", "tour__vehicle")
    ]
    return sorted(found, key=lambda one: (-_weight(one.stop), -one.minutes, one.stop.pk))


def _weight(stop: Stop) -> int:
    return rules.priority(is_key=stop.retailer.is_key, is_vulnerable=stop.retailer.is_vulnerable)


def stops_by_status(day: DeliveryDay) -> dict[str, int]:
    """How many stops of the day are in which state."""
    rows = Stop.objects.filter(day=day).order_by().values_list("status").annotate(n=Count("pk"))
    return dict(rows)


def is_unplanned(on: date) -> bool:
    """Whether lines would drive on this day, which is not over, and nobody has planned it."""
    ahead = on >= clock.today() and workdays.is_workday(on)
    lines = Line.objects.filter(weekday=on.isoweekday())
    return ahead and lines.exists() and not DeliveryDay.objects.filter(date=on).exists()


def days_around(on: date) -> list[date]:
    """The planned days next to `on`, itself included, in order."""
    days = DeliveryDay.objects.values_list("date", flat=True)
    before = days.filter(date__lte=on).order_by("-date")[:DAYS_BESIDE]
    return sorted({*before, *days.filter(date__gt=on).order_by("date")[:DAYS_BESIDE]})


def stop_on(tour: Tour, retailer: UUID) -> Stop | None:
    """The stop of a customer on a tour."""
    here = tour.stops.select_related("tour__site", "retailer").filter(retailer__uuid=retailer)
    return here.order_by(F("done_at").asc(nulls_first=True), "sequence").first()


def handover_from(tour: Tour, vehicle: str) -> Handover | None:
    """The goods a tour still has to take over from a broken van, or to fetch at the site with this code."""
    where = Q(breakdown__tour__vehicle__number=vehicle) | Q(site__code=vehicle)
    waiting = handovers_of(tour).filter(where)
    return waiting.order_by(F("done_at").asc(nulls_first=True), "pk").first()


def next_expected(day: date) -> datetime | None:
    """When the next thing happens on the road on this day: a stop is driven to, goods change vans; None: nothing."""
    stops = Stop.objects.filter(day__date=day, tour__day__date=day, status=Stop.Status.PLANNED)
    stops = stops.filter(goods_at__isnull=True).exclude(tour__status=Tour.Status.BROKEN_DOWN)
    handovers = Handover.objects.filter(tour__day__date=day, done_at__isnull=True)
    moments = [rows.aggregate(at=Min("expected_at"))["at"] for rows in (stops, handovers)]
    return min((moment for moment in moments if moment), default=None)
