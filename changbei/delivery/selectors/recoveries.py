"""Recoveries of a day: the decision that is open, what is out of date, what an option asks of each van. Read-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from changbei.core import clock
from changbei.delivery import rules
from changbei.delivery.models import Breakdown, DeliveryDay, RecoveryCase, RecoveryOption, Stop, Tour
from changbei.network.models import Vehicle
from changbei.people.models import Person


def cases_of_run(run: Any) -> QuerySet[RecoveryCase]:
    """What was computed for this run, or for another van's and decides on its own as well, in order."""
    shared = RecoveryCase.objects.filter(others__run__uuid=run).values("pk")
    mine = RecoveryCase.objects.filter(Q(run__uuid=run) | Q(pk__in=shared))
    return mine.select_related("breakdown__tour__vehicle").order_by("pk")


def is_postponed(breakdown: Breakdown) -> bool:
    return Stop.objects.filter(goods_at=breakdown, status=Stop.Status.POSTPONED).exists()


def cases_of_day(day: DeliveryDay) -> QuerySet[RecoveryCase]:
    """All recoveries of a day, the newest first, with their breakdowns."""
    cases = RecoveryCase.objects.filter(day=day).select_related(
        "breakdown__tour__vehicle", "breakdown__tour__site", "day", "run"
    )
    return cases.order_by("-pk")


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
