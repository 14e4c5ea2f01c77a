"""Drivers, substitutes and customers are told what a recovery means for them, in the plan's words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from changbei.core import clock
from changbei.core.errors import NotFound
from changbei.delivery import rules, selectors
from changbei.delivery.facts import LIST_WITHDRAWN, TIME_BACK
from changbei.delivery.models import Breakdown, RecoveryCase, RecoveryOption, Stop, Tour
from changbei.network.models import Retailer
from changbei.notify import personal
from changbei.notify import services as notify
from changbei.notify import telling as wordings
from changbei.notify.models import Message
from changbei.notify.recipients import of_people, of_retailers
from changbei.notify.telling import of_each
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.runs.models import Run

NEW_LIST, SHIFTED = "driver-new-list", "delivery-shifted"
"""What the shipped plan calls the words in which its procedure tells of an accepted recovery."""


def accepted(case: RecoveryCase) -> RecoveryOption:
    option = case.options.filter(accepted_at__isnull=False).first()
    if option is None:
        raise NotFound(f"no option of recovery {case.uuid} has been accepted")
    return option


def drivers(case: RecoveryCase, template: str, run: Run) -> list[Person]:
    """Each driver whose list changed gets to know it (E3.3.1); those who were told."""
    if case.status == RecoveryCase.Status.UNDONE:
        return []
    orders: list[notify.Order] = []
    told: list[Person] = []
    for row in accepted(case).plan["tours"]:
        tour = Tour.objects.select_related("driver", "vehicle").get(day=case.day_id, vehicle=row["vehicle"])
        if tour.driver is None:
            continue
        taken = [pk for step in row["steps"] if "handover" in step for pk in step["stops"]]
        first = next((step["stop"] for step in row["steps"] if step.get("stop") in taken), None)
        values = {
            "vehicle": case.breakdown.tour.vehicle.number if case.breakdown else "",
            "stops": len(taken),
            "first": Retailer.objects.get(stops=first).name if first else "",
        }
        orders.append((_notice(run, template, values, acknowledge=True), of_people([tour.driver])))
        told.append(tour.driver)
    notify.tell_many(orders)
    return told


def substitute(person: Person, breakdown: Breakdown, template: str, run: Run) -> None:
    """Ask somebody who knows the line to guide or to deliver (E3.3.5)."""
    tour = breakdown.tour
    values = {
        "vehicle": tour.vehicle.number,
        "place": breakdown.place,
        "line": tour.line.name if tour.line else tour.vehicle.number,
    }
    notify.tell(_notice(run, template, values, acknowledge=True), of_people([person]))


def shifted_customers(breakdown: Breakdown, template: str, than: timedelta, run: Run) -> Sequence[Message]:
    """Customers of the accepted recovery whose arrival moved by more than `than`, with their new time (E2.6)."""
    case = RecoveryCase.objects.filter(breakdown=breakdown, status=RecoveryCase.Status.ACCEPTED).last()
    if case is None:
        return []
    concerned = {
        step["stop"] for row in accepted(case).plan["tours"] for step in row["steps"] if "stop" in step
    }
    stops = Stop.objects.filter(pk__in=concerned, status=Stop.Status.PLANNED).select_related("retailer")
    moved = [
        stop
        for stop in stops.order_by("pk")
        if stop.expected_at and rules.shifted(stop.planned_at, stop.expected_at, than)
    ]
    return _tell_each(
        run,
        template,
        [(stop, {"planned": clock.wall(stop.planned_at), "expected": clock.wall(stop.expected_at)}) for stop in moved],
    )


def postponed_customers(breakdown: Breakdown, template: str, next_on: date, run: Run) -> Sequence[Message]:
    """Customers who are served on another day get to know which (E3.3.4)."""
    stops = Stop.objects.filter(goods_at=breakdown, status=Stop.Status.POSTPONED).select_related("retailer")
    day = f"{next_on.month}-{next_on.day}"
    return _tell_each(run, template, [(stop, {"day": day}) for stop in stops.order_by("pk")])


def undone(case: RecoveryCase) -> tuple[list[Person], Sequence[Message]]:
    """A recovery was taken back: the drivers who were told of new lists, the customers whose times go back.

    Customers whose goods wait at the broken van again hear of it with the next recovery.
    """
    if case.run is None:
        return [], []
    since = accepted(case).accepted_at
    told = Message.objects.filter(
        notice__run=case.run.uuid, notice__template=NEW_LIST, notice__created_at__gte=since
    )
    people = list(Person.objects.filter(messages__in=told).distinct().order_by("pk"))
    broken = case.breakdown.tour if case.breakdown else None
    if people:
        values = {"vehicle": broken.vehicle.number if broken else ""}
        notify.tell(_notice(case.run, LIST_WITHDRAWN, values, acknowledge=True), of_people(people))
    theirs = [
        row[0] for row in (case.before or {})["stops"] if broken is None or row[1] not in (None, broken.pk)
    ]
    stops = Stop.objects.filter(pk__in=theirs, status=Stop.Status.PLANNED, retailer__in=_shops_told(case.run))
    rows = [(stop, {"expected": clock.wall(stop.expected_at)}) for stop in stops.order_by("pk")]
    return people, _tell_each(case.run, TIME_BACK, rows)


def again(case: RecoveryCase) -> tuple[list[Person], Sequence[Message]]:
    """Another recovery after one was undone: the run has told people before, and tells them what holds now."""
    if case.run is None:
        return [], []
    people = drivers(case, NEW_LIST, case.run)
    said = _said_before(case)
    concerned = [
        step["stop"] for row in accepted(case).plan["tours"] for step in row["steps"] if "stop" in step
    ]
    stops = Stop.objects.filter(pk__in=concerned, status=Stop.Status.PLANNED).order_by("pk")
    rows = [
        (stop, {"planned": clock.wall(stop.planned_at), "expected": clock.wall(stop.expected_at)})
        for stop in stops
        if stop.expected_at and rules.shifted(said.get(stop.pk, stop.planned_at), stop.expected_at)
    ]
    return people, _tell_each(case.run, SHIFTED, rows)


def _said_before(case: RecoveryCase) -> dict[int, datetime]:
    """Stop → the arrival that its customer was told of by a recovery that no longer holds."""
    earlier = RecoveryCase.objects.filter(breakdown=case.breakdown_id, status=RecoveryCase.Status.UNDONE)
    last = earlier.order_by("pk").last()
    if last is None or last.run is None:
        return {}
    broken = last.breakdown.tour_id if last.breakdown else None
    waiting = {row[0] for row in (last.before or {})["stops"] if row[1] in (None, broken)}
    told = set(
        Stop.objects.filter(pk__in=waiting, retailer__in=_shops_told(last.run)).values_list("pk", flat=True)
    )
    return {
        step["stop"]: datetime.fromisoformat(step["at"])
        for row in accepted(last).plan["tours"]
        for step in row["steps"]
        if step.get("stop") in told
    }


def _shops_told(run: Run) -> QuerySet[Message, int | None]:
    """The customers who were told of another time in this run."""
    told = Message.objects.filter(notice__run=run.uuid, notice__template=SHIFTED, retailer__isnull=False)
    return told.values_list("retailer_id", flat=True)


def _tell_each(
    run: Run, template: str, concerned: Sequence[tuple[Stop, Mapping[str, Any]]]
) -> Sequence[Message]:
    """One notice, in which every customer reads the own shop and the own times."""
    if not concerned:
        return []
    given = {stop.retailer_id: values for stop, values in concerned}
    new = _notice(run, template, {}, own=of_each({name for values in given.values() for name in values}))
    shops = Retailer.objects.filter(pk__in=list(given)).order_by("pk")
    whom = [one.with_values(**given[one.id]) for one in of_retailers(shops, new.personal)]
    return list(Message.objects.filter(notice=notify.tell(new, whom)))


def _notice(
    run: Run,
    template: str,
    values: Mapping[str, Any],
    *,
    own: Collection[str] = (),
    acknowledge: bool = False,
) -> notify.NewNotice:
    about = wordings.About(run.number, run.title, run.incident, run.uuid, drill=run.drill)
    return wordings.compose(
        pack_for(run.plan_version), template, values, about, own=own, needs_acknowledgement=acknowledge
    )


@personal.declare("next_delivery")
def next_delivery_days(retailers: QuerySet[Retailer]) -> Mapping[int, str]:
    """What `{next_delivery}` says to each customer in a notice: the day of their own next delivery."""
    return {pk: f"{day:%m-%d}" for pk, day in selectors.next_days(retailers).items()}


def already_told(run: Run, template: str) -> bool:
    """Whether this run has told this before: a capability that is performed again tells nobody twice."""
    return Message.objects.filter(notice__run=run.uuid, notice__template=template).exists()


def last_notice(messages: Sequence[Message]) -> UUID | None:
    return messages[-1].notice.uuid if messages else None
