"""Reading a delivery day: for pages, for plans, for other rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Greatest

from changbei.core import clock, workdays
from changbei.delivery import rules
from changbei.delivery.arrivals import at_wall
from changbei.delivery.models import (
    Breakdown,
    Closure,
    DeliveryDay,
    Handover,
    Loan,
    RecoveryCase,
    RecoveryOption,
    RepairOrder,
    Stop,
    Tour,
)
from changbei.network.models import Line, LineKnowledge, Retailer, Site, Vehicle
from changbei.people.models import Absence, Person

MOST_HOLIDAY_WEEKS = 5
DAYS_BESIDE = 3
SUBSTITUTE_JOBS = ("customer_manager", "inspector")


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


@dataclass(frozen=True)
class Substitute:
    person: Person
    trips: int


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


def cases_of_run(run: Any) -> QuerySet[RecoveryCase]:
    """What was computed for this run, or for another van's and decides on its own as well, in order."""
    shared = RecoveryCase.objects.filter(others__run__uuid=run).values("pk")
    mine = RecoveryCase.objects.filter(Q(run__uuid=run) | Q(pk__in=shared))
    return mine.select_related("breakdown__tour__vehicle").order_by("pk")


def current_tour(driver: Person) -> Tour | None:
    """What this driver drives today: what is not over comes first, then what was taken on last."""
    mine = Tour.objects.filter(day__date=clock.today(), driver=driver)
    open_ = mine.filter(status__in=[Tour.Status.PLANNED, Tour.Status.DRIVING])
    return open_.order_by("line_id", "pk").first() or mine.order_by("-pk").first()


def is_postponed(breakdown: Breakdown) -> bool:
    return Stop.objects.filter(goods_at=breakdown, status=Stop.Status.POSTPONED).exists()


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


def stops_by_status(day: DeliveryDay) -> dict[str, int]:
    """How many stops of the day are in which state."""
    rows = Stop.objects.filter(day=day).order_by().values_list("status").annotate(n=Count("pk"))
    return dict(rows)


def cases_of_day(day: DeliveryDay) -> QuerySet[RecoveryCase]:
    """All recoveries of a day, the newest first, with their breakdowns."""
    cases = RecoveryCase.objects.filter(day=day).select_related(
        "breakdown__tour__vehicle", "breakdown__tour__site", "day", "run"
    )
    return cases.order_by("-pk")


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


def is_stale(case: RecoveryCase) -> bool:
    """Whether nothing of this can be accepted any more: the day has changed since it was computed (`case.day` is as
    fresh as it was loaded), it is too old, or a reserve van it counts on went elsewhere."""
    if case.status != RecoveryCase.Status.OFFERED:
        return case.status == RecoveryCase.Status.STALE
    if case.day_version != case.day.version or rules.is_out_of_date(case.computed_at, clock.now()):
        return True
    reserves = {pk for option in case.options.all() for pk in option.plan["reserve_vehicles"]}
    return Vehicle.objects.filter(pk__in=reserves).exclude(state=Vehicle.State.FIT).exists()


def newer_case(case: RecoveryCase) -> RecoveryCase | None:
    """What was computed for the same breakdown, or the same day without any, after this one; else `decided_with`, else
    `offered_with`."""
    later = RecoveryCase.objects.filter(day=case.day_id, pk__gt=case.pk).order_by("-pk")
    return later.filter(breakdown=case.breakdown_id).first() or decided_with(case) or offered_with(case)


def decided_with(case: RecoveryCase) -> RecoveryCase | None:
    """What was accepted since for something else, and decided on this breakdown, too."""
    return _shared_since(case).filter(status=RecoveryCase.Status.ACCEPTED).first()


def offered_with(case: RecoveryCase) -> RecoveryCase | None:
    """What was offered since for something else, can be accepted, and decides on this breakdown, too."""
    offers = _shared_since(case).filter(status=RecoveryCase.Status.OFFERED)
    newest = offers.select_related("day").prefetch_related("options").first()
    return newest if newest is not None and not is_stale(newest) else None


def _shared_since(case: RecoveryCase) -> QuerySet[RecoveryCase]:
    if case.breakdown_id is None:
        return RecoveryCase.objects.none()
    return RecoveryCase.objects.filter(pk__gt=case.pk, others=case.breakdown_id).order_by("-pk")


def standing_case(breakdown: Breakdown) -> RecoveryCase | None:
    """What was computed last for this van, alone or with others, when one of its options can be accepted or was."""
    shared = RecoveryCase.objects.filter(others=breakdown).values("pk")
    cases = RecoveryCase.objects.filter(Q(breakdown=breakdown) | Q(pk__in=shared))
    newest = cases.select_related("day").prefetch_related("options").order_by("-pk").first()
    if newest is None or newest.status == RecoveryCase.Status.ACCEPTED:
        return newest
    return newest if newest.status == RecoveryCase.Status.OFFERED and not is_stale(newest) else None


def fetches(option: RecoveryOption) -> set[int]:
    """The breakdowns whose goods the option fetches."""
    return {step["handover"] for row in option.plan["tours"] for step in row["steps"] if "handover" in step}


def newest_case(run: Any) -> RecoveryCase | None:
    """The recovery a run's task is about: the newest offer, else the newest of all."""
    return cases_of_run(run).order_by("-pk").first()


def waiting(day: DeliveryDay) -> list[Breakdown]:
    """The vans of a day that stand, with goods that somebody else has to fetch or to take over."""
    stands = Breakdown.objects.filter(tour__day=day, resumed_at=None).select_related("tour").order_by("pk")
    return [one for one in stands if leaves_something(one)]


def leaves_something(breakdown: Breakdown) -> bool:
    """Whether goods wait at the van, or elsewhere those that it was to fetch: then there is something to offer."""
    theirs = Q(goods_at=breakdown) | Q(tour=breakdown.tour_id)
    return Stop.objects.filter(theirs, day=breakdown.tour.day_id, status=Stop.Status.PLANNED).exists()


@dataclass(frozen=True)
class VanShare:
    """What one van does in an option. `borrowed`: a reserve van of another site, which needs transport papers."""

    vehicle: Vehicle
    driver: Person | None
    takes: int
    cartons: int
    keeps: int
    handovers: tuple[tuple[str, datetime], ...]  # (number of the broken van, when)
    returns_at: datetime
    borrowed: bool


def shares(case: RecoveryCase, options: Sequence[RecoveryOption]) -> dict[int, list[VanShare]]:
    """Rank of the option → its vans, those that take over most first; four queries for all options together."""
    rows = [row for option in options for row in option.plan["tours"]]
    vans = Vehicle.objects.select_related("site", "keeper").in_bulk({row["vehicle"] for row in rows})
    tours = {
        tour.vehicle_id: tour
        for tour in Tour.objects.filter(day=case.day_id, vehicle__in=vans).select_related("driver")
    }
    moved = {pk for option in options for pk in option.plan["moved"]}
    cartons = dict(Stop.objects.filter(pk__in=moved).values_list("pk", "cartons"))
    found = Breakdown.objects.filter(tour__day=case.day_id).select_related("tour__vehicle").in_bulk()

    def share(option: RecoveryOption, row: Mapping[str, Any]) -> VanShare:
        van = vans[row["vehicle"]]
        tour = tours.get(van.pk)
        own = set(option.plan["moved"])
        stops = [step["stop"] for step in row["steps"] if "stop" in step]
        taken = [pk for pk in stops if pk in own]
        return VanShare(
            vehicle=van,
            driver=tour.driver if tour else van.keeper,
            takes=len(taken),
            cartons=sum(cartons.get(pk, 0) for pk in taken),
            keeps=len(stops) - len(taken),
            handovers=tuple(
                (found[step["handover"]].tour.vehicle.number, datetime.fromisoformat(step["at"]))
                for step in row["steps"]
                if "handover" in step
            ),
            returns_at=datetime.fromisoformat(row["returns_at"]),
            borrowed=van.is_reserve
            and any(
                van.site_id != (found[step["handover"]].tour.site_id if "handover" in step else step["fetch"])
                for step in row["steps"]
                if "stop" not in step
            ),
        )

    return {
        option.rank: sorted(
            (share(option, row) for row in option.plan["tours"]),
            key=lambda one: (-one.takes, len(one.vehicle.number), one.vehicle.number),
        )
        for option in options
    }


def unserved_of(options: Sequence[RecoveryOption]) -> dict[int, list[Stop]]:
    """Rank of the option → the stops it leaves out, key and vulnerable customers first."""
    pks = {pk for option in options for pk in option.plan["unserved"]}
    stops = Stop.objects.select_related("retailer").in_bulk(pks)
    return {
        option.rank: sorted(
            (stops[pk] for pk in option.plan["unserved"] if pk in stops),
            key=lambda stop: (not stop.retailer.is_vulnerable, not stop.retailer.is_key, stop.planned_at),
        )
        for option in options
    }


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


@dataclass(frozen=True)
class NextDelivery:
    """When a customer is served next. `expected_at` is None as long as the day is not planned, or the stop is held."""

    on: date
    expected_at: datetime | None
    held: bool = False
    moved: bool = False


def next_days(retailers: QuerySet[Retailer]) -> dict[int, date]:
    """The day of each customer's own next delivery, for tens of thousands at once: as `next_delivery` has it."""
    today = clock.today()
    keys = retailers.order_by().values("pk")
    own = Stop.objects.filter(retailer__in=keys).order_by().values_list("retailer_id")
    waiting = own.filter(day__date__gte=today, status__in=Stop.WAITING)
    moved = own.filter(status=Stop.Status.POSTPONED, moved_to__gte=today, moved_into__isnull=True)
    delivered_today = DeliveryDay.objects.filter(date=today).exists()
    found: dict[int, date] = {}
    of_weekday = {weekday: _next_of_line(weekday, today, delivered_today) for weekday in range(1, 8)}
    for pk, weekday in retailers.order_by().filter(active=True).values_list("pk", "line__weekday"):
        found[pk] = of_weekday[weekday]
    planned = dict(waiting.annotate(first=Min("day__date")))
    found |= planned
    for pk, day in moved.annotate(first=Min("moved_to")):
        found[pk] = min(day, planned.get(pk, day))
    return found


def next_delivery(retailer: Retailer) -> NextDelivery | None:
    """The customer's own next delivery: of today and later if planned, moved to, or by the line's weekday.

    None when nobody drives there any more.
    """
    today = clock.today()
    stop = (
        Stop.objects.filter(retailer=retailer, day__date__gte=today, status__in=Stop.WAITING)
        .select_related("day")
        .order_by("day__date")
        .first()
    )
    moved_to = Stop.objects.filter(
        retailer=retailer, status=Stop.Status.POSTPONED, moved_to__gte=today, moved_into__isnull=True
    ).aggregate(first=Min("moved_to"))["first"]
    if moved_to is not None and (stop is None or moved_to < stop.day.date):
        return NextDelivery(moved_to, None, moved=True)
    if stop is not None:
        held = stop.status == Stop.Status.HELD
        return NextDelivery(stop.day.date, None if held else stop.expected_at, held, stop.moved_from.exists())
    if not retailer.active:
        return None
    delivered_today = DeliveryDay.objects.filter(date=today).exists()  # or refused, or moved away
    return NextDelivery(_next_of_line(retailer.line.weekday, today, delivered_today), None)


def _next_of_line(weekday: int, today: date, delivered_today: bool) -> date:
    """The next working day of this weekday, from today on; the next one at all when the holidays never end."""
    ahead = (weekday - today.isoweekday()) % 7
    first = today + timedelta(days=7 if ahead == 0 and delivered_today else ahead)
    weeks = (first + timedelta(weeks=number) for number in range(MOST_HOLIDAY_WEEKS))
    return next((day for day in weeks if workdays.is_workday(day)), first)
