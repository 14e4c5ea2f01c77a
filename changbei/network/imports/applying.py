"""Writing what was read: all of it or, on request, the good rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db import transaction

from changbei.core import clock
from changbei.core.errors import Invalid, Problem
from changbei.journal import services as journal
from changbei.network import codes
from changbei.network.imports import changing
from changbei.network.imports.checking import MODEL_OF
from changbei.network.imports.columns import Kind
from changbei.network.imports.fields import Fields
from changbei.network.imports.reading import GoodRow, Parsed
from changbei.network.models import Area, District, Retailer
from changbei.people import access
from changbei.people import services as people
from changbei.people.models import Person, Post, PostHolding, Unit


@dataclass(frozen=True)
class Imported:
    """How many rows went in, and how many were left out for their problems; of an update also how many changed what
    was there, and how many said what was so already.
    """

    imported: int
    left_out: int
    changed: int = 0
    unchanged: int = 0
    columns: Mapping[str, int] = field(
        default_factory=dict, compare=False
    )  # column → how many rows changed it


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
    _add(parsed.kind, new)
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
        unchanged, columns = len(parsed.rows) - len(new) - len(found), changing.counted(found)
        facts |= {"changed": len(found), "columns": columns}
        result = replace(result, changed=len(found), unchanged=unchanged, columns=columns)
    journal.append("network.imported", actor=actor, data=facts)
    return result


def _as_problem(parsed: Parsed, index: int) -> Problem:
    found = parsed.problems[index]
    given = f"{found.value!r} " if found.value else ""
    return Problem(found.column, f"{given}{found.message}", file=parsed.file, line=found.row)


def _add(kind: Kind, rows: Sequence[GoodRow]) -> None:
    fields = Fields(kind)
    if kind.name == "units":
        _add_units(fields, rows)
        return
    new = [MODEL_OF[kind.name](**fields.of_new(row.values)) for row in rows if not row.further]
    if kind.name == "retailers":
        changing.to_the_ends_of_lines([one for one in new if isinstance(one, Retailer)])
    if kind.name == "districts":
        _give_outlines([one for one in new if isinstance(one, District)])
    made = MODEL_OF[kind.name]._default_manager.bulk_create(new, batch_size=changing.AT_ONCE)
    if kind.name == "staff":
        _appoint([one for one in made if isinstance(one, Person)], rows)


def _add_units(fields: Fields, rows: Sequence[GoodRow]) -> None:
    """One after the other, as a parent may stand in a row above."""
    for row in rows:
        unit = Unit.objects.create(**fields.of_new(row.values))
        fields.units[unit.code.casefold()] = unit.pk


def _give_outlines(districts: Sequence[District]) -> None:
    heads = [codes.head(one.code) for one in districts]
    outlines = dict(Area.objects.filter(code__in=heads).values_list("code", "outline"))
    for one, head in zip(districts, heads, strict=True):
        one.outline = outlines[head]


def _appoint(new: Sequence[Person], rows: Sequence[GoodRow]) -> None:
    """Whoever holds a post that an update gives to somebody new is relieved."""
    by_number = {one.staff_no.casefold(): one for one in new}
    held = set(PostHolding.objects.filter(until__isnull=True).values_list("post_id", "rank"))
    now, holdings = clock.now(), []
    for row in rows:
        person = by_number[row.values["staff_no"].casefold()]
        post, rank = row.values["post"], row.values["rank"]
        if (post, rank) in held:
            people.appoint(Post.objects.get(pk=post), person, rank, actor=None)
        elif post:
            holdings.append(PostHolding(post_id=post, person=person, rank=rank, since=now))
    PostHolding.objects.bulk_create(holdings)
