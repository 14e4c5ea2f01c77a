"""What is written down and nothing uses; clauses that nothing fulfils or cites; messages; checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from changbei.plans import document
from changbei.plans.checking.finding import ERROR, WARNING, Finding, finding
from changbei.plans.checking.offer import Offer
from changbei.plans.checking.places import Places
from changbei.plans.document import Fulfilment
from changbei.plans.loading.shapes import allowed_words
from changbei.plans.model import STANDARD_PLACEHOLDERS, Check, Pack, Step

_SETTING = re.compile(r"\bsetting\.([a-z][a-z0-9_]*)")
_LITERAL = re.compile(r"""'([^'\\]*)'|"([^"\\]*)\"""")
PLAN = "plan.yaml"


def findings(pack: Pack, offer: Offer, places: Places) -> Iterator[Finding]:
    yield from _clauses(pack)
    yield from _settings(pack, offer, places)
    yield from _people(pack, offer, places)
    yield from _tables(pack, offer)
    yield from _messages(pack, offer, places)
    yield from _checks(pack, offer, places)


# --- clauses ----------------------------------------------------------------------------------------------


def _clauses(pack: Pack) -> Iterator[Finding]:
    found = fulfilments(pack)
    cited = {clause for clause, _ in document.citing(pack)}
    for clause in pack.clauses.values():
        if not found[clause.id]:
            yield finding(ERROR, "clause-unfulfilled", clause.id, clause.place, clause=clause.id)
        elif clause.id not in cited and (by := _whole_procedures(clause.fulfilled_by)):
            yield finding(
                WARNING, "clause-uncited", clause.id, clause.place, clause=clause.id, by=", ".join(by)
            )


def _whole_procedures(fulfilled_by: tuple[str, ...]) -> list[str]:
    """The procedures named, when nothing more exact than a procedure is named."""
    exact = [one for one in fulfilled_by if not one.startswith("procedure:") or "/" in one]
    return [] if exact else [one.partition(":")[2] for one in fulfilled_by]


def fulfilments(pack: Pack) -> dict[str, tuple[Fulfilment, ...]]:
    """`document.fulfilled_by` of a pack that may have mistakes: references to nothing are left out."""
    try:
        return document.fulfilled_by(pack)
    except KeyError:
        return {clause: tuple(_readable(pack, clause)) for clause in pack.clauses}


def _readable(pack: Pack, clause: str) -> Iterator[Fulfilment]:
    for reference in pack.clauses[clause].fulfilled_by:
        try:
            yield document.declared(pack, reference)
        except KeyError:
            continue
    for cited, fulfilment in document.citing(pack):
        if cited == clause:
            yield fulfilment


# --- settings, roles, ladders, audiences, tables ----------------------------------------------------------


def _settings(pack: Pack, offer: Offer, places: Places) -> Iterator[Finding]:
    used = {name for words in places.words() for name in _SETTING.findall(words)}
    for room in offer.readings.values():
        used |= room.settings
    for check in pack.checks.values():
        used |= {
            value
            for key, value in check.params.items()
            if isinstance(value, str) and _names_setting(check, key, offer)
        }
    for name, setting in pack.settings.items():
        if name not in used:
            place = places.key(PLAN, "settings", name)
            yield finding(WARNING, "setting-unused", setting.clause, place, name=name)


def _names_setting(check: Check, param: str, offer: Offer) -> bool:
    kind = offer.checks.get(check.kind)
    return param.endswith("_setting") or (kind is not None and param in kind.setting_params)


def _people(pack: Pack, offer: Offer, places: Places) -> Iterator[Finding]:
    used, audiences, ladders = _roles_used(pack, offer), set[str](), set[str]()
    for procedure in pack.procedures.values():
        for step in procedure.steps.values():
            audiences.add(step.audience)
            raw = places.raw(procedure.id, step.id)
            for holder in (raw, raw.get("on_failure")):
                if isinstance(holder, dict) and isinstance(holder.get("overdue"), str):
                    ladders.add(holder["overdue"])
    for name, role in pack.roles.items():
        if name not in used:
            yield finding(WARNING, "role-unused", role.clause, places.key(PLAN, "roles", name), name=name)
    for name in pack.audiences:
        if name not in audiences:
            yield finding(WARNING, "audience-unused", "", places.key(PLAN, "audiences", name), name=name)
    for name in pack.ladders:
        if name not in ladders:
            yield finding(WARNING, "ladder-unused", "", places.key(PLAN, "ladders", name), name=name)


def _roles_used(pack: Pack, offer: Offer) -> set[str]:
    used = {role for room in offer.readings.values() for role in room.roles}
    for procedure in pack.procedures.values():
        used |= set(procedure.roles)
        for step in procedure.steps.values():
            used |= {*step.roles, *step.delegates}
            if step.task:
                used |= {step.task.role, *step.task.chain}
    for table in pack.tables.values():
        used |= {str(row.then.get("role")) for row in table.rows}
    for check in pack.checks.values():
        used |= set(check.tell)
    for clause in pack.clauses.values():
        used |= {one.partition(":")[2] for one in clause.fulfilled_by if one.startswith("role:")}
    return used


def _tables(pack: Pack, offer: Offer) -> Iterator[Finding]:
    used = {table for room in offer.readings.values() for table in room.tables}
    for procedure in pack.procedures.values():
        if procedure.level:
            used.add(procedure.level.table.id)
        used |= {step.limit.table.id for step in procedure.steps.values() if step.limit}
    for clause in pack.clauses.values():
        used |= {one.partition(":")[2] for one in clause.fulfilled_by if one.startswith("table:")}
    used |= {
        literal for procedure in pack.procedures.values() for literal in literals_of_params(procedure.steps)
    }
    for table in pack.tables.values():
        if table.id not in used:
            yield finding(WARNING, "table-unused", table.clause, table.place, name=table.id)


# --- messages ---------------------------------------------------------------------------------------------


def literals_of_params(steps: Mapping[str, Step]) -> set[str]:
    """The texts that steps hand to actions: among them names of messages and tables."""
    found: set[str] = set()
    for step in steps.values():
        for condition in (*step.params.values(), *step.values.values()):
            found |= {single or double for single, double in _LITERAL.findall(condition.source)}
    return found


def _messages(pack: Pack, offer: Offer, places: Places) -> Iterator[Finding]:
    sent = {step.template for procedure in pack.procedures.values() for step in procedure.steps.values()}
    literals = {
        text for procedure in pack.procedures.values() for text in literals_of_params(procedure.steps)
    }
    by_rooms = {name for room in offer.readings.values() for name in room.messages}
    for name, template in pack.templates.items():
        used = (
            name in sent
            or name in literals
            or name in by_rooms
            or any(name.startswith(f"{one}-") for one in literals if one)
        )
        if not used:
            yield finding(WARNING, "message-unused", template.clause, template.place, name=name)
    yield from _placeholders(pack, offer, places)
    yield from _sent_by_actions(pack, offer, places)


def _placeholders(pack: Pack, offer: Offer, places: Places) -> Iterator[Finding]:
    """Messages that rooms send by name: what they contain has to be what the room fills."""
    for room, readings in offer.readings.items():
        for name, given in readings.messages.items():
            if name in pack.templates:
                yield from _unfilled(pack, name, given, f"the room {room}", places)


def _unfilled(pack: Pack, name: str, given: frozenset[str], by: str, places: Places) -> Iterator[Finding]:
    template = pack.templates[name]
    for placeholder in sorted(template.placeholders - given - STANDARD_PLACEHOLDERS):
        yield finding(
            ERROR,
            "placeholder-missing",
            template.clause,
            places.key(f"messages/{name}.yaml", "body"),
            name=name,
            placeholder=placeholder,
            by=by,
            given=allowed_words(given | STANDARD_PLACEHOLDERS),
        )


def _sent_by_actions(pack: Pack, offer: Offer, places: Places) -> Iterator[Finding]:
    """Parameters that name a message (`x-template`: the placeholders the action fills)."""
    for procedure in pack.procedures.values():
        for step in procedure.steps.values():
            action = offer.actions.get(step.action)
            for param, schema in (action.params.get("properties", {}) if action else {}).items():
                if "x-template" not in schema or param not in step.params:
                    continue
                source = step.params[param].source
                place = places.expression(
                    f"procedures/{procedure.id}.yaml", source, places.step_path(procedure.id, step.id)
                )
                given = frozenset(schema["x-template"]) | set(_literal_keys(step, "values"))
                for name in (single or double for single, double in _LITERAL.findall(source)):
                    names = (
                        [name]
                        if name in pack.templates
                        else [one for one in pack.templates if one.startswith(f"{name}-")]
                    )
                    if not names:
                        yield finding(ERROR, "message-missing", step.clause, place, name=name, by=step.action)
                    for one in names:
                        yield from _unfilled(pack, one, given, step.action, places)


def _literal_keys(step: Step, param: str) -> list[str]:
    """The keys of a map that is written out in a parameter: `{"period": …}`."""
    source = step.params[param].source if param in step.params else ""
    return re.findall(r"""["']([a-z_][a-z0-9_]*)["']\s*:""", source)


# --- checks -----------------------------------------------------------------------------------------------


def _checks(pack: Pack, offer: Offer, places: Places) -> Iterator[Finding]:
    for check in pack.checks.values():
        kind = offer.checks.get(check.kind)
        if not check.kind:
            continue  # reported where it was read
        if kind is None:
            place = places.check(check.id, "kind")
            yield finding(
                ERROR,
                "unknown-check",
                check.clause,
                place,
                name=check.kind,
                known=allowed_words(offer.checks),
            )
            continue
        known = allowed_words(kind.param_names)
        for param, why in _wrong_params(check, kind.params):
            place = (
                places.check(check.id, "with", param)
                if param in check.params
                else places.check(check.id, "with")
            )
            yield finding(
                ERROR, "check-param", check.clause, place, check=check.id, param=param, why=why, known=known
            )
        for param in kind.setting_params:
            name = check.params.get(param)
            if isinstance(name, str) and name not in pack.settings:
                place = places.check(check.id, "with", param)
                why = f"there is no setting {name!r}"
                yield finding(
                    ERROR,
                    "check-param",
                    check.clause,
                    place,
                    check=check.id,
                    param=param,
                    why=why,
                    known=known,
                )


def _wrong_params(check: Check, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    errors: Iterator[Any] = Draft202012Validator(dict(schema)).iter_errors(dict(check.params))
    for error in errors:
        path = [str(part) for part in error.absolute_path]
        if error.validator == "additionalProperties" and not path:
            known = schema.get("properties", {})
            for name in check.params:
                if name not in known:
                    yield name, "unknown parameter"
        elif error.validator == "required" and not path:
            for name in error.validator_value:
                if name not in check.params and error.message.startswith(repr(name)):
                    yield name, "is missing"
        else:
            yield path[0] if path else "with", str(error.message)
