"""Taking an accepted recovery back while nobody has driven on it: what accepting changed, and putting it back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict
from changbei.delivery import access, bulk, changing, papers
from changbei.delivery.models import DeliveryDay, Handover, RecoveryCase, RecoveryOption, Stop, Tour
from changbei.network.models import Vehicle
from changbei.people.models import Person
from changbei.runs.noting import note

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


def locked_case(pk: int) -> RecoveryCase:
    """The case, locked; the day's row is locked before it."""
    cases = RecoveryCase.objects.select_for_update(of=("self",))
    return cases.select_related("breakdown__tour", "run").get(pk=pk)


def stops_of(plan: Mapping[str, Any]) -> list[int]:
    """The keys of the stops that somebody drives to."""
    return [step["stop"] for tour in plan["tours"] for step in tour["steps"] if "stop" in step]


@transaction.atomic
def undo(case: RecoveryCase, *, actor: Person) -> RecoveryCase:
    """Take an accepted recovery back: every list, time and reserve van as before, the goods wait at the broken van.

    Allowed as long as nobody has driven on it: no stop of a changed list recorded, no goods taken over, and the
    plan of the day not changed otherwise since. Raises NotAllowed; Conflict that names the vans that have driven.
    """
    access.require_accept(actor)
    day = changing.locked_day(case.day_id)
    case = locked_case(case.pk)
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
    in_force = RecoveryCase.objects.filter(day=day, status=RecoveryCase.Status.ACCEPTED).exclude(pk=case.pk)
    papers.follow(day, in_force.order_by("-pk").first())
    case.status, case.undone_at, case.undone_by = RecoveryCase.Status.UNDONE, clock.now(), actor
    case.save(update_fields=["status", "undone_at", "undone_by"])
    changing.changed(day)
    note(
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
    before = lists_before(option.case)
    changed: dict[int, list[int]] = {}  # van -> its stops
    for row in option.plan["tours"]:
        steps = [step["stop"] for step in row["steps"] if "stop" in step]
        if row["tour"] is None or steps != before.get(row["tour"], []):
            changed[row["vehicle"]] = steps
    theirs = Tour.objects.filter(day=option.case.day_id, vehicle__in=changed)
    recorded = Stop.objects.filter(
        pk__in=[pk for steps in changed.values() for pk in steps], tour__in=theirs, done_at__isnull=False
    )
    done = {(van, pk) for van, pk in recorded.values_list("tour__vehicle", "pk")}
    taken_over = Handover.objects.filter(tour__in=theirs, done_at__gte=option.accepted_at)
    drove = set(taken_over.values_list("tour__vehicle", flat=True))
    drove |= {van for van, steps in changed.items() if any((van, pk) in done for pk in steps)}
    numbers = Vehicle.objects.filter(pk__in=drove).values_list("number", flat=True)
    return sorted(numbers, key=lambda number: (len(number), number))


def lists_before(case: RecoveryCase) -> dict[int, list[int]]:
    """Tour → its open stops in the order of before."""
    lists: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for pk, tour, sequence, *_rest in (case.before or {}).get("stops", []):
        lists[tour].append((sequence, pk))
    return {tour: [pk for _sequence, pk in sorted(rows)] for tour, rows in lists.items()}


def as_it_is(day: DeliveryDay, plan: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the day that the plan changes, so that it can be put back, as JSON: stops, hand-overs, and of tours
    that begin again or have nothing left to do how they and their vans stand."""
    stops = Stop.objects.filter(pk__in=[*stops_of(plan), *plan["unserved"]]).order_by("pk")
    tours = [row["tour"] for row in plan["tours"] if row["tour"] is not None]
    handovers = Handover.objects.filter(tour__in=tours, done_at__isnull=True).order_by("pk")
    idle = _idle(plan)
    return {
        "tours": [list(row) for row in idle.order_by("pk").values_list("pk", "status", "vehicle__state")],
        "stops": [[pk, *_written(values)] for pk, *values in stops.values_list("pk", *STOP_FIELDS)],
        "handovers": [_written(values) for values in handovers.values_list(*HANDOVER_FIELDS)],
    }


def _written(values: Iterable[Any]) -> list[Any]:
    return [value.isoformat() if isinstance(value, datetime) else value for value in values]


def _idle(plan: Mapping[str, Any]) -> QuerySet[Tour]:
    """Tours of the plan that are over, and those of vans called up that get nothing to do."""
    steps = {row["tour"]: row["steps"] for row in plan["tours"] if row["tour"] is not None}
    nothing = [pk for pk, found in steps.items() if not found]
    over = Q(status=Tour.Status.FINISHED) | Q(pk__in=nothing, vehicle__is_reserve=True)
    return Tour.objects.filter(over, pk__in=steps)


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
    for pk, status, state in before.get("tours", ()):
        Tour.objects.filter(pk=pk).update(status=status)
        Vehicle.objects.filter(tours=pk).update(state=state)
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
        if stop is None or stop.tour_id != tour.pk or stop.done_at is not None:
            continue
        if stop.expected_at is not None:
            return stop.expected_at - datetime.fromisoformat(step["at"])
    return NO_TIME


def _read(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name.endswith("_at") and value is not None else value
