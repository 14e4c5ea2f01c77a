"""What a procedure says about a report before a run begins: who, the same as what, how grave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from changbei.plans import tables
from changbei.plans.facts import Json
from changbei.plans.model import Procedure


def named_roles(procedure: Procedure, context: Json, now: datetime) -> tuple[dict[str, str], list[str]]:
    """Role → staff number for the roles the report names, and the troubles; a role without a usable value
    is absent.
    """
    found: dict[str, str] = {}
    troubles: list[str] = []
    for role, expression in procedure.roles.items():
        value, trouble = expression.value(context, now)
        if isinstance(value, str) and value:
            found[role] = value
        else:
            troubles.append(f"{role}: {trouble or 'no staff number'}")
    return found, troubles


def same_key(procedure: Procedure, context: Json, now: datetime) -> str:
    """The key of "the same thing" of a report, or "" when the procedure has none or it cannot be
    evaluated.
    """
    if procedure.same is None:
        return ""
    value, trouble = procedure.same.by.value(context, now)
    return "" if trouble or value is None else str(value)


def level_of(procedure: Procedure, context: Json, inputs: Mapping[str, Any], now: datetime) -> tables.Outcome:
    """Classify: `inputs` are the incident's; those the procedure computes itself take precedence."""
    if procedure.level is None:
        return tables.Outcome(None, ())
    values = dict(inputs)
    for name, expression in (procedure.level.inputs or {}).items():
        value, trouble = expression.value(context, now)
        if not trouble:
            values[name] = value
    return tables.evaluate(procedure.level.table, values)
