"""Drivers, substitutes and customers are told what a recovery means for them, in the plan's words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from changbei.core import clock
from changbei.core.errors import NotFound, there
from changbei.delivery import rules, selectors, undoing
from changbei.delivery.arrivals import at_wall
from changbei.delivery.facts import (
    LIST_AS_BEFORE,
    LIST_CHANGED,
    LIST_WITHDRAWN,
    TIME_BACK,
    TIME_CHANGED,
    URGENT_EXPECTED,
)
from changbei.delivery.models import Breakdown, RecoveryCase, RecoveryOption, Stop, Tour
from changbei.network.models import Retailer, Vehicle
from changbei.notify import personal
from changbei.notify import services as notify
from changbei.notify import telling as wordings
from changbei.notify.models import Message
from changbei.notify.recipients import of_people, of_retailers
from changbei.notify.telling import of_each
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack
from changbei.plans.selectors import packs_in_force
from changbei.runs.models import Run

NEW_LIST, SHIFTED = "driver-new-list", "delivery-shifted"
"""What the shipped plan calls the words in which its procedure tells of an accepted recovery."""
TIMES = (SHIFTED, TIME_CHANGED, TIME_BACK, URGENT_EXPECTED)
"""What tells a customer a time of today."""


def accepted(case: RecoveryCase) -> RecoveryOption:
    option = case.options.filter(accepted_at__isnull=False).first()
    return there(option, f"no option of recovery {case.uuid} has been accepted")


def drivers(case: RecoveryCase, template: str, run: Run | None) -> list[Person]:
    """Each driver whose list changed gets to know it (E3.3.1), who takes goods over in the words of `template`; those
    who were told. A list that only has other times is not told: it shows them."""
    if case.status == RecoveryCase.Status.UNDONE:
        return []
    pack, before = _pack(run), _lists_before(case)
    broken = Breakdown.objects.filter(tour__day=case.day_id).select_related("tour__vehicle", "run").in_bulk()
    orders: list[notify.Order] = []
    told: list[Person] = []
    for row in accepted(case).plan["tours"]:
        stops = [step["stop"] for step in row["steps"] if "stop" in step]
        calls = [step for step in row["steps"] if "stop" not in step]
        who = {"pk": row["tour"]} if row["tour"] else {"day": case.day_id, "vehicle": row["vehicle"]}
        tour = Tour.objects.select_related("driver", "vehicle").filter(**who).first()
        sources_now = [(step.get("handover"), step.get("fetch")) for step in calls]
        if tour is None or tour.driver is None or (stops, sources_now) == before.get(tour.pk, ([], [])):
            continue
        sources = [broken[step["handover"]] for step in calls if "handover" in step]
        taken = {pk for step in calls if "handover" in step for pk in step["stops"]}
        first = next((pk for pk in stops if not taken or pk in taken), None)
        values: dict[str, Any] = {
            "vehicle": _numbers(one.tour.vehicle for one in sources),
            "stops": len(taken),
            "first": Retailer.objects.get(stops=first).name if first else None,
        }
        if number := next((one.run.number for one in sources if one.run), ""):
            values["number"] = number
        words = template if taken or LIST_CHANGED not in pack.templates else LIST_CHANGED
        orders.append((_notice(pack, run, words, values, acknowledge=True), of_people([tour.driver])))
        told.append(tour.driver)
    notify.tell_many(orders)
    return told


def _lists_before(case: RecoveryCase) -> dict[int, tuple[list[int], list[tuple[int | None, int | None]]]]:
    """Tour → its open stops and what it was to fetch (breakdown or site) before the recovery was accepted."""
    calls: dict[int, list[tuple[int | None, int | None]]] = defaultdict(list)
    for tour, breakdown, site, *_rest in (case.before or {}).get("handovers", []):
        calls[tour].append((breakdown, site))
    stops = undoing.lists_before(case)
    return {tour: (stops.get(tour, []), calls.get(tour, [])) for tour in {*stops, *calls}}


def _numbers(vans: Iterable[Vehicle]) -> dict[str, str]:
    numbers = sorted({van.number for van in vans}, key=lambda number: (len(number), number))
    return {"zh-Hans": "、".join(numbers), "zh-Hant": "、".join(numbers), "en": " and ".join(numbers)}


def substitute(person: Person, breakdown: Breakdown, template: str, run: Run) -> None:
    """Ask somebody who knows the line to guide or to deliver (E3.3.5)."""
    tour = breakdown.tour
    values = {
        "vehicle": tour.vehicle.number,
        "place": breakdown.place,
        "line": tour.line.name if tour.line else tour.vehicle.number,
    }
    notify.tell(_notice(_pack(run), run, template, values, acknowledge=True), of_people([person]))


def shifted_customers(breakdown: Breakdown, template: str, than: timedelta, run: Run) -> Sequence[Message]:
    """Customers of the accepted recovery whose arrival moved by more than `than`, with their new time (E2.6)."""
    case = RecoveryCase.objects.filter(breakdown=breakdown, status=RecoveryCase.Status.ACCEPTED).last()
    return [] if case is None else _times(_concerned(case), template, run, than)


def postponed_customers(breakdown: Breakdown, template: str, next_on: date, run: Run) -> Sequence[Message]:
    """Customers who are served on another day get to know which (E3.3.4)."""
    stops = Stop.objects.filter(goods_at=breakdown, status=Stop.Status.POSTPONED).select_related("retailer")
    day = f"{next_on.month}-{next_on.day}"
    return _tell_each(run, template, [(stop, {"day": day}) for stop in stops.order_by("pk")])


def undone(case: RecoveryCase) -> tuple[list[Person], Sequence[Message]]:
    """A recovery was taken back: the drivers who were told of new lists, the customers whose times go back.

    Customers whose goods wait at the broken van again hear of it with the next recovery.
    """
    told = Message.objects.filter(
        notice__run=case.run.uuid if case.run else None, notice__created_at__gte=accepted(case).accepted_at
    )
    if case.undone_at is not None:  # what was decided since tells its own
        told = told.filter(notice__created_at__lte=case.undone_at)
    lists = told.filter(notice__template__in=[NEW_LIST, LIST_CHANGED])
    people = list(Person.objects.filter(messages__in=lists).distinct().order_by("pk"))
    broken = case.breakdown.tour if case.breakdown else None
    pack = _pack(case.run)
    if people:
        values = {"vehicle": broken.vehicle.number if broken else "", "first": ""}
        words = LIST_WITHDRAWN if broken or LIST_AS_BEFORE not in pack.templates else LIST_AS_BEFORE
        notify.tell(_notice(pack, case.run, words, values, acknowledge=True), of_people(people))
    theirs = [
        row[0] for row in (case.before or {})["stops"] if broken is None or row[1] not in (None, broken.pk)
    ]
    times = told.filter(notice__template__in=TIMES, retailer__isnull=False).values_list("values", flat=True)
    heard = {values["stop"] for values in times if values and "stop" in values}
    stops = Stop.objects.filter(
        pk__in=heard.intersection(theirs), status=Stop.Status.PLANNED, expected_at__isnull=False
    )
    rows = [(stop, {"expected": clock.wall(stop.expected_at)}) for stop in stops.order_by("pk")]
    return people, _tell_each(case.run, TIME_BACK, rows)


def afresh(case: RecoveryCase) -> tuple[list[Person], Sequence[Message]]:
    """What no task of a plan tells: a recovery of a day that no run is about, and the next one after one was undone."""
    people = drivers(case, NEW_LIST, case.run)
    return people, _times(_concerned(case), SHIFTED if case.run else TIME_CHANGED, case.run)


def later(tours: Collection[UUID]) -> Sequence[Message]:
    """Customers of tours that leave later than planned."""
    waiting = Stop.objects.filter(tour__uuid__in=tours, status=Stop.Status.PLANNED)
    return _times(waiting, TIME_CHANGED, None)


def _concerned(case: RecoveryCase) -> QuerySet[Stop]:
    """Those still to be served by the vans whose lists or times the accepted recovery changes."""
    keys = [step["stop"] for row in accepted(case).plan["tours"] for step in row["steps"] if "stop" in step]
    return Stop.objects.filter(pk__in=keys, status=Stop.Status.PLANNED)


def _times(
    stops: QuerySet[Stop], template: str, run: Run | None, than: timedelta = rules.NOTICEABLE
) -> Sequence[Message]:
    """Everybody whose van comes at another time than they were told last, or planned, hears when."""
    expected = list(stops.filter(expected_at__isnull=False).select_related("day").order_by("pk"))
    said = _said(expected)
    urgent, moved = [], []
    for stop in expected:
        assert stop.expected_at is not None
        before, values = said.get(stop.pk), {"expected": clock.wall(stop.expected_at)}
        if stop.urgent and before is None:
            urgent.append((stop, values))
        elif rules.shifted(before or stop.planned_at, stop.expected_at, than):
            moved.append((stop, {"planned": clock.wall(before or stop.planned_at), **values}))
    if URGENT_EXPECTED not in _pack(run).templates:
        urgent = []
    return [*_tell_each(run, URGENT_EXPECTED, urgent), *_tell_each(run, template, moved)]


def _said(stops: Sequence[Stop]) -> dict[int, datetime]:
    """Stop → the arrival there that its customer was told of last."""
    if not stops:
        return {}
    day = stops[0].day.date
    told = Message.objects.filter(
        retailer__in=[stop.retailer_id for stop in stops],
        notice__template__in=TIMES,
        notice__created_at__gte=at_wall(day, time.min),
    ).exclude(state=Message.State.UNREACHABLE)
    values = [one or {} for one in told.order_by("pk").values_list("values", flat=True)]
    said = {one["stop"]: one["expected"] for one in values if "stop" in one and one.get("expected")}
    return {stop.pk: at_wall(day, time.fromisoformat(said[stop.pk])) for stop in stops if stop.pk in said}


def _tell_each(
    run: Run | None, template: str, concerned: Sequence[tuple[Stop, Mapping[str, Any]]]
) -> Sequence[Message]:
    """One notice, in which every customer reads the own shop and the own times; another one for those who have two
    stops. Each message keeps which stop it is about."""
    first: dict[int, Mapping[str, Any]] = {}
    second: list[tuple[Stop, Mapping[str, Any]]] = []
    for stop, values in concerned:
        if stop.retailer_id in first:
            second.append((stop, values))
        else:
            first[stop.retailer_id] = {**values, "stop": stop.pk}
    if not first:
        return []
    return [*_tell_once(run, template, first), *_tell_each(run, template, second)]


def _tell_once(run: Run | None, template: str, given: Mapping[int, Mapping[str, Any]]) -> Sequence[Message]:
    new = _notice(
        _pack(run), run, template, {}, own=of_each({name for values in given.values() for name in values})
    )
    shops = Retailer.objects.filter(pk__in=list(given)).order_by("pk")
    whom = [one.with_values(**given[one.id]) for one in of_retailers(shops, new.personal)]
    return list(Message.objects.filter(notice=notify.tell(new, whom)))


def _pack(run: Run | None) -> Pack:
    """Whose words are said: those of the run's plan, else of the plan in force that words times of delivery."""
    if run is not None:
        return pack_for(run.plan_version)
    for pack in packs_in_force():
        if {LIST_CHANGED, TIME_CHANGED} <= pack.templates.keys():
            return pack
    raise NotFound(f"no plan in force has the messages {LIST_CHANGED} and {TIME_CHANGED}")


def _notice(
    pack: Pack,
    run: Run | None,
    template: str,
    values: Mapping[str, Any],
    *,
    own: Collection[str] = (),
    acknowledge: bool = False,
) -> notify.NewNotice:
    about = wordings.About("", {})
    if run is not None:
        about = wordings.About(run.number, run.title, run.incident, run.uuid, drill=run.drill)
    return wordings.compose(pack, template, values, about, own=own, needs_acknowledgement=acknowledge)


@personal.declare("next_delivery")
def next_delivery_days(retailers: QuerySet[Retailer]) -> Mapping[int, str]:
    """What `{next_delivery}` says to each customer in a notice: the day of their own next delivery."""
    return {pk: f"{day:%m-%d}" for pk, day in selectors.next_days(retailers).items()}


def already_told(run: Run, template: str) -> bool:
    """Whether this run has told this before: a capability that is performed again tells nobody twice."""
    return Message.objects.filter(notice__run=run.uuid, notice__template=template).exists()


def last_notice(messages: Sequence[Message]) -> UUID | None:
    return messages[-1].notice.uuid if messages else None
