"""procedures/ID.yaml → Procedure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from changbei.plans.conditions import Condition, Names
from changbei.plans.kinds import facts
from changbei.plans.loading.bench import ZERO, Bench, Reader
from changbei.plans.loading.schedules import read_schedules
from changbei.plans.loading.shapes import allowed_words, listed
from changbei.plans.loading.source import Path, Source
from changbei.plans.model import (
    DEFAULT_ESCALATE_EVERY,
    ENGINE_NAMES,
    EVIDENCE,
    GIVEN_NAMES,
    STANDARD_PLACEHOLDERS,
    Ask,
    Call,
    Confirmation,
    Countdown,
    Each,
    Level,
    Mark,
    Option,
    Procedure,
    Same,
    Stage,
    Step,
    TaskSpec,
    Timeout,
    key_of,
)

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
_TAKEN_FIELDS = frozenset({EVIDENCE, "option", "approved"})  # what else stands in a task's result
_LONGEST_ID_EACH = 40
_COUNTDOWN_WORDS = frozenset({"ended", "until"})


def read_procedure(bench: Bench, source: Source) -> Procedure:
    return _ProcedureReader(bench, source).read()


class _ProcedureReader(Reader):
    def __init__(self, bench: Bench, source: Source) -> None:
        super().__init__(bench, source)
        self.kinds: dict[str, str] = {}  # step → kind, of all steps
        self.names = Names.of({})

    def read(self) -> Procedure:
        self.kinds = self._step_kinds()
        context = {**GIVEN_NAMES, **self._own_context(), **ENGINE_NAMES}
        self.names = Names.of(context, self.bench.setting_values())
        form = self.map(("form",))
        check_form(self, ("form",))
        stages = self._stages()
        procedure = Procedure(
            id=self.words(("id",)),
            title=self.map(("title",)),
            summary=self.map(("summary",)),
            family=self.words(("family",)),
            clauses=tuple(
                self.clause(("clauses", position)) for position, _ in enumerate(self.list(("clauses",)))
            ),
            form=form,
            same=self._same(),
            roles=self._named_roles(),
            level=self._level(),
            context=context,
            stages=stages,
            schedules=read_schedules(self),
            restored_by=self.known(("restored_by",), "step", self.kinds),
            place=self.place(()),
            steps={step.id: step for stage in stages for step in stage.steps},
        )
        self._check_apart(procedure)
        return procedure

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
        for path in self._step_paths():
            step = self.words((*path, "id"))
            if step in kinds:
                self.problem((*path, "id"), f"the id {step!r} is already used in this procedure")
            elif step:
                kinds[step] = self._kind(path)
        return kinds

    def _step_paths(self) -> list[Path]:
        stages = enumerate(self.list(("stages",)))
        return [
            ("stages", i, "steps", j)
            for i, _ in stages
            for j, _ in enumerate(self.list(("stages", i, "steps")))
        ]

    def _kind(self, path: Path) -> str:
        given = self.map(path)
        return next((kind for kind in _STEP_KINDS if kind in given), "")

    # --- head ---

    def _same(self) -> Same | None:
        by = self.look(("same", "by"), self.value)
        within = self.duration(("same", "within"))
        return Same(by, within) if by and within else None

    def _named_roles(self) -> dict[str, Condition]:
        found: dict[str, Condition] = {}
        for role in self.map(("roles",)):
            path: Path = ("roles", role)
            if role not in self.bench.known.get("role", ()):
                names = self.bench.known.get("role", set())
                self.problem(
                    path,
                    f"unknown role {role!r}; {listed(role, names)}",
                    at_key=True,
                )
            elif role in self.bench.roles and self.bench.roles[role].scope != "named":
                self.problem(
                    path, f"{role} is not a role that a report names (scope: named in plan.yaml)", at_key=True
                )
            if expression := self.look(path, self.value):
                found[role] = expression
        return found

    def _level(self) -> Level | None:
        value = self.at(("level",))
        if value is None:
            return None
        path: Path = ("level",) if isinstance(value, str) else ("level", "table")
        table = self.bench.tables.get(self.known(path, "table", self.bench.known.get("table", ())))
        inputs = (
            None
            if isinstance(value, str)
            else self._inputs(("level", "with"), table.inputs if table else None)
        )
        if table and "level" not in table.outputs:
            self.problem(path, f"the table {table.id} has no output `level`")
        return Level(table, inputs) if table else None

    def _inputs(self, path: Path, wanted: Mapping[str, str] | None) -> dict[str, Condition]:
        """Values for a table's inputs; each has to be an input, and all inputs have to be there."""
        given = self.map(path)
        if wanted is not None:
            for name in given:
                if name not in wanted:
                    self.problem(
                        (*path, name),
                        f"the table has no input {name!r}; {listed(name, wanted)}",
                        at_key=True,
                    )
            for name in wanted:
                if name not in given:
                    self.problem((*path, name), "is missing: the table needs it")
        return self.expressions(path)

    # --- stages and steps ---

    def _stages(self) -> tuple[Stage, ...]:
        ids: list[str] = []
        for i, _ in enumerate(self.list(("stages",))):
            stage = self.words(("stages", i, "id"))
            if stage in ids:
                self.problem(("stages", i, "id"), f"the id {stage!r} is already used in this procedure")
            ids.append(stage)
        after = {stage: self._stage_after(i, ids) for i, stage in enumerate(ids)}
        stages = tuple(self._stage(("stages", i), stage, after[stage]) for i, stage in enumerate(ids))
        self._check_circle(after, {stage: ("stages", i) for i, stage in enumerate(ids)})
        return stages

    def _stage_after(self, i: int, ids: list[str]) -> tuple[str, ...]:
        path: Path = ("stages", i, "after")
        if self.at(path) is None:
            return (ids[i - 1],) if i else ()
        return tuple(self.known((*path, n), "stage", ids) for n, _ in enumerate(self.list(path)))

    def _stage(self, path: Path, stage: str, after: tuple[str, ...]) -> Stage:
        own = [self.words((*path, "steps", j, "id")) for j, _ in enumerate(self.list((*path, "steps")))]
        steps = tuple(self._step((*path, "steps", j), stage, own) for j, _ in enumerate(own))
        paths: dict[str, Path] = {step: (*path, "steps", j) for j, step in enumerate(own)}
        self._check_circle({step.id: step.after for step in steps}, paths)
        return Stage(
            id=stage,
            title=self.map((*path, "title")),
            when=self.look((*path, "when"), self.condition),
            hold_until=self.look((*path, "hold_until"), self.condition),
            after=after,
            steps=steps,
            place=self.place(path),
        )

    def _step(self, path: Path, stage: str, siblings: list[str]) -> Step:
        kind = self._kind(path)
        step = self.words((*path, "id"))
        after: Path = (*path, "after")
        common: dict[str, Any] = {
            "id": step,
            "key": key_of(step),
            "kind": kind,
            "stage": stage,
            "clause": self.clause((*path, "clause")),
            "when": self.look((*path, "when"), self.condition),
            "hold_until": self.look((*path, "hold_until"), self.condition),
            "after": tuple(self._sibling((*after, n), siblings) for n, _ in enumerate(self.list(after))),
            "place": self.place(path),
        }
        return Step(**common, **self._particulars(path, kind, str(common["clause"])))

    def _sibling(self, path: Path, siblings: list[str]) -> str:
        word = self.words(path)
        if word in self.kinds and word not in siblings:
            self.problem(
                path,
                f"{word} is a step of another stage; only stages wait for each other (`after` of the stage)",
            )
            return word
        return self.known(path, "step", siblings)

    def _particulars(self, path: Path, kind: str, clause: str) -> dict[str, Any]:
        match kind:
            case "do":
                return {
                    "action": self._action((*path, "do")),
                    "params": self._params(path),
                    "task": self._task(path, (*path, "on_failure"), "do", clause),
                }
            case "await":
                task = (
                    self._task(path, path, "await", clause, (*path, "task"))
                    if "task" in self.map(path)
                    else None
                )
                return {"awaits": self._fact((*path, "await")), "task": task}
            case "call":
                return {
                    "call": Call(
                        self.words((*path, "call", "plan")),
                        self.words((*path, "call", "procedure")),
                        self.at((*path, "wait")) is not False,
                    ),
                    "params": self.expressions((*path, "with")),
                    "task": self._task(path, (*path, "on_failure"), "do", clause),
                }
            case "countdown":
                return {"countdown": self._countdown((*path, "countdown"))}
            case "notify":
                return self._notify((*path, "notify"))
            case "wait":
                return {
                    "wait_for": self.duration((*path, "wait", "for")),
                    "wait_until": self.look((*path, "wait", "until"), self.value),
                }
            case "approve":
                return {
                    "task": self._task(path, path, kind, clause, (*path, kind)),
                    "limit": self._limit((*path, "approve", "limit")),
                    "apart": frozenset(self._apart((*path, "approve", "not_same_as"))),
                    "delegates": self._delegates((*path, "approve", "delegates")),
                    "timeout": self._timeout((*path, "approve", "timeout")),
                    "act_first": self.look((*path, "approve", "act_first"), self.condition),
                }
            case "task":
                return {
                    "task": self._task(path, path, "do", clause, (*path, kind)),
                    "each": self._each((*path, "each")),
                }
        return {"task": self._task(path, path, kind, clause, (*path, kind))}

    def _task(self, step: Path, path: Path, kind: str, clause: str, words: Path | None = None) -> TaskSpec:
        """The person's part: its words stand at `words`, role and times at `path`."""
        words = words or path
        check_form(self, (*path, "form"))
        for name in sorted(_TAKEN_FIELDS & set(self.map((*path, "form", "properties")))):
            self.problem(
                (*path, "form", "properties", name), f"{name!r} means something else already", at_key=True
            )
        return TaskSpec(
            kind=kind,
            title=self.map((*words, "title")),
            guide=self.map((*words, "guide")),
            role=self.role((*path, "role")),
            clause=clause,
            acknowledge_within=self.duration((*path, "acknowledge_within")),
            within=self.duration((*path, "within")) or ZERO,
            chain=self.chain((*path, "overdue")),
            escalate_every=self.duration((*path, "escalate_every")) or DEFAULT_ESCALATE_EVERY,
            urgency=self.words((*path, "urgency")) or "routine",
            evidence=self.texts((*path, "evidence")),
            form=self.map((*path, "form")) or None,
            page=self.words((*path, "page")),
            options=self._options((*words, "options")),
        )

    def _options(self, path: Path) -> tuple[Option, ...]:
        options: list[Option] = []
        for n, _ in enumerate(self.list(path)):
            option = self.words((*path, n, "id"))
            if option in {known.id for known in options}:
                self.problem((*path, n, "id"), f"the option {option!r} is there twice")
            options.append(Option(option, self.map((*path, n, "title"))))
        return tuple(options)

    def _action(self, path: Path) -> str:
        if self.bench.actions is None:
            return self.words(path)
        return self.known(path, "action", self.bench.actions)

    def _fact(self, path: Path) -> str:
        """A fact that some room records for plans; as with actions, not asked of versions already carried out."""
        if self.bench.actions is None:
            return self.words(path)
        return self.known(path, "fact", facts())

    def _params(self, path: Path) -> dict[str, Condition]:
        declared = (self.bench.actions or {}).get(self.words((*path, "do")))
        given = self.map((*path, "with"))
        if declared is not None:
            open_ended = declared.params.get("additionalProperties", False) is not False
            names = declared.param_names
            for name in given:
                if name not in names and not open_ended:
                    message = f"{declared.name} has no parameter {name!r}; {listed(name, names)}"
                    self.problem((*path, "with", name), message, at_key=True)
            for name in declared.required:
                if name not in given:
                    self.problem((*path, "with", name), f"is missing: {declared.name} needs it")
        return self.expressions((*path, "with"))

    def _notify(self, path: Path) -> dict[str, Any]:
        template = self.known((*path, "template"), "template", self.bench.known.get("message", ()))
        roles: Path = (*path, "roles")
        values: Path = (*path, "values")
        if found := self.bench.templates.get(template):
            self._check_values(values, found.placeholders)
        return {
            "template": template,
            "roles": tuple(self.role((*roles, n)) for n, _ in enumerate(self.list(roles))),
            "audience": self.known((*path, "audience"), "audience", self.bench.audiences),
            "values": self.expressions(values),
            "confirm": self._confirm(path),
        }

    def _confirm(self, path: Path) -> Confirmation | None:
        at: Path = (*path, "confirm")
        within, at_least = self.duration((*at, "within")), self.at((*at, "at_least"))
        if within is None or not isinstance(at_least, int):
            return None
        told = len(self.list((*path, "roles")))
        if not self.at((*path, "audience")) and at_least > told:
            self.problem((*at, "at_least"), f"{at_least} cannot confirm: only {told} are told")
        chain = self.chain((*at, "overdue"))
        every = self.duration((*at, "escalate_every")) or DEFAULT_ESCALATE_EVERY
        return Confirmation(at_least, within, chain, every)

    def _check_values(self, path: Path, placeholders: frozenset[str]) -> None:
        given = self.map(path)
        for name in sorted(placeholders - STANDARD_PLACEHOLDERS):
            if name not in given:
                self.problem((*path, name), f"is missing: the template contains {{{name}}}")
        for name in given:
            if name not in placeholders:
                allowed = allowed_words(placeholders)
                self.problem(
                    (*path, name), f"the template contains no {{{name}}}; it contains: {allowed}", at_key=True
                )

    def _limit(self, path: Path) -> Ask | None:
        if not self.map(path):
            return None
        word = self.known((*path, "table"), "table", self.bench.known.get("table", ()))
        table = self.bench.tables.get(word)
        inputs = self._inputs((*path, "with"), table.inputs if table else None)
        if table is None:
            return None
        if table.outputs.get("role") != "string" or table.hit == "COLLECT":
            self.problem(
                (*path, "table"),
                f"a limit needs a table (UNIQUE or FIRST) with the output `role: string`; {word} is none",
            )
            return None
        for row in table.rows:
            if row.then.get("role") not in self.bench.known.get("role", ()):
                row_at = f"{row.place.file}:{row.place.line}"
                self.problem((*path, "table"), f"{row_at} names the unknown role {row.then.get('role')!r}")
        return Ask(table, inputs)

    def _delegates(self, path: Path) -> tuple[str, ...]:
        return tuple(self.role((*path, n)) for n, _ in enumerate(self.list(path)))

    def _timeout(self, path: Path) -> Timeout | None:
        after = self.duration((*path, "after"))
        return Timeout(after, self.words((*path, "decides")) == "approved") if after else None

    def _countdown(self, path: Path) -> Countdown | None:
        marks: dict[str, Mark] = {}
        for n, _ in enumerate(self.list((*path, "marks"))):
            at: Path = (*path, "marks", n)
            mark = self._mark(at)
            if mark.key in _COUNTDOWN_WORDS:
                self.problem((*at, "id"), f"{mark.id!r} says how the count-down ended; take another word")
            elif mark.key in marks:
                self.problem((*at, "id"), f"the mark {mark.id!r} is there twice")
            marks[mark.key] = mark
        until = self.look((*path, "until"), self.value)
        stop_when = self.look((*path, "stop_when"), self.condition)
        if until is None:
            return None
        return Countdown(
            title=self.map((*path, "title")),
            until=until,
            plus=self.duration((*path, "plus")),
            marks=tuple(sorted(marks.values(), key=lambda mark: -mark.before.seconds)),
            stop_when=stop_when,
        )

    def _mark(self, path: Path) -> Mark:
        before = self.duration((*path, "before")) or ZERO
        if before.working_days:
            self.problem((*path, "before"), "a mark lies hours or days before the end, not working days")
        word = self.words((*path, "id"))
        return Mark(word, key_of(word), before, self.map((*path, "title")))

    def _each(self, path: Path) -> Each | None:
        """The loop of a task. `key`, `label` and `holder` see the element beside everything else."""
        if not self.map(path):
            return None
        if len(self.words((*path[:-1], "id"))) > _LONGEST_ID_EACH:
            self.problem((*path[:-1], "id"), f"with each: at most {_LONGEST_ID_EACH} letters")
        of, name = self.look((*path, "of"), self.value), self.words((*path, "as"))
        if of is not None and not of.result_type.upper().startswith(("LIST", "DYN")):
            self.problem((*path, "of"), f"needs a list; this gives {of.result_type.lower()}")
        if name in dict(self.names.types):
            self.problem((*path, "as"), f"{name!r} means something else already")
            return None
        inner = Names((*self.names.types, (name, "any")), self.names.settings)
        key, label, holder = (self._look_with((*path, word), inner) for word in ("key", "label", "holder"))
        if of is None or key is None or label is None or not name:
            return None
        return Each(of, name, key, label, holder)

    def _look_with(self, path: Path, names: Names) -> Condition | None:
        condition = self.value(path, names)
        if condition is not None:
            for mentioned in condition.paths:
                self._check_mention(path, condition, mentioned)
        return condition

    def _apart(self, path: Path) -> list[str]:
        if isinstance(self.at(path), str):
            return [self.known(path, "step", self.kinds)]
        return [self.known((*path, n), "step", self.kinds) for n, _ in enumerate(self.list(path))]

    def _check_apart(self, procedure: Procedure) -> None:
        """`not_same_as` has to name a step that a person does, and not the step itself."""
        for path in self._step_paths():
            step = self.words((*path, "id"))
            for other in self._apart_quietly((*path, "approve", "not_same_as")):
                where: Path = (*path, "approve", "not_same_as")
                if other == step:
                    self.problem(where, "a step cannot be done by somebody other than itself")
                elif other in procedure.steps and procedure.steps[other].task is None:
                    self.problem(where, f"{other} is not done by a person")

    def _apart_quietly(self, path: Path) -> tuple[str, ...]:
        value = self.at(path)
        return (value,) if isinstance(value, str) else self.texts(path)

    # --- conditions of a procedure ---

    def expressions(self, path: Path) -> dict[str, Condition]:
        found = {name: self.look((*path, name), self.value) for name in self.map(path)}
        return {name: expression for name, expression in found.items() if expression is not None}

    def look(self, path: Path, compiling: Any) -> Condition | None:
        """Compile what stands at `path` and check which fields and steps it mentions."""
        condition: Condition | None = compiling(path, self.names)
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
        line, column = _line_and_column(condition.source, found.start(1) if found else 0)
        message = f"in the condition: {what} {name!r}; {listed(name, allowed)}"
        self.inside(path, condition.source, line, column, message)

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

    def _check_circle(self, after: Mapping[str, tuple[str, ...]], paths: Mapping[str, Path]) -> None:
        for circle in find_circles(after):
            first = circle[0]
            message = f"goes round in a circle: {' → '.join((*circle, first))}"
            self.problem((*paths[first], "after"), message)


def find_circles(after: Mapping[str, Iterable[str]]) -> list[tuple[str, ...]]:
    """The circles in "a comes after b", each once, beginning with the one of its members listed first."""
    circles: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for start in after:
        if start in seen:
            continue
        way: list[str] = [start]
        waiting = [iter(after[start])]
        while waiting:
            following = next(waiting[-1], None)
            if following is None:
                seen.add(way.pop())
                waiting.pop()
            elif following in way:
                circles.append(tuple(way[way.index(following) :]))
            elif following in after and following not in seen:
                way.append(following)
                waiting.append(iter(after[following]))
    return circles


def check_form(reader: Reader, path: Path) -> None:
    """What the schema cannot say of a form: required fields exist, choices differ; down to the fields of
    lists.
    """
    fields = reader.map((*path, "properties"))
    for n, name in enumerate(reader.list((*path, "required"))):
        if isinstance(name, str) and name not in fields:
            reader.problem(
                (*path, "required", n),
                f"there is no field {name!r}; {listed(name, fields)}",
            )
    for name in fields:
        inner: Path = (*path, "properties", name)
        _check_choices(reader, (*inner, "oneOf"))
        check_form(reader, inner)
        check_form(reader, (*inner, "items"))


def _check_choices(reader: Reader, path: Path) -> None:
    seen: set[str] = set()
    for n, _ in enumerate(reader.list(path)):
        choice = reader.words((*path, n, "const"))
        if choice in seen:
            reader.problem((*path, n, "const"), f"the choice {choice!r} is there twice")
        seen.add(choice)


def _line_and_column(source: str, offset: int) -> tuple[int, int]:
    before = source[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
