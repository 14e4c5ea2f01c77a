"""A procedure made ready for being run thousands of times: numbers for names, counters for dependencies, answers
for conditions.

What conditions can see falls into slots: one for the result and one for the decision of every step, and one for
everything that happened. A slot holds a small number that stands for a value; a condition whose slots hold the same
numbers has the same answer, so that CEL is asked once a combination and not once a run. Conditions on the report and
the incident alone are answered when the procedure is compiled. `light.py` runs it; `exact.py` is the runtime itself
behind the same interface, and the tests hold the one against the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from changbei.plans import tables
from changbei.plans.conditions import BadCondition, Condition, compile_value
from changbei.plans.facts import Json
from changbei.plans.model import ENGINE_NAMES, Procedure, Stage, Step
from changbei.plans.plain import canonical, clean_map
from changbei.plans.rehearsal.answers import holds_moment

LIGHT_KINDS = frozenset({"task", "decide", "approve", "await", "do", "call", "notify", "wait"})
_FULL = 4096  # answers remembered for one condition
UNSET = 0
_SIGN = re.compile(r"""[rR]?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|[()\[\]{}?:]""")


def is_light(procedure: Procedure) -> bool:
    """Whether `light.py` knows every step of the procedure; others are rehearsed by the runtime itself."""
    return all(_is_light(step) for step in procedure.steps.values())


def _is_light(step: Step) -> bool:
    return step.kind in LIGHT_KINDS and step.each is None and step.act_first is None and step.timeout is None


class Slot:
    """The values one name of the context has had, each with its number; 0 is "not there"."""

    __slots__ = ("_known", "_numbers", "name", "paths", "values", "whole")

    def __init__(self, name: tuple[str, ...], paths: Sequence[tuple[str, ...]], whole: bool) -> None:
        self.name = name
        self.paths = paths  # below the name: what conditions read of a value
        self.whole = whole  # some condition reads all of it
        self.values: list[Any] = [None]
        self._numbers: dict[object, int] = {}
        # By identity; the value is kept, so that no other can have its identity.
        self._known: dict[int, tuple[Any, int]] = {}

    def number(self, value: Any) -> int:
        known = self._known.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        key = self._key(value)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.values)
            self.values.append(value)
        if len(self._known) >= _FULL:
            self._known.clear()
        self._known[id(value)] = (value, found)
        return found

    def reads(self, value: Json) -> bool:
        """Whether conditions see a time in `value` that is filled in as a run goes on."""
        return (
            holds_moment(value) if self.whole else any(holds_moment(_at(value, path)) for path in self.paths)
        )

    def _key(self, value: Any) -> str:
        if self.whole or not isinstance(value, Mapping):
            return canonical(value)
        return canonical([_at(value, path) for path in self.paths])


def _at(value: Any, path: tuple[str, ...]) -> list[Any]:
    """What a condition sees at `path`: nothing, or the value in a list of one."""
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return [] if isinstance(value, Mapping) else [value, "no map"]
        value = value[part]
    return [value]


Question = Callable[[Json, datetime], Any]


class Known:
    """A question on the context with its answers by the numbers of the slots it reads."""

    __slots__ = ("_answers", "_ask", "clocked", "slots")

    def __init__(self, ask: Question, slots: tuple[int, ...], clocked: bool) -> None:
        self._ask = ask
        self.slots = slots
        self.clocked = clocked  # reads the time: is asked again every time
        self._answers: dict[object, Any] = {}

    def answer(self, numbers: list[int], light: Light, now: Callable[[], datetime]) -> Any:
        slots = self.slots
        key: object
        if len(slots) == 1:
            key = numbers[slots[0]]
        elif slots:
            key = tuple([numbers[slot] for slot in slots])
        else:
            key = UNSET
        if self.clocked:
            return self._ask(light.context(numbers, slots), now())
        answers = self._answers
        if key in answers:
            return answers[key]
        if len(answers) >= _FULL:
            answers.clear()
        found = answers[key] = self._ask(light.context(numbers, slots), now())
        return found


class Branch:
    """`test ? yes : no` as three questions, so that a branch that reads the time does not spoil the other."""

    __slots__ = ("_no", "_test", "_yes", "slots")

    def __init__(self, test: Known, yes: Asked, no: Asked) -> None:
        self._test, self._yes, self._no = test, yes, no
        self.slots: tuple[int, ...] = tuple(sorted({*test.slots, *yes.slots, *no.slots}))

    def answer(self, numbers: list[int], light: Light, now: Callable[[], datetime]) -> Any:
        holds, trouble = self._test.answer(numbers, light, now)
        if trouble or not isinstance(holds, bool):
            return None, trouble or "gives no true or false"
        return (self._yes if holds else self._no).answer(numbers, light, now)


Asked = Known | Branch


@dataclass(slots=True)
class LightStage:
    spec: Stage
    steps: tuple[int, ...]
    after: int
    dependents: tuple[int, ...] = ()
    when: Known | None = None
    never: bool = False  # its condition is known not to hold
    hold_until: Known | None = None


@dataclass(slots=True)
class LightStep:
    spec: Step
    stage: int
    after: int
    dependents: tuple[int, ...] = ()
    when: Known | None = None
    never: bool = False  # its condition is known not to hold
    hold_until: Known | None = None
    wait_until: Asked | None = None
    role: Known | None = None  # of an approval whose limit a table sets
    report: Known | None = None  # of another procedure that it calls
    result: int = -1  # slot
    decision: int = -1
    restores: bool = False


@dataclass(slots=True)
class Light:
    """A procedure compiled for one context to begin with."""

    procedure: Procedure
    given: Json
    stages: list[LightStage] = field(default_factory=list)
    steps: list[LightStep] = field(default_factory=list)
    index: dict[str, int] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    readers: list[int] = field(default_factory=list)  # by slot: bits of the stages that wait for it
    happened: int = -1
    clocked: int = 0  # bits of the stages that wait for the time

    def context(self, numbers: list[int], slots: tuple[int, ...]) -> Json:
        """What conditions see, as far as these slots go."""
        found: Json = {**self.given, "result": {}, "decision": {}, "happened": {}}
        for number in slots:
            slot = self.slots[number]
            value = slot.values[numbers[number]]
            if numbers[number] == UNSET:
                continue
            if len(slot.name) == 1:
                found[slot.name[0]] = value
            else:
                found[slot.name[0]][slot.name[1]] = value
        return found


def compile_light(procedure: Procedure, context: Json, begins: datetime) -> Light:
    """The procedure for runs that begin with `context`; conditions on that alone are answered now."""
    given = {
        name: value
        for name, value in clean_map(context).items()
        if name in procedure.context and name not in ENGINE_NAMES
    }
    light = Light(procedure, given)
    names = _slots(light)
    ask = _Asking(names)
    stage_index = {stage.id: number for number, stage in enumerate(procedure.stages)}
    for stage in procedure.stages:
        first = len(light.steps)
        for step in stage.steps:
            light.index[step.id] = len(light.steps)
            light.steps.append(_step(step, stage_index[stage.id], ask, names, light, begins))
        light.stages.append(
            LightStage(
                stage,
                tuple(range(first, len(light.steps))),
                len(stage.after),
                **ask.when(stage.when, light, begins),
                hold_until=ask.holds(stage.hold_until),
            )
        )
    _connect(light, stage_index)
    return light


def _step(
    step: Step, stage: int, ask: _Asking, names: Mapping[tuple[str, ...], int], light: Light, begins: datetime
) -> LightStep:
    return LightStep(
        step,
        stage,
        len(step.after),
        **ask.when(step.when, light, begins),
        hold_until=ask.holds(step.hold_until),
        wait_until=ask.value(step.wait_until),
        role=ask.role(step),
        report=ask.report(step),
        result=names.get(("result", step.key), -1),
        decision=names.get(("decision", step.key), -1),
        restores=step.id == light.procedure.restored_by,
    )


def _connect(light: Light, stage_index: Mapping[str, int]) -> None:
    followers: list[list[int]] = [[] for _ in light.steps]
    for number, step in enumerate(light.steps):
        for before in step.spec.after:
            followers[light.index[before]].append(number)
    for step, after in zip(light.steps, followers, strict=True):
        step.dependents = tuple(after)
    later: list[list[int]] = [[] for _ in light.stages]
    for number, stage in enumerate(light.stages):
        for name in stage.spec.after:
            later[stage_index[name]].append(number)
    for stage, follow in zip(light.stages, later, strict=True):
        stage.dependents = tuple(follow)
    light.readers = [0] * len(light.slots)
    light.happened = next((n for n, slot in enumerate(light.slots) if slot.name == ("happened",)), -1)
    for number, stage in enumerate(light.stages):
        waiting = [stage.hold_until, *(light.steps[one].hold_until for one in stage.steps)]
        for known in waiting:
            if known is None:
                continue
            for slot_number in known.slots:
                light.readers[slot_number] |= 1 << number
            if known.clocked:
                light.clocked |= 1 << number


def _slots(light: Light) -> dict[tuple[str, ...], int]:
    """A slot for every result and decision that some condition reads, and one for what happened."""
    reads: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    whole: set[tuple[str, ...]] = set()
    for condition in _conditions(light.procedure):
        for path in condition.paths:
            if path[0] not in ENGINE_NAMES:
                continue
            if path[0] == "happened" or len(path) == 1:
                for name in _all_names(light.procedure, path[0]):
                    reads.setdefault(name, set())
                    whole.add(name)
                continue
            name = path[:2]
            reads.setdefault(name, set())
            if len(path) > 2:
                reads[name].add(path[2:])
            elif path[0] != "decision" and not _only_asks_whether(condition.source, path):
                whole.add(name)
    found = {}
    for name in sorted(reads):
        found[name] = len(light.slots)
        light.slots.append(Slot(name, sorted(reads[name]), name in whole))
    return found


def _all_names(procedure: Procedure, first: str) -> list[tuple[str, ...]]:
    """Where all of `result` is read: every step's; what happened is one slot."""
    if first == "happened":
        return [("happened",)]
    return [(first, step.key) for step in procedure.steps.values()]


def _only_asks_whether(source: str, path: tuple[str, ...]) -> bool:
    """Whether the expression reads nothing of the path but that it is there: `has(result.mend)`."""
    chain = r"\s*\.\s*".join(map(re.escape, path)) + r"(?![\w.]|\s*\.)"
    return len(re.findall(chain, source)) == len(re.findall(r"has\(\s*" + chain + r"\s*\)", source))


def _conditions(procedure: Procedure) -> list[Condition]:
    """What a rehearsal evaluates: not the parameters of actions and the words of messages."""
    found = [one for stage in procedure.stages for one in (stage.when, stage.hold_until)]
    for step in procedure.steps.values():
        found += [step.when, step.hold_until, step.wait_until]
        if step.limit:
            found += step.limit.inputs.values()
        if step.call:
            found += step.params.values()
    return [condition for condition in found if condition is not None]


class _Asking:
    """Conditions as questions with remembered answers."""

    def __init__(self, names: Mapping[tuple[str, ...], int]) -> None:
        self.names = names

    def holds(self, condition: Condition | None) -> Known | None:
        if condition is None:
            return None
        asked = condition
        return self._known(lambda context, now: asked.test(context, now)[0], [asked])

    def when(self, condition: Condition | None, light: Light, begins: datetime) -> dict[str, Any]:
        """The fields `when` and `never` of a stage or a step."""
        known = self.holds(condition)
        if known is None or known.slots or known.clocked:
            return {"when": known}
        return {"never": not known.answer([], light, lambda: begins)}

    def value(self, condition: Condition | None) -> Asked | None:
        return None if condition is None else self._asked(condition)

    def _asked(self, condition: Condition) -> Asked:
        parts = _branches(condition.source) if condition.uses_now else None
        if parts is not None:
            try:
                test, yes, no = (compile_value(part, condition.names) for part in parts)
            except BadCondition:
                parts = None
        if parts is None:
            return self._known(lambda context, now: condition.value(context, now), [condition])
        asked = self._known(lambda context, now: test.value(context, now), [test])
        return Branch(asked, self._asked(yes), self._asked(no))

    def role(self, step: Step) -> Known | None:
        if step.limit is None:
            return None
        limit, own = step.limit, step.task.role if step.task else ""

        def role(context: Json, now: datetime) -> str:
            outcome = tables.evaluate(limit.table, _values(limit.inputs, context, now))
            return own if outcome.outputs is None else str(outcome.outputs["role"])

        return self._known(role, list(limit.inputs.values()))

    def report(self, step: Step) -> Known | None:
        """What a called procedure is given."""
        if step.call is None:
            return None
        params = step.params
        return self._known(lambda context, now: _values(params, context, now), list(params.values()))

    def _known(self, ask: Question, conditions: Sequence[Condition]) -> Known:
        slots: set[int] = set()
        for condition in conditions:
            for path in condition.paths:
                if path[0] not in ENGINE_NAMES:
                    continue
                if path[0] == "happened":
                    slots.add(self.names[("happened",)])
                elif len(path) == 1:
                    slots |= {number for name, number in self.names.items() if name[0] == path[0]}
                else:
                    slots.add(self.names[path[:2]])
        return Known(ask, tuple(sorted(slots)), any(one.uses_now for one in conditions))


def _values(expressions: Mapping[str, Condition], context: Json, now: datetime) -> Json:
    """The values that can be found; as `Work.values` of the runtime."""
    answers = {name: expression.value(context, now) for name, expression in expressions.items()}
    return {name: value for name, (value, trouble) in answers.items() if not trouble}


def _branches(source: str) -> tuple[str, str, str] | None:
    """The three parts of an expression that is one `test ? yes : no`, brackets around it left aside."""
    source = _unwrapped(source)
    depth, question, nested = 0, -1, 0
    for position, sign in _signs(source):
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif depth == 0 and sign == "?":
            if question < 0:
                question = position
            else:
                nested += 1
        elif depth == 0 and sign == ":" and question >= 0:
            if nested == 0:
                return source[:question], source[question + 1 : position], source[position + 1 :]
            nested -= 1
    return None


def _unwrapped(source: str) -> str:
    """Without brackets that enclose all of it."""
    source = source.strip()
    while source.startswith("("):
        depth = 0
        closes = len(source)
        for position, sign in _signs(source):
            depth += (sign == "(") - (sign == ")")
            if depth == 0:
                closes = position
                break
        if closes != len(source) - 1:
            return source
        source = source[1:-1].strip()
    return source


def _signs(source: str) -> list[tuple[int, str]]:
    """Brackets, question marks and colons outside of texts, with their positions."""
    return [(match.start(), match[0]) for match in _SIGN.finditer(source) if len(match[0]) == 1]
