"""A procedure as a graph for people: bands (stages) with nodes (steps), in words of one language. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from changbei.core.texts import pick
from changbei.plans.model import Pack, Procedure, Stage, Step
from changbei.plans.rendering.words import Words

NO_TITLES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Node:
    """A step. `after` are steps of the same band; without any it opens with its band."""

    id: str
    kind: str  # task, decide, approve, await, do, call, notify, wait, countdown
    kind_title: str
    title: str
    who: str
    limit: str
    clause: str
    after: tuple[str, ...]
    conditional: bool
    many: bool  # one task for each element of a list


@dataclass(frozen=True, slots=True)
class Band:
    """A stage. `after` are the bands that have to be closed before it opens."""

    id: str
    title: str
    after: tuple[str, ...]
    conditional: bool
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    id: str
    title: str
    bands: tuple[Band, ...]

    def nodes(self) -> tuple[Node, ...]:
        return tuple(node for band in self.bands for node in band.nodes)


def flow_of(pack: Pack, procedure: Procedure, say: Words, actions: Mapping[str, str] = NO_TITLES) -> Flow:
    """`actions` names what the product does, by the action's id, in the language of `say`."""
    return Flow(
        procedure.id,
        pick(procedure.title, say.language),
        tuple(_band(pack, procedure, stage, say, actions) for stage in procedure.stages),
    )


def title_of(pack: Pack, step: Step, say: Words, actions: Mapping[str, str] = NO_TITLES) -> str:
    """What a reader calls the step: its task, its message, what it starts, or what the system does."""
    if step.kind == "do":
        return actions.get(step.action) or (pick(step.title, say.language) if step.title else step.action)
    if step.kind == "call" and step.call is not None:
        called = pack.procedures.get(step.call.procedure)
        own = step.call.plan in ("", pack.id) and called is not None
        return pick(called.title, say.language) if called and own else step.call.procedure
    if step.title:
        return pick(step.title, say.language)
    if step.template in pack.templates:
        return plain_title(pick(pack.templates[step.template].title, say.language))
    if step.wait_for is not None:
        return say.length(step.wait_for)
    return say(f"kind_{step.kind}")


def plain_title(title: str) -> str:
    """The title of a message without the number of the event it is about."""
    return title.replace("{number}", "").replace("{title}", "").strip(" :：·-—")


def who_of(pack: Pack, step: Step, say: Words) -> str:
    """Whose step it is, or whom its message goes to."""
    if step.kind == "notify":
        names = [role_title(pack, role, say) for role in step.roles]
        if step.audience in pack.audiences:
            names.append(pick(pack.audiences[step.audience].title, say.language))
        return say.joined(names)
    return role_title(pack, step.task.role, say) if step.task and step.kind not in ("do", "call") else ""


def limit_of(step: Step, say: Words) -> str:
    """How long it may take, or takes."""
    if step.wait_for is not None:
        return say.length(step.wait_for)
    return say.length(step.task.within) if step.task and step.kind not in ("do", "call") else ""


def role_title(pack: Pack, role: str, say: Words) -> str:
    found = pack.roles.get(role)
    return pick(found.title, say.language) if found else role


def _band(pack: Pack, procedure: Procedure, stage: Stage, say: Words, actions: Mapping[str, str]) -> Band:
    inside = {step.id for step in stage.steps}
    known = {one.id for one in procedure.stages}
    return Band(
        stage.id,
        pick(stage.title, say.language),
        tuple(name for name in stage.after if name in known),
        stage.when is not None or stage.hold_until is not None,
        tuple(_node(pack, step, inside, say, actions) for step in stage.steps),
    )


def _node(pack: Pack, step: Step, inside: set[str], say: Words, actions: Mapping[str, str]) -> Node:
    return Node(
        id=step.id,
        kind=step.kind,
        kind_title=say(f"kind_{step.kind}"),
        title=title_of(pack, step, say, actions),
        who=who_of(pack, step, say),
        limit=limit_of(step, say),
        clause=step.clause,
        after=tuple(name for name in step.after if name in inside),
        conditional=step.when is not None or step.hold_until is not None,
        many=step.each is not None,
    )
