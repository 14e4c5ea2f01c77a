"""A pack as the loader gives it: checked, compiled, immutable. No Django.

Texts are maps with the three languages; ids are the words of the files. `Place` says where a thing stands
in the files, so that a page or a finding can point there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from changbei.core.durations import Duration
from changbei.core.texts import Text
from changbei.plans.conditions import Condition

STANDARD_PLACEHOLDERS = frozenset({"number", "title"})  # of the run; every message may use them
ENGINE_NAMES = {"result": "map", "decision": "map", "happened": "map"}  # written by the runtime alone
GIVEN_NAMES = {"report": "map", "incident": "map", "now": "timestamp"}
FAMILIES = (
    "network",
    "vehicle",
    "weather",
    "demand",
    "supply",
    "settlement",
    "safety",
    "petition",
    "routine",
    "service",
)
EVERYDAY = "service"  # the family of everyday service: no level to classify, nobody commands
TIERS = ("province", "city", "county", "unit")
LEVELS = ("LOCAL", "MAJOR", "DEMAND")
COMMAND_ROLES = COMMANDER, DEPUTY_COMMANDER = "commander", "deputy-commander"  # those that the incident fills
EVIDENCE = "evidence"  # result.STEP.evidence: what was attached to the task
MOST_EACH = 500  # tasks that one step may open for a list
YES_NO, NUMBER, CHOICE, TEXT, PHOTO = ANSWERS = ("yes_no", "number", "choice", "text", "photo")
WITHOUT_FINDING = (TEXT, PHOTO)
NO_SALE_TO_MINORS = "no-sale-to-minors"  # the duty that every checklist of visits asks after
DEFAULT_ESCALATE_EVERY = Duration(seconds=300)


def key_of(item: str) -> str:
    """The name under which conditions see a step: hyphens would be minus signs, so they become
    underscores.
    """
    return item.replace("-", "_")


def item_of(step: str, key: str) -> str:
    """The item of one task of a step that has a task for each element of a list."""
    return f"{step}@{key}"


def step_of(item: str) -> str:
    """The id of the step that an item belongs to: `call@3201` belongs to `call`, any other to itself."""
    return item.partition("@")[0]


def clause_order(clause: str) -> tuple[tuple[int, int | str], ...]:
    """Sort key for clause ids: E3.2.9 before E3.2.10, E2.1 before E2.1a."""
    parts = re.findall(r"\d+|[^\d.]+", clause)
    return tuple((0, int(part)) if part.isdigit() else (1, part) for part in parts)


@dataclass(frozen=True, slots=True)
class Place:
    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    value: Any
    type: str
    unit: str
    clause: str
    title: Text
    place: Place


@dataclass(frozen=True, slots=True)
class Role:
    """Who takes part: exactly one of post, duty, job and command is set, or scope is `named`."""

    id: str
    title: Text
    post: str
    duty: str
    job: str
    command: bool
    scope: str  # city, site, unit, district, named
    deputies: bool
    clause: str
    place: Place


@dataclass(frozen=True, slots=True)
class Audience:
    """A group to address: `staff` {job, unit, post, scope}, `contacts` {group, serves} or `retailers`
    {area, order_day, key, vulnerable, tier_from, tier_to, line, settlement}; the others are None.
    """

    id: str
    title: Text
    staff: Mapping[str, str] | None
    contacts: Mapping[str, str] | None
    retailers: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Registry:
    id: str
    title: Text
    page: str


@dataclass(frozen=True, slots=True)
class Clause:
    id: str
    title: Text
    body: Text  # Markdown
    fulfilled_by: tuple[str, ...]  # "procedure:vehicle-breakdown"
    place: Place
    section: str = ""  # of the official document; "" when neither the clause nor plan.yaml says one


@dataclass(frozen=True, slots=True)
class Row:
    when: Condition
    then: Mapping[str, Any]
    note: Text
    place: Place


@dataclass(frozen=True, slots=True)
class Table:
    id: str
    title: Text
    clause: str
    hit: str  # UNIQUE, FIRST, COLLECT
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    rows: tuple[Row, ...]
    place: Place
    partial: bool = False  # that no row matches is an answer too


@dataclass(frozen=True, slots=True)
class Template:
    id: str
    title: Text
    body: Text
    clause: str
    urgency: str
    placeholders: frozenset[str]
    place: Place


@dataclass(frozen=True, slots=True)
class Option:
    id: str
    title: Text


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """What a person gets to do; `kind` is the one of runs.Task: do, decide, approve, await."""

    kind: str
    title: Text
    guide: Text
    role: str
    clause: str
    acknowledge_within: Duration | None
    within: Duration
    chain: tuple[str, ...]
    escalate_every: Duration
    urgency: str
    evidence: tuple[str, ...]
    form: Mapping[str, Any] | None
    page: str
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """A table with its inputs as expressions on the context."""

    table: Table
    inputs: Mapping[str, Condition]


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment before the end of a count-down; conditions see `result.STEP.KEY` from then on."""

    id: str
    key: str
    before: Duration  # whole seconds, never working days
    title: Text = field(default_factory=dict)  # may be empty: then people see the id


@dataclass(frozen=True, slots=True)
class Countdown:
    """A time that runs out at `until` plus `plus` (E3.1.1), with marks before; `stop_when` ends it early."""

    title: Text
    until: Condition
    plus: Duration | None
    marks: tuple[Mark, ...]  # the earliest first
    stop_when: Condition | None


@dataclass(frozen=True, slots=True)
class Call:
    """Another procedure that is carried out for this one; `plan` is "" for the same pack (E3.2.3)."""

    plan: str
    procedure: str
    wait: bool


@dataclass(frozen=True, slots=True)
class Each:
    """A task for every element of a list. `key`, `label` and `holder` see the element under `name`."""

    of: Condition
    name: str
    key: Condition
    label: Condition
    holder: Condition | None


@dataclass(frozen=True, slots=True)
class Timeout:
    """What an approval that nobody has given by then counts as."""

    after: Duration
    approves: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a procedure begins by itself. `every` is day, workday, week or month.

    `weekday` (1 Monday … 7 Sunday) and `day` (of the month; beyond its end: the last one) are 0 where they
    do not apply; no `months`: all. `random`: on a working day of the period that cannot be foreseen.
    """

    every: str
    at: time  # wall clock of the city
    weekday: int
    day: int
    months: tuple[int, ...]
    random: bool
    report: Mapping[str, Condition]
    place: Place


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`confirm:` of a notify step: so many recipients acknowledge within this long, or the chain is told."""

    at_least: int
    within: Duration
    chain: tuple[str, ...]
    every: Duration


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `kind` says which of the fields below `task` are used.

    `task` is what a person has to do: always for task, decide and approve, for await when somebody has to
    bring the fact about, for do and call the task that opens when it has failed for good.
    """

    id: str
    key: str
    kind: str  # task, decide, approve, await, do, call, notify, wait, countdown
    stage: str
    clause: str
    when: Condition | None
    hold_until: Condition | None
    after: tuple[str, ...]
    place: Place
    task: TaskSpec | None = None
    limit: Ask | None = None  # approve
    apart: frozenset[str] = frozenset()  # steps that somebody else has to have done, in both directions
    awaits: str = ""
    action: str = ""
    params: Mapping[str, Condition] = field(default_factory=dict)
    template: str = ""
    roles: tuple[str, ...] = ()
    audience: str = ""
    values: Mapping[str, Condition] = field(default_factory=dict)
    confirm: Confirmation | None = None  # notify
    wait_for: Duration | None = None
    wait_until: Condition | None = None
    countdown: Countdown | None = None
    call: Call | None = None  # its report is `params`
    each: Each | None = None  # task
    delegates: tuple[str, ...] = ()  # approve: roles whose holders it may be handed to
    timeout: Timeout | None = None  # approve
    act_first: Condition | None = None  # approve

    @property
    def title(self) -> Text | None:
        """What people call the step; None for one that happens without words: a message, a wait."""
        if self.countdown is not None:
            return self.countdown.title
        return self.task.title if self.task else None

    def conditions(self) -> tuple[Condition, ...]:
        """Every expression of the step on the run's context."""
        found = [
            self.when,
            self.hold_until,
            self.wait_until,
            self.act_first,
            *self.params.values(),
            *self.values.values(),
            *(self.limit.inputs.values() if self.limit else ()),
        ]
        if self.countdown is not None:
            found += [self.countdown.until, self.countdown.stop_when]
        if self.each is not None:
            found.append(self.each.of)
        return tuple(condition for condition in found if condition is not None)


@dataclass(frozen=True, slots=True)
class Stage:
    id: str
    title: Text
    when: Condition | None
    hold_until: Condition | None
    after: tuple[str, ...]
    steps: tuple[Step, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Same:
    """When a second report is about the same thing: an equal key within this long."""

    by: Condition
    within: Duration


@dataclass(frozen=True, slots=True)
class Level:
    """The classifying table; `inputs` is None when the incident supplies them."""

    table: Table
    inputs: Mapping[str, Condition] | None


@dataclass(frozen=True, slots=True)
class Procedure:
    id: str
    title: Text
    summary: Text
    family: str
    clauses: tuple[str, ...]
    form: Mapping[str, Any]
    same: Same | None
    roles: Mapping[str, Condition]  # roles whose holder the report names: expression giving a staff number
    level: Level | None
    context: Mapping[str, str]  # declared names and types, engine's names included
    stages: tuple[Stage, ...]
    restored_by: str
    place: Place
    steps: Mapping[str, Step] = field(default_factory=dict)  # all steps by id
    awaiting: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)  # await steps by kind of fact
    waiting_until: tuple[Step, ...] = ()  # wait steps that follow an expression
    countdowns: tuple[Step, ...] = ()
    acting_first: tuple[Step, ...] = ()  # approvals that may be given afterwards
    schedules: tuple[Schedule, ...] = ()
    confidential: bool = False  # read by who holds a role in it, and by the leading group

    def step(self, item: str) -> Step | None:
        """The step that an item of a run belongs to, also one task of many."""
        return self.steps.get(step_of(item))

    def task(self, item: str) -> TaskSpec | None:
        """What the person sees whose task `item` is: the step's task, or the manual one of a failed
        action.
        """
        step = self.step(item)
        return step.task if step else None

    def roles_used(self) -> tuple[str, ...]:
        """Every role that a step, an escalation or a message of this procedure can reach, in order of
        appearance.
        """
        used: dict[str, None] = {}
        for step in self.steps.values():
            used.update(dict.fromkeys(step.roles))
            if step.task:
                used.update(dict.fromkeys((step.task.role, *step.task.chain)))
            if step.limit:
                used.update(dict.fromkeys(row.then["role"] for row in step.limit.table.rows))
            used.update(dict.fromkeys(step.delegates))
        return tuple(used)


@dataclass(frozen=True, slots=True)
class Check:
    """A readiness check of the product (`kind`) with its parameters, how often it is run, and who is told."""

    id: str
    title: Text
    clause: str
    kind: str
    params: Mapping[str, Any]
    every: Duration
    tell: tuple[str, ...]
    mend: Text
    place: Place


@dataclass(frozen=True, slots=True)
class Part:
    """One procedure of an exercise. `report` goes before what the city and the form give; decisions, and what people
    fill in, by step. `unseen`: steps that nobody sees before somebody up the chain has been told.
    """

    procedure: str
    after: Duration = field(default_factory=Duration)
    reporter: str = ""  # a role; else whoever is near
    warning: bool = False  # the weather service warns, nobody reports
    report: Mapping[str, Any] = field(default_factory=dict)
    decisions: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exercise:
    """Something that is practised: one procedure, or several that fall on the same people. `away`: roles whose
    holders are out of the city meanwhile.
    """

    id: str
    title: Text
    parts: tuple[Part, ...]
    away: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Begins:
    """The everyday matter that a finding begins; `customer` is the field of its form that takes the licence."""

    procedure: str
    customer: str
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One thing that is looked at. An answer in `found`, or beyond `below` or `above`, is a finding."""

    id: str
    label: Text
    guide: Text  # may be empty
    clause: str
    answer: str  # one of ANSWERS
    unit: Text  # of a number; else empty
    options: tuple[Option, ...]  # of a choice
    required: bool
    found: tuple[str, ...]
    below: float | None
    above: float | None
    begins: Begins | None
    duty: str
    place: Place

    @property
    def key(self) -> str:
        return key_of(self.id)

    @property
    def has_finding(self) -> bool:
        return bool(self.found) or self.below is not None or self.above is not None

    def is_finding(self, value: Any) -> bool:
        """Whether this answer (JSON as `field` describes it; None for no answer) is a finding."""
        if value is None:
            return False
        if self.answer == NUMBER:
            too_few = self.below is not None and value < self.below
            return too_few or (self.above is not None and value > self.above)
        word = ("yes" if value else "no") if self.answer == YES_NO else value
        return word in self.found

    @property
    def field(self) -> dict[str, Any]:
        """The answer as a field of a form."""
        kinds: dict[str, dict[str, Any]] = {
            YES_NO: {"type": "boolean"},
            NUMBER: {"type": "number", "minimum": 0},
            CHOICE: {
                "type": "string",
                "oneOf": [{"const": one.id, "title": one.title} for one in self.options],
            },
            PHOTO: {"type": "string", "x-widget": "photo"},
        }
        text = {"type": "string", "x-widget": "textarea", "maxLength": 500}
        described = {"description": self.guide} if self.guide else {}
        title = {
            name: f"{words} ({self.unit[name]})" if self.unit else words for name, words in self.label.items()
        }
        return {"title": title, **described, **kinds.get(self.answer, text)}


@dataclass(frozen=True, slots=True)
class Checklist:
    """What is looked at, item by item: people sign it with the plan, print it, and fill it in on the spot."""

    id: str
    title: Text
    clause: str
    kind: str  # visit
    items: Mapping[str, CheckItem]
    place: Place

    @property
    def form(self) -> dict[str, Any]:
        """As a form; fields are the keys of the items."""
        return {
            "type": "object",
            "required": [one.key for one in self.items.values() if one.required],
            "properties": {one.key: one.field for one in self.items.values()},
        }


@dataclass(frozen=True, slots=True)
class Pack:
    id: str
    titles: Text
    issuer: Text
    tier: str
    version: str
    effective_on: date
    review_period: Duration
    digest: str
    settings: Mapping[str, Setting]
    roles: Mapping[str, Role]
    ladders: Mapping[str, tuple[str, ...]]
    audiences: Mapping[str, Audience]
    registries: Mapping[str, Registry]
    clauses: Mapping[str, Clause]  # in the order of the document
    tables: Mapping[str, Table]
    procedures: Mapping[str, Procedure]
    templates: Mapping[str, Template]
    checks: Mapping[str, Check]
    exercises: Mapping[str, Exercise] = field(default_factory=dict)
    checklists: Mapping[str, Checklist] = field(default_factory=dict)

    @property
    def is_everyday(self) -> bool:
        """Whether it is about everyday service alone."""
        return all(one.family == EVERYDAY for one in self.procedures.values())

    @property
    def reported(self) -> list[Procedure]:
        """The procedures that people begin, not a date, family by family: nobody reports that it is half past seven."""
        begun = [one for one in self.procedures.values() if not one.schedules]
        return sorted(begun, key=lambda one: FAMILIES.index(one.family))
