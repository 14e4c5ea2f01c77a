"""What an account or a person may do: it follows from job and posts, those of people they stand in for
included.
"""

from __future__ import annotations

from typing import Protocol, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from changbei.core import clock
from changbei.core.errors import NotAllowed, NotFound, there
from changbei.core.texts import uuid_in
from changbei.journal import prepared
from changbei.people import rules
from changbei.people.models import Account, Person, Unit

Row = TypeVar("Row", bound=Model)


class OfUnit(Protocol):
    """Anything that belongs to a unit."""

    unit_id: int


Thing = Unit | OfUnit | None


def person_of(actor: object) -> Person | None:
    """The person behind an account; None for anonymous visitors and accounts without one."""
    if isinstance(actor, Person):
        return actor
    return actor.person if isinstance(actor, Account) and actor.is_active else None


def may(actor: object, permission: str, thing: Thing = None) -> bool:
    """Whether `actor` (Account, Person or anything else, which may nothing) has the permission, for
    `thing` if given.

    Raises LookupError for a permission that does not exist. One or two short queries.
    """
    units = _granted(actor, permission)
    if units is None or thing is None:
        return units is None or bool(units)
    unit_id = thing.pk if isinstance(thing, Unit) else thing.unit_id
    return any(unit in units for unit in _tree().chain(unit_id))


def units_with(actor: object, permission: str) -> frozenset[int] | None:
    """Every unit for whose things the actor has the permission, those below a granted one included; None: for all,
    an empty set: for none.
    """
    units = _granted(actor, permission)
    return units if not units else _tree().below(units)


def _granted(actor: object, permission: str) -> frozenset[int] | None:
    if permission not in rules.PERMISSIONS:
        raise LookupError(f"{permission!r} is no permission; see changbei.people.rules.PERMISSIONS")
    if isinstance(actor, Account) and actor.is_active and actor.is_admin:
        return None
    person = person_of(actor)
    if person is None or not person.active:
        return frozenset()
    return rules.units_granted(permission, standing(person))


def units_below(unit: Unit) -> frozenset[int]:
    """The unit and all beneath it."""
    return _tree().below(frozenset({unit.pk}))


def _tree() -> rules.UnitTree:
    return rules.UnitTree(dict(Unit.objects.values_list("pk", "parent_id")))


def require(actor: object, permission: str, thing: Thing = None) -> None:
    """Raise NotAllowed unless `may`."""
    if not may(actor, permission, thing):
        raise NotAllowed(permission)


def get(actor: object, permission: str, rows: QuerySet[Row], uuid: UUID | str) -> Row:
    """The row of this uuid, for whoever has the permission; NotFound for others, and when there is none."""
    if not may(actor, permission):
        raise NotFound(str(uuid))
    key = uuid_in(uuid)
    return there(rows.filter(uuid=key).first() if key else None, uuid)


def permissions_of(actor: object) -> frozenset[str]:
    """Every permission the actor has for at least something: what menus and buttons ask, once a page."""
    if isinstance(actor, Account) and actor.is_active and actor.is_admin:
        return frozenset(rules.PERMISSIONS)
    person = person_of(actor)
    if person is None or not person.active:
        return frozenset()
    now = standing(person)
    return frozenset(name for name in rules.PERMISSIONS if rules.units_granted(name, now) != frozenset())


# Every request asks this: as a queryset, putting the statement together costs more than its answer.
STANDING = """
SELECT p.kind, p.unit_id FROM people_postholding h JOIN people_post p ON p.id = h.post_id
WHERE (h.person_id = %(person)s OR h.person_id IN
    (SELECT person_id FROM people_absence
     WHERE substitute_id = %(person)s AND starts_at <= %(now)s AND ends_at > %(now)s))
  AND h.since <= %(now)s AND (h.until IS NULL OR h.until > %(now)s)
UNION
SELECT p.kind, p.unit_id FROM people_dutyshift d JOIN people_post p ON p.id = d.post_id
WHERE d.person_id = %(person)s AND d.starts_at <= %(now)s AND d.ends_at > %(now)s
"""


def standing(person: Person) -> rules.Standing:
    """Job, posts and duty at this moment, and the posts of those the person stands in for."""
    with prepared.cursor() as cursor:
        cursor.execute(STANDING, {"person": person.pk, "now": clock.now()})
        return rules.Standing(person.job, person.unit_id, frozenset(cursor.fetchall()))


def get_person(actor: object, staff_no: str) -> Person:
    """A colleague by staff number; NotFound when there is none or the actor may see nobody."""
    if not may(actor, "people.see"):
        raise NotFound(staff_no)
    try:
        return Person.objects.select_related("unit").get(staff_no=staff_no)
    except Person.DoesNotExist:
        raise NotFound(staff_no) from None
