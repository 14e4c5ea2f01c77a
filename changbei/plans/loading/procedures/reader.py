"""What the readers of a procedure's parts share: the kinds of its steps, and the names that its conditions may use."""

from __future__ import annotations

import re
from collections.abc import Mapping

from changbei.plans.conditions import Condition, Names
from changbei.plans.loading.bench import Bench, Reader
from changbei.plans.loading.circles import find_circles
from changbei.plans.loading.shapes import listed
from changbei.plans.loading.source import Path, Source
from changbei.plans.model import ENGINE_NAMES, GIVEN_NAMES, key_of

_STEP_KINDS = (
    "await",
    "do",
    "call",
    "notify",
    "wait",
    "countdown",
    "decide",
    "approve",
    "task",
)  # as in the schema: the first present counts
_DECISIONS = frozenset({"decide", "approve"})


def step_paths(reader: Reader) -> list[Path]:
    """Where the steps of a procedure stand."""
    return [step for stage in reader.entries(("stages",)) for step in reader.entries((*stage, "steps"))]


class ProcedureReader(Reader):
    """Reads one procedure; knows its steps and the names that its conditions may use."""

    def __init__(self, bench: Bench, source: Source) -> None:
        super().__init__(bench, source)
        self.kinds = self._step_kinds()  # step → kind, of all steps
        self.context = {**GIVEN_NAMES, **self._own_context(), **ENGINE_NAMES}
        self.names = Names.of(self.context, bench.setting_values())

    def _own_context(self) -> dict[str, str]:
        own: dict[str, str] = {}
        for name, kind in self.map(("context",)).items():
            given = {**GIVEN_NAMES, **ENGINE_NAMES}.get(name)
            if given is not None and given != kind:
                self.problem(("context", name), f"{name} is always there, as a {given}")
            elif isinstance(kind, str):
                own[name] = kind
        return own

    def _step_kinds(self) -> dict[str, str]:
        """Every step's kind; an id that is there twice is reported, because conditions see steps by their
        ids.
        """
        kinds: dict[str, str] = {}
        for path in step_paths(self):
            step = self.words((*path, "id"))
            if step in kinds:
                self.problem((*path, "id"), f"the id {step!r} is already used in this procedure")
            elif step:
                kinds[step] = self.kind(path)
        return kinds

    def kind(self, path: Path) -> str:
        given = self.map(path)
        return next((kind for kind in _STEP_KINDS if kind in given), "")

    # --- conditions ---

    def checked_condition(self, path: Path) -> Condition | None:
        """The condition at `path`, compiled; the fields and steps that it mentions have to be there."""
        return self._checked(path, self.condition(path, self.names))

    def checked_value(self, path: Path, names: Names | None = None) -> Condition | None:
        """The expression at `path` likewise; `names`: what it may use, where that is more than the procedure's."""
        return self._checked(path, self.value(path, names or self.names))

    def checked_values(self, path: Path) -> dict[str, Condition]:
        found = {name: self.checked_value((*path, name)) for name in self.map(path)}
        return {name: expression for name, expression in found.items() if expression is not None}

    def _checked(self, path: Path, condition: Condition | None) -> Condition | None:
        if condition is not None:
            for mentioned in condition.paths:
                self._check_mention(path, condition, mentioned)
        return condition

    def _check_mention(self, path: Path, condition: Condition, mentioned: tuple[str, ...]) -> None:
        if len(mentioned) < 2:
            return
        root, name = mentioned[:2]
        allowed = self._mentionable(root)
        if allowed is None or name in allowed:
            return
        what = {"report": "the form has no field", "result": "no step gives", "decision": "no step decides"}[
            root
        ]
        found = re.search(rf"\b{root}\s*\.\s*({name})\b", condition.source)
        message = f"in the condition: {what} {name!r}; {listed(name, allowed)}"
        offset = found.start(1) if found else 0
        self.bench.problems.append(self.source.inside(path, offset, message))

    def _mentionable(self, root: str) -> set[str] | None:
        """What may follow `root.`; None where anything may."""
        if root == "report":
            return set(self.map(("form", "properties")))
        if root == "result":
            return {key_of(step) for step, kind in self.kinds.items() if kind not in {"notify", "wait"}}
        if root == "decision":
            return {key_of(step) for step, kind in self.kinds.items() if kind in _DECISIONS}
        return None

    # --- circles ---

    def check_circle(self, after: Mapping[str, tuple[str, ...]], paths: Mapping[str, Path]) -> None:
        for circle in find_circles(after):
            first = circle[0]
            message = f"goes round in a circle: {' → '.join((*circle, first))}"
            self.problem((*paths[first], "after"), message)
