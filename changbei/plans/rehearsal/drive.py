"""Virtual time: one moment after the other, what happens then, and what the runs ask for next."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

from changbei.plans.facts import Json
from changbei.plans.rehearsal import answers
from changbei.plans.rehearsal.draws import MICRO, Draws
from changbei.plans.rehearsal.exact import ExactRun
from changbei.plans.rehearsal.light import LightRun
from changbei.plans.rehearsal.model import context_of
from changbei.plans.rehearsal.people import People
from changbei.plans.rehearsal.playing import (
    ACTED,
    BEGIN,
    DONE,
    FAILED,
    FINISHED,
    OUTSIDE,
    PERSON,
    SEEN,
    SLOT,
    TIMER,
    WORK,
    Played,
)
from changbei.plans.rehearsal.preparing import Answer, Prepared, Slot


def play(prepared: Prepared, draws: Draws, deputy: str = "") -> Played:
    """One run of the whole scenario, from its first event until nothing is left to be done."""
    stage = _Play(prepared, draws, deputy)
    stage.run()
    return Played(stage.runs, stage.records, stage.first_action)


class _Play(People):
    __slots__ = ("_asked", "_callers", "_chances")

    def __init__(self, prepared: Prepared, draws: Draws, deputy: str) -> None:
        super().__init__(prepared, draws, deputy)
        self._callers: dict[int, tuple[int, Any, bool]] = {}  # case: who waits for its end
        self._asked: dict[tuple[int, Any], tuple[str, str, Json, bool]] = {}
        self._chances = draws.chances
        for number, case in enumerate(prepared.scenario.cases):
            self.push(round(case.after_seconds * MICRO), BEGIN, number, None)

    def run(self) -> None:
        heap, horizon = self.heap, round(self.prepared.scenario.horizon_seconds * MICRO)
        while heap:
            now, _, what, case, item = heapq.heappop(heap)
            if now > horizon:
                return
            run = self.runs[case]
            if what == DONE:
                self._done(case, run, item, now)
            elif what == SEEN:
                self.seen(case, run, item, now)
            elif what == WORK:
                self.queue(case, item, now)
            elif what == ACTED:
                self._acted(case, run, item, now)
            elif what == TIMER:
                self._elapse(case, run, item, now)
            elif what == BEGIN:
                self.cause = None
                run.begin(now)
            elif what == FAILED:
                self.cause = item
                run.fail(item, now)
            else:
                self._outside(case, run, item, now)
            if run.out:
                self._open(case, run, now)
            if run.finished_at >= 0 and case in self._callers:
                self._call_ended(case, now)

    # --- what a run asks for

    def _open(self, case: int, run: Any, now: int) -> None:
        out, run.out = run.out, []
        for one in out:
            what, item = one[0], one[1]
            if what == "task":
                self.tell(case, item, one[2], now, one[4])
            elif what == "do":
                self._act(case, item, now)
            elif what == "timer":
                self._await_time(case, item, one[2], now)
            elif what == "outside":
                slot = self.record(case, item, now)
                self.push(now + self.times[slot.work], OUTSIDE, case, item)
            elif what == "call":
                self._asked[case, item] = one[2:]
                self._act(case, item, now)

    def _await_time(self, case: int, key: Any, at: int, now: int) -> None:
        item = _waiting_item(key)
        if item != "" and item not in self.records[case]:
            self.record(case, item, now)
        self.push(max(at, now), TIMER, case, key)

    def _elapse(self, case: int, run: Any, key: Any, now: int) -> None:
        item = _waiting_item(key)
        self.cause = item
        run.elapse(key, now)
        if item != "" and not run.is_open(item):
            self.records[case][item][FINISHED] = now

    def _act(self, case: int, item: Any, now: int) -> None:
        slot = self.record(case, item, now)
        number = self.records[case][item][SLOT]
        fails = slot.by_hand and self._chances[2 * number + 1] < self.prepared.pace.action_fails_share
        self.push(now + self.times[slot.work], FAILED if fails else ACTED, case, item)

    # --- what happens

    def _done(self, case: int, run: Any, item: Any, now: int) -> None:
        record = self.records[case][item]
        if run.is_open(item):
            record[FINISHED] = now
            self.cause = item
            slot = self.prepared.slots[record[SLOT]]
            by = self.staff_no(record[PERSON]) if isinstance(run, ExactRun) else ""
            value = self._value(slot.by_hand or slot.answers, record[SLOT], now, run)
            if slot.step.kind == "await":
                run.happen(slot.step.awaits, value, by, now)
            else:
                run.complete(item, by, value, now)
            if run.out:
                self._open(case, run, now)
        self.next(record[PERSON], now)

    def _acted(self, case: int, run: Any, item: Any, now: int) -> None:
        record = self.records[case][item]
        self.cause = item
        slot = self.prepared.slots[record[SLOT]]
        if slot.step.call is not None:
            self._call(case, run, item, slot, now)
        else:
            record[FINISHED] = now
            run.complete(item, "", self._value(slot.answers, record[SLOT], now, run), now)

    def _call(self, case: int, run: Any, item: Any, slot: Slot, now: int) -> None:
        """Another procedure begins; where none can, the step's task by hand opens."""
        number = self.prepared.calls.get((case, slot.step.id))
        if number is None or self.runs[number] is not None:
            run.fail(item, now)
            return
        _, _, report, wait = self._asked[case, item]
        procedure = self.prepared.cases[number].procedure
        context = context_of(procedure, report, run.context.get("incident", {}))
        light = self.prepared.called_light(number, context)
        begins = self.prepared.scenario.begins_at
        self.runs[number] = LightRun(light, begins) if light else ExactRun(procedure, context, begins)
        self._callers[number] = (case, item, wait)
        self.push(now, BEGIN, number, None)
        if not wait:
            self.records[case][item][FINISHED] = now
        run.began(item, {"run": str(number), "number": f"/{number}"}, now)

    def _call_ended(self, number: int, now: int) -> None:
        case, item, wait = self._callers.pop(number)
        caller = self.runs[case]
        if wait and caller.is_open(item):
            self.cause = item
            self.records[case][item][FINISHED] = now
            caller.call_ended(item, {"run": str(number), "ended": "finished"}, now)
            if caller.out:
                self._open(case, caller, now)

    def _outside(self, case: int, run: Any, item: Any, now: int) -> None:
        record = self.records[case][item]
        record[FINISHED] = now
        self.cause = item
        slot = self.prepared.slots[record[SLOT]]
        run.happen(slot.step.awaits, self._value(slot.answers, record[SLOT], now, run), "", now)

    def _value(self, among: Sequence[Answer], slot: int, now: int, run: Any) -> Json:
        answer = among[0] if len(among) == 1 else among[int(self._chances[2 * slot] * len(among))]
        if answer.has_moment:
            filled: Json = answers.with_moment(answer.value, run.written(now))
            return filled
        return answer.value


def _waiting_item(key: Any) -> Any:
    """The step that a timer lets go on: a light run names the step itself, the runtime its own timers; "" for those
    that only remind people.
    """
    if isinstance(key, int):
        return key
    kind, _, item = key.partition(":")
    return item if kind == "wait" else ""
