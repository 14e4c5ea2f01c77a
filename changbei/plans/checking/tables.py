"""Decision tables on sampled inputs: rows that overlap where one only may match, inputs that no row answers."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from changbei.plans import tables
from changbei.plans.checking.finding import ERROR, WARNING, Finding, finding
from changbei.plans.checking.offer import Offer
from changbei.plans.checking.places import Places
from changbei.plans.checking.shapes import asked_tables, choices, find, shape_of
from changbei.plans.model import EVERYDAY, FAMILIES, Pack, Table

MOST_SAMPLES = 2_000
OTHER = "x"  # a text that no row names
_TEXT = re.compile(r"""'([^'\\]*)'|"([^"\\]*)\"""")
_COMPARED = re.compile(
    r"""\b(?P<name>[a-z_]\w*)\s*(?:==|!=|<=|>=|<|>|in)\s*(?P<value>\[[^\]]*\]|'[^']*'|"[^"]*"|setting\.\w+|-?[\d.]+)"""
)
_COMPARED_BACK = re.compile(
    r"""(?P<value>'[^']*'|"[^"]*"|setting\.\w+|-?\d[\d.]*)\s*(?:==|!=|<=|>=|<|>)\s*(?P<name>[a-z_]\w*)\b"""
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
Inputs = dict[str, Any]


def findings(pack: Pack, offer: Offer, places: Places) -> Iterator[Finding]:
    known = _from_procedures(pack, offer)
    families = {one.family for one in pack.procedures.values()}
    for table in pack.tables.values():
        if table.rows:
            yield from _table(table, samples(table, pack, known.get(table.id, {})), places, families)


def _table(
    table: Table, sampled: Sequence[Inputs], places: Places, families: Collection[str]
) -> Iterator[Finding]:
    """A family that only other plans have makes no hole in this one."""
    decided: set[int] = set()
    overlaps: dict[tuple[int, ...], Inputs] = {}
    hole: Inputs | None = None
    for inputs in sampled:
        outcome = tables.evaluate(table, inputs)
        if table.hit == "UNIQUE" and len(outcome.rows) > 1:
            overlaps.setdefault(outcome.rows, inputs)
        elif not outcome.rows and table.hit != "COLLECT" and hole is None and _is_own(inputs, families):
            hole = inputs
        decided |= set(outcome.rows)
    for rows, inputs in overlaps.items():
        yield finding(
            ERROR,
            "table-overlap",
            table.clause,
            table.rows[rows[-1] - 1].place,
            table=table.id,
            rows=" and ".join(str(row) for row in rows),
            when=_said(inputs),
        )
    if hole is not None and not table.partial:
        place = places.key(f"tables/{table.id}.yaml", "rules")
        yield finding(WARNING, "table-hole", table.clause, place, table=table.id, when=_said(hole))
    for number, row in enumerate(table.rows, start=1):
        if number not in decided:
            yield finding(WARNING, "table-row-dead", table.clause, row.place, table=table.id, row=number)


def _is_own(inputs: Inputs, families: Collection[str]) -> bool:
    return not families or inputs.get("family") in {None, *families}


def _said(inputs: Inputs) -> str:
    words = (
        f"{name} = {value!r}" if isinstance(value, str) else f"{name} = {str(value).lower()}"
        for name, value in inputs.items()
    )
    return ", ".join(words)


# --- samples ----------------------------------------------------------------------------------------------


def samples(table: Table, pack: Pack, known: Mapping[str, Sequence[str]] | None = None) -> list[Inputs]:
    """Inputs around everything that the rows compare with: all combinations, or as many as can be looked at.

    `known`: for text inputs what the procedures can hand in. Deterministic.
    """
    domains = [
        _domain(table, name, kind, pack, (known or {}).get(name, ())) for name, kind in table.inputs.items()
    ]
    names = list(table.inputs)
    count = 1
    for domain in domains:
        count *= len(domain)
    if count <= MOST_SAMPLES:
        return [dict(zip(names, values, strict=True)) for values in itertools.product(*domains)]
    chance = random.Random(table.id)
    return [
        {name: chance.choice(domain) for name, domain in zip(names, domains, strict=True)}
        for _ in range(MOST_SAMPLES)
    ]


def _domain(table: Table, name: str, kind: str, pack: Pack, known: Sequence[str]) -> list[Any]:
    found = list(_mentioned(table, name, pack))
    if kind == "bool":
        return [False, True]
    if kind == "int":
        whole = sorted({int(value) for value in found if isinstance(value, int | float)} | {0})
        return sorted({value + more for value in whole for more in (-1, 0, 1)} | {max(whole) * 10 + 7})
    if kind == "double":
        numbers = sorted({float(value) for value in found if isinstance(value, int | float)} | {0.0})
        return sorted(
            {round(value + more, 6) for value in numbers for more in (-0.001, 0.0, 0.001)}
            | {max(numbers) + 1.0}
        )
    texts = [value for value in found if isinstance(value, str)]
    if name == "family":
        return [family for family in FAMILIES if family != EVERYDAY]  # no table classifies it
    if known:
        return list(dict.fromkeys([*known, *texts]))
    return list(dict.fromkeys([*texts, OTHER] if _takes_any(table, name) or not texts else texts))


def _takes_any(table: Table, name: str) -> bool:
    """Whether a row is about any other text than those named: `!=`, `!(… in …)`, a last row for the rest."""
    rest = table.hit == "COLLECT" or table.rows[-1].when.source.strip() == "true"
    negated = re.compile(rf"\b{name}\s*!=|!=\s*{name}\b|!\s*\([^)]*\b{name}\b")
    return rest or any(negated.search(row.when.source) for row in table.rows)


def _mentioned(table: Table, name: str, pack: Pack) -> Iterator[Any]:
    for row in table.rows:
        for pattern in (_COMPARED, _COMPARED_BACK):
            for match in pattern.finditer(row.when.source):
                if match["name"] == name:
                    yield from _values(match["value"], pack)


def _values(words: str, pack: Pack) -> Iterator[Any]:
    if words.startswith("setting."):
        setting = pack.settings.get(words.removeprefix("setting."))
        if setting is not None:
            yield setting.value
        return
    texts = [single or double for single, double in _TEXT.findall(words)]
    yield from texts
    if not texts:
        yield from (float(number) if "." in number else int(number) for number in _NUMBER.findall(words))


def _from_procedures(pack: Pack, offer: Offer) -> dict[str, dict[str, list[str]]]:
    """For each table's text inputs the texts that procedures can hand in, where a form lists them."""
    found: dict[str, dict[str, list[str]]] = {}
    for procedure in pack.procedures.values():
        shape = shape_of(procedure, offer)
        for table, inputs in asked_tables(procedure):
            for name, expression in (inputs or {}).items():
                into = found.setdefault(table.id, {}).setdefault(name, [])
                for path in expression.paths:
                    if ".".join(path) == expression.source.strip():
                        into += choices(find(shape, path)[0])
                if not expression.paths or "?" in expression.source:
                    into += [
                        single or double for single, double in _TEXT.findall(_answers(expression.source))
                    ]
    return {
        table: {name: list(dict.fromkeys(texts)) for name, texts in inputs.items() if texts}
        for table, inputs in found.items()
    }


def _answers(source: str) -> str:
    """The parts of `a ? "x" : "y"` after the question marks."""
    return source.partition("?")[2] if "?" in source else source
