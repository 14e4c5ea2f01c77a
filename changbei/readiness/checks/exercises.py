"""The plan is practised as often as it says (E2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Min

from changbei.core import clock
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.plans.models import PlanVersion
from changbei.readiness import exercises, rules
from changbei.readiness.params import names, number, params, whole
from changbei.readiness.rules import Trouble

YEAR = 365


@check_kind(
    "exercises",
    params=params(
        whole("every_days", "How long ago the last exercise may be.", minimum=1),
        names("procedures", "Procedures that need an exercise each; without them one of the plan is enough."),
    ),
)
def exercised(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """An exercise that was carried through to its end is no older than this; the time counts from the day on which the
    plan was first adopted here.
    """
    limit = number(given, "every_days", pack, YEAR)
    adopted = PlanVersion.objects.filter(pack=pack.id).aggregate(at=Min("adopted_at"))["at"] or now
    wanted = {
        procedure: [procedure] for procedure in given.get("procedures", ()) if procedure in pack.procedures
    } or {"": list(pack.procedures)}
    found = []
    for subject, kinds in wanted.items():
        last = exercises.last_of(kinds)
        days = (clock.day_of(now) - clock.day_of(last or adopted)).days
        if days > limit:
            title = pack.procedures[subject].title if subject else pack.titles
            kind = "old-exercise" if last else "no-exercise"
            found.append(rules.trouble(kind, subject or pack.id, plan=title, days=days, limit=limit))
    return found
