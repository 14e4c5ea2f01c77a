"""What changed in decision tables: not how they are written, but on which inputs they answer otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from changbei.plans.checking.tables import samples
from changbei.plans.comparing.change import ADDED, CHANGED, REMOVED, Change
from changbei.plans.model import Pack, Table
from changbei.plans.tables import evaluate

MOST_EXAMPLES = 8
NOBODY = "–"


def tables(before: Pack, after: Pack) -> Iterator[Change]:
    for name in dict.fromkeys([*before.tables, *after.tables]):
        old, new = before.tables.get(name), after.tables.get(name)
        if old is None or new is None:
            one = new or old
            yield Change("table", name, ADDED if old is None else REMOVED, one.clause if one else "")
            continue
        if old.hit != new.hit:
            yield Change("table", name, CHANGED, new.clause, "hit", old.hit, new.hit)
        for aspect in ("inputs", "outputs"):
            words = [
                ", ".join(f"{key}: {kind}" for key, kind in getattr(one, aspect).items())
                for one in (old, new)
            ]
            if words[0] != words[1]:
                yield Change("table", name, CHANGED, new.clause, aspect, words[0], words[1])
        yield from _outcomes(name, old, new, before, after)


def _outcomes(name: str, old: Table, new: Table, before: Pack, after: Pack) -> Iterator[Change]:
    """Inputs around the limits of both, and what each says on them."""
    if _asks(old, before) == _asks(new, after):
        return
    sampled = {json.dumps(one, sort_keys=True): one for one in [*samples(old, before), *samples(new, after)]}
    different: dict[tuple[str, str], list[dict[str, Any]]] = {}
    count = 0
    for inputs in sampled.values():
        first, second = _said(old, inputs), _said(new, inputs)
        if first != second:
            count += 1
            different.setdefault((first, second), []).append(
                {"inputs": inputs, "before": first, "after": second}
            )
    if count:
        turns = max((len(found) for found in different.values()), default=0)
        examples = [found[turn] for turn in range(turns) for found in different.values() if turn < len(found)]
        yield Change(
            "table",
            name,
            CHANGED,
            new.clause,
            "outcome",
            examples=tuple(examples[:MOST_EXAMPLES]),
            after=f"{count} of {len(sampled)} inputs",
        )


def _asks(table: Table, pack: Pack) -> Any:
    """All that its answers depend on: rows, and the settings they name."""
    rows = [(row.when.source, dict(row.then)) for row in table.rows]
    words = " ".join(when for when, _ in rows)
    named = {name: one.value for name, one in pack.settings.items() if f"setting.{name}" in words}
    return rows, named, table.hit, dict(table.inputs)


def _said(table: Table, inputs: dict[str, Any]) -> str:
    outputs = evaluate(table, inputs).outputs
    if outputs is None:
        return NOBODY
    values = [
        ", ".join(map(str, value)) if isinstance(value, list) else str(value) for value in outputs.values()
    ]
    return " / ".join(values) or NOBODY
