"""Accepting a way to recover, and taking it back while nobody has driven on it (E3.3.1, E3.3.2)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict
from changbei.delivery import access, bulk, changing, rules
from changbei.delivery.models import (
    Breakdown,
    DeliveryDay,
    Handover,
    RecoveryCase,
    RecoveryOption,
    Stop,
    Tour,
    TransportPapers,
)
from changbei.network.models import Vehicle
from changbei.people.models import Person
from changbei.runs.models import Run

NO_TIME = timedelta(0)
STOP_FIELDS = (
    "tour_id",
    "sequence",
    "expected_at",
    "goods_at_id",
    "goods_site_id",
    "goods_ready_at",
    "aboard_id",
)
HANDOVER_FIELDS = ("tour_id", "breakdown_id", "site_id", "before_sequence", "cartons", "expected_at")


@transaction.atomic
def accept(option: RecoveryOption, *, actor: Person) -> RecoveryCase:
    """Drive the day by this option from now on. Stops driven since it was computed stay as they were driven.

    Every van that waits is decided on together: the run of each hears of it. Raises NotAllowed, and Conflict when
    another option was accepted or the day's plan has changed meanwhile.
    """
    case = _locked_case(option.case_id)
    access.require_accept(case, actor)
    day = changing.locked_day(case.day_id)
    if case.status != RecoveryCase.Status.OFFERED:
        raise Conflict(gettext_noop("an option of this recovery was accepted, or a newer one computed"))
    if day.version != case.day_version:
        raise Conflict(gettext_noop("the day's plan has changed since this was computed; compute it anew"))
    case.before = _as_it_is(day, option.plan)
    vehicles = _drive_by(day, option.plan)
    _flag_papers(case, option.plan)
    concerned = _others_concerned(case, option.plan)
    RecoveryOption.objects.filter(pk=option.pk).update(accepted_at=clock.now(), accepted_by=actor)
    case.status, case.accepted_version = RecoveryCase.Status.ACCEPTED, day.version + 1
    case.save(update_fields=["status", "before", "accepted_version"])
    RecoveryCase.objects.filter(
        day=day, status=RecoveryCase.Status.OFFERED, run__in=[run for run, _unserved in concerned]
    ).update(status=RecoveryCase.Status.STALE)
    changing.changed(day)
    fact = {
        "case": str(case.uuid),
        "option": option.kind,
        "vans": vehicles,
        "shifted": option.arrivals_shifted,
        "moved": option.stops_moved,
        "reserve": bool(option.plan["reserve_vehicles"]),
    }
    again = RecoveryCase.objects.filter(
        day=day, breakdown=case.breakdown_id, status=RecoveryCase.Status.UNDONE
    ).exists()
    changing.note(
        "delivery.recovery_accepted",
        case.run,
        actor,
        clause="E3.3.2",
        unserved=option.unserved,
        again=again,
        **fact,
    )
    for run, unserved in concerned:
        changing.note(
            "delivery.recovery_accepted", run, actor, clause="E3.3.2", unserved=unserved, again=False, **fact
        )
    return case


@transaction.atomic
def undo(case: RecoveryCase, *, actor: Person) -> RecoveryCase:
    """Take an accepted recovery back: every list, time and reserve van as before, the goods wait at the broken van.

    Allowed as long as nobody has driven on it: no stop of a changed list recorded, no goods taken over, and the
    plan of the day not changed otherwise since. Raises NotAllowed; Conflict that names the vans that have driven.
    """
    case = _locked_case(case.pk)
    access.require_accept(case, actor)
    day = changing.locked_day(case.day_id)
    if case.status != RecoveryCase.Status.ACCEPTED or case.before is None:
        raise Conflict(gettext_noop("no option of this recovery is in force"))
    option = case.options.get(accepted_at__isnull=False)
    if driven := vans_that_drove(option):
        raise Conflict(
            f"{gettext_noop('has already driven on it, so it cannot be undone')}: {', '.join(driven)}"
        )
    if day.version != case.accepted_version:
        raise Conflict(
            gettext_noop("the day's plan was changed again since, so this cannot be undone any more")
        )
    vehicles = _put_back(case, option.plan)
    case.papers.update(withdrawn_at=clock.now())
    case.status, case.undone_at, case.undone_by = RecoveryCase.Status.UNDONE, clock.now(), actor
    case.save(update_fields=["status", "undone_at", "undone_by"])
    changing.changed(day)
    changing.note(
        "delivery.recovery_undone",
        case.run,
        actor,
        clause="E3.3.2",
        case=str(case.uuid),
        option=option.kind,
        vans=vehicles,
    )
    return case


def vans_that_drove(option: RecoveryOption) -> list[str]:
    """The numbers of the vans that have recorded a stop of a list that changed, or taken goods over.

    A van whose list says the same as before, at other times, drives on nothing new.
    """
    drivers: set[str] = set()
    before = lists_before(option.case)
    for row in option.plan["tours"]:
        steps = [step["stop"] for step in row["steps"] if "stop" in step]
        if row["tour"] is not None and steps == before.get(row["tour"], []):
            continue
        tours = Tour.objects.filter(day=option.case.day_id, vehicle=row["vehicle"])
        tour = tours.select_related("vehicle").first()
        if tour is None:
            continue
        recorded = Stop.objects.filter(pk__in=steps, tour=tour, done_at__isnull=False)
        taken_over = tour.handovers.filter(done_at__gte=option.accepted_at)
        if recorded.exists() or taken_over.exists():
            drivers.add(tour.vehicle.number)
    return sorted(drivers, key=lambda number: (len(number), number))


def lists_before(case: RecoveryCase) -> dict[int, list[int]]:
    """Tour → its open stops in the order of before."""
    lists: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for pk, tour, sequence, *_rest in (case.before or {}).get("stops", []):
        lists[tour].append((sequence, pk))
    return {tour: [pk for _sequence, pk in sorted(rows)] for tour, rows in lists.items()}


@transaction.atomic
def papers_written(papers: TransportPapers, *, actor: Person) -> None:
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


# ---------------------------------------------------------------- accepting


def _locked_case(pk: int) -> RecoveryCase:
    cases = RecoveryCase.objects.select_for_update(of=("self",))
    return cases.select_related("breakdown__tour", "run").get(pk=pk)


def _steps(plan: Mapping[str, Any]) -> list[int]:
    return [step["stop"] for tour in plan["tours"] for step in tour["steps"] if "stop" in step]


def _as_it_is(day: DeliveryDay, plan: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the day that the plan changes, so that it can be put back: stops and hand-overs, as JSON."""
    stops = Stop.objects.filter(pk__in=[*_steps(plan), *plan["unserved"]]).order_by("pk")
    tours = [row["tour"] for row in plan["tours"] if row["tour"] is not None]
    handovers = Handover.objects.filter(tour__in=tours, done_at__isnull=True).order_by("pk")
    return {
        "stops": [[pk, *_written(values)] for pk, *values in stops.values_list("pk", *STOP_FIELDS)],
        "handovers": [_written(values) for values in handovers.values_list(*HANDOVER_FIELDS)],
    }


def _written(values: Iterable[Any]) -> list[Any]:
    return [value.isoformat() if isinstance(value, datetime) else value for value in values]


def _drive_by(day: DeliveryDay, plan: Mapping[str, Any]) -> list[str]:
    """Write the option's tours, stops and hand-overs; the numbers of the vans whose list changed."""
    wanted = _steps(plan)
    stops = {
        stop.pk: stop
        for stop in Stop.objects.select_for_update()
        .filter(pk__in=[*wanted, *plan["unserved"]])
        .order_by("pk")
    }
    tours = [_tour_of(day, row) for row in plan["tours"]]
    Handover.objects.filter(tour__in=tours, done_at__isnull=True).delete()
    handovers: list[Handover] = []
    changed: list[Stop] = []
    for tour, row in zip(tours, plan["tours"], strict=True):
        last = tour.stops.exclude(pk__in=wanted).aggregate(last=Max("sequence"))["last"] or 0
        for number, step in enumerate(row["steps"], start=last + 1):
            at = datetime.fromisoformat(step["at"])
            if "stop" not in step:
                cartons = sum(stops[pk].cartons for pk in step["stops"] if pk in stops)
                handovers.append(
                    Handover(
                        tour=tour,
                        breakdown_id=step.get("handover"),
                        site_id=step.get("fetch"),
                        before_sequence=number,
                        cartons=cartons,
                        expected_at=at,
                    )
                )
            elif (stop := stops[step["stop"]]).status == Stop.Status.PLANNED:
                stop.tour, stop.sequence, stop.expected_at, stop.aboard = tour, number, at, None
                changed.append(stop)
    for pk in plan["unserved"]:
        stop = stops[pk]
        if stop.goods_at_id is None and stop.goods_site_id is None and stop.tour_id is not None:
            stop.aboard_id = stop.tour_id  # the goods stay where they are, and may be wanted again
        stop.tour, stop.expected_at = None, None
        changed.append(stop)
    bulk.update(changed, ["tour", "sequence", "expected_at", "aboard"])
    Handover.objects.bulk_create(handovers)
    return [tour.vehicle.number for tour in tours]


def _tour_of(day: DeliveryDay, row: Mapping[str, Any]) -> Tour:
    """The van's tour; a reserve van that is called up gets one (E3.3.2), unless it went elsewhere meanwhile."""
    if row["tour"] is not None:
        return Tour.objects.select_related("vehicle").get(pk=row["tour"])
    vehicle = Vehicle.objects.select_for_update().get(pk=row["vehicle"])
    if vehicle.state != Vehicle.State.FIT:
        raise Conflict(f"reserve van {vehicle.number} is no longer free")
    vehicle.state = Vehicle.State.IN_USE
    vehicle.save(update_fields=["state"])
    shift_end = Tour.objects.filter(day=day).aggregate(last=Max("shift_ends_at"))["last"]
    return Tour.objects.create(
        day=day,
        site_id=vehicle.site_id,
        vehicle=vehicle,
        driver_id=vehicle.keeper_id,
        departs_at=clock.now() + rules.RESERVE_READY,
        shift_ends_at=shift_end,
        status=Tour.Status.DRIVING,
    )


def _others_concerned(case: RecoveryCase, plan: Mapping[str, Any]) -> list[tuple[Run, int]]:
    """The runs of other vans whose goods are decided on as well, and how many of each stay unserved."""
    stops = [*_steps(plan), *plan["unserved"]]
    waiting = Stop.objects.filter(pk__in=stops, goods_at__run__isnull=False).exclude(
        goods_at__run=case.run_id
    )
    runs = Run.objects.in_bulk(set(waiting.values_list("goods_at__run", flat=True)))
    left = Counter(waiting.filter(pk__in=plan["unserved"]).values_list("goods_at__run", flat=True))
    return [(run, left[pk]) for pk, run in sorted(runs.items())]


def _flag_papers(case: RecoveryCase, plan: Mapping[str, Any]) -> None:
    """Goods that change vans, and vans that come from another site, need papers that say so before they leave."""
    vans = Vehicle.objects.in_bulk([row["vehicle"] for row in plan["tours"]])
    broken = Breakdown.objects.filter(tour__day=case.day_id).select_related("tour").in_bulk()
    calls = [
        (vans[row["vehicle"]], step) for row in plan["tours"] for step in row["steps"] if "stops" in step
    ]
    keys = {pk for _van, step in calls for pk in step["stops"]}
    cartons = dict(Stop.objects.filter(pk__in=keys).values_list("pk", "cartons"))
    rows: dict[tuple[int, int | None], TransportPapers] = {}
    for van, step in calls:
        source = broken[step["handover"]].tour if "handover" in step else None
        site = source.site_id if source else step["fetch"]
        papers = rows.setdefault(
            (van.pk, source.vehicle_id if source else None),
            TransportPapers(
                case=case,
                vehicle=van,
                from_vehicle_id=source.vehicle_id if source else None,
                stops=0,
                cartons=0,
                borrowed=van.is_reserve and van.site_id != site,
            ),
        )
        papers.stops += len(step["stops"])
        papers.cartons += sum(cartons.get(pk, 0) for pk in step["stops"])
    valid = TransportPapers.objects.filter(case__day=case.day_id, withdrawn_at__isnull=True)
    known = set(valid.values_list("vehicle_id", "from_vehicle_id", "stops", "cartons"))
    TransportPapers.objects.bulk_create(
        one for key, one in rows.items() if (*key, one.stops, one.cartons) not in known
    )


# ---------------------------------------------------------------- undoing


def _put_back(case: RecoveryCase, plan: Mapping[str, Any]) -> list[str]:
    """Stops and hand-overs as they were; called-up reserve vans stand ready again. The vans' numbers."""
    before = case.before or {}
    vans = {row["vehicle"]: row for row in plan["tours"]}
    tours = list(
        Tour.objects.select_for_update(of=("self",))
        .filter(day=case.day_id, vehicle__in=vans)
        .select_related("vehicle")
        .order_by("pk")
    )
    stops = Stop.objects.select_for_update().in_bulk([row[0] for row in before["stops"]])
    slipped = {tour.pk: _slipped(tour, vans[tour.vehicle_id], stops) for tour in tours}
    for pk, *values in before["stops"]:
        stop = stops[pk]
        for name, value in zip(STOP_FIELDS, values, strict=True):
            setattr(stop, name, _read(name, value))
        if stop.expected_at is not None and stop.tour_id is not None:
            stop.expected_at += slipped.get(stop.tour_id, NO_TIME)
    names = [name.removesuffix("_id") for name in STOP_FIELDS]
    bulk.update(stops.values(), names)
    Handover.objects.filter(tour__in=tours, done_at__isnull=True).delete()
    Handover.objects.bulk_create(
        Handover(**{name: _read(name, value) for name, value in zip(HANDOVER_FIELDS, row, strict=True)})
        for row in before["handovers"]
    )
    called_up = [tour for tour in tours if vans[tour.vehicle_id]["tour"] is None]
    Vehicle.objects.filter(pk__in=[tour.vehicle_id for tour in called_up], state=Vehicle.State.IN_USE).update(
        state=Vehicle.State.FIT
    )
    numbers = [tour.vehicle.number for tour in tours]
    for tour in called_up:
        tour.delete()
    return numbers


def _slipped(tour: Tour, row: Mapping[str, Any], stops: Mapping[int, Stop]) -> timedelta:
    """By how much the van has become later since: what it said on the road meanwhile counts for the old list too."""
    for step in row["steps"]:
        stop = stops.get(step.get("stop", 0))
        if stop is not None and stop.tour_id == tour.pk and stop.expected_at is not None:
            return stop.expected_at - datetime.fromisoformat(step["at"])
    return NO_TIME


def _read(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name.endswith("_at") and value is not None else value
