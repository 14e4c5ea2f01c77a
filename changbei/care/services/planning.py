"""Planning visits: a customer manager's coming weeks, and what is moved, dropped or arranged besides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext_noop

from changbei.care import access, checklists, rules
from changbei.care.models import Visit
from changbei.core import clock, workdays
from changbei.core.errors import Conflict, Invalid
from changbei.journal import services as journal
from changbei.network.models import Retailer
from changbei.people import access as people
from changbei.people.models import Person

MOST_WEEKS = 13
CLAUSE = "S2"
CLOSED = gettext_noop("the shop is closed")
Why, Status = Visit.Why, Visit.Status


@dataclass(frozen=True)
class Planned:
    """What came of planning: how many visits were added, and how many stood there already."""

    added: int
    standing: int


@transaction.atomic
def plan_visits(manager: Person, *, weeks: int, actor: Person, start: date | None = None) -> Planned:
    """Plan the visits of a customer manager for so many weeks from tomorrow on (or from `start`).

    What is planned, done or dropped stays as it is: planning again adds only what is missing. Visits to shops that the
    manager has taken over come along; those to closed shops are dropped. Raises NotAllowed, Invalid(weeks), Conflict.
    """
    if actor != manager:
        people.require(actor, access.LEAD, manager)
    people.require(manager, access.RECORD, manager)
    if not 1 <= weeks <= MOST_WEEKS:
        raise Invalid("weeks", gettext_noop("1 to 13 weeks are planned at once"))
    weeks_of = checklists.frequency()
    Person.objects.select_for_update().get(pk=manager.pk)
    start = start or clock.today() + timedelta(days=1)
    _tidy(manager, start)
    days = rules.working_days(start, weeks)
    ahead = Visit.objects.filter(manager=manager, status=Status.PLANNED, planned_for__in=days)
    load = Counter(one.planned_for for one in ahead if one.planned_for)
    last = _last_visits(manager, start)
    shops = Retailer.objects.filter(customer_manager=manager, active=True)
    wanted = [
        rules.Shop(
            shop.pk,
            shop.place_id,
            weeks_of(shop),
            frozenset({shop.order_weekday, shop.line.weekday}),
            last.get(shop.pk),
        )
        for shop in shops.select_related("line", "network_store").order_by("pk")
    ]
    found = rules.spread(wanted, days, load)
    Visit.objects.bulk_create(
        Visit(retailer_id=shop, manager=manager, why=Why.PLAN, planned_for=day, first_for=day)
        for shop, day in found
    )
    data = {"manager": manager.staff_no, "weeks": weeks, "added": len(found)}
    journal.append("care.visits_planned", actor=actor, clause=CLAUSE, data=data)
    return Planned(len(found), sum(load.values()))


def _tidy(manager: Person, start: date) -> None:
    """What was planned before shops closed or came from somebody else."""
    ahead = Visit.objects.filter(status=Status.PLANNED, why=Why.PLAN)
    theirs = ahead.filter(manager=manager, retailer__active=False)
    theirs.update(status=Status.DROPPED, dropped_at=clock.now(), dropped_why=CLOSED)
    taken_over = ahead.filter(retailer__customer_manager=manager, planned_for__gte=start)
    taken_over.exclude(manager=manager).update(manager=manager)


def _last_visits(manager: Person, start: date) -> dict[int, date]:
    """The newest visit of each shop, done or meant to be; one that is overdue counts as of `start`."""
    rows = Visit.objects.filter(retailer__customer_manager=manager).exclude(why=Why.SPOT_CHECK)
    newest = rows.values_list("retailer").annotate(
        day=Max("planned_for"),
        done=Max("done_at"),
        overdue=Max("planned_for", filter=Q(status=Status.PLANNED, planned_for__lt=start)),
    )
    found: dict[int, date] = {}
    for shop, day, done, overdue in newest.order_by():
        days = [day, clock.day_of(done) if done else None, start if overdue else None]
        found[shop] = max(one for one in days if one)
    return found


@transaction.atomic
def arrange(retailer: Retailer, on: date, *, why: str, actor: Person) -> Visit:
    """Plan one visit beside the plan: the customer wishes it, or something that was found is looked at again.

    It is the customer manager's. Raises NotAllowed, Invalid for the day or the reason, Conflict for a closed shop.
    """
    access.require_to_visit(actor, retailer)
    if why not in (Why.WISH, Why.FINDING):
        raise Invalid("why", gettext_noop("one of wish, finding"))
    if not retailer.active:
        raise Conflict(CLOSED)
    _require_ahead(on)
    visit = Visit.objects.create(
        retailer=retailer, manager=retailer.customer_manager, why=why, planned_for=on, first_for=on
    )
    append("care.visit_arranged", visit, actor, on=on.isoformat(), why=why)
    return visit


@transaction.atomic
def move(visit: Visit, on: date, *, actor: Person, to: Person | None = None) -> Visit:
    """Another day; heads may also give it `to` somebody else who visits. Raises NotAllowed, Invalid, Conflict."""
    visit = lock(visit)
    access.require_to_arrange(actor, visit)
    _require_planned(visit)
    if on != visit.planned_for:
        _require_ahead(on)
    if to is not None and to != visit.manager:
        people.require(actor, access.LEAD, visit.retailer.customer_manager)
        if visit.of is not None and visit.of.done_by_id == to.pk:
            raise Invalid("to", gettext_noop("somebody else than the first visitor looks again"))
        if not to.active or not people.may(to, access.RECORD, to):
            raise Invalid("to", gettext_noop("this person visits no shops"))
        visit.manager = to
    before, visit.planned_for = visit.planned_for, on
    if _stands_already(visit):
        raise Invalid("on", gettext_noop("the shop is visited on this day already"))
    visit.save(update_fields=["planned_for", "manager"])
    days = {"before": before.isoformat() if before else "", "on": on.isoformat()}
    append("care.visit_moved", visit, actor, **days, manager=visit.manager.staff_no)
    return visit


@transaction.atomic
def drop(visit: Visit, why: str, *, actor: Person) -> Visit:
    """It will not be made; why is said. Raises NotAllowed, Conflict, Invalid(why)."""
    visit = lock(visit)
    access.require_to_arrange(actor, visit)
    _require_planned(visit)
    why = why.strip()
    if not why:
        raise Invalid("why", gettext_noop("a reason is needed"))
    visit.status, visit.dropped_why = Status.DROPPED, why[:200]
    visit.dropped_by, visit.dropped_at = actor, clock.now()
    visit.save(update_fields=["status", "dropped_why", "dropped_by", "dropped_at"])
    append("care.visit_dropped", visit, actor)
    return visit


def lock(visit: Visit) -> Visit:
    rows = Visit.objects.select_for_update(of=("self",))
    return rows.select_related("retailer__customer_manager", "manager", "of").get(pk=visit.pk)


def managers_of(units: Iterable[int] | None) -> QuerySet[Person]:
    """The customer managers of these units (None: of all) who have customers."""
    found = Person.objects.filter(job="customer_manager", active=True)
    found = found if units is None else found.filter(unit__in=units)
    return found.filter(customers__active=True).select_related("unit").distinct().order_by("staff_no")


def append(kind: str, visit: Visit, actor: Person, clause: str = CLAUSE, **data: object) -> None:
    facts = {"visit": str(visit.uuid), "licence_no": visit.retailer.licence_no, **data}
    journal.append(kind, actor=actor, clause=clause, data=facts)


def _require_planned(visit: Visit) -> None:
    if visit.status != Status.PLANNED:
        raise Conflict(gettext_noop("this visit is done or dropped already"))


def _stands_already(visit: Visit) -> bool:
    same = Visit.objects.filter(retailer=visit.retailer, planned_for=visit.planned_for, why=Why.PLAN)
    return visit.why == Why.PLAN and same.filter(status=Status.PLANNED).exclude(pk=visit.pk).exists()


def _require_ahead(on: date) -> None:
    today = clock.today()
    if on < today:
        raise Invalid("on", gettext_noop("this day is over"))
    if on > today + timedelta(weeks=2 * MOST_WEEKS):
        raise Invalid("on", gettext_noop("this day is too far ahead: half a year at most"))
    if not workdays.is_workday(on):
        raise Invalid("on", gettext_noop("this is no working day"))
