"""A procedure in the elements of BPMN: what follows what, explicitly, with a gateway wherever paths part or meet.

A stage is an embedded sub-process; a step becomes a `Unit`, a short row of elements read from left to right:
join (when several steps come before), a condition to wait for, a gateway that skips the step, what is done, the
gateway of a decision, the gateway where skipped and chosen paths meet, and a fork (when several steps follow).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from changbei.core.durations import Duration
from changbei.plans.model import Procedure, Stage, Step


@dataclass(frozen=True, slots=True)
class Choice:
    """A way out of a decision."""

    id: str
    title: str
    condition: str


@dataclass(frozen=True, slots=True)
class Boundary:
    """A timer at a task. `stops`: it ends the task and goes on behind it; otherwise it only tells somebody."""

    id: str
    title: str
    duration: Duration | None
    expression: str
    stops: bool


@dataclass(slots=True)
class Unit:
    """One step, stage, start or end with the gateways it needs. `key` is unique within its scope."""

    key: str
    kind: str  # start, end, stage, or the kind of the step
    title: str
    after: tuple[str, ...] = ()
    followers: int = 0
    when: str = ""
    hold: str = ""
    choices: tuple[Choice, ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    step: Step | None = None
    stage: Stage | None = None
    inside: Scope | None = None  # of a stage

    @property
    def joins(self) -> bool:
        return len(self.after) > 1

    @property
    def forks(self) -> bool:
        return self.followers > 1

    @property
    def meets(self) -> bool:
        """Whether paths part inside the unit, and so have to meet again."""
        by_hand = self.step is not None and self.step.kind in ("do", "call") and self.step.task is not None
        stops = any(one.stops for one in self.boundaries)
        return bool(self.when or self.choices or by_hand or stops)


@dataclass(slots=True)
class Scope:
    """The units between a start and an end, in an order in which nothing comes before what it follows."""

    id: str
    units: list[Unit] = field(default_factory=list)

    def depths(self) -> dict[str, int]:
        """How many units come before each at most; the end lies behind all."""
        found: dict[str, int] = {}
        for unit in self.units:
            found[unit.key] = max((found[name] + 1 for name in unit.after if name in found), default=0)
        return found


class Speaks:
    """What the graph needs to be said in words; `changbei.plans.bpmn.write` fills it from the pack."""

    def __init__(
        self, titles: Mapping[str, str], chains: Mapping[str, str], words: Mapping[str, str]
    ) -> None:
        self.titles = titles  # step → its title
        self.chains = chains  # step → whom its lateness goes to
        self.words = words


START, END = "_start", "_end"  # no step is called so


def scope_of(procedure: Procedure, stage_titles: Mapping[str, str], speaks: Speaks) -> Scope:
    """The procedure: its stages between the report and the end."""
    units = [
        Unit(
            key=f"stage-{stage.id}",
            kind="stage",
            title=stage_titles[stage.id],
            after=tuple(f"stage-{name}" for name in stage.after) or (START,),
            when=stage.when.source if stage.when else "",
            hold=stage.hold_until.source if stage.hold_until else "",
            stage=stage,
            inside=_inside(stage, speaks),
        )
        for stage in procedure.stages
    ]
    return _closed(procedure.id, units, speaks, outermost=True)


def _inside(stage: Stage, speaks: Speaks) -> Scope:
    names = {step.id for step in stage.steps}
    units = [_unit(step, names, speaks) for step in stage.steps]
    return _closed(f"stage-{stage.id}", units, speaks)


def _unit(step: Step, names: set[str], speaks: Speaks) -> Unit:
    before = tuple(name for name in step.after if name in names)
    return Unit(
        key=step.id,
        kind=step.kind,
        title=speaks.titles[step.id],
        after=before or (START,),
        when=step.when.source if step.when else "",
        hold=step.hold_until.source if step.hold_until else "",
        choices=_choices(step, speaks),
        boundaries=tuple(_boundaries(step, speaks)),
        step=step,
    )


def _choices(step: Step, speaks: Speaks) -> tuple[Choice, ...]:
    if step.kind == "decide" and step.task is not None:
        return tuple(
            Choice(one.id, speaks.titles[f"{step.id}/{one.id}"], f'decision.{step.key} == "{one.id}"')
            for one in step.task.options
        )
    if step.kind == "approve":
        return tuple(
            Choice(word, speaks.words[word], f'decision.{step.key} == "{word}"')
            for word in ("approved", "refused")
        )
    return ()


def _boundaries(step: Step, speaks: Speaks) -> list[Boundary]:
    found: list[Boundary] = []
    by_hand = step.kind in ("do", "call")
    if step.countdown is not None:
        for mark in step.countdown.marks:
            title = f"{speaks.words['before_end']} {mark.id}"
            found.append(Boundary(f"{step.id}-mark-{mark.id}", title, mark.before, "", False))
        until = step.countdown.until.source
        found.append(Boundary(f"{step.id}-run-out", speaks.words["until"], None, until, True))
    if step.task is not None and not by_hand:
        chain = speaks.chains.get(step.id, "")
        title = f"{speaks.words['late']} → {chain}" if chain else speaks.words["late"]
        found.append(Boundary(f"{step.id}-late", title, step.task.within, "", False))
    if step.timeout is not None:
        word = speaks.words["approved" if step.timeout.approves else "refused"]
        found.append(Boundary(f"{step.id}-timeout", word, step.timeout.after, "", True))
    return found


def _closed(scope: str, units: Sequence[Unit], speaks: Speaks, *, outermost: bool = False) -> Scope:
    """With a start before and an end behind, in order, and each knowing how many follow it."""
    used = {name for unit in units for name in unit.after}
    sinks = tuple(unit.key for unit in units if unit.key not in used)
    everything = [
        Unit(START, "start", speaks.words["start"] if outermost else ""),
        *_ordered(units),
        Unit(END, "end", speaks.words["end"] if outermost else "", after=sinks or (START,)),
    ]
    for unit in everything:
        unit.followers = sum(unit.key in other.after for other in everything)
    return Scope(scope, everything)


def _ordered(units: Sequence[Unit]) -> list[Unit]:
    """What comes before first; the order of the file otherwise."""
    placed: dict[str, Unit] = {}
    waiting = list(units)
    while waiting:
        ready = [unit for unit in waiting if all(name in placed or name == START for name in unit.after)]
        for unit in ready or waiting:
            placed[unit.key] = unit
        waiting = [unit for unit in waiting if unit.key not in placed]
    return list(placed.values())
