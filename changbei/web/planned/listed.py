"""Settings, decision tables and checks of readiness, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from changbei.plans.model import Check, Pack, Setting, Table
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
