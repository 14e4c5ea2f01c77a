"""Conditions in CEL (Common Expression Language): compiled once, evaluated totally.

A condition is compiled against declared names with types: a name that is not declared, a wrong operator or a
syntax error is found when the pack is loaded, with its position. At run time nothing raises: a condition that
cannot be evaluated (a key is missing, a text is no date) gives its trouble as words, and counts as false.

Only the parts of the context that the expression mentions are handed to CEL, so that a large result of an
action costs nothing where it is not asked for; and a map that is missing on the way to a key counts as
empty, so that `has(result.recover.options)` is false, not an error, before `recover` has run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from changbei.plans.plain import clean

NOW = "now"

_CEL_TYPES = {
    "string": cel.Type.STRING,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "bool": cel.Type.BOOL,
    "list": cel.Type.LIST,
    "map": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "timestamp": cel.Type.TIMESTAMP,
    "any": cel.Type.DYN,  # an element of a list; not for declared names
}
_TOKEN = re.compile(
    r"""(?P<text>[rR]?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"))|(?P<chain>(?<![\w.])[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)(?P<call>\s*\()?""",
)
_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_MEMO_SIZE = 512


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in an expression, at a line and column of it, both counted from 1."""

    line: int
    column: int
    message: str


class BadCondition(ValueError):
    """An expression that does not compile; carries every mistake the compiler named."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("; ".join(mistake.message for mistake in mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Names:
    """What expressions may mention: variables with their CEL types, and the settings with types and
    values.
    """

    types: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str, Any], ...] = ()  # name without the prefix, type, value

    @classmethod
    def of(cls, types: Mapping[str, str], settings: Mapping[str, tuple[str, Any]] | None = None) -> Names:
        listed = ((name, kind, value) for name, (kind, value) in sorted((settings or {}).items()))
        return cls(tuple(sorted(types.items())), tuple(listed))

    def declared(self) -> list[str]:
        return [name for name, _ in self.types] + [f"setting.{name}" for name, _, _ in self.settings]


class Condition:
    """One compiled expression. Immutable but for a memory of recent answers, which changes no answer."""

    __slots__ = ("_expression", "_memo", "_paths", "_settings", "_uses_now", "names", "result_type", "source")

    def __init__(self, source: str, names: Names) -> None:
        self.source = source
        self.names = names
        self._expression, self.result_type = _compile(source, names)
        variables = {name for name, _ in names.types}
        paths = paths_in(source, variables)
        self._uses_now = (NOW,) in paths
        self._paths = tuple(path for path in paths if path != (NOW,))
        self._settings = {
            f"setting.{name}": value for name, _, value in names.settings if f"setting.{name}" in source
        }
        self._memo: dict[tuple[object, ...], tuple[Any, str]] = {}

    def __repr__(self) -> str:
        return f"Condition({self.source!r})"

    def with_settings(self, values: Mapping[str, Any]) -> Condition:
        """The same expression where settings (by name) have other values: what if the city chose otherwise."""
        other = copy(self)
        changed = {f"setting.{name}": value for name, value in values.items()}
        other._settings = {name: changed.get(name, value) for name, value in self._settings.items()}
        other._memo = {}
        return other

    @property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """The parts of the context that are read, e.g. (("report", "injured"),)."""
        return self._paths

    @property
    def uses_now(self) -> bool:
        """Whether the answer depends on the time at which it is asked."""
        return self._uses_now

    def test(self, context: Mapping[str, Any], now: datetime) -> tuple[bool, str]:
        """Whether it holds, and what kept it from being evaluated ("" when nothing did)."""
        value, trouble = self.value(context, now)
        if trouble:
            return False, trouble
        if value is True or value is False:
            return value, ""
        return False, f"gives {type(value).__name__}, not true or false"

    def value(self, context: Mapping[str, Any], now: datetime) -> tuple[Any, str]:
        """The value as plain JSON, and the trouble; the value is None when there was trouble."""
        found = [_look_up(context, path) for path in self._paths]
        key = None if self._uses_now else _memo_key(found)
        if key is not None and (known := self._memo.get(key)) is not None:
            return known
        answer = self._evaluate(found, now)
        if key is not None:
            if len(self._memo) >= _MEMO_SIZE:
                self._memo.clear()
            self._memo[key] = answer
        return answer

    def _evaluate(self, found: list[Any], now: datetime) -> tuple[Any, str]:
        data: dict[str, Any] = dict(self._settings)
        if self._uses_now:
            data[NOW] = now
        for path, value in zip(self._paths, found, strict=True):
            _put(data, path, value)
        try:
            result = self._expression.eval(data=data)
            if result.type() == cel.Type.ERROR:
                return None, _reason(str(result.plain_value()))
            return clean(result.plain_value()), ""
        except (
            Exception
        ) as error:  # the binding raises RuntimeError, TypeError, OverflowError …: none may stop a run
            return None, _reason(str(error))


def compile_condition(source: str, names: Names) -> Condition:
    """The condition for `source`, which has to give true or false. Raises BadCondition."""
    condition = Condition(source, names)
    if condition.result_type not in {"BOOL", "DYN"}:
        raise BadCondition(
            [
                Mistake(
                    1, 1, f"a condition has to give true or false; this gives {condition.result_type.lower()}"
                )
            ]
        )
    return condition


def compile_value(source: str, names: Names) -> Condition:
    """The expression for `source`, of any type. Raises BadCondition."""
    return Condition(source, names)


def paths_in(source: str, variables: set[str]) -> tuple[tuple[str, ...], ...]:
    """The paths of `variables` that the expression reads, shortest only: `report.a.b > 1 && report.a`
    reads report.a.
    """
    found: set[tuple[str, ...]] = set()
    for match in _TOKEN.finditer(source):
        if match["chain"] is None:
            continue
        parts = tuple(part.strip() for part in match["chain"].split("."))
        if match["call"] is not None:
            parts = parts[:-1]
        if parts and parts[0] in variables:
            found.add(parts)
    shortest = [path for path in found if not any(path[:length] in found for length in range(1, len(path)))]
    return tuple(sorted(shortest))


@lru_cache(maxsize=256)
def _environment(names: tuple[tuple[str, str], ...], settings: tuple[tuple[str, str], ...]) -> cel.Env:
    variables = {name: _CEL_TYPES[kind] for name, kind in names}
    variables |= {f"setting.{name}": _CEL_TYPES[kind] for name, kind in settings}
    return cel.NewEnv(variables=variables)


def _compile(source: str, names: Names) -> tuple[cel.Expression, str]:
    environment = _environment(names.types, tuple((name, kind) for name, kind, _ in names.settings))
    try:
        expression = environment.compile(source)
    except Exception as error:
        raise BadCondition(_mistakes(str(error))) from None
    return expression, str(expression.return_type().name()).upper()


def _mistakes(message: str) -> list[Mistake]:
    found = [_mistake(int(line), int(column), words) for line, column, words in _ERROR.findall(message)]
    return found or [Mistake(1, 1, _reason(message))]


def _mistake(line: int, column: int, words: str) -> Mistake:
    if undeclared := re.match(r"undeclared reference to '([^']+)'", words):
        name = undeclared[1]
        column -= max(
            name.rfind("."), 0
        )  # the compiler points at the last dot; people look for the beginning
        return Mistake(line, max(column, 1), f"{name!r} is not known here")
    words = re.sub(r" expecting \{.*\}$", "", words)
    words = words.replace("Syntax error: mismatched input '<EOF>'", "it ends too early")
    if "overload" in words and "double" in words and "int" in words:
        words += "; beside a double write whole numbers as 1.0"
    return Mistake(line, column, words.strip())


def _reason(message: str) -> str:
    """The compiler's or evaluator's words without the status code before them."""
    return re.sub(r"^[A-Z_]+: ", "", message).split("\n")[0][:200]


_MISSING = object()


def _look_up(context: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value at `path`; what is not there is _MISSING, what is no map ends the way early and is given
    as it is.
    """
    value: Any = context
    for position, part in enumerate(path):
        if not isinstance(value, Mapping):
            return _Cut(position, value)
        value = value.get(part, _MISSING)
        if value is _MISSING:
            return _MISSING
    return value


@dataclass(frozen=True, slots=True)
class _Cut:
    """The way to a path ended after `length` parts at a value that is no map."""

    length: int
    value: Any


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Place `value` into `data` at `path`, making the maps on the way."""
    if isinstance(value, _Cut):
        path, value = path[: value.length], value.value
    where = data
    for part in path[:-1]:
        inner = where.setdefault(part, {})
        if not isinstance(inner, dict):
            return
        where = inner
    if value is not _MISSING:
        where[path[-1]] = value


def _memo_key(found: list[Any]) -> tuple[object, ...] | None:
    """A key for these values when all are scalars; types belong to it, because 1 == True in Python and
    not in CEL.
    """
    key: list[object] = []
    for value in found:
        kind = type(value)
        if kind not in _SCALARS:
            return None
        key += (kind, value)
    return tuple(key)


_SCALARS = frozenset({str, int, float, bool, type(None), type(_MISSING)})
