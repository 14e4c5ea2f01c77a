"""From roles to people: posts, duty roster and absences as they are now, in two queries."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q

from changbei.journal import prepared
from changbei.people.models import Absence, Person
from changbei.people.rules import (
    NOBODY,
    Away,
    Choice,
    Offer,
    RoleSpec,
    UnitTree,
    Why,
    choose,
    doing_the_part_of,
    merge,
)

Scope = Mapping[str, Any]
"""{"unit": code, "site": code of the site's unit, "named": {role: staff number}, "command": {role: staff
number}}
"""


@dataclass(frozen=True)
class Holder:
    """Who holds a role and why; `away`: nobody was present, this person is away but can be reached."""

    person: Person | None
    why: Why
    away: bool = False


def resolve(role: RoleSpec, scope: Scope, now: datetime, *, name: str = "") -> Holder:
    """The holder of one role; `name` is the role's name, needed for roles that the report names."""
    return resolve_many({name: role}, scope, now)[name]


def resolve_many(roles: Mapping[str, RoleSpec], scope: Scope, now: datetime) -> dict[str, Holder]:
    """The holders of all roles, by the same names. Two queries whatever the number of roles
    (E2.1a).
    """
    return resolve_all([(roles, scope)], now)[0]


def resolve_all(
    wanted: Sequence[tuple[Mapping[str, RoleSpec], Scope]], now: datetime
) -> list[dict[str, Holder]]:
    """The holders of the roles of several scopes, in their order: the same two queries for all of them."""
    if not any(roles for roles, _ in wanted):
        return [{} for _ in wanted]
    roster = Roster(wanted, now)
    return [roster.resolve(roles, scope) for roles, scope in wanted]


class Roster:
    """Posts, duties and absences at one moment, as far as some roles need them; read in two queries.

    `next_change` is when a shift, an absence or a post next begins or ends.
    """

    def __init__(self, wanted: Sequence[tuple[Mapping[str, RoleSpec], Scope]], now: datetime) -> None:
        roles = [role for of_scope, _ in wanted for role in of_scope.values()]
        kinds = {role.post_kind for role in roles if role.post_kind} | set(LEADERS)
        jobs = {role.job for role in roles if role.job}
        named = {
            _named(name, role, scope)
            for of_scope, scope in wanted
            for name, role in of_scope.items()
            if role.is_named
        } - {""}
        held, absences, units, self.next_change = _read(kinds, now)
        self.people = _people(jobs, named, held, absences)
        self.by_staff_no = {person.staff_no: person for person in self.people.values()}
        self.jobs = [person for person in sorted(self.people.values(), key=_key) if person.job in jobs]
        self.posts = [row for row in held if row.person in self.people]
        self.away = _away(absences, self.people)
        self.units = {code: pk for pk, code, _ in units}
        self.tree = UnitTree({pk: parent for pk, _, parent in units})

    def resolve(self, roles: Mapping[str, RoleSpec], scope: Scope) -> dict[str, Holder]:
        """The holders of roles that were among those wanted, or of named people who hold posts that were."""
        return {name: self.holder(name, role, scope) for name, role in roles.items()}

    def leaders(self) -> Leaders:
        """Head and deputy head of the leading group."""
        held = {row.kind: self.people[row.person] for row in self.posts if row.leads}
        return _leaders(held, self.away)

    def holder(self, name: str, role: RoleSpec, scope: Scope) -> Holder:
        choice = choose(role, self._offers(name, role, scope), self.away)
        return self._as_holder(choice)

    def _as_holder(self, choice: Choice) -> Holder:
        person = self.people[choice.person] if choice.person is not None else None
        return Holder(person, choice.why, choice.away)

    def _offers(self, name: str, role: RoleSpec, scope: Scope) -> list[Offer]:
        if role.is_named:
            person = self.by_staff_no.get(_named(name, role, scope))
            return [Offer(person.pk, "named")] if person else []
        here = self._scope_unit(role, scope)
        if role.job:
            return self._near(
                here, [(p.unit_id, "", Offer(p.pk, "job")) for p in self.jobs if p.job == role.job]
            )
        rows = [
            row for row in self.posts if row.kind == role.post_kind and (role.duty or row.basis == "post")
        ]
        return self._near(
            here, [(row.unit, row.code, Offer(row.person, row.basis, rank=row.rank)) for row in rows]
        )

    def _near(self, here: int | None, found: list[tuple[int, str, Offer]]) -> list[Offer]:
        """Grouped by how far the unit is from the one the run concerns; units in line above or below it go
        alone.
        """
        if here is None:
            return [Offer(o.person, o.basis, (0, code), o.rank) for _, code, o in found]
        in_line = [item for item in found if self.tree.in_line(here, item[0])]
        return [
            Offer(o.person, o.basis, (self.tree.distance(here, unit), code), o.rank)
            for unit, code, o in (in_line or found)
        ]

    def _scope_unit(self, role: RoleSpec, scope: Scope) -> int | None:
        if role.scope == "city":
            return None
        wanted = scope.get("site" if role.scope == "site" else "unit") or scope.get("unit")
        return self.units.get(str(wanted)) if wanted else None


def _named(name: str, role: RoleSpec, scope: Scope) -> str:
    """The staff number that the scope gives for a named role; "" for none."""
    given: Mapping[str, str] = scope.get("command" if role.command else "named") or {}
    return given.get(name, "")


@dataclass(frozen=True)
class _PostRow:
    basis: Any
    rank: int
    kind: str
    code: str
    unit: int
    person: int

    @property
    def leads(self) -> bool:
        return self.kind in LEADERS and self.basis == "post" and self.rank == 1


class _AbsenceRow(NamedTuple):
    person: int
    out_of_city: bool
    reachable: bool
    substitute: int | None


# Read for every report and every deadline that falls due: one statement, for which nothing has to be put together.
ROSTER = """
SELECT
  (SELECT coalesce(json_agg(json_build_array(h.basis, h.rank, p.kind, p.code, p.unit_id, h.person_id)), '[]')
   FROM (SELECT 'post' AS basis, rank::int, post_id, person_id FROM people_postholding
         WHERE since <= %(now)s AND (until IS NULL OR until > %(now)s)
         UNION ALL
         SELECT 'duty', 1, post_id, person_id FROM people_dutyshift WHERE starts_at <= %(now)s AND ends_at > %(now)s) h
   JOIN people_post p ON p.id = h.post_id WHERE p.kind = ANY(%(kinds)s)),
  (SELECT coalesce(json_agg(json_build_array(person_id, out_of_city, reachable, substitute_id) ORDER BY id DESC), '[]')
   FROM people_absence WHERE starts_at <= %(now)s AND ends_at > %(now)s),
  (SELECT coalesce(json_agg(json_build_array(id, code, parent_id)), '[]') FROM people_unit),
  (SELECT min(at) FROM (
     SELECT min(starts_at) AS at FROM people_dutyshift WHERE starts_at > %(now)s
     UNION ALL SELECT min(ends_at) FROM people_dutyshift WHERE ends_at > %(now)s
     UNION ALL SELECT min(starts_at) FROM people_absence WHERE starts_at > %(now)s
     UNION ALL SELECT min(ends_at) FROM people_absence WHERE ends_at > %(now)s
     UNION ALL SELECT min(since) FROM people_postholding WHERE since > %(now)s
     UNION ALL SELECT min(until) FROM people_postholding WHERE until > %(now)s) moments)
"""
LEADERS = ("leading-group-head", "leading-group-deputy")
Units = list[tuple[int, str, int | None]]


def _read(
    kinds: Collection[str], now: datetime
) -> tuple[list[_PostRow], list[_AbsenceRow], Units, datetime | None]:
    with prepared.cursor() as cursor:
        cursor.execute(ROSTER, {"now": now, "kinds": sorted(kinds)})
        held, absences, units, change = cursor.fetchone() or ("[]", "[]", "[]", None)
    return (
        [_PostRow(*row) for row in _json(held)],
        [_AbsenceRow(*row) for row in _json(absences)],
        [(pk, code, parent) for pk, code, parent in _json(units)],
        change,
    )


def _json(value: Any) -> list[Any]:
    found: list[Any] = json.loads(value) if isinstance(value, str) else value
    return found


def _people(
    jobs: Collection[str], named: Collection[str], held: Sequence[_PostRow], absences: Sequence[_AbsenceRow]
) -> dict[int, Person]:
    """Whoever may come into question, still with the company."""
    keys = {row.person for row in held} | {row.substitute for row in absences if row.substitute}
    if not (keys or jobs or named):
        return {}
    which = Q(pk__in=keys)
    if jobs:
        which |= Q(job__in=jobs)
    if named:
        which |= Q(staff_no__in=named)
    return {person.pk: person for person in Person.objects.filter(which, active=True)}


def _key(person: Person) -> int:
    return person.pk


def _away(rows: Iterable[_AbsenceRow], people: Collection[int]) -> dict[int, Away]:
    """Who is away now, and who stands in: nobody who has left."""
    found: dict[int, list[Away]] = {}
    for row in rows:
        substitute = row.substitute if row.substitute in people else None
        found.setdefault(row.person, []).append(Away(row.out_of_city, row.reachable, substitute))
    return {person: merge(absences) for person, absences in found.items()}


@dataclass(frozen=True)
class Leaders:
    """Head and deputy head of the leading group, and whether each is in the city and can be reached
    (E2.1c).
    """

    head: Person | None
    deputy: Person | None
    head_present: bool
    deputy_present: bool

    @property
    def both_away(self) -> bool:
        return not self.head_present and not self.deputy_present


def leaders_present(now: datetime) -> Leaders:
    """Who leads at `now`. A vacant post counts as away. Two queries."""
    return Roster([], now).leaders()


def _leaders(held: Mapping[str, Person], away: Mapping[int, Away]) -> Leaders:
    def present(person: Person | None) -> bool:
        return person is not None and not (person.pk in away and away[person.pk].keeps_from_post)

    head, deputy = (held.get(kind) for kind in LEADERS)
    return Leaders(head, deputy, present(head), present(deputy))


def standing_in(staff_nos: Collection[str], now: datetime) -> dict[str, Person]:
    """Staff number → who does that person's part now: themselves, or the substitute while they are away.

    Unknown numbers, people who have left and those away without a substitute who is there are absent. Two queries.
    """
    columns = ("person_id", "out_of_city", "reachable", "substitute_id")
    current = Absence.objects.filter(starts_at__lte=now, ends_at__gt=now).order_by("-pk")
    absences = [_AbsenceRow(*row) for row in current.values_list(*columns)]
    which = Q(pk__in={row.substitute for row in absences if row.substitute}) | Q(
        staff_no__in=set(staff_nos) - {""}
    )
    people = {person.pk: person for person in Person.objects.filter(which, active=True)}
    away = _away(absences, people)
    found = {person.staff_no: doing_the_part_of(person.pk, away) for person in people.values()}
    return {one: people[doing] for one in staff_nos if (doing := found.get(one)) is not None}


__all__ = [
    "NOBODY",
    "Holder",
    "Leaders",
    "RoleSpec",
    "Roster",
    "Scope",
    "leaders_present",
    "resolve",
    "resolve_all",
    "resolve_many",
    "standing_in",
]
