"""Drivers, substitutes and customers are told what a recovery means for them, in the plan's words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from changbei.core.clock import LOCAL
from changbei.core.errors import NotFound
from changbei.delivery import rules, selectors
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


def accepted(case: RecoveryCase) -> RecoveryOption:
    option = case.options.filter(accepted_at__isnull=False).first()
    if option is None:
        raise NotFound(f"no option of recovery {case.uuid} has been accepted")
    return option


def drivers(case: RecoveryCase, template: str, run: Run) -> list[Person]:
    """Each driver whose list changed gets to know it (E3.3.1); those who were told."""
    orders: list[notify.Order] = []
    told: list[Person] = []
    for row in accepted(case).plan["tours"]:
        tour = Tour.objects.select_related("driver", "vehicle").get(day=case.day_id, vehicle=row["vehicle"])
        if tour.driver is None:
            continue
        taken = [pk for step in row["steps"] if "handover" in step for pk in step["stops"]]
        first = next((step["stop"] for step in row["steps"] if step.get("stop") in taken), None)
        values = {
            "vehicle": case.breakdown.tour.vehicle.number,
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
        [(stop, {"planned": _wall(stop.planned_at), "expected": _wall(stop.expected_at)}) for stop in moved],
    )


def postponed_customers(breakdown: Breakdown, template: str, next_on: date, run: Run) -> Sequence[Message]:
    """Customers who are served on another day get to know which (E3.3.4)."""
    stops = Stop.objects.filter(goods_at=breakdown, status=Stop.Status.POSTPONED).select_related("retailer")
    day = f"{next_on.month}-{next_on.day}"
    return _tell_each(run, template, [(stop, {"day": day}) for stop in stops.order_by("pk")])


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


def _wall(moment: datetime | None) -> str:
    return moment.astimezone(LOCAL).strftime("%H:%M") if moment else ""


def already_told(run: Run, template: str) -> bool:
    """Whether this run has told this before: a capability that is performed again tells nobody twice."""
    return Message.objects.filter(notice__run=run.uuid, notice__template=template).exists()


def last_notice(messages: Sequence[Message]) -> UUID | None:
    return messages[-1].notice.uuid if messages else None
