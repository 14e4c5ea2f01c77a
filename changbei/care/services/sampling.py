"""Spot checks (J4): a sample of a month's visits is drawn, and somebody else looks again."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from changbei.care import access, checklists, rules
from changbei.care.models import Sample, Visit
from changbei.core import clock
from changbei.core.clock import LOCAL
from changbei.core.errors import Conflict, Invalid
from changbei.journal import services as journal
from changbei.people import access as people
from changbei.people.models import Person, Unit
from changbei.plans.model import CheckItem

MOST = 200
WEEKS = 2  # in which the visits of a sample are made
Why, Status = Visit.Why, Visit.Status


def month_of(day: date) -> tuple[date, date]:
    """The first day of the month, and that of the next."""
    return day.replace(day=1), clock.next_month(day)


def moments(first: date, end: date) -> tuple[datetime, datetime]:
    return datetime.combine(first, time(), LOCAL), datetime.combine(end, time(), LOCAL)


def to_draw_from(unit: Unit, month: date) -> QuerySet[Visit]:
    """The visits of a month that nobody has looked at again."""
    since, until = moments(*month_of(month))
    done = Visit.objects.filter(status=Status.DONE, done_at__gte=since, done_at__lt=until, again=None)
    done = done.filter(retailer__customer_manager__unit__in=people.units_below(unit), retailer__active=True)
    return done.exclude(why=Why.SPOT_CHECK)


@transaction.atomic
def draw(
    unit: Unit, month: date, count: int, visitors: Sequence[Person], *, actor: Person, seed: str = ""
) -> Sample:
    """Draw `count` visits of the month by a seed that is written down, and give each to one of `visitors` who has not
    made it, spread over two weeks. Raises NotAllowed, Invalid for count or visitors, Conflict when there is none.
    """
    people.require(actor, access.LEAD, unit)
    if not 1 <= count <= MOST:
        raise Invalid("count", gettext_noop("1 to 200 visits are drawn at once"))
    if not visitors or not all(people.may(one, access.RECORD, one) for one in visitors):
        raise Invalid("visitors", gettext_noop("somebody is needed who visits shops"))
    Unit.objects.select_for_update().get(pk=unit.pk)
    done = {one.uuid: one for one in to_draw_from(unit, month).select_related("retailer__line")}
    if not done:
        raise Conflict(gettext_noop("no visit of this month is left to be looked at again"))
    sample = Sample.objects.create(
        unit=unit,
        month=month.replace(day=1),
        seed=seed or secrets.token_hex(8),
        population=sorted(str(one) for one in done),
        drawn_by=actor,
        drawn_at=clock.now(),
    )
    chosen = [done[one] for one in rules.drawn(done, sample.seed, count)]
    Visit.objects.bulk_create(_again(sample, chosen, visitors))
    data = {"unit": unit.code, "month": f"{sample.month:%Y-%m}", "seed": sample.seed}
    counts = {"drawn": len(chosen), "of": len(done)}
    journal.append("care.sample_drawn", actor=actor, clause="J4", data=data | counts)
    return sample


def _again(sample: Sample, chosen: Sequence[Visit], visitors: Sequence[Person]) -> list[Visit]:
    days = rules.working_days(clock.today() + timedelta(days=1), WEEKS)
    load: Counter[Any] = Counter()
    found = []
    for first in chosen:
        able = [one for one in visitors if one.pk != first.done_by_id]
        if not able:
            raise Invalid("visitors", gettext_noop("somebody else than the first visitor looks again"))
        who = min(able, key=lambda one: (load[one.pk], one.staff_no))
        shop = first.retailer
        even = min(days, key=lambda day: (load[day], day))
        own = (shop.order_weekday, shop.line.weekday)
        day = rules.best_day(days, own, load, near=even) or even
        load.update([who.pk, day])
        found.append(
            Visit(
                retailer=shop,
                manager=who,
                why=Why.SPOT_CHECK,
                planned_for=day,
                first_for=day,
                of=first,
                sample=sample,
            )
        )
    return found


@dataclass(frozen=True)
class Pair:
    """One item that two people answered: what each said, and whether it differs."""

    item: CheckItem
    first: Any
    second: Any
    differs: bool


def compared(again: Visit) -> list[Pair]:
    """What the first visitor and the second saw, item by item; nothing before the second has been there."""
    first = again.of
    if first is None or first.version is None or again.version is None:
        return []
    items = checklists.given(again.version, again.checklist).checklist.items
    before, after = ({one.item: one.value for one in visit.answers.all()} for visit in (first, again))
    return [
        Pair(item, before.get(name), after.get(name), rules.differs(item, before.get(name), after.get(name)))
        for name, item in items.items()
        if name in before and name in after
    ]
