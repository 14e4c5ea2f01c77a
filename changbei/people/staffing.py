"""Who holds which post and who is on duty: all posts at once, one post with its roster ahead, one person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import NotFound, there
from changbei.people import access, rules
from changbei.people.models import Absence, DutyShift, Person, Post, PostHolding, Unit

DAYS_AHEAD = 14
ROSTER_DAYS = 28
"""A post has a roster when somebody was or will be on duty for it within so many days before today, or later."""

Span = tuple[datetime, datetime]
Row = TypeVar("Row", Absence, DutyShift)


@dataclass(frozen=True)
class Held:
    """Somebody in a post; `absence`: the one that covers now and ends last."""

    holding: PostHolding
    absence: Absence | None

    @property
    def person(self) -> Person:
        return self.holding.person


@dataclass(frozen=True)
class OnDuty:
    """Somebody on the roster now; with an absence they are not there, whatever the roster says."""

    shift: DutyShift
    absence: Absence | None


@dataclass(frozen=True)
class Staffed:
    """A post with its holders by rank, who is on duty for it now, and who does its part now and why (rules.Why)."""

    post: Post
    holders: Sequence[Held]
    on_duty: Sequence[OnDuty]
    has_roster: bool
    doing: Person | None
    why: str

    @property
    def vacant(self) -> bool:
        """No holder, whatever deputies there are."""
        return all(one.holding.rank > 1 for one in self.holders)


def staffed(posts: Iterable[Post], now: datetime) -> list[Staffed]:
    """These posts (with their units) as they are at `now`, in the order given. Four queries."""
    every = list(posts)
    ids = [one.pk for one in every]
    holdings = _holdings(ids, now)
    shifts = _on_duty(ids, now)
    absences = _absences(now)
    away = {person: rules.merge(map(_away, rows)) for person, rows in absences.items()}
    substitutes = {
        one.substitute.pk: one.substitute for rows in absences.values() for one in rows if one.substitute
    }
    since = now - timedelta(days=ROSTER_DAYS)
    rosters = DutyShift.objects.filter(post__in=ids, ends_at__gt=since).values_list("post", flat=True)
    with_roster = set(rosters.distinct())
    return [
        _staffed(
            post,
            [Held(one, _longest(absences.get(one.person_id, ()))) for one in holdings[post.pk]],
            [OnDuty(one, _longest(absences.get(one.person_id, ()))) for one in shifts[post.pk]],
            away,
            substitutes,
            has_roster=post.pk in with_roster,
        )
        for post in every
    ]


def _staffed(
    post: Post,
    holders: Sequence[Held],
    on_duty: Sequence[OnDuty],
    away: Mapping[int, rules.Away],
    substitutes: dict[int, Person],
    *,
    has_roster: bool,
) -> Staffed:
    offers = [rules.Offer(one.person.pk, "post", rank=one.holding.rank) for one in holders]
    offers += [rules.Offer(one.shift.person_id, "duty") for one in on_duty]
    choice = rules.choose(rules.RoleSpec(duty=post.kind), offers, away)
    known = {one.person.pk: one.person for one in holders}
    known |= {one.shift.person_id: one.shift.person for one in on_duty}
    return Staffed(
        post=post,
        holders=holders,
        on_duty=on_duty,
        has_roster=has_roster,
        doing=(known | substitutes)[choice.person] if choice.person is not None else None,
        why=choice.why,
    )


def _away(row: Absence) -> rules.Away:
    substitute = row.substitute_id if row.substitute and row.substitute.active else None
    return rules.Away(row.out_of_city, row.reachable, substitute)


def _longest(absences: Sequence[Absence]) -> Absence | None:
    return max(absences, key=lambda one: one.ends_at, default=None)


def _holdings(posts: Sequence[int], now: datetime) -> dict[int, list[PostHolding]]:
    rows = PostHolding.objects.filter(post__in=posts, person__active=True, since__lte=now)
    current = rows.filter(Q(until__isnull=True) | Q(until__gt=now))
    found: dict[int, list[PostHolding]] = defaultdict(list)
    for row in current.select_related("person").order_by("rank", "pk"):
        found[row.post_id].append(row)
    return found


def _on_duty(posts: Sequence[int], now: datetime) -> dict[int, list[DutyShift]]:
    rows = DutyShift.objects.filter(post__in=posts, person__active=True, starts_at__lte=now, ends_at__gt=now)
    found: dict[int, list[DutyShift]] = defaultdict(list)
    for row in rows.select_related("person").order_by("starts_at", "pk"):
        found[row.post_id].append(row)
    return found


def _absences(now: datetime) -> dict[int, list[Absence]]:
    """Absences that cover `now`, by person, the newest first: those of substitutes count as well."""
    rows = Absence.objects.filter(starts_at__lte=now, ends_at__gt=now).select_related("substitute")
    found: dict[int, list[Absence]] = defaultdict(list)
    for row in rows.order_by("-pk"):
        found[row.person_id].append(row)
    return found


# ---- one post


def get_post(actor: object, code: str) -> Post:
    """A post by its code; NotFound when there is none or the actor may see nobody."""
    found = Post.objects.select_related("unit").filter(code=code).first()
    if found is None or not access.may(actor, "people.see"):
        raise NotFound(code)
    return found


def get_shift(post: Post, pk: int) -> DutyShift:
    """A shift of the post, with its post and person. Raises NotFound."""
    found = post.duty.select_related("post", "person").filter(pk=pk).first()
    return there(found, gettext_noop("this shift is on the roster no longer"))


def get_absence(person: Person, pk: int) -> Absence:
    """An absence of the person. Raises NotFound."""
    found = person.absences.select_related("person").filter(pk=pk).first()
    return there(found, gettext_noop("no such absence"))


@dataclass(frozen=True)
class Turn:
    """A shift as far as it lies in a day; `away`: the person is or will be away for some of that."""

    shift: DutyShift
    away: bool


@dataclass(frozen=True)
class Day:
    """A day of a roster, and the stretches, within it and ahead, in which nobody who is on duty is there."""

    on: date
    turns: Sequence[Turn]
    uncovered: Sequence[Span]
    ahead: timedelta

    @property
    def nobody(self) -> bool:
        """Whether what is ahead of the day has nobody on duty at all."""
        return hours(self.uncovered) == self.ahead


def roster(post: Post, now: datetime, days: int = DAYS_AHEAD) -> list[Day]:
    """The coming days by the city's clock, today first. Two queries."""
    today = clock.day_of(now)
    whole = (_midnight(today), _midnight(today + timedelta(days=days)))
    rows = DutyShift.objects.filter(post=post, person__active=True)
    shifts = list(_touching(rows, whole).select_related("person").order_by("starts_at", "pk"))
    away: dict[int, list[Span]] = defaultdict(list)
    for row in _touching(Absence.objects.filter(person__in={one.person_id for one in shifts}), whole):
        away[row.person_id].append((row.starts_at, row.ends_at))
    return [_day(today + timedelta(days=number), now, shifts, away) for number in range(days)]


def _touching(rows: QuerySet[Row], span: Span) -> QuerySet[Row]:
    return rows.filter(starts_at__lt=span[1], ends_at__gt=span[0])


def _day(on: date, now: datetime, shifts: Sequence[DutyShift], away: Mapping[int, Sequence[Span]]) -> Day:
    begin, end = _midnight(on), _midnight(on + timedelta(days=1))
    turns, there = [], []
    for one in shifts:
        if one.starts_at < end and one.ends_at > begin:
            gone = [span for span in away.get(one.person_id, ()) if span[1] > now]
            part = (max(one.starts_at, begin), min(one.ends_at, end))
            present = uncovered(part, gone)
            turns.append(Turn(one, away=present != [part]))
            there += present
    ahead = (max(begin, now), end)
    return Day(on, turns, uncovered(ahead, there), ahead[1] - ahead[0])


def _midnight(on: date) -> datetime:
    return datetime.combine(on, time(), clock.LOCAL)


def uncovered(whole: Span, spans: Iterable[Span]) -> list[Span]:
    """The stretches of `whole` that none of the spans covers, in order."""
    found, at = [], whole[0]
    for starts, ends in sorted(spans):
        if starts > at and at < whole[1]:
            found.append((at, min(starts, whole[1])))
        at = max(at, ends)
    if at < whole[1]:
        found.append((at, whole[1]))
    return found


def hours(spans: Iterable[Span]) -> timedelta:
    """How long they are together."""
    return sum((ends - starts for starts, ends in spans), timedelta())


# ---- units


def in_order(posts: Iterable[Post]) -> list[Post]:
    """Posts unit by unit, each unit before those below it. One query."""
    tree = rules.UnitTree(dict(Unit.objects.values_list("pk", "parent_id")))
    return sorted(posts, key=lambda one: (list(reversed(tree.chain(one.unit_id))), one.pk))


def get_unit(actor: object, code: str) -> Unit:
    """A unit by its code; NotFound when there is none or the actor may see nobody."""
    found = Unit.objects.select_related("parent").filter(code=code).first()
    if found is None or not access.may(actor, "people.see"):
        raise NotFound(code)
    return found


def units_in_order() -> list[tuple[int, Unit]]:
    """Every unit before those below it, with how many stand above it. One query."""
    every = {one.pk: one for one in Unit.objects.select_related("parent").order_by("pk")}
    tree = rules.UnitTree({one.pk: one.parent_id for one in every.values()})
    chains = sorted(list(reversed(tree.chain(pk))) for pk in every)
    return [(len(chain) - 1, every[chain[-1]]) for chain in chains]
