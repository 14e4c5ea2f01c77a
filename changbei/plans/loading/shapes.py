"""Files against their JSON Schemas; every error in words a plan's author understands, at its line and
column.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from changbei.core.errors import Problem
from changbei.core.texts import LANGUAGES
from changbei.plans.loading.source import Path, Source

KINDS = ("plan", "procedure", "table", "message", "clause", "checks", "exercises", "checklist")
_NAMES = {
    "object": "a map",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def schema(kind: str) -> dict[str, Any]:
    """The published schema of a kind of file, self-contained: what it shares with others is in its
    `$defs`.
    """
    found = json.loads(json.dumps(_file(kind)).replace("common.json#/$defs/", "#/$defs/"))
    if kind != "common":
        found["$defs"] = _file("common")["$defs"] | found.get("$defs", {})
    result: dict[str, Any] = found
    return result


def validate(source: Source, kind: str) -> list[Problem]:
    """Every way in which the file differs from its schema; what differs is removed from the source's
    value.
    """
    problems: list[Problem] = []
    wrong: list[Path] = []
    found: Iterator[Any] = _validator(kind).iter_errors(source.value)
    for error in found:
        for path, message, at_key in _explain(error, tuple(error.absolute_path)):
            problems.append(source.problem(path, message, at_key=at_key))
            wrong.append(path)
    for path in sorted(wrong, key=len, reverse=True):
        source.remove(path)
    return problems


def suggest(word: object, allowed: Iterable[str]) -> str:
    """`; did you mean x?` or nothing."""
    close = get_close_matches(str(word), list(allowed), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def allowed_words(allowed: Iterable[str], most: int = 30) -> str:
    words = sorted(allowed)
    more = f" … ({len(words)} in all)" if len(words) > most else ""
    return ", ".join(words[:most]) + more if words else "none"


def listed(word: object, allowed: Iterable[str]) -> str:
    """`there are: a, b, c; did you mean b?`"""
    words = list(allowed)
    return f"there are: {allowed_words(words)}{suggest(word, words)}"


@cache
def _file(kind: str) -> dict[str, Any]:
    text = resources.files("changbei.plans").joinpath("schema", f"{kind}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def _validator(kind: str) -> Draft202012Validator:
    resource = [(_file(name)["$id"], Resource.from_contents(_file(name))) for name in ("common", *KINDS)]
    registry: Registry[Any] = Registry().with_resources(resource)
    return Draft202012Validator(_file(kind), registry=registry)


Finding = tuple[Path, str, bool]  # path, message, whether the key is what is wrong
ValidationError = Any  # jsonschema's; its attributes are typed as "perhaps unset", which they never are here


def _explain(error: ValidationError, path: Path) -> Iterator[Finding]:
    rules: dict[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    if "propertyNames" in error.relative_schema_path:
        yield (*path, str(error.instance)), f"as a key: {_needs(error, rules)}", True
        return
    match error.validator:
        case "additionalProperties":
            allowed = rules.get("properties", {})
            for key in error.instance:
                if key not in allowed:
                    yield (
                        (*path, key),
                        f"unknown key; allowed here: {allowed_words(allowed)}{suggest(key, allowed)}",
                        True,
                    )
        case "required":
            yield from _missing(error, path)
        case "oneOf" if "x-keys" in rules:
            yield from _by_key(error, rules["x-keys"], path)
        case "oneOf" | "anyOf":
            yield from _one_of(error, rules, path)
        case "dependentRequired":
            for key, needed in error.validator_value.items():
                for other in needed:
                    if key in error.instance and other not in error.instance:
                        yield (*path, other), f"is missing: {key} needs it", False
        case _:
            yield path, _needs(error, rules), False


def _missing(error: ValidationError, path: Path) -> Iterator[Finding]:
    """jsonschema gives one error per missing key, naming it only in the message; each is told once."""
    for key in error.validator_value:
        if key in error.instance or not error.message.startswith(repr(key)):
            continue
        if key in LANGUAGES:
            yield (*path, key), "is missing: every text is needed in zh-Hans, zh-Hant and en", False
        else:
            yield (*path, key), f"is missing; needed here: {', '.join(error.validator_value)}", False


def _by_key(error: ValidationError, keys: list[str], path: Path) -> Iterator[Finding]:
    """Alternatives that a key tells apart: explain the one whose key is there."""
    if not isinstance(error.instance, dict):
        yield path, f"needs a map, this is {_named(error.instance)}", False
        return
    present = [key for key in keys if key in error.instance]
    if not present:
        close = "".join(suggest(key, keys) for key in error.instance)
        yield (
            path,
            f"says not what is to be done; one of these keys is needed: {', '.join(keys)}{close}",
            False,
        )
        return
    chosen = keys.index(present[0])
    yield from _inner(error, path, chosen)


def _one_of(error: ValidationError, rules: dict[str, Any], path: Path) -> Iterator[Finding]:
    if "x-message" in rules:
        yield path, rules["x-message"], False
        return
    fitting = set(range(len(error.validator_value)))
    for inner in error.context or ():
        if inner.validator == "type" and not inner.relative_path:
            fitting.discard(int(inner.relative_schema_path[0]))
    if len(fitting) == 1:
        yield from _inner(error, path, fitting.pop())
    else:
        yield path, _needs(error, rules), False


def _inner(error: ValidationError, path: Path, alternative: int) -> Iterator[Finding]:
    for inner in error.context or ():
        if inner.relative_schema_path[0] == alternative:
            yield from _explain(inner, (*path, *inner.relative_path))


def _needs(error: ValidationError, rules: dict[str, Any]) -> str:
    value = error.instance
    match error.validator:
        case "enum":
            allowed = [str(word) for word in error.validator_value]
            return f"{value!r} is not allowed; allowed: {', '.join(allowed)}{suggest(value, allowed)}"
        case "const":
            return f"needs {json.dumps(error.validator_value)}, this is {value!r}"
        case "type":
            given: Any = error.validator_value
            kinds: list[str] = given if isinstance(given, list) else [given]
            wanted = rules.get("x-what") or " or ".join(_NAMES[kind] for kind in kinds)
            return f"needs {wanted}; this is {_named(value)}"
        case "minLength" | "minItems" | "minProperties":
            return (
                "must not be empty"
                if error.validator_value == 1
                else f"needs at least {error.validator_value}"
            )
        case "maxLength" | "maxItems":
            return f"is too long: at most {error.validator_value}"
        case "uniqueItems":
            return "has the same entry twice"
        case "minimum" | "maximum" | "exclusiveMinimum":
            return f"{value} is out of range ({error.validator}: {error.validator_value})"
    if "x-what" in rules:
        return f"{_short(value)} does not fit: needs {rules['x-what']}"
    return str(error.message)


def _named(value: Any) -> str:
    if isinstance(value, bool):
        return f"{str(value).lower()} (true or false)"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {_short(value)}"
    return "a map" if isinstance(value, dict) else "a list" if isinstance(value, list) else "nothing"


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 60 else words[:57] + "…"
