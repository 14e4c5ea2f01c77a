"""A run as pages show it: its stages with their tasks, count-downs, what was done before it was approved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changbei.plans.loading import pack_for
from changbei.plans.model import Procedure, Step, step_of
from changbei.runs.models import OPEN, Run, Task
from changbei.web import showing
from changbei.web.components import TaskCard

FINISHED = ("done", "cancelled")


@dataclass(frozen=True)
class Mark:
    """A moment before the end of a count-down; `reached_at` is None while it lies ahead."""

    name: str
    at: datetime | None
    reached_at: datetime | None


@dataclass(frozen=True)
class Counting:
    """A count-down that goes on: `ends_at` is None while it is not known."""

    title: str
    since: datetime | None
    ends_at: datetime | None
    marks: Sequence[Mark]


@dataclass(frozen=True)
class Many:
    """The tasks of one step that has one for each of a list."""

    title: str
    done: int
    total: int
    cards: Sequence[TaskCard]

    @property
    def finished(self) -> bool:
        return self.done == self.total


@dataclass(frozen=True)
class StageTasks:
    """The tasks of one stage."""

    title: str
    state: str
    cards: Sequence[TaskCard]
    many: Sequence[Many] = ()

    @property
    def is_over(self) -> bool:
        return all(card.state in FINISHED for card in self.cards) and all(one.finished for one in self.many)


@dataclass(frozen=True)
class RunView:
    """One run of an incident, or one that began by itself."""

    run: Run
    title: str
    is_called: bool
    stages: Sequence[StageTasks]
    counting: Sequence[Counting]
    provisional: Sequence[Task]  # approvals still to be given for what is being done already


def view(run: Run, tasks: Sequence[Task], cards: Mapping[int, TaskCard]) -> RunView:
    """The run with its tasks; `cards` are their cards by the tasks' ids. No queries."""
    procedure = pack_for(run.plan_version).procedures[run.procedure]
    return RunView(
        run=run,
        title=showing.say(procedure.title),
        is_called=run.caller_id is not None,
        stages=_stages(run, procedure, tasks, cards),
        counting=counting(run, procedure),
        provisional=[task for task in tasks if task.status in OPEN and showing.is_provisional(task)],
    )


def counting(run: Run, procedure: Procedure) -> list[Counting]:
    """The count-downs of the run that go on."""
    items: Mapping[str, Any] = run.state.get("items", {})
    return [
        _counting(step, items[step.id])
        for step in procedure.countdowns
        if items.get(step.id, {}).get("status") == "open"
    ]


def _counting(step: Step, entry: Mapping[str, Any]) -> Counting:
    ends_at, reached = _moment(entry.get("until")), entry.get("marks", {})
    marks = step.countdown.marks if step.countdown else ()
    return Counting(
        showing.say(step.title),
        _moment(entry.get("opened_at")),
        ends_at,
        [
            Mark(
                showing.say(mark.title) or mark.id,
                _before(ends_at, mark.before.seconds),
                _moment(reached.get(mark.id)),
            )
            for mark in marks
        ],
    )


def _before(ends_at: datetime | None, seconds: int) -> datetime | None:
    return datetime.fromtimestamp(ends_at.timestamp() - seconds, ends_at.tzinfo) if ends_at else None


def _moment(words: str | None) -> datetime | None:
    return datetime.fromisoformat(words) if words else None


def _stages(
    run: Run, procedure: Procedure, tasks: Sequence[Task], cards: Mapping[int, TaskCard]
) -> list[StageTasks]:
    """The stages that have tasks, those with something open first."""
    states = run.state.get("stages", {})
    grouped: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        step = procedure.step(task.item)
        grouped[step.stage if step else ""].append(task)
    found = [
        _stage(
            showing.say(stage.title),
            str(states.get(stage.id, "waiting")),
            grouped[stage.id],
            procedure,
            cards,
        )
        for stage in procedure.stages
        if stage.id in grouped
    ]
    return sorted(found, key=lambda stage: stage.is_over)


def _stage(
    title: str, state: str, tasks: Sequence[Task], procedure: Procedure, cards: Mapping[int, TaskCard]
) -> StageTasks:
    single = [cards[task.pk] for task in tasks if step_of(task.item) == task.item]
    several: dict[str, list[TaskCard]] = defaultdict(list)
    for task in tasks:
        if step_of(task.item) != task.item:
            several[step_of(task.item)].append(cards[task.pk])
    return StageTasks(
        title, state, single, [_many(procedure.steps[step], of) for step, of in several.items()]
    )


def _many(step: Step, cards: Sequence[TaskCard]) -> Many:
    done = sum(card.state in FINISHED for card in cards)
    ordered = sorted(cards, key=lambda card: card.state in FINISHED)
    return Many(showing.say(step.title), done, len(cards), ordered)
