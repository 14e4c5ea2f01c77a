"""What changed between two versions of a plan: in its words, and in what it makes happen. Pure; no Django."""

from __future__ import annotations

from collections.abc import Iterator

from changbei.plans.comparing.behaviour import procedures
from changbei.plans.comparing.change import (
    ADDED,
    CHANGED,
    LONGER,
    MOVED,
    REMOVED,
    SHORTER,
    Change,
    Comparison,
)
from changbei.plans.comparing.document import clauses
from changbei.plans.comparing.parts import parts
from changbei.plans.comparing.tables import tables
from changbei.plans.model import Pack

__all__ = ["ADDED", "CHANGED", "LONGER", "MOVED", "REMOVED", "SHORTER", "Change", "Comparison", "compare"]


def compare(before: Pack, after: Pack) -> Comparison:
    """All differences, in the order of the document: clauses, settings and roles, procedures, tables."""
    return Comparison(
        (before.id, before.version, before.digest),
        (after.id, after.version, after.digest),
        tuple(_changes(before, after)),
    )


def _changes(before: Pack, after: Pack) -> Iterator[Change]:
    if before.digest == after.digest:
        return
    yield from clauses(before, after)
    yield from parts(before, after)
    yield from procedures(before, after)
    yield from tables(before, after)
