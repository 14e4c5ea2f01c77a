"""Walking through a procedure with the pure runtime: what is never reached, and where a run can stop for ever.

A bounded exploration: many runs with chosen reports, answers and results, deterministic for a procedure. What no
walk reaches is a warning, because the walks cannot be all; a walk that stops for ever is a proof.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from changbei.plans import runtime
from changbei.plans.checking.finding import ERROR, WARNING, Finding, finding
from changbei.plans.checking.inputs import Inputs
from changbei.plans.checking.offer import Offer
from changbei.plans.checking.otherwise import otherwise
from changbei.plans.checking.places import Places
from changbei.plans.conditions import Condition
from changbei.plans.facts import (
    ActionDone,
    ActionFailed,
    CallEnded,
    Completed,
    Fact,
    Happened,
    Json,
    Started,
    TimerFired,
)
from changbei.plans.model import Pack, Place, Procedure, Stage, Step

MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
FEWEST_WALKS, MOST_WALKS, MOST_MOVES = 40, 240, 500
MOST_OTHERWISE = 160  # with a switch of the settings turned
TIME_FIRST = 0.8  # how often, among slow people, a time runs out before somebody acts
TRIES_ALONE = 400
FAILS_SHARE = 0.15


@dataclass
class Explored:
    """What all walks through one procedure came to. `stuck` and `troubles`: where → why."""

    walks: int = 0
    finished: int = 0
    stages: set[str] = field(default_factory=set)
    steps: set[str] = field(default_factory=set)
    stuck: dict[str, str] = field(default_factory=dict)
    troubles: dict[tuple[str, str], str] = field(default_factory=dict)


def findings(pack: Pack, offer: Offer, places: Places) -> Iterator[Finding]:
    for procedure in pack.procedures.values():
        if procedure.steps:
            inputs = Inputs(procedure, pack, offer)
            yield from _said(procedure, explore(procedure, inputs), inputs, places)


def explore(procedure: Procedure, inputs: Inputs) -> Explored:
    """Walk until everything was reached often enough, or as often as is sensible."""
    found = Explored()
    _walk(procedure, inputs, found, FEWEST_WALKS, MOST_WALKS)
    if len(found.steps) < len(procedure.steps):
        for other in otherwise(procedure, inputs.pack):
            _walk(other, inputs, found, found.walks + FEWEST_WALKS, found.walks + MOST_OTHERWISE)
    if len(found.steps) < len(procedure.steps):
        _walk(procedure, inputs, found, found.walks + FEWEST_WALKS, found.walks + MOST_OTHERWISE, slow=True)
    return found


def _walk(
    procedure: Procedure, inputs: Inputs, found: Explored, fewest: int, most: int, *, slow: bool = False
) -> None:
    chance = random.Random(f"{procedure.id} {found.walks}")
    while found.walks < most and (found.walks < fewest or len(found.steps) < len(procedure.steps)):
        _Walk(procedure, inputs, chance, slow=slow).go(found)
        found.walks += 1


class _Walk:
    """One way through. `slow`: people often let the time pass first, so that what is for the end of it is seen, too."""

    def __init__(
        self, procedure: Procedure, inputs: Inputs, chance: random.Random, *, slow: bool = False
    ) -> None:
        self.procedure, self.inputs, self.chance, self.slow = procedure, inputs, chance, slow
        self.now = MONDAY
        self.state: Json = runtime.start_state()
        context = {"report": inputs.report(self.now, chance), "incident": inputs.given(self.now, chance)}
        self.apply(Started(context))

    def apply(self, fact: Fact) -> None:
        self.state, _ = runtime.step(self.procedure, self.state, fact, self.now)

    def go(self, found: Explored) -> None:
        for move in range(MOST_MOVES):
            if self.state["status"] == "finished":
                found.finished += 1
                break
            if not self._move(move):
                self._stuck(found)
                break
        self._note(found)

    def _move(self, move: int) -> bool:
        """One thing happens; False when nothing can any more."""
        if self.slow and self.chance.random() < TIME_FIRST and self._next_timer():
            return True
        ready = [item for item, entry in self.state["items"].items() if entry["status"] == "open"]
        self.chance.shuffle(ready)
        for item in ready:
            before = self.state
            for fact in self._outcomes(item, move):
                self.apply(fact)
            if self.state["items"] != before["items"]:
                return True
        if self.inputs.facts and self.chance.random() < 0.5:
            fact_kind = self.chance.choice(sorted(self.inputs.facts))
            if fact_kind not in self.state["context"].get("happened", {}):
                self._happens(fact_kind)
                return True
        return self._next_timer() or self._remaining_fact()

    def _next_timer(self) -> bool:
        timers = sorted((due, key) for key, due in self.state["timers"].items())
        if not timers:
            return False
        self.now = max(self.now, datetime.fromisoformat(timers[0][0]))
        self.apply(TimerFired(timers[0][1]))
        return True

    def _remaining_fact(self) -> bool:
        missing = sorted(set(self.inputs.facts) - set(self.state["context"].get("happened", {})))
        if not missing:
            return False
        self._happens(missing[0])
        return True

    def _happens(self, kind: str) -> None:
        self.apply(Happened(kind, self.inputs.fact(kind, self.now, self.chance), "1001"))

    def _outcomes(self, item: str, move: int) -> list[Fact]:
        step = self.procedure.steps.get(item.partition("@")[0])
        if step is None:
            return []
        result = self.inputs.result(step.id, self.now, self.chance)
        by = f"p{move}"
        entry = self.state["items"][item]
        match step.kind:
            case "decide":
                options = [option.id for option in step.task.options] if step.task else []
                return (
                    [Completed(item, by, {**result, "option": self.chance.choice(options)})]
                    if options
                    else []
                )
            case "approve":
                return [Completed(item, by, {**result, "approved": self.chance.random() < 0.5})]
            case "await":
                return [Happened(step.awaits, result, by)]
            case "do" | "call" if not entry.get("fallback"):
                if step.task is not None and self.chance.random() < FAILS_SHARE:
                    return [ActionFailed(item, "no answer")]
                return (
                    [ActionDone(item, result), CallEnded(item, result)]
                    if step.kind == "call"
                    else [ActionDone(item, result)]
                )
            case "wait" | "countdown" | "notify":
                return []
            case "do" | "call":
                result = self.inputs.by_hand(step.id, self.now, self.chance)
        return [Completed(item, by, result)]

    # --- what it comes to

    def _note(self, found: Explored) -> None:
        found.stages |= {
            stage for stage, status in self.state["stages"].items() if status in {"open", "closed"}
        }
        for item, entry in self.state["items"].items():
            if entry["status"] != "skipped":
                found.steps.add(item.partition("@")[0])
        for note in self.state["notes"]:
            if note["what"].endswith("could not be evaluated"):
                found.troubles.setdefault((note["item"], note["what"].split()[0]), note["detail"])

    def _stuck(self, found: Explored) -> None:
        """The step or stage that something else waits for and that cannot go on."""
        for item, entry in self.state["items"].items():
            if entry["status"] == "open":
                found.stuck.setdefault(item.partition("@")[0], _why_open(self.procedure.steps.get(item)))
                return
        for stage in self.procedure.stages:
            status = self.state["stages"].get(stage.id)
            if status == "open":
                waiting = [
                    step for step in stage.steps if step.id not in self.state["items"] and step.hold_until
                ]
                for step in waiting:
                    found.stuck.setdefault(
                        step.id, f"hold_until does not come true: {_short(step.hold_until)}"
                    )
                    return
            if (
                status == "waiting"
                and stage.hold_until is not None
                and all(self.state["stages"].get(before) in {"closed", "skipped"} for before in stage.after)
            ):
                found.stuck.setdefault(stage.id, f"hold_until does not come true: {_short(stage.hold_until)}")
                return


def _why_open(step: Step | None) -> str:
    if step is None:
        return "nothing ends it"
    if step.wait_until is not None:
        return f"until gives no time: {_short(step.wait_until)}"
    if step.countdown is not None:
        return f"until gives no time: {_short(step.countdown.until)}"
    return "nothing ends it"


def _short(condition: Condition | None) -> str:
    words = " ".join(condition.source.split()) if condition else ""
    return words if len(words) <= 100 else f"{words[:99]}…"


# --- findings ---------------------------------------------------------------------------------------------


def _said(procedure: Procedure, found: Explored, inputs: Inputs, places: Places) -> Iterator[Finding]:
    for where, why in found.stuck.items():
        owner = _owner(procedure, where)
        yield finding(
            ERROR,
            "cannot-be-left",
            _clause(owner, procedure),
            _place(owner, procedure, places, "hold_until"),
            what=where,
            why=why,
        )
    dead = {stage.id for stage in procedure.stages if stage.id not in found.stages}
    stuck = set(found.stuck)
    for stage in procedure.stages:
        if stage.id in dead and stage.id not in stuck and not (dead | stuck) & _before(procedure, stage):
            yield _unreached(procedure, stage, found, inputs, places)
        for step in stage.steps:
            if stage.id not in dead and step.id not in found.steps and step.id not in stuck:
                if step.when is None:
                    continue  # what it waits for is stuck, and said
                yield _unreached(procedure, step, found, inputs, places)
    for (where, which), why in found.troubles.items():
        owner = _owner(procedure, where)
        condition = getattr(owner, which, None)
        path = places.step_path if isinstance(owner, Step) else places.stage_path
        place = (
            places.expression(f"procedures/{procedure.id}.yaml", condition.source, path(procedure.id, where))
            if isinstance(condition, Condition)
            else _place(owner, procedure, places, "with")
        )
        yield finding(
            WARNING, "condition-fails", _clause(owner, procedure), place, which=which, what=where, why=why
        )


def _before(procedure: Procedure, stage: Stage) -> set[str]:
    """The stages before it, and their steps."""
    after = {one.id: one for one in procedure.stages}
    waiting, found = list(stage.after), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in found and name in after:
            found |= {name, *(step.id for step in after[name].steps)}
            waiting += after[name].after
    return found


def _unreached(
    procedure: Procedure, owner: Stage | Step, found: Explored, inputs: Inputs, places: Places
) -> Finding:
    place = _place(owner, procedure, places, "when")
    clause = _clause(owner, procedure)
    if owner.when is not None and not _can_hold(owner.when, inputs):
        return finding(ERROR, "never-holds", clause, place, what=owner.id)
    return finding(WARNING, "never-reached", clause, place, what=owner.id, walks=found.walks)


def _can_hold(condition: Condition, inputs: Inputs) -> bool:
    """Whether it holds for any of many contexts, whatever else the procedure says."""
    chance = random.Random(condition.source)
    procedure = inputs.procedure
    for _ in range(TRIES_ALONE):
        results: dict[str, Any] = {}
        decisions: dict[str, Any] = {}
        for step in procedure.steps.values():
            if chance.random() < 0.7:
                by_hand = step.kind in {"do", "call"} and chance.random() < FAILS_SHARE
                result = inputs.by_hand if by_hand else inputs.result
                results[step.key] = result(step.id, MONDAY, chance)
                if step.kind == "decide" and step.task:
                    decisions[step.key] = chance.choice([option.id for option in step.task.options] or [""])
                    results[step.key]["option"] = decisions[step.key]
                elif step.kind == "approve":
                    decisions[step.key] = chance.choice(["approved", "refused", "provisional"])
        context = {
            "report": inputs.report(MONDAY, chance),
            "incident": inputs.given(MONDAY, chance),
            "result": results,
            "decision": decisions,
            "happened": {
                fact: inputs.fact(fact, MONDAY, chance) for fact in inputs.facts if chance.random() < 0.5
            },
        }
        if condition.test(context, MONDAY)[0]:
            return True
    return False


def _owner(procedure: Procedure, where: str) -> Stage | Step | None:
    return procedure.steps.get(where) or next((one for one in procedure.stages if one.id == where), None)


def _clause(owner: Stage | Step | None, procedure: Procedure) -> str:
    if isinstance(owner, Step) and owner.clause:
        return owner.clause
    if isinstance(owner, Stage) and (
        clause := next((step.clause for step in owner.steps if step.clause), "")
    ):
        return clause
    return procedure.clauses[0] if procedure.clauses else ""


def _place(owner: Stage | Step | None, procedure: Procedure, places: Places, key: str) -> Place:
    if isinstance(owner, Step):
        return places.step(procedure.id, owner.id, key if getattr(owner, key, None) is not None else "id")
    if isinstance(owner, Stage):
        return places.stage(procedure.id, owner.id, key if getattr(owner, key, None) is not None else "id")
    return procedure.place
