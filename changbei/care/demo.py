"""A generated city whose customer managers have been visiting their customers for some weeks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction

from changbei.care import checklists, services
from changbei.care.checklists import Looking
from changbei.care.models import Answer, Visit
from changbei.care.services import Seen
from changbei.core import clock
from changbei.core.clock import LOCAL
from changbei.journal import services as journal
from changbei.journal.models import Entry
from changbei.people.models import Person, PostHolding
from changbei.plans.model import CHOICE, NUMBER, YES_NO, CheckItem

LIVED_IN = "care.demo_lived_in"
BACK, AHEAD = 5, 4  # weeks
MADE, IN_ORDER = 0.94, 0.95  # how many of the planned visits were made, and of the answers are no finding
DROPPED = ("店主外出", "修路不通", "客户要求改期后未约上")
SAMPLE, LOOKED_AT_AGAIN = 6, 4


@transaction.atomic
def live_in() -> None:
    """Visits of the last weeks, most of them made, those of the weeks ahead, and one spot check. Done once."""
    looking = checklists.found()
    if looking is None or Entry.objects.filter(kind=LIVED_IN).exists():
        return
    today, chance = clock.today(), random.Random(1)
    for manager in services.managers_of(None):
        start = today - timedelta(weeks=BACK)
        services.plan_visits(manager, weeks=BACK + AHEAD, actor=manager, start=start)
    gone = list(Visit.objects.filter(planned_for__lt=today).order_by("planned_for", "pk"))
    answers = [one for visit in gone for one in _made(visit, looking, chance)]
    Visit.objects.bulk_update(
        gone,
        ["status", "done_at", "done_by", "version", "checklist", "dropped_at", "dropped_by", "dropped_why"],
    )
    Answer.objects.bulk_create(answers)
    _look_again(looking, today)
    journal.append(LIVED_IN, actor=None, data={"until": today.isoformat()})


def _made(visit: Visit, looking: Looking, chance: random.Random) -> Iterator[Answer]:
    """Most visits were made on their day, some a day or three later, a few were dropped; some still wait."""
    day = visit.planned_for or date.min
    if chance.random() > MADE:
        if chance.random() < 0.6:
            visit.status, visit.dropped_why = Visit.Status.DROPPED, chance.choice(DROPPED)
            visit.dropped_at, visit.dropped_by_id = _at(day, chance), visit.manager_id
        return
    done_on = min(day + timedelta(days=chance.choice((0, 0, 0, 0, 0, 0, 1, 1, 4))), _yesterday())
    visit.status, visit.done_at, visit.done_by_id = Visit.Status.DONE, _at(done_on, chance), visit.manager_id
    visit.version, visit.checklist = looking.version, looking.checklist.id
    for item in looking.checklist.items.values():
        if item.answer in (YES_NO, NUMBER, CHOICE):
            value = _answer(item, chance)
            yield Answer(visit=visit, item=item.id, value=value, finding=item.is_finding(value))


def _answer(item: CheckItem, chance: random.Random) -> Any:
    good = chance.random() < IN_ORDER or (item.begins is not None and chance.random() < 0.9)
    if item.answer == YES_NO:
        return good == ("no" in item.found)
    if item.answer == NUMBER:
        most = item.above or (item.below or 0) + 4
        return round(chance.uniform(item.below or 0, most)) if good else round(most) + 2
    return next(one.id for one in item.options if (one.id in item.found) != good)


def _yesterday() -> date:
    return clock.today() - timedelta(days=1)


def _at(day: date, chance: random.Random) -> datetime:
    return datetime.combine(day, time(9), LOCAL) + timedelta(minutes=chance.randrange(480))


def _look_again(looking: Looking, today: date) -> None:
    """The head of the first department with visits has drawn a sample, and somebody has been to most of it."""
    holding = PostHolding.objects.filter(post__kind="marketing-department-head", until=None, rank=1)
    for held in holding.select_related("post__unit", "person").order_by("pk"):
        looks = Person.objects.filter(job="market_manager", unit__parent=held.post.unit, active=True)
        if looks.exists() and services.to_draw_from(held.post.unit, today).exists():
            sample = services.draw(
                held.post.unit, today, SAMPLE, list(looks.order_by("pk")[:2]), actor=held.person, seed="demo"
            )
            for again in sample.visits.select_related("of", "manager").order_by("pk")[:LOOKED_AT_AGAIN]:
                _repeat(again, looking)
            return


def _repeat(again: Visit, looking: Looking) -> None:
    """What the first saw, but for one thing in every second shop."""
    if again.of is None:
        return
    items = looking.checklist.items
    seen = {items[one.item].key: one.value for one in again.of.answers.all()}
    first = next(item for item in items.values() if item.answer == YES_NO and item.begins is None)
    if again.pk % 2:
        seen[first.key] = not seen[first.key]
    services.record(again, Seen(seen), actor=again.manager, looking=looking)
