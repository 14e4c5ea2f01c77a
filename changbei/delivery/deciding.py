"""Accepting a way to recover (E3.3.1, E3.3.2). Locks are taken in one order everywhere: day, case, tours, stops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Words
from changbei.delivery import access, bulk, changing, crews, papers, rules, undoing
from changbei.delivery.models import DeliveryDay, Handover, Loan, RecoveryCase, RecoveryOption, Stop, Tour
from changbei.network.models import Vehicle
from changbei.people.models import Person
from changbei.runs.models import Run
from changbei.runs.noting import note


@transaction.atomic
def accept(option: RecoveryOption, *, actor: Person) -> RecoveryCase:
    """Drive the day by this option from now on. Stops driven since it was computed stay as they were driven.

    Every van that waits is decided on together: the run of each hears of it. Raises NotAllowed, and Conflict when
    another option was accepted, the day's plan has changed meanwhile, or it was computed too long ago.
    """
    access.require_accept(actor)
    day = changing.locked_day(option.case.day_id)
    case = undoing.locked_case(option.case_id)
    if case.status != RecoveryCase.Status.OFFERED:
        raise Conflict(gettext_noop("an option of this recovery was accepted, or a newer one computed"))
    if day.version != case.day_version:
        raise Conflict(gettext_noop("the day's plan has changed since this was computed; compute it anew"))
    if rules.is_out_of_date(case.computed_at, clock.now()):
        raise Conflict(gettext_noop("this was computed too long ago; compute it anew"))
    case.before = undoing.as_it_is(day, option.plan)
    vehicles = _drive_by(day, option.plan, since=case.computed_at)
    papers.follow(day, case)
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
    note(
        "delivery.recovery_accepted",
        case.run,
        actor,
        clause="E3.3.2",
        unserved=option.unserved,
        again=again,
        **fact,
    )
    for run, unserved in concerned:
        note(
            "delivery.recovery_accepted", run, actor, clause="E3.3.2", unserved=unserved, again=False, **fact
        )
    return case


def _drive_by(day: DeliveryDay, plan: Mapping[str, Any], *, since: datetime) -> list[str]:
    """Write the option's tours, stops and hand-overs; the numbers of the vans whose list changed. Vans that are called
    up leave as much later as it was computed before (`since`)."""
    tours = _tours(day, plan)
    wanted = undoing.stops_of(plan)
    rows = Stop.objects.select_for_update(of=("self",)).filter(pk__in=[*wanted, *plan["unserved"]])
    rows = rows.select_related("retailer__line").order_by("pk")
    stops = {stop.pk: stop for stop in rows if stop.status == Stop.Status.PLANNED}
    Handover.objects.filter(tour__in=tours, done_at__isnull=True).delete()
    handovers: list[Handover] = []
    changed: list[Stop] = []
    others = Stop.objects.filter(tour__in=tours).exclude(pk__in=wanted).order_by()
    last = dict(others.values_list("tour").annotate(last=Max("sequence")))
    for tour, row in zip(tours, plan["tours"], strict=True):
        later = clock.now() - since if row["tour"] is None else timedelta(0)
        for number, step in enumerate(row["steps"], start=last.get(tour.pk, 0) + 1):
            at = datetime.fromisoformat(step["at"]) + later
            if "stop" not in step:
                handovers.append(_call(tour, step, number, at, stops))
            elif (stop := stops.get(step["stop"])) is not None:
                if stop.is_left_at_its_site:
                    stop.goods_site_id = stop.retailer.line.site_id
                stop.tour, stop.sequence, stop.expected_at, stop.aboard = tour, number, at, None
                changed.append(stop)
    for stop in (stops[pk] for pk in plan["unserved"] if pk in stops):
        if stop.goods_at_id is None and stop.goods_site_id is None and stop.tour_id is not None:
            stop.aboard_id = stop.tour_id  # the goods stay where they are, and may be wanted again
        stop.tour, stop.expected_at = None, None
        changed.append(stop)
    bulk.update(changed, ["tour", "sequence", "expected_at", "aboard", "goods_site"])
    Handover.objects.bulk_create(handovers)
    for tour, row in zip(tours, plan["tours"], strict=True):
        _begin_or_end(tour, has_to_drive=bool(row["steps"]))
    return [tour.vehicle.number for tour in tours]


def _call(
    tour: Tour, step: Mapping[str, Any], number: int, at: datetime, stops: Mapping[int, Stop]
) -> Handover:
    return Handover(
        tour=tour,
        breakdown_id=step.get("handover"),
        site_id=step.get("fetch"),
        before_sequence=number,
        cartons=sum(stops[pk].cartons for pk in step["stops"] if pk in stops),
        expected_at=at,
    )


def _tours(day: DeliveryDay, plan: Mapping[str, Any]) -> list[Tour]:
    """The tour of each van of the plan, locked; a reserve van that is called up gets one."""
    keys = [row["tour"] for row in plan["tours"] if row["tour"] is not None]
    there = Tour.objects.select_for_update(of=("self",)).select_related("vehicle").filter(pk__in=keys)
    known = {tour.pk: tour for tour in there.order_by("pk")}
    return [
        known[row["tour"]] if row["tour"] is not None else _call_up(day, row["vehicle"])
        for row in plan["tours"]
    ]


def _call_up(day: DeliveryDay, vehicle_key: int) -> Tour:
    """A tour for a reserve van (E3.3.2), from where it stands today, unless it went elsewhere meanwhile."""
    vehicle = Vehicle.objects.select_for_update().get(pk=vehicle_key)
    if vehicle.state != Vehicle.State.FIT:
        raise Conflict(Words(gettext_noop("reserve van %(number)s is no longer free"), number=vehicle.number))
    vehicle.state = Vehicle.State.IN_USE
    vehicle.save(update_fields=["state"])
    loan = Loan.objects.filter(day=day, vehicle=vehicle, returned_at=None).first()
    ready_at = clock.now() + rules.RESERVE_READY
    shift_end = Tour.objects.filter(day=day).aggregate(last=Max("shift_ends_at"))["last"]
    return Tour.objects.create(
        day=day,
        site_id=loan.site_id if loan else vehicle.site_id,
        vehicle=vehicle,
        driver=crews.driver_for(vehicle, day),
        departs_at=max(ready_at, loan.ready_at) if loan else ready_at,
        shift_ends_at=shift_end,
        status=Tour.Status.DRIVING,
    )


def _begin_or_end(tour: Tour, *, has_to_drive: bool) -> None:
    """A van that was back drives again; a reserve van that lost all it was called up for stands ready again."""
    if has_to_drive and tour.status == Tour.Status.FINISHED:
        tour.status, state = Tour.Status.DRIVING, Vehicle.State.IN_USE
    elif not has_to_drive and tour.vehicle.is_reserve and not tour.stops.exists():
        tour.status, state = Tour.Status.FINISHED, Vehicle.State.FIT
    else:
        return
    tour.save(update_fields=["status"])
    Vehicle.objects.filter(pk=tour.vehicle_id, is_reserve=True).update(state=state)


def _others_concerned(case: RecoveryCase, plan: Mapping[str, Any]) -> list[tuple[Run, int]]:
    """The runs of other vans that are decided on as well, and how much of each one's goods stays unserved."""
    runs = Run.objects.filter(breakdowns__shared_recoveries=case)
    left = Counter(
        Stop.objects.filter(pk__in=plan["unserved"]).values_list("goods_at__run", flat=True).order_by()
    )
    return [(run, left[run.pk]) for run in runs.distinct().order_by("pk") if run.pk != case.run_id]
