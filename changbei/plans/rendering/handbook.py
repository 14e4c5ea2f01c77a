"""The pocket handbook of a role: what I do when …, by when, whom I call, and what comes to me when others are late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from changbei.core.errors import NotFound
from changbei.core.texts import pick
from changbei.plans.diagrams.flow import plain_title
from changbei.plans.model import Pack, Procedure, Role, Step
from changbei.plans.rendering.annex import Annex
from changbei.plans.rendering.model import (
    Block,
    Cover,
    Document,
    Grid,
    Heading,
    Items,
    PageBreak,
    Paragraph,
    Run,
    Runs,
    cell,
    plain,
)
from changbei.plans.rendering.steps import Speaker
from changbei.plans.rendering.words import Words

ALL = "all"


def roles_for(pack: Pack, who: str) -> list[Role]:
    """The roles a handbook is for: `who` is a role, a post, a duty or a job of the plan, or `all`."""
    if who == ALL:
        return list(pack.roles.values())
    found = [role for role in pack.roles.values() if who in (role.id, role.post, role.duty, role.job)]
    if not found:
        raise NotFound(f"the plan has no role or post {who!r}; there are: {', '.join(pack.roles)}")
    return found


def handbook(pack: Pack, roles: Sequence[Role], language: str, annex: Annex) -> Document:
    """One small document; each role begins on a page of its own."""
    say = Words(language)
    speaker = Speaker(pack, say, annex.actions)
    titles = [speaker.pick(role.title) for role in roles]
    shown = say.joined(titles) if len(titles) <= 3 else speaker.pick(pack.issuer)
    body: list[Block] = []
    for n, role in enumerate(roles):
        body += [PageBreak()] if n else []
        body += _role(speaker, role, annex, alone=len(roles) == 1)
    return Document(
        language=say.language,
        cover=Cover(
            issuer=speaker.pick(pack.issuer),
            title=say("handbook"),
            subtitle=shown,
            facts=(
                (say("title"), speaker.pick(pack.titles)),
                (say("version"), pack.version),
                (say("effective"), (annex.effective_on or pack.effective_on).isoformat()),
            ),
            stamp="" if annex.effective_on else say("draft"),
        ),
        contents_title=say("contents"),
        before=(),
        body=tuple(body),
        small=True,
        footer=f"{say('handbook')} · {speaker.pick(pack.titles)} {pack.version}",
        digest=pack.digest,
        made_on=annex.made_at.date().isoformat() if annex.made_at else "",
    )


def _role(speaker: Speaker, role: Role, annex: Annex, *, alone: bool) -> Iterator[Block]:
    """`alone`: the table of contents goes on to the events."""
    say, pack = speaker.say, speaker.pack
    title = speaker.pick(role.title)
    yield Heading(1, "", title, f"role-{role.id}", note=role.clause)
    concerned = [one for one in pack.procedures.values() if _takes_part(one, role.id)]
    if not concerned:
        yield Paragraph(plain(say("no_task")), "note")
    else:
        yield Paragraph((Run(say("what_i_do"), bold=True),))
    for procedure in concerned:
        yield from _procedure(speaker, procedure, role, listed=alone)
    checks = [check for check in pack.checks.values() if role.id in check.tell]
    if checks:
        yield Heading(2, "", say("my_checks"), f"checks-{role.id}", listed=False)
        yield Items(tuple(_check(speaker, check.id) for check in checks))
    calls = whom_to_call(pack, concerned, role.id)
    if calls:
        yield Heading(2, "", say("my_calls"), f"calls-{role.id}", listed=False)
        yield _calls(speaker, calls, annex)


def _takes_part(procedure: Procedure, role: str) -> bool:
    return any(
        _mine(step, role) or role in step.roles or _late_to(step, role) for step in procedure.steps.values()
    )


def _mine(step: Step, role: str) -> bool:
    """Steps the role acts in: its tasks, approvals a table may give it, and what it does when the product fails."""
    if step.task is not None and step.task.role == role:
        return True
    if role in step.delegates:
        return True
    return step.limit is not None and any(row.then.get("role") == role for row in step.limit.table.rows)


def _late_to(step: Step, role: str) -> bool:
    return step.task is not None and role in step.task.chain


def _procedure(speaker: Speaker, procedure: Procedure, role: Role, *, listed: bool) -> Iterator[Block]:
    say = speaker.say
    yield Heading(2, "", speaker.pick(procedure.title), f"role-{role.id}-{procedure.id}", listed=listed)
    steps = list(procedure.steps.values())
    mine = [step for step in steps if _mine(step, role.id)]
    if mine:
        yield Items(tuple(_task(speaker, step) for step in mine), ordered=True)
    received = [step for step in steps if step.kind == "notify" and role.id in step.roles]
    if received:
        words = say.joined(list(dict.fromkeys(speaker.step(step) for step in received)))
        yield Paragraph((Run(say("i_receive") + say("colon"), quiet=True), Run(words)))
    late = [step for step in steps if _late_to(step, role.id) and step not in mine]
    if late:
        words = say.joined(list(dict.fromkeys(speaker.step(step) for step in late)))
        yield Paragraph((Run(say("i_hear_of") + say("colon"), quiet=True), Run(words)))


def _task(speaker: Speaker, step: Step) -> Runs:
    """A task with a box to tick, its limits, how it is done, and who hears of it when it is late."""
    say, task = speaker.say, step.task
    if task is None:
        return plain(speaker.step(step))
    by_hand = step.kind in ("do", "call")
    title = speaker.pick(task.title)
    runs = [Run("□ "), Run(title, bold=True)]
    if by_hand:
        runs.append(Run(f" ({say('by_hand')})", quiet=True))
    limits = []
    if task.acknowledge_within:
        limits.append(say("accept_within", time=say.length(task.acknowledge_within)))
    limits.append(say("done_within", time=say.length(task.within)))
    runs.append(Run(f"\n{say.joined(limits)} · {task.clause}"))
    if guide := speaker.pick(task.guide):
        runs.append(Run(f"\n{guide}"))
    if task.options:
        options = " / ".join(speaker.pick(one.title) for one in task.options)
        runs += [Run(f"\n{say('options')}{say('colon')}", quiet=True), Run(options)]
    if task.evidence:
        runs += [
            Run(f"\n{say('evidence')}{say('colon')}", quiet=True),
            Run(say.joined([say(kind) for kind in task.evidence])),
        ]
    if task.chain:
        chain = " → ".join(speaker.role(one) for one in task.chain)
        runs.append(Run(f"\n{say('late_tell', names=chain)}", quiet=True))
    return tuple(runs)


def _check(speaker: Speaker, check_id: str) -> Runs:
    say, check = speaker.say, speaker.pack.checks[check_id]
    every = f"{say('every')} {say.length(check.every)} · {check.clause}"
    return (
        Run("□ "),
        Run(speaker.pick(check.title), bold=True),
        Run(f"\n{every}", quiet=True),
        Run(f"\n{speaker.pick(check.mend)}"),
    )


def whom_to_call(pack: Pack, procedures: Sequence[Procedure], role: str) -> list[str]:
    """Roles and audiences this one deals with: whom its lateness goes to, who waits for it, bodies outside."""
    found: dict[str, None] = {}
    for procedure in procedures:
        for step in procedure.steps.values():
            if _mine(step, role) and step.task:
                found.update(dict.fromkeys((*step.task.chain, step.task.role)))
            audience = pack.audiences.get(step.audience)
            if audience is not None and audience.contacts:
                found[audience.id] = None
    found.pop(role, None)
    return list(found)


def _calls(speaker: Speaker, names: Sequence[str], annex: Annex) -> Grid:
    """With the numbers when the copy may hold personal data, else with room to write them in."""
    pack = speaker.pack
    staff = annex.contacts.staff if annex.contacts else ()
    rows = []
    for name in names:
        title = (
            pick(pack.audiences[name].title, speaker.say.language)
            if name in pack.audiences and name not in pack.roles
            else speaker.role(name)
        )
        held = [one for one in staff if one.role == name and one.rank <= 1][:2]
        rows.append(
            (
                cell(plain_title(title)),
                cell(*[one.name for one in held]),
                cell(*[one.phone for one in held] or [" "]),
            )
        )
    say = speaker.say
    return Grid((say("role"), say("person"), say("phone")), tuple(rows), (44, 24, 32), boxed=True)
