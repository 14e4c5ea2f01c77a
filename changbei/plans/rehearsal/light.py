"""A run of a compiled procedure: the same openings and closings as `plans.runtime`, without its state.

Passes over the stages follow `runtime.opening.settle` step by step, but only stages for which something has changed
are looked at. What comes out lies in `out`, in order; the caller empties it:

    ("task", step, role, now, holder)   somebody has to do this; role as the limits say, holder "" or a staff number
    ("do", step)                an action begins
    ("timer", step, moment)     a wait ends then; a later one for the same step replaces it
    ("call", step, plan, procedure, report, wait)   another procedure is carried out
    ("outside", step)           a fact is awaited that nobody of the plan brings about

Moments are whole microseconds since the beginning of the scenario.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from changbei.plans.model import Step
from changbei.plans.plain import moment as written
from changbei.plans.rehearsal.compiled import UNSET, Asked, Known, Light

WAITING, OPEN, CLOSED = 0, 1, 2
UNREACHED, BEGUN, DONE, SKIPPED = 0, 1, 2, 3

Out = tuple[Any, ...]


class LightRun:
    """One run. Steps are numbers of `light.steps`."""

    __slots__ = (
        "_after",
        "_begins",
        "_dirty",
        "_live",
        "_now",
        "_pending",
        "_stage_after",
        "_stage_open",
        "_stages",
        "_unused",
        "_waits",
        "finished_at",
        "light",
        "numbers",
        "out",
        "restored_at",
        "status",
    )

    def __init__(self, light: Light, begins: datetime) -> None:
        self.light = light
        self.status = [UNREACHED] * len(light.steps)
        self.numbers = [UNSET] * len(light.slots)
        self.out: list[Out] = []
        self.restored_at = self.finished_at = -1
        self._begins = begins
        self._now = 0
        self._after = [step.after for step in light.steps]
        self._stages = [WAITING] * len(light.stages)
        self._stage_after = [stage.after for stage in light.stages]
        self._stage_open = [len(stage.steps) for stage in light.stages]
        self._pending = [list(stage.steps) for stage in light.stages]
        self._live = self._dirty = (1 << len(light.stages)) - 1  # bits of stages: not closed; to be looked at
        self._waits: dict[int, int] = {}  # step: until, -1 while the expression gives no time
        self._unused: dict[str, Any] = {}

    def name(self, step: int) -> str:
        return self.light.steps[step].spec.id

    def begin(self, now: int) -> None:
        self._now = now
        self._settle()

    def step(self, step: int) -> Step:
        return self.light.steps[step].spec

    def is_open(self, step: int) -> bool:
        return self.status[step] == BEGUN

    def complete(self, step: int, by: str, result: Any, now: int) -> None:
        """A task, an action or its replacement by hand is done."""
        if self.finished_at >= 0 or self.status[step] != BEGUN:
            return
        self._now = now
        self._finish(step, result)
        self._settle()

    def began(self, step: int, result: Any, now: int) -> None:
        """The procedure that a step calls has begun; one that waits for its end stays open."""
        call = self.light.steps[step].spec.call
        if call is not None and not call.wait:
            self.complete(step, "", result, now)

    def call_ended(self, step: int, result: Any, now: int) -> None:
        self.complete(step, "", result, now)

    @property
    def context(self) -> Any:
        return self.light.given

    def fail(self, step: int, now: int) -> None:
        """An action failed for good: its task by hand opens."""
        spec = self.light.steps[step].spec
        if self.finished_at < 0 and self.status[step] == BEGUN and spec.task is not None:
            self.out.append(("task", step, spec.task.role, now, ""))

    def happen(self, kind: str, data: Any, by: str, now: int) -> None:
        """A fact that steps may wait for."""
        if self.finished_at >= 0:
            return
        self._now = now
        light = self.light
        if light.happened >= 0:
            before = light.slots[light.happened].values[self.numbers[light.happened]] or {}
            self._set(light.happened, {**before, kind: data})
        waiting = [light.index[step.id] for step in light.procedure.awaiting.get(kind, ())]
        open_ = [step for step in waiting if self.status[step] == BEGUN]
        for step in open_:
            self._finish(step, data)
        if waiting and not open_:
            self._unused[kind] = data
        self._settle()

    def elapse(self, step: int, now: int) -> None:
        """The time of a wait has come. One that was moved since is left alone."""
        if self.finished_at >= 0 or self.status[step] != BEGUN or self._waits.get(step, now) != now:
            return
        self._now = now
        self._finish(step, None)
        self._settle()

    # --- within

    def _clock(self) -> datetime:
        return self._begins + timedelta(microseconds=self._now)

    def _ask(self, known: Known) -> Any:
        return known.answer(self.numbers, self.light, self._clock)

    def _set(self, slot: int, value: Any) -> None:
        self.numbers[slot] = self.light.slots[slot].number(value)
        self._dirty |= self.light.readers[slot]

    def _finish(self, step: int, result: Any) -> None:
        compiled = self.light.steps[step]
        self.status[step] = DONE
        kind = compiled.spec.kind
        if kind == "wait":
            self._waits.pop(step, None)
        elif kind != "notify":
            if compiled.decision >= 0:
                if kind == "decide":
                    self._set(compiled.decision, result["option"])
                elif kind == "approve":
                    self._set(compiled.decision, "approved" if result["approved"] else "refused")
            if compiled.result >= 0:
                self._set(compiled.result, result)
        if compiled.restores:
            self.restored_at = self._now
        self._close(step)

    def _close(self, step: int) -> None:
        compiled = self.light.steps[step]
        stage = compiled.stage
        left = self._stage_open[stage] = self._stage_open[stage] - 1
        for after in compiled.dependents:
            self._after[after] -= 1
        if not left or self._pending[stage] or self._waits:
            self._dirty |= 1 << stage

    def _settle(self) -> None:
        """Passes over the stages that something has changed for, until nothing has."""
        self._dirty |= self.light.clocked
        while True:
            if self._waits:
                self._move_waits()
            todo = self._dirty = self._dirty & self._live
            while todo:
                bit = todo & -todo
                self._dirty ^= bit
                self._look_at(bit.bit_length() - 1)
                todo = self._dirty & -bit << 1
            if not self._live:
                self.finished_at = self._now
                return
            if not self._dirty & self._live:
                return

    def _look_at(self, stage: int) -> None:
        """One look at one stage, as `_settle_stage` of the runtime."""
        if self._stages[stage] == WAITING:
            if self._stage_after[stage]:
                return
            compiled = self.light.stages[stage]
            if compiled.hold_until is not None and not self._ask(compiled.hold_until):
                return
            if compiled.never or (compiled.when is not None and not self._ask(compiled.when)):
                self._close_stage(stage)
                return
            self._stages[stage] = OPEN
        pending = self._pending[stage]
        if pending:
            after = self._after
            left = [step for step in pending if after[step] or not self._reach(step)]
            if len(left) != len(pending):
                self._pending[stage] = left
                if left or self._waits:
                    self._dirty |= 1 << stage  # what it unlocked before itself is for the next pass
        if not self._stage_open[stage]:
            self._close_stage(stage)

    def _close_stage(self, stage: int) -> None:
        self._stages[stage] = CLOSED
        self._live &= ~(1 << stage)
        for later in self.light.stages[stage].dependents:
            left = self._stage_after[later] = self._stage_after[later] - 1
            if not left:
                self._dirty |= 1 << later

    def _reach(self, step: int) -> bool:
        """Skip or open the step, unless it is held; whether it was reached."""
        compiled = self.light.steps[step]
        if compiled.hold_until is not None and not self._ask(compiled.hold_until):
            return False
        if compiled.never or (compiled.when is not None and not self._ask(compiled.when)):
            self.status[step] = SKIPPED
            self._close(step)
            return True
        self.status[step] = BEGUN
        spec = compiled.spec
        kind = spec.kind
        if kind == "do":
            self.out.append(("do", step))
        elif kind == "call" and spec.call is not None and compiled.report is not None:
            call = spec.call
            self.out.append(("call", step, call.plan, call.procedure, self._ask(compiled.report), call.wait))
        elif kind == "notify":
            self._finish(step, None)
        elif kind == "wait":
            if spec.wait_for is not None:
                due = spec.wait_for.after(self._clock())
                until = (due - self._begins) // timedelta(microseconds=1)
                self._waits[step] = until
                self.out.append(("timer", step, until))
            else:
                self._waits[step] = -1
        else:
            self._open_task(step)
        return True

    def _open_task(self, step: int) -> None:
        compiled = self.light.steps[step]
        spec = compiled.spec
        if spec.task is not None:
            role = self._ask(compiled.role) if compiled.role is not None else spec.task.role
            self.out.append(("task", step, role, self._now, ""))
        if spec.kind == "await":
            if spec.task is None:
                self.out.append(("outside", step))
            if spec.awaits in self._unused:
                self._finish(step, self._unused.pop(spec.awaits))

    def _move_waits(self) -> None:
        """`wait: {until: …}` follows its expression: set when it first gives a time, moved when that changes."""
        for step in list(self._waits):
            known = self.light.steps[step].wait_until
            if known is None:
                continue
            until = self._until(known)
            if until is None or until == self._waits[step]:
                continue
            if until <= self._now:
                self._finish(step, None)
            else:
                self._waits[step] = until
                self.out.append(("timer", step, until))

    def _until(self, known: Asked) -> int | None:
        value, trouble = known.answer(self.numbers, self.light, self._clock)
        if trouble or not isinstance(value, str):
            return None
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            return None
        if when.tzinfo is None:
            return None
        return (when.astimezone(UTC) - self._begins) // timedelta(microseconds=1)

    def written(self, now: int) -> str:
        """The moment as text, for forms."""
        return written(self._begins + timedelta(microseconds=now))
