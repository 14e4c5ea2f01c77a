"""Each evening the next day's lines are thought over by themselves, where a site wants that (E2.6).

When the next evening is due stands in the row of the site; who finds it due asks and moves it on in one transaction, so
that an evening is asked for once, by however many workers, and after a standstill as soon as one works again.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Min

from changbei.core import clock
from changbei.core.errors import ChangbeiError, Invalid
from changbei.delivery import planning
from changbei.delivery.arrivals import at_wall
from changbei.delivery.lines import questions
from changbei.delivery.models import LineEvening
from changbei.network.models import Site
from changbei.people import access as people
from changbei.people.models import Person
from changbei.runs.noting import note

logger = logging.getLogger(__name__)
MOST_DAYS_AHEAD = 5


@transaction.atomic
def set_evening(site: Site, *, on: bool, at: time, days_ahead: int = 1, actor: Person | None) -> LineEvening:
    """Have a site's lines thought over each evening, or no longer. `days_ahead`: delivery days. Raises NotAllowed,
    Invalid."""
    if actor is not None:
        people.require(actor, "delivery.plan")
    if not 1 <= days_ahead <= MOST_DAYS_AHEAD:
        raise Invalid("days_ahead", f"{days_ahead}: from 1 to {MOST_DAYS_AHEAD}")
    due_at = _next(at) if on else None
    values = {"on": on, "at": at, "days_ahead": days_ahead, "due_at": due_at, "trouble": ""}
    row, _made = LineEvening.objects.update_or_create(site=site, defaults=values)
    note(
        "delivery.line_evening_set",
        None,
        actor,
        clause="E2.6",
        site=site.code,
        on=on,
        at=at.isoformat("minutes"),
        days_ahead=days_ahead,
    )
    return row


def ask_due() -> int:
    """Ask for the lines of each site whose evening has come; how many."""
    asked = 0
    while _ask_one():
        asked += 1
    return asked


def next_due() -> datetime | None:
    """When the next site's evening comes."""
    found: datetime | None = LineEvening.objects.aggregate(at=Min("due_at"))["at"]
    return found


def planned_day(days_ahead: int) -> date:
    """The day whose lines are thought over this evening."""
    on = clock.today()
    for _ in range(days_ahead):
        on = planning.next_delivery_day(on)
    return on


@transaction.atomic
def _ask_one() -> bool:
    due = LineEvening.objects.filter(due_at__lte=clock.now()).order_by("due_at", "pk")
    row = due.select_for_update(skip_locked=True, of=("self",)).select_related("site").first()
    if row is None:
        return False
    on = planned_day(row.days_ahead)
    try:
        with transaction.atomic():
            question = questions.ask(planning.plan_day(on, actor=None), site=row.site)
            row.trouble = ""
        if question.status == question.Status.WAITING:
            note("delivery.lines_asked", None, None, clause="E2.6", date=on.isoformat(), site=row.site.code)
    except Exception as error:  # whatever it is, the other sites' evenings come
        row.trouble = str(error)[:200]
        if not isinstance(error, ChangbeiError):
            logger.exception("asking for the lines of %s", row.site.code)
    row.due_at = _next(row.at)
    row.save(update_fields=["due_at", "trouble"])
    return True


def _next(at: time) -> datetime:
    """The next moment at which the wall clock shows this time."""
    now = clock.local_now()
    today = at_wall(now.date(), at)
    return today if today > now else at_wall(now.date() + timedelta(days=1), at)
