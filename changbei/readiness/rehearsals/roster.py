"""Who holds each role over the coming week, from posts, shifts and absences on file; the weeks after are like it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from changbei.incidents.services import command
from changbei.people.models import Absence, DutyShift, PostHolding
from changbei.people.resolution import leaders_present, resolve_many
from changbei.plans.model import Pack
from changbei.plans.rehearsal.model import NOBODY, Roster
from changbei.runs.roles import spec_of

WEEK = timedelta(days=7)
WEEKS = 5


def roster(
    pack: Pack, roles: tuple[str, ...], scope: Mapping[str, Any], begins_at: datetime, *, family: str
) -> Roster:
    """The holders of `roles` from `begins_at`, looked at whenever a shift, an absence or a post begins or ends."""
    specs = {role: spec_of(pack, role) for role in roles if role in pack.roles}
    numbers: dict[str, int] = {}
    changes: dict[str, list[tuple[float, int]]] = {role: [] for role in specs}
    for moment in _moments(begins_at):
        held = resolve_many(specs, {**scope, "command": _command(pack, family, moment)}, moment)
        for role, holder in held.items():
            person = holder.person
            number = NOBODY if person is None else numbers.setdefault(person.staff_no, len(numbers))
            if not changes[role] or changes[role][-1][1] != number:
                changes[role].append(((moment - begins_at).total_seconds(), number))
    return Roster(tuple(numbers), {role: _repeated(found) for role, found in changes.items()})


def _repeated(week: list[tuple[float, int]]) -> tuple[tuple[float, int], ...]:
    length = WEEK.total_seconds()
    return tuple((at + length * number, person) for number in range(WEEKS) for at, person in week)


def _moments(begins_at: datetime) -> list[datetime]:
    ends = begins_at + WEEK
    found = {begins_at}
    for model in (DutyShift, Absence):
        for name in ("starts_at", "ends_at"):
            span = {f"{name}__gt": begins_at, f"{name}__lt": ends}
            found |= set(model._default_manager.filter(**span).values_list(name, flat=True).distinct())
    for name in ("since", "until"):
        span = {f"{name}__gt": begins_at, f"{name}__lt": ends}
        found |= set(PostHolding.objects.filter(**span).values_list(name, flat=True).distinct())
    return sorted(found)


def _command(pack: Pack, family: str, now: datetime) -> dict[str, str]:
    """Who would command an event of this family at that moment, the acting commander included (E2.1b, E2.1c)."""
    decided, _post = command.decide(family, pack, now, leaders_present(now))
    return command.roles_of(decided)
