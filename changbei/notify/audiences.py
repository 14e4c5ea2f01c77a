"""Whom a notice goes to, as a question to the registries: counted, sampled, and frozen when it is sent.

A query names what must be true of a customer (or of a member of staff); all that it says must hold. It is kept with the
notice, but the messages are the answer: who joins the area tomorrow was not told today.

Sets that rooms above know (the customers of a suspension, of a warning) are declared there with `source`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import MD5
from django.utils.translation import gettext_noop

from changbei.core.errors import Invalid, Problem
from changbei.network import selectors as network
from changbei.network.models import Retailer
from changbei.people.models import Person

Json = dict[str, Any]
Source = Callable[[UUID], Collection[int]]
SAMPLE = 5
KINDS = ("retailers", "people")
MOST_TIER = 30
_sources: dict[str, Source] = {}


def source(name: str) -> Callable[[Source], Source]:
    """Declare the decorated function as the one that gives the customers (ids) of `name:<uuid>`."""

    def declare(find: Source) -> Source:
        _sources[name] = find
        return find

    return declare


@dataclass(frozen=True)
class Query:
    """What must be true of the recipients; what is empty says nothing.

    kind: retailers or people. area: GeoJSON polygon. of: `suspension:<uuid>` and the like. Of retailers: lines (codes),
    tier_from, tier_to (1 to 30), order_days (1 = Monday), managers (staff numbers), districts (codes), key,
    vulnerable, settlement. Of people: jobs. Of both: units (codes), a customer's being that of the customer manager.
    everybody: said on purpose, when nothing else is.
    """

    kind: str = "retailers"
    everybody: bool = False
    area: Json | None = None
    of: str = ""
    lines: tuple[str, ...] = ()
    tier_from: int | None = None
    tier_to: int | None = None
    order_days: tuple[int, ...] = ()
    managers: tuple[str, ...] = ()
    districts: tuple[str, ...] = ()
    key: bool | None = None
    vulnerable: bool | None = None
    settlement: str = ""
    jobs: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """What was said, and nothing else."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value not in (None, (), "", False) or (name in _YES_NO and value is False)
        }

    @property
    def says_something(self) -> bool:
        return self.everybody or bool(set(self.to_json()) - {"kind"})


_YES_NO = frozenset({"key", "vulnerable"})
_LISTS = frozenset({"lines", "managers", "districts", "jobs", "units"})
SAY_WHO = gettext_noop("say who is told, or that it is everybody")
_OF_PEOPLE = frozenset({"kind", "everybody", "jobs", "units"})
_NAMES = frozenset(one.name for one in fields(Query))


def read(given: Mapping[str, Any]) -> Query:
    """The query that a form or a program asks for. Invalid, with every problem, for what is none."""
    problems = [Problem(name, gettext_noop("is not known")) for name in sorted(set(given) - _NAMES)]
    kind = given.get("kind", "retailers")
    if kind not in KINDS:
        raise Invalid("kind", "one of retailers, people")
    known = {name: value for name, value in given.items() if name in _NAMES}
    kept: dict[str, Any] = {}
    for name, value in known.items():
        try:
            kept[name] = _checked(name, value)
        except (TypeError, ValueError):
            problems.append(Problem(name, gettext_noop("has the wrong form")))
    query = Query(**kept) if not problems else Query()
    if kind == "people" and (foreign := sorted(set(query.to_json()) - _OF_PEOPLE)):
        problems += [Problem(name, gettext_noop("is said of customers only")) for name in foreign]
    if kind == "retailers" and query.jobs:
        problems.append(Problem("jobs", gettext_noop("is said of staff only")))
    if not problems and not query.says_something:
        problems.append(Problem("audience", SAY_WHO))
    if problems:
        raise Invalid(problems=problems)
    return query


def _checked(name: str, value: Any) -> Any:
    if name in _LISTS:
        return tuple(_text(one) for one in _sequence(value))
    if name == "order_days":
        return tuple(_within(one, 1, 7) for one in _sequence(value))
    if name in {"tier_from", "tier_to"}:
        return None if value is None else _within(value, 1, MOST_TIER)
    if name in _YES_NO | {"everybody"}:
        if value is not None and not isinstance(value, bool):
            raise ValueError(value)
        return value if value is not None or name in _YES_NO else False
    if name == "area":
        if value is not None and not isinstance(value, Mapping):
            raise ValueError(value)
        return dict(value) if value else None
    if name == "of" and value:
        _source_of(_text(value))
    return _text(value)


def _sequence(value: Any) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _within(value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(value)
    return value


def _source_of(of: str) -> tuple[Source, UUID]:
    name, _, reference = of.partition(":")
    if name not in _sources:
        raise ValueError(of)
    return _sources[name], UUID(reference)


def among(found: QuerySet[Retailer], ids: Collection[int]) -> QuerySet[Retailer]:
    """Those of `found` whose key is among `ids`, however many: one array, not a parameter each."""
    keys = RawSQL("SELECT unnest(%s::bigint[])", [list(ids)])
    return found.filter(pk__in=keys)


def retailers(query: Query, *, only: Collection[int] | None = None) -> QuerySet[Retailer]:
    """The active customers to whom all that the query says applies, in the order of their lines.

    With `only`, those of them with these keys. Raises Invalid for what is no area.
    """
    found = Retailer.objects.filter(active=True)
    if only is not None:
        found = among(found, only)
    if query.area:
        found = among(found, network.retailer_ids_in(query.area))
    if query.of:
        find, reference = _source_of(query.of)
        found = among(found, find(reference))
    exact: dict[str, Any] = {
        "line__code__in": query.lines,
        "order_weekday__in": query.order_days,
        "customer_manager__staff_no__in": query.managers,
        "customer_manager__unit__code__in": query.units,
        "district__code__in": query.districts,
        "settlement": query.settlement,
        "supply_tier__gte": query.tier_from,
        "supply_tier__lte": query.tier_to,
        "is_key": query.key,
        "is_vulnerable": query.vulnerable,
    }
    said = {name: value for name, value in exact.items() if value not in (None, (), "")}
    return found.filter(**said).order_by("line_id", "line_sequence", "pk")


def people(query: Query) -> QuerySet[Person]:
    """The members of staff to whom the query applies, by staff number."""
    found = Person.objects.filter(active=True)
    if query.jobs:
        found = found.filter(job__in=query.jobs)
    if query.units:
        found = found.filter(unit__code__in=query.units)
    return found.order_by("staff_no")


@dataclass(frozen=True)
class Preview:
    """Who would be told if it were sent now."""

    count: int
    unreachable: int  # of them, by the channels that were chosen
    managers: int = 0  # customer managers concerned
    sample: list[Retailer] | list[Person] = field(default_factory=list)

    @property
    def reachable(self) -> int:
        return self.count - self.unreachable


def sample_of_retailers(query: Query) -> list[Retailer]:
    """A few of them from anywhere; the same ones whenever it is asked."""
    found = retailers(query).select_related("line", "customer_manager", "district")
    return list(found.order_by(MD5(F("licence_no")))[:SAMPLE])


def sample_of_people(query: Query) -> list[Person]:
    return list(people(query).select_related("unit").order_by(MD5(F("staff_no")))[:SAMPLE])
