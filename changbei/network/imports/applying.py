"""Writing what was read: all of it or, on request, the good rows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max

from changbei.core import clock
from changbei.core.errors import Invalid, Problem
from changbei.journal import services as journal
from changbei.network.imports.checking import Values
from changbei.network.imports.reading import GoodRow, Parsed
from changbei.network.models import Retailer, Vehicle
from changbei.people import access
from changbei.people.models import Person, PostHolding


@dataclass(frozen=True)
class Imported:
    """How many rows went in, and how many were left out for their problems."""

    imported: int
    left_out: int


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
    {"retailers": _retailers, "vehicles": _vehicles, "staff": _staff}[parsed.kind.name](parsed.rows)
    result = Imported(len(parsed.rows), len(parsed.wrong_rows))
    facts = {
        "kind": parsed.kind.name,
        "file": parsed.file,
        "sha256": parsed.sha256,
        "imported": result.imported,
        "left_out": result.left_out,
    }
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
        values = dict(row.values)
        for name in ("district", "place", "line", "customer_manager"):
            values[f"{name}_id"] = values.pop(name)
        if values["line_sequence"] is None:
            values["line_sequence"] = ends[values["line_id"]] = ends.get(values["line_id"], 0) + 1
        new.append(Retailer(**values))
    Retailer.objects.bulk_create(new, batch_size=1000)


def _vehicles(rows: list[GoodRow]) -> None:
    new = []
    for row in rows:
        values = dict(row.values)
        values["site_id"], values["keeper_id"] = values.pop("site"), values.pop("keeper")
        new.append(Vehicle(**values))
    Vehicle.objects.bulk_create(new, batch_size=1000)


def _staff(rows: list[GoodRow]) -> None:
    posts = [(row.values["post"], row.values["rank"]) for row in rows]
    people = Person.objects.bulk_create([_person(row.values) for row in rows], batch_size=1000)
    now = clock.now()
    PostHolding.objects.bulk_create(
        [
            PostHolding(post_id=post, person=person, rank=rank, since=now)
            for person, (post, rank) in zip(people, posts, strict=True)
            if post
        ]
    )


def _person(values: Values) -> Person:
    own = {key: value for key, value in values.items() if key not in {"unit", "post", "rank"}}
    return Person(unit_id=values["unit"], **own)
