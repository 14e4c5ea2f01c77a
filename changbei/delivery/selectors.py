"""Reading a delivery day: for pages, for plans, for other rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet

from changbei.core import clock
from changbei.delivery import rules
from changbei.delivery.models import Breakdown, DeliveryDay, Handover, RecoveryCase, Stop, Tour
from changbei.network.models import Line, LineKnowledge
from changbei.people.models import Absence, Person

SUBSTITUTE_JOBS = ("customer_manager", "inspector", "monopoly_inspector")


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
    def progress(self) -> float:
        return self.done / self.stops if self.stops else 1.0


@dataclass(frozen=True)
class Substitute:
    person: Person
    trips: int


def day_for(on: Any) -> DeliveryDay | None:
    return DeliveryDay.objects.filter(date=on).first()


def tours(day: DeliveryDay) -> list[TourFigures]:
    """All tours of the day with their figures, two queries, in the order of the vans' numbers."""
    done = ~Q(stops__status__in=[Stop.Status.PLANNED, Stop.Status.HELD, Stop.Status.POSTPONED])
    open_ = Q(stops__status=Stop.Status.PLANNED)
    rows = (
        Tour.objects.filter(day=day)
        .select_related("vehicle", "driver", "site", "line")
        .annotate(
            n=Count("stops"),
            n_done=Count("stops", filter=done),
            n_open=Count("stops", filter=open_),
            n_held=Count("stops", filter=Q(stops__status=Stop.Status.HELD)),
            next_at=Min("stops__expected_at", filter=open_),
            next_planned=Min("stops__planned_at", filter=open_),
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
    return tour.handovers.select_related("breakdown__tour__vehicle").order_by("before_sequence")


def unserved(day: DeliveryDay) -> QuerySet[Stop]:
    """Open stops that no van is going to: a customer to be called."""
    nobody = Q(tour__isnull=True) | Q(tour__status=Tour.Status.BROKEN_DOWN)
    return Stop.objects.filter(nobody, day=day, status=Stop.Status.PLANNED).select_related("retailer")


def cases_of_run(run: Any) -> QuerySet[RecoveryCase]:
    return (
        RecoveryCase.objects.filter(run__uuid=run).select_related("breakdown__tour__vehicle").order_by("pk")
    )


def open_cases(day: DeliveryDay) -> QuerySet[RecoveryCase]:
    cases = RecoveryCase.objects.filter(day=day, status=RecoveryCase.Status.OFFERED)
    return cases.select_related("breakdown__tour__vehicle", "run")


def current_tour(driver: Person) -> Tour | None:
    """What this driver drives today: a tour taken over comes before the broken one."""
    mine = Tour.objects.filter(day__date=clock.local_now().date(), driver=driver)
    return mine.order_by("line_id").exclude(status=Tour.Status.BROKEN_DOWN).first() or mine.first()


def is_postponed(breakdown: Breakdown) -> bool:
    return Stop.objects.filter(goods_at=breakdown, status=Stop.Status.POSTPONED).exists()


def substitutes(vehicle: str) -> Sequence[Substitute]:
    """Who knows the line this van drives today (else any of its lines) and is not away, most trips first."""
    now = clock.now()
    today = Line.objects.filter(tours__day__date=clock.local_now().date(), tours__vehicle__number=vehicle)
    lines = today if today.exists() else Line.objects.filter(vehicle__number=vehicle)
    away = Absence.objects.filter(starts_at__lte=now, ends_at__gt=now).values("person_id")
    rows = (
        LineKnowledge.objects.filter(line__in=lines, person__active=True, person__job__in=SUBSTITUTE_JOBS)
        .exclude(person_id__in=away)
        .select_related("person")
        .order_by("-trips", "person__staff_no")
    )
    best: dict[int, Substitute] = {}
    for row in rows:
        best.setdefault(row.person_id, Substitute(row.person, row.trips))
    return list(best.values())


def driver_today(vehicle: str) -> Person | None:
    """Who drives this van today: by its tour, else its keeper."""
    tour = (
        Tour.objects.filter(day__date=clock.local_now().date(), vehicle__number=vehicle)
        .select_related("driver")
        .first()
    )
    if tour and tour.driver:
        return tour.driver
    return Person.objects.filter(keeps__number=vehicle).first()
