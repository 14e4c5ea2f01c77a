"""One unit, post or person without a file: what somebody says of it, under the rules for a row of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from changbei.core.errors import Invalid, Problem
from changbei.network.imports import changing
from changbei.network.imports.checking import Known, Values
from changbei.network.imports.fields import Fields
from changbei.network.imports.kinds import KINDS
from changbei.network.imports.reading import Parsed, Rows
from changbei.network.imports.sheets import Header


@dataclass(frozen=True)
class Said:
    """`values`: by column, what it names as ids. `fields`: those of the model that become otherwise; of something
    new, all of them.
    """

    values: Values
    fields: Mapping[str, Any]


def read_new(kind: str, given: Mapping[str, Any]) -> Said:
    """Something that is not there yet; columns that are not given are empty. Raises Invalid, by column."""
    parsed = _read(Parsed(KINDS[kind], ""), given)
    values = parsed.rows[0].values
    return Said(values, Fields(parsed.kind).of_new(values))


def read_change(kind: str, given: Mapping[str, Any], was: Model) -> Said:
    """What becomes otherwise of something that is there; an empty text empties a column, those that are not given stay.
    Raises Invalid, by column.
    """
    key = {name: getattr(was, name) for name in KINDS[kind].key}
    parsed = _read(Parsed(KINDS[kind], "", update=True), {**given, **key})
    found = next(changing.changes(parsed), None)
    return Said(parsed.rows[0].values, found.fields if found else {})


def _read(parsed: Parsed, given: Mapping[str, Any]) -> Parsed:
    columns = {column.key: column.key for column in parsed.kind.columns}
    positions = {name: place for place, name in enumerate(given)}
    header = Header(0, positions, columns, (), (), tuple(given))
    rows = Rows(parsed, header, Known(parsed.kind, update=parsed.update), empty_stays=False)
    rows.take_row(1, list(given.values()))
    if parsed.problems:
        raise Invalid(problems=[Problem(one.column, one.message) for one in parsed.problems])
    return parsed
