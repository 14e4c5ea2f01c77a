"""Steps, forms and tables of a pack as cells and grids, in the words of one language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from changbei.core import durations
from changbei.core.durations import Duration
from changbei.core.texts import pick
from changbei.plans.conditions import Condition
from changbei.plans.diagrams.flow import limit_of, role_title, title_of, who_of
from changbei.plans.model import PHOTO, CheckItem, Checklist, Pack, Procedure, Setting, Step, Table
from changbei.plans.rendering.model import Cell, Grid, Items, Run, Runs, cell, plain
from changbei.plans.rendering.words import Words
from changbei.plans.speaking import Scope, say_answer, say_condition, say_value


class Speaker:
    """A pack and a language: what things of the pack are called in it."""

    def __init__(self, pack: Pack, say: Words, actions: Mapping[str, str]) -> None:
        self.pack = pack
        self.say = say
        self.actions = actions

    def pick(self, text: Mapping[str, str] | None) -> str:
        return pick(text, self.say.language)

    def role(self, role: str) -> str:
        return role_title(self.pack, role, self.say)

    def roles(self, roles: Sequence[str]) -> str:
        return self.say.joined([self.role(role) for role in roles])

    def step(self, step: Step) -> str:
        return title_of(self.pack, step, self.say, self.actions)

    def setting(self, name: str) -> str:
        return setting_value(self, self.pack.settings[name])

    def length(self, duration: Duration) -> str:
        return self.say.length(duration)

    def condition(self, condition: Condition, procedure: Procedure | None = None) -> str:
        """The condition in words, by the names of the procedure; without one by those of a table."""
        return say_condition(condition, Scope(self.pack, self.say.language, self, procedure))

    def answer(self, name: str, value: Any) -> tuple[str, str]:
        """What a row of a table gives: the name of the output, and its value."""
        if name == "role" and value in self.pack.roles:
            return "", self.role(value)
        if isinstance(value, bool):
            value = self.say("yes" if value else "no")
        return say_answer(name, value, Scope(self.pack, self.say.language, self))

    def value(self, expression: Condition, procedure: Procedure) -> str:
        return say_value(expression, Scope(self.pack, self.say.language, self, procedure))


def step_anchor(procedure: str, step: str) -> str:
    return f"step-{procedure}-{step}"


# --- steps


def step_grid(speaker: Speaker, steps: Sequence[tuple[Procedure, Step]]) -> Grid:
    """Who does what by when, and who hears of it when it is late."""
    say = speaker.say
    rows = [
        (
            _what(speaker, procedure, step),
            cell(*_who(speaker, step)),
            cell(*_when(speaker, step)),
            cell(*_late(speaker, step)),
        )
        for procedure, step in steps
    ]
    return Grid((say("step"), say("role"), say("limit"), say("escalation")), tuple(rows), (48, 18, 15, 19))


def _what(speaker: Speaker, procedure: Procedure, step: Step) -> Cell:
    say = speaker.say
    kind = f"  {say(f'kind_{step.kind}')} · {speaker.pick(procedure.title)}"
    title: Runs = (Run(speaker.step(step), bold=True), Run(kind, quiet=True))
    lines: list[Runs] = [title]
    if step.task and step.kind not in ("do", "call") and (guide := speaker.pick(step.task.guide)):
        lines.append(plain(guide))
    if step.kind in ("do", "call") and step.task:
        lines.append(
            _labelled(say, "by_hand", f"{speaker.pick(step.task.title)} ({speaker.role(step.task.role)})")
        )
    if step.each is not None:
        lines.append(_labelled(say, "for_each", speaker.value(step.each.of, procedure)))
    if step.countdown is not None:
        lines += _countdown(speaker, procedure, step)
    lines += _additions(speaker, step)
    if step.confirm is not None:
        one = step.confirm
        confirmed = say("confirmed", n=one.at_least, time=say.length(one.within))
        late = (
            say("late_tell", names=" → ".join(speaker.role(role) for role in one.chain)) if one.chain else ""
        )
        lines.append(plain(say.sentence([confirmed, late])))
    lines += [
        _labelled(say, label, speaker.condition(condition, procedure))
        for label, condition in (("only_when", step.when), ("not_before", step.hold_until))
        if condition is not None
    ]
    if step.wait_until is not None:
        lines.append(_labelled(say, "until", speaker.value(step.wait_until, procedure)))
    return cell(*lines, anchor=step_anchor(procedure.id, step.id))


def _countdown(speaker: Speaker, procedure: Procedure, step: Step) -> list[Runs]:
    say = speaker.say
    found: list[Runs] = []
    if step.countdown is None:
        return found
    found.append(_labelled(say, "until", speaker.value(step.countdown.until, procedure)))
    if step.countdown.marks:
        marks = [f"{say('before_end')} {say.length(mark.before)}" for mark in step.countdown.marks]
        found.append(_labelled(say, "marks", say.joined(marks)))
    return found


def _additions(speaker: Speaker, step: Step) -> list[Runs]:
    """What a task also asks for: choices, evidence, fields."""
    say, task = speaker.say, step.task
    if task is None or step.kind in ("do", "call"):
        return []
    found: list[Runs] = []
    if task.options:
        found.append(_labelled(say, "options", " / ".join(speaker.pick(one.title) for one in task.options)))
    if task.evidence:
        found.append(_labelled(say, "evidence", say.joined([say(kind) for kind in task.evidence])))
    if task.form:
        titles = [
            speaker.pick(one.get("title")) or name for name, one in task.form.get("properties", {}).items()
        ]
        found.append(_labelled(say, "fill_in", say.joined(titles)))
    return found


def _labelled(say: Words, label: str, words: str) -> Runs:
    return (Run(say(label) + say("colon"), quiet=True), Run(words))


def _who(speaker: Speaker, step: Step) -> list[str | Runs]:
    if step.kind in ("do", "call"):
        return [speaker.say(f"kind_{step.kind}")]
    who = who_of(speaker.pack, step, speaker.say)
    if step.kind == "notify":
        return [(Run(speaker.say("to_whom") + " ", quiet=True), Run(who))] if who else []
    found: list[str | Runs] = [who] if who else []
    if step.delegates:
        found.append(plain(speaker.roles(step.delegates), quiet=True))
    return found


def _when(speaker: Speaker, step: Step) -> list[str | Runs]:
    say = speaker.say
    found: list[str | Runs] = []
    if step.task and step.task.acknowledge_within and step.kind not in ("do", "call"):
        found.append((Run(f"{say('accept')} ", quiet=True), Run(say.length(step.task.acknowledge_within))))
    if limit := limit_of(step, say):
        label = say("finish") if step.wait_for is None else say("kind_wait")
        found.append((Run(f"{label} ", quiet=True), Run(limit)))
    return found


def _late(speaker: Speaker, step: Step) -> list[str | Runs]:
    task = step.task
    if task is None or not task.chain or step.kind in ("do", "call"):
        return []
    found: list[str | Runs] = [" → ".join(speaker.role(role) for role in task.chain)]
    if len(task.chain) > 1:
        found.append(plain(f"{speaker.say('every')} {speaker.say.length(task.escalate_every)}", quiet=True))
    return found


# --- forms, tables, settings


def form_grid(speaker: Speaker, form: Mapping[str, Any]) -> Grid:
    """A report form as it is filled in on paper: what is asked, and room or choices for the answer."""
    say = speaker.say
    required = set(form.get("required", ()))
    rows = [
        (
            cell((Run(speaker.pick(one.get("title")) or name, bold=name in required),)),
            cell(say("required") if name in required else ""),
            cell(_answer(speaker, one)),
        )
        for name, one in form.get("properties", {}).items()
    ]
    return Grid((say("field"), "", say("means")), tuple(rows), (32, 12, 56), boxed=True)


def checklist_grid(speaker: Speaker, checklist: Checklist) -> Grid:
    """A checklist as it is filled in on paper: what is looked at, room for the answer, what counts as a finding."""
    say = speaker.say
    rows = [
        (
            cell(
                (Run(speaker.pick(item.field["title"]), bold=item.required),),
                *[plain(speaker.pick(item.guide), quiet=True)] if item.guide else [],
            ),
            cell(say("photo") if item.answer == PHOTO else _answer(speaker, item.field)),
            cell(*_finding(speaker, item)),
            cell(item.clause),
        )
        for item in checklist.items.values()
    ]
    head = (say("field"), say("means"), say("is_finding"), say("clause"))
    return Grid(head, tuple(rows), (40, 26, 26, 8), boxed=True)


def _finding(speaker: Speaker, item: CheckItem) -> list[str | Runs]:
    """Which answers are findings, and what one begins."""
    begins = speaker.pack.procedures.get(item.begins.procedure) if item.begins else None
    more = [plain(speaker.say("begins", what=speaker.pick(begins.title)), quiet=True)] if begins else []
    return [finding_words(speaker, item), *more]


def finding_words(speaker: Speaker, item: CheckItem) -> str:
    """Which answers are findings, in words; empty for none."""
    say = speaker.say
    options = {one.id: speaker.pick(one.title) for one in item.options}
    words = [options.get(word) or say(word) for word in item.found]
    for name, limit in (("below", item.below), ("above", item.above)):
        words += [say(name, n=f"{limit:g} {speaker.pick(item.unit)}")] if limit is not None else []
    return say.joined(words)


def _answer(speaker: Speaker, field: Mapping[str, Any]) -> str:
    """What can be answered: the choices, or the unit, or nothing but room."""
    say = speaker.say
    choices = [speaker.pick(one.get("title")) or str(one.get("const", "")) for one in field.get("oneOf", ())]
    if choices:
        return "   ".join(f"□ {words}" for words in choices)
    if field.get("type") == "boolean":
        return f"□ {say('yes')}   □ {say('no')}"
    if field.get("type") == "object":
        titles = [speaker.pick(one.get("title")) or name for name, one in field.get("properties", {}).items()]
        return say.joined(titles)
    return str(field.get("x-unit", ""))


def table_grid(speaker: Speaker, table: Table) -> Grid:
    say = speaker.say
    rows = [
        (
            cell(str(number)),
            cell(speaker.pick(row.note), plain(speaker.condition(row.when), quiet=True)),
            cell(*[_outcome(*speaker.answer(name, value)) for name, value in row.then.items()]),
        )
        for number, row in enumerate(table.rows, start=1)
    ]
    return Grid(("#", say("when"), say("then")), tuple(rows), (6, 66, 28))


def _outcome(name: str, value: str) -> Runs:
    return (Run(f"{name} ", quiet=True), Run(value, code=True)) if name else plain(value)


def setting_value(speaker: Speaker, setting: Setting) -> str:
    """`50 %`, `15 分钟`, `30 条`; a unit that has no words of its own stands as the plan writes it."""
    if setting.unit == "share":
        return f"{float(setting.value):.0%}"
    if isinstance(setting.value, bool):
        return speaker.say("yes" if setting.value else "no")
    if isinstance(setting.value, str):
        return _length(speaker, setting.value)
    return speaker.say.quantity(setting.value, setting.unit)


def _length(speaker: Speaker, value: str) -> str:
    """`15m` as a length of time; other texts as they are."""
    try:
        return speaker.length(durations.parse(value))
    except ValueError:
        return value


def lines(items: Sequence[Runs]) -> Items:
    return Items(tuple(items))
