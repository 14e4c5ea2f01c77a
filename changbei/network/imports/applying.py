"""Writing what was read: all of it or, on request, the good rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Max

from changbei.core import clock
from changbei.core.errors import Invalid, Problem
from changbei.journal import services as journal
from changbei.network import codes
from changbei.network.imports import changing
from changbei.network.imports.checking import Values
from changbei.network.imports.reading import GoodRow, Parsed
from changbei.network.models import (
    Area,
    District,
    Line,
    Place,
    Product,
    Retailer,
    Site,
    Stock,
    Vehicle,
    WeeklyDemand,
)
from changbei.people import access
from changbei.people import services as people
from changbei.people.models import Contact, DutyShift, Person, Post, PostHolding, Unit


@dataclass(frozen=True)
class Imported:
    """How many rows went in, and how many were left out for their problems; of an update also how many changed what
    was there, and how many said what was so already.
    """

    imported: int
    left_out: int
    changed: int = 0
    unchanged: int = 0


@transaction.atomic
def apply(parsed: Parsed, *, good_rows_only: bool = False, actor: Person | None) -> Imported:
    """Write the rows and journal `network.imported`.

    Raises Invalid with every problem, and writes nothing, when there is one; with `good_rows_only` the rows without
    a problem are written, unless the file as a whole could not be understood. NotAllowed without `network.import`.
    """
    if actor is not None:
        access.require(actor, "network.import")
    if parsed.problems and not (good_rows_only and parsed.is_usable):
        raise Invalid(problems=[_as_problem(parsed, index) for index in range(len(parsed.problems))])
    new = [row for row in parsed.rows if row.of is None]
    _WRITERS[parsed.kind.name](new)
    facts = {
        "kind": parsed.kind.name,
        "file": parsed.file,
        "sha256": parsed.sha256,
        "imported": len(new),
        "left_out": len(parsed.wrong_rows),
    }
    result = Imported(len(new), len(parsed.wrong_rows))
    if parsed.update:
        found = list(changing.changes(parsed))
        changing.write(parsed.kind, found, actor=actor)
        facts |= {"changed": len(found), "columns": changing.counted(found)}
        result = replace(result, changed=len(found), unchanged=len(parsed.rows) - len(new) - len(found))
    journal.append("network.imported", actor=actor, data=facts)
    return result


def _as_problem(parsed: Parsed, index: int) -> Problem:
    found = parsed.problems[index]
    given = f"{found.value!r} " if found.value else ""
    return Problem(found.column, f"{given}{found.message}", file=parsed.file, line=found.row)


def _retailers(rows: list[GoodRow]) -> None:
    ends = dict(Retailer.objects.values_list("line_id").annotate(last=Max("line_sequence")).order_by())
    new = []
    for row in rows:
        values = _by_id(row.values, "district", "place", "line", "customer_manager")
        if values["line_sequence"] is None:
            values["line_sequence"] = ends[values["line_id"]] = ends.get(values["line_id"], 0) + 1
        new.append(Retailer(**values))
    Retailer.objects.bulk_create(new, batch_size=1000)


def _vehicles(rows: list[GoodRow]) -> None:
    new = [Vehicle(**_by_id(row.values, "site", "keeper")) for row in rows]
    Vehicle.objects.bulk_create(new, batch_size=1000)


def _staff(rows: list[GoodRow]) -> None:
    """Whoever holds a post that an update gives to somebody new is relieved."""
    given = [(row.values["post"], row.values["rank"]) for row in rows]
    new = Person.objects.bulk_create([_person(row.values) for row in rows], batch_size=1000)
    held = set(PostHolding.objects.filter(until__isnull=True).values_list("post_id", "rank"))
    now, holdings = clock.now(), []
    for person, (post, rank) in zip(new, given, strict=True):
        if (post, rank) in held:
            people.appoint(Post.objects.get(pk=post), person, rank, actor=None)
        elif post:
            holdings.append(PostHolding(post_id=post, person=person, rank=rank, since=now))
    PostHolding.objects.bulk_create(holdings)


def _person(values: Values) -> Person:
    own = {key: value for key, value in values.items() if key not in {"unit", "post", "rank"}}
    return Person(unit_id=values["unit"], **own)


def _units(rows: list[GoodRow]) -> None:
    """One after the other, as a parent may stand in a row above."""
    known = {code.casefold(): number for number, code in Unit.objects.values_list("pk", "code")}
    for row in rows:
        values = _named(row.values)
        parent = values.pop("parent")
        unit = Unit.objects.create(**values, parent_id=known[parent.casefold()] if parent else None)
        known[unit.code.casefold()] = unit.pk


def _posts(rows: list[GoodRow]) -> None:
    Post.objects.bulk_create([Post(**_by_id(_named(row.values), "unit")) for row in rows], batch_size=1000)


def _duty(rows: list[GoodRow]) -> None:
    shifts = [DutyShift(**_by_id(row.values, "post", "person")) for row in rows]
    DutyShift.objects.bulk_create(shifts, batch_size=1000)


def _contacts(rows: list[GoodRow]) -> None:
    new = []
    for row in rows:
        values = _named(row.values)
        values["organisation"], values["serves"] = values.pop("name"), values["serves"] or []
        new.append(Contact(**values))
    Contact.objects.bulk_create(new, batch_size=1000)


def _sites(rows: list[GoodRow]) -> None:
    Site.objects.bulk_create([Site(**_by_id(_named(row.values), "unit")) for row in rows], batch_size=1000)


def _districts(rows: list[GoodRow]) -> None:
    heads = [codes.head(row.values["code"]) for row in rows]
    outlines = dict(Area.objects.filter(code__in=heads).values_list("code", "outline"))
    new = [
        District(**_by_id(_named(row.values), "marketing_department"), outline=outlines[head])
        for row, head in zip(rows, heads, strict=True)
    ]
    District.objects.bulk_create(new, batch_size=1000)


def _towns(rows: list[GoodRow]) -> None:
    Place.objects.bulk_create(
        [Place(**_by_id(_named(row.values), "district")) for row in rows], batch_size=1000
    )


def _lines(rows: list[GoodRow]) -> None:
    new = [Line(**_by_id(_named(row.values), "site", "vehicle", "driver")) for row in rows]
    Line.objects.bulk_create(new, batch_size=1000)


def _products(rows: list[GoodRow]) -> None:
    new = [Product(**_by_id(_named(row.values), "manufacturer")) for row in rows]
    Product.objects.bulk_create(new, batch_size=1000)


def _stock(rows: list[GoodRow]) -> None:
    new = [Stock(**_by_id(row.values, "site", "product")) for row in rows]
    Stock.objects.bulk_create(new, batch_size=1000)


def _demand(rows: list[GoodRow]) -> None:
    new = [WeeklyDemand(**_by_id(row.values, "product")) for row in rows]
    WeeklyDemand.objects.bulk_create(new, batch_size=1000)


def _named(values: Values) -> Values:
    """With `name` as a text in three languages; where one was left empty the simplified one stands."""
    own = {key: value for key, value in values.items() if key not in {"name_hant", "name_en"}}
    name = values["name"]
    own["name"] = {"zh-Hans": name, "zh-Hant": values["name_hant"] or name, "en": values["name_en"] or name}
    return own


def _by_id(values: Values, *references: str) -> Values:
    return {f"{key}_id" if key in references else key: value for key, value in values.items()}


_WRITERS: Mapping[str, Callable[[list[GoodRow]], None]] = {
    "units": _units,
    "posts": _posts,
    "staff": _staff,
    "duty": _duty,
    "contacts": _contacts,
    "sites": _sites,
    "vehicles": _vehicles,
    "districts": _districts,
    "towns": _towns,
    "lines": _lines,
    "retailers": _retailers,
    "products": _products,
    "stock": _stock,
    "demand": _demand,
}
