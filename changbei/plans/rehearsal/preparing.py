"""A scenario made ready to be played: its cases compiled, and for every step who is asked, for how long, and for what.

All runs share what is prepared here; what differs between them is drawn (`draws.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from random import Random

from changbei.core.durations import Duration
from changbei.plans.facts import Json
from changbei.plans.model import Step, TaskSpec
from changbei.plans.plain import canonical, clean_map
from changbei.plans.rehearsal import answers
from changbei.plans.rehearsal.compiled import Light, compile_light, is_light
from changbei.plans.rehearsal.draws import MICRO, Times
from changbei.plans.rehearsal.hours import Calendar
from changbei.plans.rehearsal.model import Case, Scenario
from changbei.plans.rehearsal.pace import Pace

MOST_DEEP = 3  # plans that call plans
VARIANTS = 8  # ways in which a form is filled in, drawn once and then chosen from
_RANK = {"immediate": 0, "urgent": 1, "routine": 2}


@dataclass(slots=True)
class Answer:
    """One way to fill in what a step asks for."""

    value: Json
    has_moment: bool


@dataclass(slots=True)
class Slot:
    """A step of a case with the columns of its draws."""

    case: int
    step: Step
    name: str
    first: int  # column of the first to be told; the chain follows
    work: int
    answers: list[Answer]
    by_hand: list[Answer]  # when an action has failed
    chain: tuple[str, ...]
    every: int
    ack_within: Duration | None
    within: Duration | None
    rank: int


@dataclass(slots=True)
class Prepared:
    """A scenario ready to be played; `lights` holds None for a case that the runtime itself has to run."""

    scenario: Scenario
    cases: list[Case]  # the scenario's, then those that these may call
    calls: dict[tuple[int, str], int]  # (case, step) that calls: case
    pace: Pace
    lights: list[Light | None]
    slots: list[Slot]
    offsets: list[int]
    times: Times
    role_holders: dict[str, tuple[list[int], list[int]]]
    calendar: Calendar
    slot_of: dict[tuple[int, str], int]
    exact: bool
    called: dict[tuple[int, str], Light]  # (case, its context as text): compiled

    def called_light(self, number: int, context: Json) -> Light | None:
        """A called procedure compiled for what it was given; None where the runtime itself runs it."""
        procedure = self.cases[number].procedure
        if self.exact or not is_light(procedure):
            return None
        key = (number, canonical(clean_map(context)))
        found = self.called.get(key)
        if found is None:
            found = self.called[key] = compile_light(procedure, context, self.scenario.begins_at)
        self.lights[number] = found
        return found


def prepare(scenario: Scenario, pace: Pace, *, seed: int, exact: bool = False) -> Prepared:
    """Compile every case once for all runs. `exact`: run the runtime itself even where it is not needed."""
    lights: list[Light | None] = []
    slots: list[Slot] = []
    offsets: list[int] = []
    columns = _Columns(pace)
    cases, calls = _with_called(scenario)
    for number, case in enumerate(cases):
        offsets.append(len(slots))
        runs_light = not exact and number < len(scenario.cases) and is_light(case.procedure)
        lights.append(compile_light(case.procedure, case.context, scenario.begins_at) if runs_light else None)
        slots += [_slot(number, case, step, columns, seed) for step in case.procedure.steps.values()]
    holders = {
        role: ([round(since * MICRO) for since, _ in changes], [person for _, person in changes])
        for role, changes in scenario.roster.holders.items()
    }
    _forget_moments(slots, lights)
    return Prepared(
        scenario=scenario,
        cases=cases,
        calls=calls,
        pace=pace,
        lights=lights,
        slots=slots,
        offsets=offsets,
        times=Times(columns.mu, columns.sigma),
        role_holders=holders,
        calendar=Calendar(scenario.begins_at, scenario.horizon_seconds),
        slot_of={(slot.case, slot.step.id): number for number, slot in enumerate(slots)},
        exact=exact,
        called={},
    )


def _with_called(scenario: Scenario) -> tuple[list[Case], dict[tuple[int, str], int]]:
    """The scenario's cases and a case for every step that may call another procedure, and the procedures called
    there, as deep as plans may call each other.
    """
    cases = list(scenario.cases)
    depth = [0] * len(cases)
    calls: dict[tuple[int, str], int] = {}
    for number, case in enumerate(cases):  # grows while it is gone through
        for step in case.procedure.steps.values():
            wanted = scenario.called.get((step.call.plan, step.call.procedure)) if step.call else None
            if wanted is not None and depth[number] < MOST_DEEP:
                calls[number, step.id] = len(cases)
                cases.append(wanted)
                depth.append(depth[number] + 1)
    return cases, calls


def _forget_moments(slots: Sequence[Slot], lights: Sequence[Light | None]) -> None:
    """Where no condition reads the time that somebody fills in, a light run does without it."""
    for slot in slots:
        light = lights[slot.case]
        if light is None:
            continue
        result = light.steps[light.index[slot.step.id]].result
        for answer in (*slot.answers, *slot.by_hand):
            answer.has_moment = answer.has_moment and result >= 0 and light.slots[result].reads(answer.value)


@dataclass(slots=True)
class _Columns:
    pace: Pace
    mu: list[float] = field(default_factory=list)
    sigma: list[float] = field(default_factory=list)

    def add(self, median_seconds: float, sigma: float) -> int:
        self.mu.append(log(max(median_seconds, 0.001)))
        self.sigma.append(sigma)
        return len(self.mu) - 1


def _slot(number: int, case: Case, step: Step, columns: _Columns, seed: int) -> Slot:
    pace, task = columns.pace, step.task
    chain = task.chain if task else ()
    first = len(columns.mu)
    if task is not None:
        for role in (task.role, *chain):
            response = pace.response(role, task.urgency)
            columns.add(response.median_seconds, response.sigma)
    work = _work(case, step, columns)
    random = Random(f"{seed}:{case.procedure.id}:{step.id}")
    return Slot(
        case=number,
        step=step,
        name=step.id,
        first=first,
        work=work,
        answers=_answers(case, step, random),
        by_hand=_forms(task, case.forms.get(step.id, {}), random)
        if task and step.kind in {"do", "call"}
        else [],
        chain=chain,
        every=task.escalate_every.seconds * MICRO if task else 0,
        ack_within=task.acknowledge_within if task else None,
        within=task.within if task else None,
        rank=_RANK[task.urgency] if task else 0,
    )


def _work(case: Case, step: Step, columns: _Columns) -> int:
    """The column of how long the step takes; behind that of an action comes the one of its task by hand."""
    pace, task = columns.pace, step.task
    if step.kind in {"do", "call"}:
        acts = columns.add(case.works.get(step.id, pace.action_median_seconds), pace.action_sigma)
        if task is not None:
            columns.add(_work_seconds(task, pace), pace.work_sigma)
        return acts
    if task is None:
        return columns.add(case.works.get(step.id, pace.outside_seconds), pace.outside_sigma)
    return columns.add(case.works.get(step.id) or _work_seconds(task, pace), pace.work_sigma)


def _work_seconds(task: TaskSpec, pace: Pace) -> float:
    limit = task.within.seconds or task.within.working_days * 8 * 3600
    return min(limit * pace.work_share, pace.longest_work_seconds)


def _answers(case: Case, step: Step, random: Random) -> list[Answer]:
    if step.kind == "do":
        return [_answer(dict(case.results.get(step.action, {})))]
    if step.kind == "await":
        return [_answer(dict(case.results.get(step.awaits, {})))]
    if step.task is None:
        return [_answer({})]
    forms = _forms(step.task, case.forms.get(step.id, {}), random)
    if step.kind == "decide":
        chosen = case.decisions.get(step.id)
        options = [option.id for option in step.task.options if chosen in {None, option.id}]
        return [_answer({**form.value, "option": option}) for form in forms for option in options]
    if step.kind == "approve":
        approved = case.decisions.get(step.id, "approved") == "approved"
        return [_answer({**form.value, "approved": approved}) for form in forms]
    return forms


def _forms(task: TaskSpec, given: Json, random: Random) -> list[Answer]:
    if not task.form:
        return [_answer(dict(given))]
    found: list[Json] = [answers.fill(task.form, given, random) for _ in range(VARIANTS)]
    different = [form for number, form in enumerate(found) if form not in found[:number]]
    return [_answer(form) for form in (found if len(different) > 1 else different)]


def _answer(value: Json) -> Answer:
    return Answer(value, answers.holds_moment(value))
