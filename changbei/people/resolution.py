"""From roles to people: posts, duty roster and absences as they are now, in at most four queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, F, IntegerField, Q, Value
from django.db.models.functions import Cast

from changbei.people.models import Absence, DutyShift, Person, PostHolding, Unit
from changbei.people.rules import NOBODY, Away, Choice, Offer, RoleSpec, UnitTree, Why, choose, merge

Scope = Mapping[str, Any]
"""{"unit": code, "site": code of the site's unit, "named": {role: staff number}, "command": {role: staff
number}}
"""

_PERSON_COLUMNS = [field.attname for field in Person._meta.concrete_fields]


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
    """The holders of all roles, by the same names. At most four queries whatever the number of roles
    (E2.1a).
    """
    return resolve_all([(roles, scope)], now)[0]


def resolve_all(
    wanted: Sequence[tuple[Mapping[str, RoleSpec], Scope]], now: datetime
) -> list[dict[str, Holder]]:
    """The holders of the roles of several scopes, in their order: the same four queries for all of them."""
    if not any(roles for roles, _ in wanted):
        return [{} for _ in wanted]
    snapshot = _Snapshot(wanted, now)
    return [
        {name: snapshot.holder(name, role, scope) for name, role in roles.items()} for roles, scope in wanted
    ]


class _Snapshot:
    """Everything that the roles could need, read once."""

    def __init__(self, wanted: Sequence[tuple[Mapping[str, RoleSpec], Scope]], now: datetime) -> None:
        self.people: dict[int, Person] = {}
        roles = [role for of_scope, _ in wanted for role in of_scope.values()]
        self.away = _absences(now, self.people)
        self.posts = self._post_offers({role.post_kind for role in roles if role.post_kind}, now)
        self.others = self._other_people(
            {role.job for role in roles if role.job},
            {
                _named(name, role, scope)
                for of_scope, scope in wanted
                for name, role in of_scope.items()
                if role.is_named
            },
        )
        self.units, self.tree = self._units(roles)

    def holder(self, name: str, role: RoleSpec, scope: Scope) -> Holder:
        choice = choose(role, self._offers(name, role, scope), self.away)
        return self._as_holder(choice)

    def _as_holder(self, choice: Choice) -> Holder:
        person = self.people[choice.person] if choice.person is not None else None
        return Holder(person, choice.why, choice.away)

    def _offers(self, name: str, role: RoleSpec, scope: Scope) -> list[Offer]:
        if role.is_named:
            staff_no = _named(name, role, scope)
            return [Offer(p.pk, "named") for p in self.others if p.staff_no == staff_no]
        here = self._scope_unit(role, scope)
        if role.job:
            return self._near(
                here, [(p.unit_id, "", Offer(p.pk, "job")) for p in self.others if p.job == role.job]
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

    def _post_offers(self, kinds: set[str], now: datetime) -> list[_PostRow]:
        if not kinds:
            return []
        rows = []
        for row in _post_query(kinds, now):
            basis, rank, kind, code, unit, *columns = row
            person = Person.from_db("default", _PERSON_COLUMNS, columns)
            self.people[person.pk] = person
            rows.append(_PostRow("duty" if basis == "duty" else "post", rank, kind, code, unit, person.pk))
        return rows

    def _other_people(self, jobs: set[str], named: set[str]) -> list[Person]:
        named = named - {""}
        if not jobs and not named:
            return []
        found = list(
            Person.objects.filter(Q(job__in=jobs) | Q(staff_no__in=named), active=True).order_by("pk")
        )
        self.people |= {person.pk: person for person in found}
        return found

    def _units(self, roles: Sequence[RoleSpec]) -> tuple[dict[str, int], UnitTree]:
        if all(role.scope == "city" or role.is_named for role in roles):
            return {}, UnitTree({})
        rows = list(Unit.objects.values_list("pk", "code", "parent_id"))
        return {code: pk for pk, code, _ in rows}, UnitTree({pk: parent for pk, _, parent in rows})


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


def _post_query(kinds: set[str], now: datetime) -> Any:
    """Holders and people on duty of these kinds of posts in one statement, each row with the whole person."""
    wanted = ("basis", "at_rank", "post__kind", "post__code", "post__unit_id")
    person = [f"person__{column}" for column in _PERSON_COLUMNS]
    holdings = (
        PostHolding.objects.filter(post__kind__in=kinds, since__lte=now, person__active=True)
        .filter(Q(until__isnull=True) | Q(until__gt=now))
        .annotate(basis=Value("post", output_field=CharField()), at_rank=Cast(F("rank"), IntegerField()))
        .order_by()
        .values_list(*wanted, *person)
    )
    duty = (
        DutyShift.objects.filter(
            post__kind__in=kinds, starts_at__lte=now, ends_at__gt=now, person__active=True
        )
        .annotate(
            basis=Value("duty", output_field=CharField()), at_rank=Value(1, output_field=IntegerField())
        )
        .order_by()
        .values_list(*wanted, *person)
    )
    return holdings.union(duty, all=True)


def _absences(now: datetime, people: dict[int, Person]) -> dict[int, Away]:
    """Who is away now; the substitutes are put among `people`."""
    found: dict[int, list[Away]] = {}
    rows = (
        Absence.objects.filter(starts_at__lte=now, ends_at__gt=now)
        .select_related("substitute")
        .order_by("-pk")
    )
    for row in rows:
        substitute = row.substitute if row.substitute and row.substitute.active else None
        if substitute:
            people[substitute.pk] = substitute
        away = Away(row.out_of_city, row.reachable, substitute.pk if substitute else None)
        found.setdefault(row.person_id, []).append(away)
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
    holders: dict[str, Person] = {}
    rows = (
        PostHolding.objects.filter(post__kind__in=("leading-group-head", "leading-group-deputy"), rank=1)
        .filter(since__lte=now, person__active=True)
        .filter(Q(until__isnull=True) | Q(until__gt=now))
        .select_related("post", "person")
    )
    for row in rows:
        holders[row.post.kind] = row.person
    away = _absences(now, {})

    def present(person: Person | None) -> bool:
        return person is not None and not (person.pk in away and away[person.pk].keeps_from_post)

    head, deputy = holders.get("leading-group-head"), holders.get("leading-group-deputy")
    return Leaders(head, deputy, present(head), present(deputy))


def is_away(person: Person, now: datetime) -> bool:
    """Whether an absence keeps the person from being asked in a post now."""
    away = _absences(now, {}).get(person.pk)
    return away is not None and away.keeps_from_post


__all__ = [
    "NOBODY",
    "Holder",
    "Leaders",
    "RoleSpec",
    "Scope",
    "is_away",
    "leaders_present",
    "resolve",
    "resolve_all",
    "resolve_many",
]
