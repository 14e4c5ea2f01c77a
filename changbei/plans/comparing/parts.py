"""What changed in settings, roles, ladders, audiences, registries, checks, checklists and exercises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from changbei.plans.comparing.change import ADDED, CHANGED, REMOVED, Change
from changbei.plans.comparing.lengths import compared, said
from changbei.plans.model import (
    Audience,
    Check,
    CheckItem,
    Checklist,
    Exercise,
    Pack,
    Part,
    Registry,
    Role,
    Setting,
)

Aspects = Mapping[str, str]


def parts(before: Pack, after: Pack) -> Iterator[Change]:
    yield from _plan(before, after)
    yield from _each("setting", before.settings, after.settings, _setting, lambda one: str(one.clause))
    yield from _each("role", before.roles, after.roles, _role, lambda one: str(one.clause))
    yield from _each("ladder", before.ladders, after.ladders, _ladder, lambda one: "")
    yield from _each("audience", before.audiences, after.audiences, _audience, lambda one: "")
    yield from _each("registry", before.registries, after.registries, _registry, lambda one: "")
    yield from _checks(before, after)
    yield from _each(
        "checklist", before.checklists, after.checklists, _checklist, lambda one: str(one.clause)
    )
    for name in [name for name in before.checklists if name in after.checklists]:
        old, new = before.checklists[name], after.checklists[name]
        yield from _each("item", _named(old), _named(new), _item, lambda one: str(one.clause))
    yield from _each("exercise", before.exercises, after.exercises, _exercise, lambda one: "")


def _plan(before: Pack, after: Pack) -> Iterator[Change]:
    if before.id != after.id:
        yield Change("plan", after.id, CHANGED, aspect="id", before=before.id, after=after.id)
    if before.version != after.version:
        yield Change("plan", after.id, CHANGED, aspect="version", before=before.version, after=after.version)
    if before.effective_on != after.effective_on:
        days = _day(before.effective_on), _day(after.effective_on)
        yield Change("plan", after.id, CHANGED, aspect="effective_on", before=days[0], after=days[1])
    how = compared(before.review_period, after.review_period)
    if how:
        words = said(before.review_period), said(after.review_period)
        yield Change("plan", after.id, how, aspect="review_period", before=words[0], after=words[1])


def _day(day: date) -> str:
    return day.isoformat()


def _each(
    part: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    aspects: Callable[[Any], Aspects],
    clause: Callable[[Any], str],
) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            words = "; ".join(
                f"{key}: {value}" for key, value in aspects(new if old is None else old).items() if value
            )
            how = ADDED if old is None else REMOVED
            yield Change(
                part,
                name,
                how,
                clause(new if old is None else old),
                before="" if old is None else words,
                after="" if new is None else words,
            )
            continue
        first, second = aspects(old), aspects(new)
        for aspect in first:
            if first[aspect] != second[aspect]:
                yield Change(part, name, CHANGED, clause(new), aspect, first[aspect], second[aspect])


def _setting(setting: Setting) -> Aspects:
    return {"value": f"{setting.value} {setting.unit}".strip(), "clause": setting.clause}


def _role(role: Role) -> Aspects:
    source = next(
        (f"{key} {getattr(role, key)}" for key in ("post", "duty", "job") if getattr(role, key)), ""
    )
    return {
        "holder": source or ("command" if role.command else "named"),
        "scope": role.scope,
        "deputies": "yes" if role.deputies else "no",
        "clause": role.clause,
    }


def _ladder(chain: tuple[str, ...]) -> Aspects:
    return {"chain": " → ".join(chain)}


def _audience(audience: Audience) -> Aspects:
    wanted = audience.staff or audience.contacts or audience.retailers or {}
    return {"whom": ", ".join(f"{key}: {value}" for key, value in sorted(wanted.items()))}


def _registry(registry: Registry) -> Aspects:
    return {"page": registry.page}


def _checks(before: Pack, after: Pack) -> Iterator[Change]:
    yield from _each("check", before.checks, after.checks, _check, lambda one: str(one.clause))
    for name in [name for name in before.checks if name in after.checks]:
        old, new = before.checks[name], after.checks[name]
        if how := compared(old.every, new.every):
            yield Change("check", name, how, new.clause, "every", said(old.every), said(new.every))


def _checklist(checklist: Checklist) -> Aspects:
    return {"kind": checklist.kind, "clause": checklist.clause, "items": ", ".join(checklist.items)}


def _named(checklist: Checklist) -> dict[str, CheckItem]:
    return {f"{checklist.id}/{name}": item for name, item in checklist.items.items()}


def _item(item: CheckItem) -> Aspects:
    limits = [
        f"{word} {limit:g}"
        for word, limit in (("below", item.below), ("above", item.above))
        if limit is not None
    ]
    return {
        "label": " / ".join(item.label.values()),
        "guide": " / ".join(item.guide.values()),
        "answer": " ".join([item.answer, item.unit.get("en", ""), *(one.id for one in item.options)]).strip(),
        "required": "yes" if item.required else "no",
        "finding": ", ".join([*item.found, *limits]),
        "begins": f"{item.begins.procedure} {dict(item.begins.report) or ''}".strip() if item.begins else "",
        "duty": item.duty,
        "clause": item.clause,
    }


def _exercise(exercise: Exercise) -> Aspects:
    return {"parts": "; ".join(_part(part) for part in exercise.parts), "away": ", ".join(exercise.away)}


def _part(part: Part) -> str:
    said = {**part.report, **part.decisions, **part.forms, **dict.fromkeys(part.unseen, "unseen")}
    said |= {"reporter": part.reporter} if part.reporter else {}
    said |= {"begins": "warning"} if part.warning else {}
    given = ", ".join(f"{key}: {value}" for key, value in sorted(said.items()))
    return f"{part.procedure} ({given})" if given else part.procedure


def _check(check: Check) -> Aspects:
    given = ", ".join(f"{key}: {value}" for key, value in sorted(check.params.items()))
    return {"kind": check.kind, "with": given, "tell": ", ".join(check.tell), "clause": check.clause}
