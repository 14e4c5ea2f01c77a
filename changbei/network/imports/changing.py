"""Rows that change what is there already: what differs, and writing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Model

from changbei.network.imports.checking import MODEL_OF
from changbei.network.imports.columns import Kind
from changbei.network.imports.fields import Fields
from changbei.network.imports.reading import GoodRow, Parsed
from changbei.network.models import Retailer
from changbei.people import services as people
from changbei.people.models import Person, Post, PostHolding

AT_ONCE = 1000


@dataclass(frozen=True)
class Change:
    """What a row changes: `fields` of the model, with what they become; `appoints`: a post and a rank in it."""

    row: GoodRow
    was: Model
    fields: Mapping[str, Any]
    appoints: tuple[int, int] | None = None

    @property
    def columns(self) -> list[str]:
        """What changes, for people who look before they write."""
        return [*self.fields, *(["post"] if self.appoints else [])]


def changes(parsed: Parsed) -> Iterator[Change]:
    """Those of the rows that say something else than what is there."""
    rows = [row for row in parsed.rows if row.of is not None]
    fields, held = Fields(parsed.kind), _held() if parsed.kind.name == "staff" else frozenset()
    for first in range(0, len(rows), AT_ONCE):
        some = rows[first : first + AT_ONCE]
        there = MODEL_OF[parsed.kind.name]._default_manager.in_bulk([row.of for row in some])
        for row in some:
            was = there[row.of]
            said = fields.of_known(row.values, was)
            new = {name: value for name, value in said.items() if getattr(was, name) != value}
            appoints = _appoints(row, held)
            if new or appoints:
                yield Change(row, was, new, appoints)


def counted(found: Sequence[Change]) -> dict[str, int]:
    """How many rows change each column."""
    return dict(sorted(Counter(name for change in found for name in change.columns).items()))


def write(kind: Kind, found: Sequence[Change], *, actor: Person | None) -> None:
    """Write them. Who leaves is retired, who is given a post is appointed."""
    if kind.name == "staff":
        found = [_but_for_leaving(change, actor) for change in found]
    for change in found:
        for name, value in change.fields.items():
            setattr(change.was, name, value)
    if kind.name == "retailers":
        to_the_ends_of_lines([change.was for change in found if isinstance(change.was, Retailer)])
    names = sorted({name for change in found for name in change.fields})
    if names:
        rows = [change.was for change in found if change.fields]
        MODEL_OF[kind.name]._default_manager.bulk_update(rows, names, batch_size=AT_ONCE)
    for change in found:
        if change.appoints and isinstance(change.was, Person):
            post, rank = change.appoints
            people.appoint(Post.objects.get(pk=post), change.was, rank, actor=actor)


def _held() -> frozenset[tuple[int, int, int]]:
    """(post, rank, person) of everybody who holds a post."""
    current = PostHolding.objects.filter(until__isnull=True)
    return frozenset(current.values_list("post_id", "rank", "person_id"))


def _appoints(row: GoodRow, held: frozenset[tuple[int, int, int]]) -> tuple[int, int] | None:
    """The post and the rank that somebody on file is given and does not have."""
    post, rank = row.values.get("post"), row.values.get("rank")
    if not post or not rank or (post, rank, row.of) in held:
        return None
    return post, rank


def _but_for_leaving(change: Change, actor: Person | None) -> Change:
    """Without that somebody leaves, which takes posts, duty and login along."""
    if change.fields.get("active") is not False or not isinstance(change.was, Person):
        return change
    people.retire(change.was, actor=actor)
    change.was.active = False
    fields = {name: value for name, value in change.fields.items() if name != "active"}
    return Change(change.row, change.was, fields)


def to_the_ends_of_lines(shops: Sequence[Retailer]) -> None:
    """Who comes to a line without a place on it is served last."""
    coming = [shop for shop in shops if shop.line_sequence is None]
    lines = {shop.line_id for shop in coming}
    ends = Retailer.objects.filter(line__in=lines).values_list("line_id").annotate(last=Max("line_sequence"))
    last = dict(ends.order_by())
    for shop in coming:
        shop.line_sequence = last[shop.line_id] = last.get(shop.line_id, 0) + 1
