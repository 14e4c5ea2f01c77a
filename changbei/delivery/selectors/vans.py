"""Vans and who may drive them: substitutes of a driver, reserves by site, repairs. Read-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import BigIntegerField, Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from changbei.core import clock
from changbei.delivery.models import Loan, RepairOrder, Tour
from changbei.network.models import Line, LineKnowledge, Retailer, Site, Vehicle
from changbei.people.models import Absence, Person

SUBSTITUTE_JOBS = ("customer_manager", "inspector")


@dataclass(frozen=True)
class Substitute:
    person: Person
    trips: int


def current_tour(driver: Person) -> Tour | None:
    """What this driver drives today: what is not over comes first, then what was taken on last."""
    mine = Tour.objects.filter(day__date=clock.today(), driver=driver)
    open_ = mine.filter(status__in=[Tour.Status.PLANNED, Tour.Status.DRIVING])
    return open_.order_by("line_id", "pk").first() or mine.order_by("-pk").first()


def substitutes(vehicle: str) -> Sequence[Substitute]:
    """Who knows the line this van drives today (else those of its customers, else any of its own) and is neither away
    nor at the wheel of another van, most trips first."""
    now = clock.now()
    tours = Tour.objects.filter(day__date=clock.today())
    mine = tours.filter(vehicle__number=vehicle)
    of_customers = Retailer.objects.filter(stops__tour__in=mine).values("line")
    lines = next(
        (
            found
            for found in (Line.objects.filter(tours__in=mine), Line.objects.filter(pk__in=of_customers))
            if found.exists()
        ),
        Line.objects.filter(vehicle__number=vehicle),
    )
    driving = tours.filter(driver__isnull=False).exclude(status=Tour.Status.FINISHED).values("driver_id")
    away = Absence.objects.filter(starts_at__lte=now, ends_at__gt=now).values("person_id")
    rows = (
        LineKnowledge.objects.filter(line__in=lines, person__active=True, person__job__in=SUBSTITUTE_JOBS)
        .exclude(person_id__in=away)
        .exclude(person_id__in=driving)
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
        Tour.objects.filter(day__date=clock.today(), vehicle__number=vehicle).select_related("driver").first()
    )
    if tour and tour.driver:
        return tour.driver
    return Person.objects.filter(keeps__number=vehicle).first()


@dataclass(frozen=True)
class SiteReserve:
    """A site with its reserve vans; each has to keep one that is ready, and looked at every working day (E3.2.6)."""

    site: Site
    ready: int
    total: int
    unchecked: int  # of the ready ones, not looked at today


def site_reserves() -> list[SiteReserve]:
    """Every site with how many of the reserve vans that stand there today, lent ones too, are ready to leave."""
    today = clock.today()
    lent = Loan.objects.filter(vehicle=OuterRef("pk"), day__date=today, returned_at=None).values("site")
    fit = Q(state=Vehicle.State.FIT) & ~Q(pk__in=Tour.objects.filter(day__date=today).values("vehicle"))
    stands_at = Coalesce(Subquery(lent), F("site"), output_field=BigIntegerField())
    rows = Vehicle.objects.filter(is_reserve=True).order_by().values(at=stands_at)
    counts = rows.annotate(
        ready=Count("pk", filter=fit),
        total=Count("pk"),
        unchecked=Count("pk", filter=fit & ~Q(checked_on=today)),
    )
    found = {at: row for at, *row in counts.values_list("at", "ready", "total", "unchecked")}
    return [SiteReserve(site, *found.get(site.pk, (0, 0, 0))) for site in Site.objects.order_by("kind", "pk")]


def repairs() -> QuerySet[RepairOrder]:
    """Vans that were sent to repair and are not back, the newest first (E3.3.1)."""
    waiting = RepairOrder.objects.filter(finished_at__isnull=True)
    return waiting.select_related("vehicle__site", "breakdown__run").order_by("-pk")
