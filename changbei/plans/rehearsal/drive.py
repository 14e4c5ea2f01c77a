"""People in virtual time: who is told, who sees it and when, who is busy with something else, who does it.

A person sees messages whatever they do, but works on one thing at a time: urgency, then the nearer deadline, orders
what waits. Whoever cannot be reached is escalated past, along the step's chain, as the engine does; the first who
takes note does the task. Routine work begins in working hours only. With `deputy`, a second person holds that role
beside the holder: both are told, and whoever can begin first does it.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log
from random import Random
from typing import Any

from changbei.core import workdays
from changbei.core.clock import LOCAL
from changbei.core.durations import Duration
from changbei.plans.facts import Json
from changbei.plans.model import Step, TaskSpec
from changbei.plans.plain import canonical, clean_map
from changbei.plans.rehearsal import answers
from changbei.plans.rehearsal.compiled import Light, compile_light, is_light
from changbei.plans.rehearsal.draws import MICRO, Draws, Times
from changbei.plans.rehearsal.exact import ExactRun
from changbei.plans.rehearsal.light import LightRun
from changbei.plans.rehearsal.model import BY_SOMEBODY_ELSE, NOBODY, SOMEBODY_ELSE, Case, Scenario, context_of
from changbei.plans.rehearsal.pace import Pace

BEGIN, SEEN, WORK, DONE, ACTED, FAILED, TIMER, OUTSIDE = range(8)
NEVER = 1 << 62
DAY = 86400 * MICRO
MOST_DEEP = 3  # plans that call plans
VARIANTS = 8  # ways in which a form is filled in, drawn once and then chosen from
WORK_FROM, WORK_UNTIL = 8 * 3600 + 1800, 17 * 3600 + 1800  # seconds of the local day
NIGHT_FROM, NIGHT_UNTIL = 22 * 3600 * MICRO, 6 * 3600 * MICRO
_RANK = {"immediate": 0, "urgent": 1, "routine": 2}

# A record of a task, action or wait of one run.
OPENED, SEEN_AT, STARTED, FINISHED, PERSON, ROLE, DUE, ACK_DUE, CAUSE, SLOT, TOLD, READY = range(12)
Record = list[Any]


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


@dataclass(slots=True)
class Played:
    """One run: moments are microseconds from the beginning, -1 for what did not happen."""

    runs: list[LightRun | ExactRun | None]  # by case; None for one that was not called
    records: list[dict[Any, Record]]  # by case, then by item
    first_action: int


class Calendar:
    """Working hours and working days as microseconds since the beginning of a scenario."""

    def __init__(self, begins: datetime, horizon_seconds: float) -> None:
        self._begins = begins
        local = begins.astimezone(LOCAL)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        self.midnight = (midnight - local) // timedelta(microseconds=1)  # zero or negative
        self._opens: list[int] = []
        for day in range(int(horizon_seconds // 86400) + 12):
            if workdays.is_workday((midnight + timedelta(days=day)).date()):
                self._opens.append(self.midnight + day * DAY + WORK_FROM * MICRO)
        self._after: dict[tuple[int, int], tuple[bool, int]] = {}

    def opening(self, now: int) -> int:
        """When routine work can begin: now, or at the next opening."""
        number = bisect_right(self._opens, now)
        if number and now < self._opens[number - 1] + (WORK_UNTIL - WORK_FROM) * MICRO:
            return now
        return self._opens[number] if number < len(self._opens) else now

    def is_night(self, now: int) -> bool:
        of_day = (now - self.midnight) % DAY
        return of_day >= NIGHT_FROM or of_day < NIGHT_UNTIL

    def after(self, duration: Duration, now: int) -> int:
        if not duration.working_days:
            return now + duration.seconds * MICRO
        key = ((now - self.midnight) // DAY, duration.working_days)
        found = self._after.get(key)
        if found is None:
            at = self._begins + timedelta(microseconds=now)
            due = (duration.after(at) - self._begins) // timedelta(microseconds=1)
            same_hour = workdays.is_workday(at.astimezone(LOCAL).date())
            found = self._after[key] = (same_hour, due - now if same_hour else due)
        return now + found[1] if found[0] else found[1]


def prepare(scenario: Scenario, pace: Pace, *, seed: int, exact: bool = False) -> Prepared:
    """Compile every case once for all runs. `exact`: run the runtime itself even where it is not needed."""
    lights: list[Light | None] = []
    slots: list[Slot] = []
    offsets: list[int] = []
    mu: list[float] = []
    sigma: list[float] = []
    columns = _Columns(pace, mu, sigma)
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
    calendar = Calendar(scenario.begins_at, scenario.horizon_seconds)
    slot_of = {(slot.case, slot.step.id): number for number, slot in enumerate(slots)}
    times = Times(mu, sigma)
    return Prepared(
        scenario, cases, calls, pace, lights, slots, offsets, times, holders, calendar, slot_of, exact, {}
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
    mu: list[float]
    sigma: list[float]

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
    if step.kind in {"do", "call"}:
        acts = columns.add(case.works.get(step.id, pace.action_median_seconds), pace.action_sigma)
        if task is not None:
            columns.add(_work_seconds(task, pace), pace.work_sigma)
        work = acts
    elif task is None:
        work = columns.add(case.works.get(step.id, pace.outside_seconds), pace.outside_sigma)
    else:
        work = columns.add(case.works.get(step.id) or _work_seconds(task, pace), pace.work_sigma)
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


def play(prepared: Prepared, draws: Draws, deputy: str = "") -> Played:
    """One run of the whole scenario, from its first event until nothing is left to be done."""
    stage = _Play(prepared, draws, deputy)
    stage.run()
    return Played(stage.runs, stage.records, stage.first_action)


class _Play:
    __slots__ = (
        "_asked",
        "_away",
        "_busy",
        "_callers",
        "_cause",
        "_chances",
        "_deputy",
        "_deputy_times",
        "_free_at",
        "_heap",
        "_number",
        "_p",
        "_queues",
        "_times",
        "first_action",
        "records",
        "runs",
    )

    def __init__(self, prepared: Prepared, draws: Draws, deputy: str) -> None:
        self._p = prepared
        scenario = prepared.scenario
        begins = scenario.begins_at
        self.runs: list[Any] = [
            LightRun(light, begins) if light else ExactRun(case.procedure, case.context, begins)
            for case, light in zip(scenario.cases, prepared.lights, strict=False)
        ]
        self.runs += [None] * (len(prepared.cases) - len(self.runs))
        self.records: list[dict[Any, Record]] = [{} for _ in prepared.cases]
        self._callers: dict[int, tuple[int, Any, bool]] = {}  # case: who waits for its end
        self._asked: dict[tuple[int, Any], tuple[str, str, Json, bool]] = {}
        self.first_action = -1
        self._times, self._deputy_times = draws.times, draws.deputies
        self._chances = draws.chances
        people = len(scenario.roster.people)
        self._deputy = deputy
        # Past the people of the roster: the deputy of the role under question, and (-2 from the end, -1 is
        # nobody) somebody else.
        self._away = [*draws.away, 0, 0, 0]
        self._busy = [False] * (people + 3)
        self._free_at = [0] * (people + 3)
        self._queues: dict[int, list[tuple[int, int, int, int, Any]]] = {}
        self._heap: list[tuple[int, int, int, int, Any]] = []
        self._number = 0
        self._cause: Any = None
        for case_number, case in enumerate(scenario.cases):
            self._push(round(case.after_seconds * MICRO), BEGIN, case_number, None)

    def run(self) -> None:
        heap, horizon = self._heap, round(self._p.scenario.horizon_seconds * MICRO)
        while heap:
            now, _, what, case, item = heapq.heappop(heap)
            if now > horizon:
                return
            run = self.runs[case]
            if what == DONE:
                self._done(case, run, item, now)
            elif what == SEEN:
                self._seen(case, run, item, now)
            elif what == WORK:
                self._queue(case, item, now)
            elif what == ACTED:
                self._acted(case, run, item, now)
            elif what == TIMER:
                self._elapse(case, run, item, now)
            elif what == BEGIN:
                self._cause = None
                run.begin(now)
            elif what == FAILED:
                self._cause = item
                run.fail(item, now)
            else:
                self._outside(case, run, item, now)
            if run.out:
                self._open(case, run, now)
            if run.finished_at >= 0 and case in self._callers:
                self._call_ended(case, run, now)

    def _push(self, at: int, what: int, case: int, item: Any) -> None:
        self._number += 1
        heapq.heappush(self._heap, (at, self._number, what, case, item))

    # --- what a run asks for

    def _open(self, case: int, run: Any, now: int) -> None:
        out, run.out = run.out, []
        for one in out:
            what, item = one[0], one[1]
            if what == "task":
                self._tell(case, item, one[2], now, one[4])
            elif what == "do":
                self._act(case, item, now)
            elif what == "timer":
                self._await_time(case, item, one[2], now)
            elif what == "outside":
                slot = self._record(case, item, now)
                self._push(now + self._times[slot.work], OUTSIDE, case, item)
            elif what == "call":
                self._asked[case, item] = one[2:]
                self._act(case, item, now)

    def _await_time(self, case: int, key: Any, at: int, now: int) -> None:
        item = key if isinstance(key, int) else _waiting_item(key)
        if item != "" and item not in self.records[case]:
            self._record(case, item, now)
        self._push(max(at, now), TIMER, case, key)

    def _elapse(self, case: int, run: Any, key: Any, now: int) -> None:
        item: Any = key if isinstance(key, int) else _waiting_item(key)
        self._cause = item
        run.elapse(key, now)
        if item != "" and not run.is_open(item):
            self.records[case][item][FINISHED] = now

    def _slot(self, case: int, item: Any) -> int:
        if isinstance(item, int):
            return self._p.offsets[case] + item
        return self._p.slot_of[case, item.partition("@")[0]]

    def _record(self, case: int, item: Any, now: int) -> Slot:
        number = self._slot(case, item)
        self.records[case][item] = [now, -1, -1, -1, NOBODY, "", -1, -1, self._cause, number, 0, -1]
        return self._p.slots[number]

    def _act(self, case: int, item: Any, now: int) -> None:
        slot = self._record(case, item, now)
        number = self._slot(case, item)
        fails = slot.by_hand and self._chances[2 * number + 1] < self._p.pace.action_fails_share
        self._push(now + self._times[slot.work], FAILED if fails else ACTED, case, item)

    def _tell(self, case: int, item: Any, role: str, now: int, holder: str) -> None:
        """Find out who will take the task on, and when: the holder, or the first along the chain who answers."""
        slot = self._record(case, item, now)
        record = self.records[case][item]
        times, column, calendar = self._times, slot.first, self._p.calendar
        ack = calendar.after(slot.ack_within, now) if slot.ack_within else NEVER
        due = calendar.after(slot.within, now) if slot.within else NEVER
        record[ROLE], record[DUE], record[ACK_DUE] = role, due, ack
        person, best = self._prompt(role, now, times[column], column, holder)
        told = 0
        if best > ack:
            at = ack
            for position, higher in enumerate(slot.chain):
                if at > best or at > due:
                    break
                told += 1
                other, seen = self._prompt(
                    higher, at, times[column + 1 + position], column + 1 + position, ""
                )
                if seen < best:
                    person, best = other, seen
                at += slot.every
        if best > due:
            at = due
            for position, higher in enumerate(slot.chain):
                if at > best:
                    break
                told += 1
                other, seen = self._prompt(
                    higher, at, times[column + 1 + position], column + 1 + position, ""
                )
                if seen < best:
                    person, best = other, seen
                at += slot.every
        record[TOLD] = told
        if best < NEVER:
            record[PERSON] = person
            self._free_at[person] = max(self._free_at[person], best) + times[self._work_column(slot)]
            self._push(best, SEEN, case, item)

    def _prompt(self, role: str, at: int, delay: int, column: int, holder: str) -> tuple[int, int]:
        """Who of those who hold the role takes note first, and when; NEVER when nobody holds it."""
        if holder:
            people = self._p.scenario.roster.people
            person = people.index(holder) if holder in people else SOMEBODY_ELSE
        else:
            changes = self._p.role_holders.get(role)
            person = changes[1][bisect_right(changes[0], at) - 1] if changes else NOBODY
        slower = self._p.pace.night_times if self._p.calendar.is_night(at) else 1.0
        seen = NEVER if person == NOBODY else max(at, self._away[person]) + int(delay * slower)
        if role != self._deputy:
            return person, seen
        second = len(self._p.scenario.roster.people)
        also = max(at, self._away[second]) + int(self._deputy_times[column] * slower)
        if max(also, self._free_at[second]) < max(seen, self._free_at[person] if person >= 0 else 0):
            return second, also
        return person, seen

    # --- what people do

    def _seen(self, case: int, run: Any, item: Any, now: int) -> None:
        if not run.is_open(item):
            return
        record = self.records[case][item]
        record[SEEN_AT] = now
        slot = self._p.slots[record[SLOT]]
        if slot.step.apart:
            record[PERSON] = self._somebody_apart(case, slot, record, now)
        if isinstance(run, ExactRun):
            run.acknowledge(item, self._staff_no(record[PERSON]), now)
        if slot.rank == 2:
            opens = self._p.calendar.opening(now)
            if opens > now:
                self._push(opens, WORK, case, item)
                return
        self._queue(case, item, now)

    def _somebody_apart(self, case: int, slot: Slot, record: Record, now: int) -> int:
        """Two different people where the clause says so: whoever did the one does not do the other."""
        person: int = record[PERSON]
        names = self.records[case]
        did = {
            names[key][PERSON]
            for other in slot.step.apart
            if (key := self._key(case, other)) in names and names[key][FINISHED] >= 0
        }
        if person not in did:
            return person
        for role in slot.chain:
            changes = self._p.role_holders.get(role)
            other = changes[1][bisect_right(changes[0], now) - 1] if changes else NOBODY
            if other != NOBODY and other not in did:
                return other
        return SOMEBODY_ELSE

    def _key(self, case: int, name: str) -> Any:
        light = self._p.lights[case]
        return light.index[name] if light else name

    def _staff_no(self, person: int) -> str:
        people = self._p.scenario.roster.people
        if person == SOMEBODY_ELSE:
            return BY_SOMEBODY_ELSE
        return people[person] if person < len(people) else f"deputy of {self._deputy}"

    def _queue(self, case: int, item: Any, now: int) -> None:
        record = self.records[case][item]
        person = record[PERSON]
        record[READY] = now
        slot = self._p.slots[record[SLOT]]
        work = self._times[self._work_column(slot)]
        if self._busy[person]:
            self._number += 1
            waiting = self._queues.setdefault(person, [])
            heapq.heappush(waiting, (slot.rank, record[DUE], self._number, case, item))
        else:
            self._start(case, item, record, person, work, now)

    @staticmethod
    def _work_column(slot: Slot) -> int:
        return slot.work + 1 if slot.by_hand else slot.work

    def _start(self, case: int, item: Any, record: Record, person: int, work: int, now: int) -> None:
        self._busy[person] = True
        record[STARTED] = now
        if self.first_action < 0:
            self.first_action = now
        self._push(now + work, DONE, case, item)

    def _next(self, person: int, now: int) -> None:
        """Whoever has finished something takes up what waits for them."""
        self._busy[person] = False
        waiting = self._queues.get(person)
        while waiting:
            _, _, _, case, item = heapq.heappop(waiting)
            if self.runs[case].is_open(item):
                record = self.records[case][item]
                slot = self._p.slots[record[SLOT]]
                self._start(case, item, record, person, self._times[self._work_column(slot)], now)
                return

    def _done(self, case: int, run: Any, item: Any, now: int) -> None:
        record = self.records[case][item]
        if run.is_open(item):
            record[FINISHED] = now
            self._cause = item
            slot = self._p.slots[record[SLOT]]
            by = self._staff_no(record[PERSON]) if isinstance(run, ExactRun) else ""
            value = self._value(case, slot.by_hand or slot.answers, record[SLOT], now, run)
            if slot.step.kind == "await":
                run.happen(slot.step.awaits, value, by, now)
            else:
                run.complete(item, by, value, now)
            if run.out:
                self._open(case, run, now)
        self._next(record[PERSON], now)

    def _acted(self, case: int, run: Any, item: Any, now: int) -> None:
        record = self.records[case][item]
        self._cause = item
        slot = self._p.slots[record[SLOT]]
        if slot.step.call is not None:
            self._call(case, run, item, slot, now)
        else:
            record[FINISHED] = now
            run.complete(item, "", self._value(case, slot.answers, record[SLOT], now, run), now)

    def _call(self, case: int, run: Any, item: Any, slot: Slot, now: int) -> None:
        """Another procedure begins; where none can, the step's task by hand opens."""
        number = self._p.calls.get((case, slot.step.id))
        if number is None or self.runs[number] is not None:
            run.fail(item, now)
            return
        _, _, report, wait = self._asked[case, item]
        procedure = self._p.cases[number].procedure
        context = context_of(procedure, report, run.context.get("incident", {}))
        light = self._p.called_light(number, context)
        begins = self._p.scenario.begins_at
        self.runs[number] = LightRun(light, begins) if light else ExactRun(procedure, context, begins)
        self._callers[number] = (case, item, wait)
        self._push(now, BEGIN, number, None)
        if not wait:
            self.records[case][item][FINISHED] = now
        run.began(item, {"run": str(number), "number": f"/{number}"}, now)

    def _call_ended(self, number: int, run: ExactRun, now: int) -> None:
        case, item, wait = self._callers.pop(number)
        caller = self.runs[case]
        if wait and caller.is_open(item):
            self._cause = item
            self.records[case][item][FINISHED] = now
            caller.call_ended(item, {"run": str(number), "ended": "finished"}, now)
            if caller.out:
                self._open(case, caller, now)

    def _outside(self, case: int, run: Any, item: Any, now: int) -> None:
        record = self.records[case][item]
        record[FINISHED] = now
        self._cause = item
        slot = self._p.slots[record[SLOT]]
        run.happen(slot.step.awaits, self._value(case, slot.answers, record[SLOT], now, run), "", now)

    def _value(self, case: int, among: Sequence[Answer], slot: int, now: int, run: Any) -> Json:
        answer = among[0] if len(among) == 1 else among[int(self._chances[2 * slot] * len(among))]
        if answer.has_moment:
            filled: Json = answers.with_moment(answer.value, run.written(now))
            return filled
        return answer.value


def _waiting_item(key: str) -> str:
    """The step that a timer of the runtime lets go on; "" for those that only remind people."""
    kind, _, item = key.partition(":")
    return item if kind == "wait" else ""
