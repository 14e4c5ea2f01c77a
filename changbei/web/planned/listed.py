"""Settings, decision tables, checklists and checks of readiness, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from changbei.plans.model import Check, CheckItem, Pack, Setting, Table
from changbei.plans.rendering.steps import finding_words
from changbei.web import drawn, showing
from changbei.web.components import Clause
from changbei.web.planned.words import anchor_of, length


@dataclass(frozen=True)
class SettingRow:
    setting: Setting
    anchor: str
    title: str
    value: str
    clause: Clause | None


def settings(pack: Pack) -> list[SettingRow]:
    speaker = drawn.speaker(pack)
    return [
        SettingRow(
            one,
            anchor_of(f"setting:{name}"),
            showing.say(one.title),
            speaker.setting(name),
            showing.clause(one.clause, pack),
        )
        for name, one in pack.settings.items()
    ]


@dataclass(frozen=True)
class TableRow:
    table: Table
    anchor: str
    title: str
    clause: Clause | None
    rows: Sequence[tuple[str, str, Sequence[tuple[str, str]], str]]  # in words, expression, outcomes, remark


def tables(pack: Pack) -> list[TableRow]:
    """The decision tables: condition, what follows, and the remark of each row."""
    speaker = drawn.speaker(pack)
    return [
        TableRow(
            one,
            anchor_of(f"table:{one.id}"),
            showing.say(one.title),
            showing.clause(one.clause, pack),
            [
                (
                    speaker.condition(row.when),
                    row.when.source,
                    [speaker.answer(name, value) for name, value in row.then.items()],
                    showing.say(row.note),
                )
                for row in one.rows
            ],
        )
        for one in pack.tables.values()
    ]


@dataclass(frozen=True)
class ItemRow:
    """One item of a checklist: what is looked at, and in words which answer is a finding and what that begins."""

    label: str
    guide: str
    clause: Clause | None
    finding: str
    procedure: str
    begins: str


@dataclass(frozen=True)
class ChecklistRow:
    anchor: str
    title: str
    clause: Clause | None
    items: Sequence[ItemRow]


def checklists(pack: Pack) -> list[ChecklistRow]:
    speaker = drawn.speaker(pack)

    def row(item: CheckItem) -> ItemRow:
        procedure = item.begins.procedure if item.begins else ""
        return ItemRow(
            showing.say(item.field["title"]),
            showing.say(item.guide),
            showing.clause(item.clause, pack),
            finding_words(speaker, item),
            procedure,
            showing.say(pack.procedures[procedure].title) if procedure else "",
        )

    return [
        ChecklistRow(
            anchor_of(f"checklist:{one.id}"),
            showing.say(one.title),
            showing.clause(one.clause, pack),
            [row(item) for item in one.items.values()],
        )
        for one in pack.checklists.values()
    ]


@dataclass(frozen=True)
class CheckRow:
    check: Check
    anchor: str
    title: str
    clause: Clause | None
    every: str
    tell: Sequence[str]
    mend: str


def checks(pack: Pack) -> list[CheckRow]:
    return [
        CheckRow(
            one,
            anchor_of(f"check:{one.id}"),
            showing.say(one.title),
            showing.clause(one.clause, pack),
            length(one.every),
            [showing.role_title(pack, role) for role in one.tell],
            showing.say(one.mend),
        )
        for one in pack.checks.values()
    ]
