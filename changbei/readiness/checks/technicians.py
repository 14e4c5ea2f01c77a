"""A technician within reach at every working hour (E3.1.11)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from changbei.core.clock import LOCAL
from changbei.people.models import Absence, DutyShift
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.readiness import rules
from changbei.readiness.params import number, params, whole
from changbei.readiness.rules import Trouble

AHEAD_DAYS = 7


@check_kind(
    "reachable_technician",
    params=params(
        {"post": {"type": "string", "description": "The kind of post that is on duty."}},
        whole("at_least", "How many must be within reach.", minimum=1),
        required=("post",),
    ),
)
def reachable_technician(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """At every working hour of the days ahead somebody on duty can be reached (E3.1.11)."""
    wanted = number(given, "at_least", pack, 1)
    hours = rules.working_hours(now.astimezone(LOCAL), AHEAD_DAYS)
    reachable = _reachable(given["post"], now, hours)
    return [
        rules.trouble(
            "no-technician",
            f"{hour:%Y-%m-%d %H:00}",
            hour=f"{hour:%m-%d %H:00}",
            found=count,
            wanted=wanted,
        )
        for hour, count in rules.unreachable_hours(hours, reachable, wanted)
    ]


def _reachable(post: str, now: datetime, hours: list[datetime]) -> dict[datetime, int]:
    """How many people on duty for a kind of post have a number and are not away, by hour."""
    until = now + timedelta(days=AHEAD_DAYS + 1)
    shifts = DutyShift.objects.filter(
        post__kind=post, starts_at__lt=until, ends_at__gt=now, person__active=True
    )
    rows = list(shifts.select_related("person"))
    away = list(
        Absence.objects.filter(
            person__in=[row.person_id for row in rows], starts_at__lt=until, ends_at__gt=now
        )
    )

    def there(row: DutyShift, hour: datetime) -> bool:
        if not row.starts_at <= hour < row.ends_at or not (row.person.phone or row.person.second_phone):
            return False
        return not any(
            one.person_id == row.person_id and not one.reachable and one.starts_at <= hour < one.ends_at
            for one in away
        )

    return {hour: len({row.person_id for row in rows if there(row, hour)}) for hour in hours}
