"""Reports, answers and results that a walk through a procedure tries: chosen around what its conditions ask."""

from __future__ import annotations

import random
import re
from datetime import datetime, timedelta
from typing import Any

from changbei.plans.checking.offer import Offer
from changbei.plans.checking.shapes import Schema, asked_tables, choices, expressions, find, shape_of
from changbei.plans.model import LEVELS, Pack, Procedure

AREA = {"type": "Polygon", "coordinates": [[[117, 30], [117.5, 30], [117.5, 30.4], [117, 30]]]}
_TEXT = re.compile(r"""'([^'\\]*)'|"([^"\\]*)\"""")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
_SETTING = re.compile(r"\bsetting\.(\w+)")
_FACT = re.compile(r"""happened\s*\[\s*['"]([^'"]+)['"]\s*\](?:\s*\.\s*(\w+))?""")
_EQUAL = re.compile(r"\b((?:report|result|incident)(?:\.\w+)+)\s*==\s*((?:report|result|incident)(?:\.\w+)+)")
_AMONG_FACTS = re.compile(r"""['"]([^'"]+)['"]\s+in\s+happened""")
_HOURS = (-30, -5, -1, 1, 3, 8, 26, 60)
Path = tuple[str, ...]


class Inputs:
    """What conditions of one procedure compare with, by the path they read; draws from it."""

    def __init__(self, procedure: Procedure, pack: Pack, offer: Offer) -> None:
        self.procedure = procedure
        self.pack = pack
        self.shape = shape_of(procedure, offer)
        self.pool: dict[Path, list[Any]] = {}
        self.times: set[Path] = set()
        self.incident: set[Path] = set()
        self.equal: set[Path] = set()  # paths that conditions compare with each other
        self.offer = offer
        self.facts: dict[str, set[str]] = {}  # kind → fields that conditions read of it
        for owner, condition in expressions(procedure):
            found = _literals(condition.source, pack)
            for path in condition.paths:
                self.pool.setdefault(path, []).extend(found)
                if path[0] == "incident":
                    self.incident.add(path)
            if "timestamp(" in condition.source or (
                owner is not None
                and condition
                in (
                    getattr(owner, "wait_until", None),
                    getattr(getattr(owner, "countdown", None), "until", None),
                )
            ):
                self.times |= set(condition.paths)
            self._note_facts(condition.source)
            for pair in _EQUAL.findall(condition.source):
                self.equal |= {tuple(path.split(".")) for path in pair}
        for table, inputs in asked_tables(procedure):
            found = [value for row in table.rows for value in _literals(row.when.source, pack)]
            for expression in (inputs or {}).values():
                for path in expression.paths:
                    self.pool.setdefault(path, []).extend(found)

    def _note_facts(self, source: str) -> None:
        for fact, name in _FACT.findall(source):
            self.facts.setdefault(fact, set()).update({name} - {""})
        for fact in _AMONG_FACTS.findall(source):
            self.facts.setdefault(fact, set())

    def fact(self, kind: str, now: datetime, chance: random.Random) -> dict[str, Any]:
        """What a fact carries: what its room declares, else what conditions read of it, as times."""
        declared = self.offer.facts.get(kind)
        found = self._form(("happened", kind), declared.data if declared else {}, now, chance)
        return {name: now.isoformat() for name in sorted(self.facts.get(kind, ()))} | found

    def report(self, now: datetime, chance: random.Random) -> dict[str, Any]:
        return self._form(("report",), self.procedure.form, now, chance)

    def given(self, now: datetime, chance: random.Random) -> dict[str, Any]:
        """The map `incident`, as far as conditions read it."""
        found: dict[str, Any] = {
            "level": chance.choice(LEVELS),
            "share": chance.choice([0.0, 0.02, 0.3, 0.9]),
            "place": "x",
            "reported_at": now.isoformat(),
        }
        for path in sorted(self.incident):
            if path[1:] in {("level",), ("reported_at",)} or len(path) < 2:
                continue
            where = found
            for part in path[1:-1]:
                inner = where.setdefault(part, {})
                where = inner if isinstance(inner, dict) else {}
            where[path[-1]] = self._unknown(path, now, chance)
        return found

    def result(self, step: str, now: datetime, chance: random.Random) -> dict[str, Any]:
        """What the step leaves behind."""
        key = self.procedure.steps[step].key
        schema, _ = find(self.shape, ("result", key))
        found = self.of(("result", key), schema or {}, now, chance)
        return found | self._evidence(step, now)

    def _evidence(self, step: str, now: datetime) -> dict[str, Any]:
        """One piece of each kind that the step asks for."""
        task = self.procedure.steps[step].task
        kinds = task.evidence if task else ()
        pieces = [{"kind": kind, "sha256": "0" * 64, "at": now.isoformat(), "by": "1001"} for kind in kinds]
        return {"evidence": pieces} if pieces else {}

    def by_hand(self, step: str, now: datetime, chance: random.Random) -> dict[str, Any]:
        """What a person leaves behind who did what an action could not: the fields of the form, nothing else."""
        found = self.procedure.steps[step]
        form = found.task.form if found.task else None
        return self._form(("result", found.key), form or {}, now, chance) | self._evidence(step, now)

    def of(self, path: Path, schema: Schema, now: datetime, chance: random.Random) -> dict[str, Any]:
        """A map for the schema; what conditions read below it and the schema does not name is put in, too."""
        found = self._form(path, schema, now, chance)
        for known in self.pool:
            if known[: len(path)] == path and len(known) > len(path) and known[len(path)] not in found:
                if known[len(path)] in schema.get("properties", {}) or chance.random() < 0.2:
                    continue
                found[known[len(path)]] = self._unknown(known[: len(path) + 1], now, chance)
        return found

    def _form(self, path: Path, schema: Schema, now: datetime, chance: random.Random) -> dict[str, Any]:
        needed = set(schema.get("required", ()))
        found: dict[str, Any] = {}
        for name, field in schema.get("properties", {}).items():
            if path[0] == "report" and name not in needed and chance.random() < 0.3:
                continue
            found[name] = self._value((*path, name), field, now, chance)
        return found

    def _value(self, path: Path, schema: Schema, now: datetime, chance: random.Random) -> Any:
        if known := choices(schema):
            return chance.choice(known)
        pool = self.pool.get(path, [])
        match schema.get("type"):
            case "boolean":
                return chance.random() < 0.5
            case "integer" | "number" as kind:
                return self._number(pool, schema, kind, chance)
            case "string" if path in self.equal and chance.random() < 0.7:
                return "x"
            case "string":
                if schema.get("format") == "date-time" or path in self.times:
                    return (now + timedelta(hours=chance.choice(_HOURS))).isoformat()
                texts = [value for value in pool if isinstance(value, str)]
                return chance.choice([*texts, "x"]) if texts else "x"
            case "array":
                if schema.get("maxItems") == 0:
                    return []
                size = chance.choice([0, 1, 2])
                items = schema.get("items", {})
                return [
                    self._element(path, items, now, chance)
                    for _ in range(max(size, schema.get("minItems", 0)))
                ]
            case "object":
                return self._form(path, schema, now, chance) if "properties" in schema else dict(AREA)
        return self._unknown(path, now, chance)

    def _element(self, path: Path, schema: Schema, now: datetime, chance: random.Random) -> Any:
        value = self._value(path, schema, now, chance) if schema.get("type") else {}
        return value if value or schema.get("type") != "object" else {}

    def _number(self, pool: list[Any], schema: Schema, kind: str, chance: random.Random) -> int | float:
        numbers = [value for value in pool if isinstance(value, int | float) and not isinstance(value, bool)]
        around: set[int | float]
        if kind == "integer":
            around = {int(value) + more for value in numbers for more in (-1, 0, 1)} | {0, 1, 7}
        else:
            around = {value + more for value in numbers for more in (-0.01, 0, 0.01)} | {0, 1}
        low, high = schema.get("minimum"), schema.get("maximum")
        fitting = [v for v in around if (low is None or v >= low) and (high is None or v <= high)]
        chosen = chance.choice(sorted(fitting) or [low if low is not None else high or 0])
        return int(chosen) if kind == "integer" else float(chosen)

    def _unknown(self, path: Path, now: datetime, chance: random.Random) -> Any:
        """A value of the kind that conditions compare it with, as nothing declares it."""
        deeper = [known for known in self.pool if known[: len(path)] == path and len(known) > len(path)]
        if deeper:
            return {known[len(path)]: self._unknown(known[: len(path) + 1], now, chance) for known in deeper}
        if path in self.times:
            return (now + timedelta(hours=chance.choice(_HOURS))).isoformat()
        pool = self.pool.get(path, [])
        return chance.choice(pool) if pool else "x"


def _literals(source: str, pack: Pack) -> list[Any]:
    texts: list[Any] = [single or double for single, double in _TEXT.findall(source)]
    rest = _TEXT.sub(" ", source)
    numbers = [float(one) if "." in one else int(one) for one in _NUMBER.findall(rest)]
    settings = [pack.settings[name].value for name in _SETTING.findall(source) if name in pack.settings]
    booleans = [True, False] if re.search(r"\b(true|false)\b", rest) else []
    return [*texts, *numbers, *settings, *booleans]
