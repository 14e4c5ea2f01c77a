"""The roster of the coming week, read once: people, posts, duty, absences, contacts, and where events can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Q

from changbei.network.models import District, Site
from changbei.people.models import Absence, Contact, DutyShift, Person, PostHolding, Unit
from changbei.people.models import Post as PostRow
from changbei.people.rules import Away, UnitTree

HOURS = 168


@dataclass(frozen=True, slots=True)
class Somebody:
    """A member of staff as far as the checker asks."""

    id: int
    staff_no: str
    name: str
    job: str
    unit: int
    ways: int  # how many ways to be reached are on file: two numbers, an e-mail address

    def __str__(self) -> str:
        return f"{self.name} ({self.staff_no})"


@dataclass(frozen=True, slots=True)
class Span:
    """Somebody holds a post (rank 1, 2 …), or is on duty for it, from `starts` until `ends`."""

    person: int
    kind: str
    post: str
    unit: int
    rank: int
    starts: datetime
    ends: datetime | None
    duty: bool = False

    def covers(self, moment: datetime) -> bool:
        return self.starts <= moment and (self.ends is None or self.ends > moment)


@dataclass(frozen=True, slots=True)
class Gone:
    """Somebody is away from `starts` until `ends`."""

    person: int
    starts: datetime
    ends: datetime
    away: Away


@dataclass(frozen=True, slots=True)
class ContactRow:
    code: str
    group: str
    serves: frozenset[str]
    phone: str
    reviewed_on: date


@dataclass(frozen=True)
class Roster:
    """Everything the checker needs to know of the city, at `now` and for HOURS after it."""

    now: datetime
    people: Mapping[int, Somebody]
    spans: tuple[Span, ...]
    gone: tuple[Gone, ...]
    contacts: tuple[ContactRow, ...]
    posts: frozenset[str]  # kinds of posts there are
    units: Mapping[int, str]  # id → code
    unit_kinds: Mapping[int, str]
    tree: UnitTree
    sites: tuple[int, ...]  # units of delivery centre and transfer stations
    departments: tuple[int, ...]  # marketing departments with a district
    jobs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def hours(self) -> list[datetime]:
        """The beginnings of the hours looked at, from the present one on."""
        begin = self.now.replace(minute=0, second=0, microsecond=0)
        return [begin + timedelta(hours=number) for number in range(HOURS)]


def read(now: datetime) -> Roster:
    """The roster as the database has it; nine queries, whatever the size of the plan."""
    until = now + timedelta(hours=HOURS + 1)
    people = {one.id: one for one in map(_somebody, Person.objects.filter(active=True).order_by("pk"))}
    units = list(Unit.objects.order_by("pk").values_list("pk", "code", "kind", "parent_id"))
    return Roster(
        now=now,
        people=people,
        spans=tuple(one for one in (*_holdings(now, until), *_shifts(now, until)) if one.person in people),
        gone=tuple(_gone(now, until, people)),
        contacts=tuple(map(_contact, Contact.objects.order_by("code"))),
        posts=frozenset(PostRow.objects.values_list("kind", flat=True)),
        units={pk: code for pk, code, _, _ in units},
        unit_kinds={pk: kind for pk, _, kind, _ in units},
        tree=UnitTree({pk: parent for pk, _, _, parent in units}),
        sites=tuple(dict.fromkeys(Site.objects.order_by("pk").values_list("unit_id", flat=True))),
        departments=tuple(
            dict.fromkeys(
                pk
                for pk in District.objects.order_by("marketing_department_id").values_list(
                    "marketing_department_id", flat=True
                )
                if pk is not None
            )
        ),
        jobs=_by_job(people.values()),
    )


def _somebody(person: Person) -> Somebody:
    ways = sum(bool(way.strip()) for way in (person.phone, person.second_phone, person.email))
    return Somebody(person.pk, person.staff_no, person.name, person.job, person.unit_id, ways)


def _by_job(people: Iterable[Somebody]) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for person in people:
        found.setdefault(person.job, []).append(person.id)
    return {job: tuple(ids) for job, ids in found.items()}


def _holdings(now: datetime, until: datetime) -> Iterable[Span]:
    rows = PostHolding.objects.filter(since__lt=until).filter(Q(until__isnull=True) | Q(until__gt=now))
    for row in rows.select_related("post").order_by("pk"):
        yield Span(
            row.person_id, row.post.kind, row.post.code, row.post.unit_id, row.rank, row.since, row.until
        )


def _shifts(now: datetime, until: datetime) -> Iterable[Span]:
    rows = DutyShift.objects.filter(starts_at__lt=until, ends_at__gt=now)
    for row in rows.select_related("post").order_by("pk"):
        yield Span(
            row.person_id,
            row.post.kind,
            row.post.code,
            row.post.unit_id,
            1,
            row.starts_at,
            row.ends_at,
            duty=True,
        )


def _gone(now: datetime, until: datetime, people: Mapping[int, Somebody]) -> Iterable[Gone]:
    """Newest first, as `people.resolution` merges them."""
    for row in Absence.objects.filter(starts_at__lt=until, ends_at__gt=now).order_by("-pk"):
        substitute = row.substitute_id if row.substitute_id in people else None
        yield Gone(
            row.person_id, row.starts_at, row.ends_at, Away(row.out_of_city, row.reachable, substitute)
        )


def _contact(row: Contact) -> ContactRow:
    return ContactRow(row.code, row.group, frozenset(row.serves), row.phone.strip(), row.reviewed_on)
