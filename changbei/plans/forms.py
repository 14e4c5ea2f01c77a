"""Filled forms against the forms of a pack: which field is wrong, and what would be right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator

from changbei.core.errors import Problem
from changbei.core.texts import pick


def problems(form: Mapping[str, Any], data: object, *, language: str = "en") -> list[Problem]:
    """Every field of `data` that does not fit `form`, in the order of the form; empty when all is well.

    `Problem.field` is the path of the field, e.g. `place.longitude` or `lines.0.cartons`. Fields that the
    form does not know are refused, so that a misspelt one is not lost silently.
    """
    if not isinstance(data, Mapping):
        return [Problem("", _("A form with fields is needed."))]
    validator = Draft202012Validator(_strict(form), format_checker=Draft202012Validator.FORMAT_CHECKER)
    errors: Iterator[Any] = validator.iter_errors(data)
    found = [problem for error in errors for problem in _explain(error, form, language)]
    order = {name: position for position, name in enumerate(form.get("properties", {}))}
    return sorted(
        dict.fromkeys(found), key=lambda problem: order.get(problem.field.split(".")[0], len(order))
    )


def _strict(form: Mapping[str, Any]) -> dict[str, Any]:
    """The form as a JSON Schema that takes no further keys, at any depth where fields are listed."""
    strict = {key: value for key, value in form.items() if key not in {"title", "description", "default"}}
    if "properties" in form:
        strict["properties"] = {name: _strict(field) for name, field in form["properties"].items()}
        strict["additionalProperties"] = False
    if "items" in form:
        strict["items"] = _strict(form["items"])
    if "oneOf" in form:
        strict["enum"] = [choice["const"] for choice in form["oneOf"]]
        del strict["oneOf"]
    if form.get("type") == "string" and form.get("minLength") is None and "oneOf" not in form:
        strict["minLength"] = 0
    return strict


def _explain(error: Any, form: Mapping[str, Any], language: str) -> Iterator[Problem]:
    path = [str(part) for part in error.absolute_path]
    limit = error.validator_value
    match error.validator:
        case "required":
            for name in limit:
                if name not in error.instance:
                    yield Problem(".".join((*path, name)), _("This is needed."))
        case "additionalProperties":
            for name in error.instance:
                if name not in error.schema.get("properties", {}):
                    yield Problem(".".join((*path, name)), _("The form has no such field."))
        case _:
            yield Problem(
                ".".join(path), _message(error, limit, _field(form, list(error.absolute_path)), language)
            )


def _message(error: Any, limit: Any, field: Mapping[str, Any], language: str) -> str:
    match error.validator:
        case "type":
            return {
                "string": _("A text is needed."),
                "integer": _("A whole number is needed."),
                "number": _("A number is needed."),
                "boolean": _("Yes or no is needed."),
                "array": _("A list is needed."),
            }.get(str(limit), _("Fields of its own are needed."))
        case "enum":
            choices = ", ".join(pick(choice["title"], language) for choice in field.get("oneOf", ()))
            return _("Choose one of: %(choices)s.") % {"choices": choices}
        case "minimum":
            return _("At least %(limit)s is needed.") % {"limit": limit}
        case "exclusiveMinimum":
            return _("More than %(limit)s is needed.") % {"limit": limit}
        case "maximum":
            return _("At most %(limit)s is possible.") % {"limit": limit}
        case "minLength" | "minItems":
            return (
                _("This must not be empty.")
                if limit == 1
                else _("At least %(limit)s is needed.") % {"limit": limit}
            )
        case "maxLength" | "maxItems":
            return _("This is too long: at most %(limit)s.") % {"limit": limit}
        case "format":
            return _("This is not a date or time of the form %(form)s.") % {"form": limit}
    return str(error.message)


def _field(form: Mapping[str, Any], path: list[str | int]) -> Mapping[str, Any]:
    for part in path:
        form = form.get("items", {}) if isinstance(part, int) else form.get("properties", {}).get(part, {})
    return form
