"""Rows of registers: read, added, changed, read in from a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_noop

from changbei.core.errors import ChangbeiError, Conflict, Invalid, NotAllowed, Problem, there
from changbei.core.texts import LANGUAGES
from changbei.journal import services as journal
from changbei.network.models import Manufacturer, Product
from changbei.people import access as people
from changbei.people.models import Person
from changbei.readiness.registers.columns import Cell, Column, Register, coerce


def rows(register: Register, *, actor: object) -> models.QuerySet[Any]:
    """All rows, in order. NotAllowed for who is not on the staff."""
    people.require(actor, "readiness.see")
    return register.queryset()


def one(register: Register, pk: int, *, actor: object) -> Any:
    """A row by its id; NotFound."""
    return there(rows(register, actor=actor).filter(pk=pk).first(), f"{register.id} {pk}")


def cells(register: Register, row: Any) -> list[Cell]:
    """The row as it is listed."""
    return [Cell(column, value_of(column, row), raw_of(column, row)) for column in register.shown]


def value_of(column: Column, row: Any) -> Any:
    """What a column shows of a row: a value, a text in three languages, or several of these."""
    value = row
    for name in (column.path or column.name).split("."):
        value = getattr(value, name, None)
    if column.choices and column.kind == "many":
        return [column.choices.get(one, one) for one in value or []]
    if column.choices and isinstance(value, str):
        return column.choices.get(value, value)
    if isinstance(row, Manufacturer) and column.name == "products":
        return [_priced(product) for product in row.products.all() if product.active]
    return value


def _priced(product: Product) -> dict[str, str]:
    price = f" ¥{product.wholesale_fen / 100:.2f}"
    return {language: words + price for language, words in product.name.items()}


def raw_of(column: Column, row: Any) -> Any:
    """What a column holds, as JSON and as a form is filled with it."""
    if column.name == "products" and isinstance(row, Manufacturer):
        return [
            {
                "code": product.code,
                "name": product.name,
                "wholesale_fen": product.wholesale_fen,
                "retail_fen": product.retail_fen,
            }
            for product in row.products.all()
            if product.active
        ]
    value = getattr(row, column.name, None)
    return value.staff_no if isinstance(value, Person) else _plain(value)


@transaction.atomic
def save(
    register: Register,
    values: Mapping[str, Any],
    *,
    pk: int | None = None,
    language: str = "zh-Hans",
    actor: Person,
) -> Any:
    """Add a row, or change that with this id; columns that are not given stay. Journals `readiness.register_changed`.

    Values may be texts as people type them. Raises NotAllowed, NotFound, Invalid with all wrong fields, Conflict for
    a row that exists already.
    """
    people.require(actor, register.permission)
    if (pk is None and not register.adds) or (pk is not None and not register.edits):
        raise Conflict(gettext_noop("this register is not changed in this way"))
    row = None if pk is None else _locked(register, pk)
    typed = _typed(register, values, row, language)
    own = register.save or (register.add if row is None else None)
    if own is not None:
        return own(typed, row, actor=actor)
    return _write(register, typed, row, actor)


def _locked(register: Register, pk: int) -> Any:
    model = register.queryset().model
    return there(model._default_manager.select_for_update().filter(pk=pk).first(), f"{register.id} {pk}")


def _typed(register: Register, values: Mapping[str, Any], row: Any, language: str) -> dict[str, Any]:
    """All values, of a row that is there those that are given; or Invalid with everything that is wrong."""
    if unknown := set(values) - {column.name for column in register.typed}:
        raise Invalid(sorted(unknown)[0], gettext_noop("there is no such column"))
    found, wrong = {}, []
    for column in register.typed:
        if row is not None and column.name not in values:
            continue
        try:
            before = getattr(row, column.name, None)
            found[column.name] = coerce(column, values.get(column.name), language, before)
        except Invalid as error:
            wrong += error.problems
    if wrong:
        raise Invalid(problems=wrong)
    return found


def _write(register: Register, typed: dict[str, Any], row: Any, actor: Person) -> Any:
    row = register.queryset().model() if row is None else row
    before = {name: _plain(getattr(row, name, None)) for name in typed} if row.pk else {}
    for name, value in typed.items():
        setattr(row, name, _texts(value) if name == "brands" else value)
    _refuse_double(register, row, before)
    _refuse(register, row)
    row.save()
    after = {name: _plain(getattr(row, name)) for name in typed}
    facts = {
        "register": register.id,
        "row": row.pk,
        "before": {name: value for name, value in before.items() if value != after[name]},
        "after": {name: value for name, value in after.items() if before.get(name) != value},
    }
    journal.append("readiness.register_changed", actor=actor, clause=register.clause, data=facts)
    return row


def _texts(lines: str) -> list[dict[str, str]]:
    return [dict.fromkeys(LANGUAGES, line) for line in lines.splitlines()]


def _refuse_double(register: Register, row: Any, before: Mapping[str, Any]) -> None:
    """No two rows have the same key: Conflict for a new one, Invalid with the column for one that takes another's."""
    key = {name: getattr(row, name) for name in register.key}
    others = type(row)._default_manager.exclude(pk=row.pk)
    if not key or not others.filter(**key).exists():
        return
    if not row.pk:
        raise Conflict(gettext_noop("this is in the register already"))
    changed = next(name for name, value in key.items() if before.get(name, _plain(value)) != _plain(value))
    raise Invalid(
        changed, gettext_noop("another row has this already; give this one its own, or change that row")
    )


def _refuse(register: Register, row: models.Model) -> None:
    """What cannot be, and what the database's constraints would refuse, in words."""
    if register.check is not None:
        register.check(row)
    for constraint in row._meta.constraints:
        if isinstance(constraint, models.CheckConstraint):
            try:
                constraint.validate(type(row), row)
            except ValidationError as error:
                raise Invalid(
                    register.columns[0].name, gettext_noop("these values do not fit together")
                ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, models.Model):
        return str(getattr(value, "code", value.pk))
    return value.isoformat() if isinstance(value, date | datetime) else value


@transaction.atomic
def save_many(
    register: Register, lines: Mapping[int, Mapping[str, Any]], *, language: str, actor: Person
) -> int:
    """Rows out of a file, by their numbers in it: each adds a row, or changes that with the same key. All of them or,
    with Invalid, none.
    """
    wrong: list[Problem] = []
    for number, line in lines.items():
        try:
            with transaction.atomic():
                save(register, line, pk=_known(register, line, language), language=language, actor=actor)
        except Invalid as error:
            wrong += [Problem(one.field, one.message, line=number) for one in error.problems]
        except NotAllowed:
            raise
        except ChangbeiError as error:
            wrong.append(Problem("", str(error), line=number))
    if wrong:
        raise Invalid(problems=wrong)
    return len(lines)


def _known(register: Register, line: Mapping[str, Any], language: str) -> int | None:
    """The id of the row that a line is about, if it is there."""
    if not register.key or register.add is not None:
        return None
    by_name = {column.name: column for column in register.columns}
    key = {name: coerce(by_name[name], line.get(name), language) for name in register.key}
    found = register.queryset().model._default_manager.filter(**key).first()
    return found.pk if found else None
