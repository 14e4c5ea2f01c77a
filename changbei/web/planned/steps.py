"""Procedures as lists of steps: who, by when, on which clause, under which condition; and what they handle now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changbei.incidents import access
from changbei.incidents.models import Incident, Level
from changbei.plans.model import Pack, Procedure, Stage, Step
from changbei.plans.rendering.steps import Speaker
from changbei.web import drawn, showing
from changbei.web.components import Clause
from changbei.web.planned.words import FAMILY_ICONS, anchor_of, length

STEP_KINDS = {
    "task": (gettext_lazy("Task"), "user-check"),
    "decide": (gettext_lazy("Decision"), "scale"),
    "approve": (gettext_lazy("Approval"), "signature"),
    "await": (gettext_lazy("Choice on a page"), "map-pin"),
    "do": (gettext_lazy("The system does"), "bolt"),
    "notify": (gettext_lazy("Message"), "send"),
    "wait": (gettext_lazy("Wait"), "hourglass"),
}
URGENCIES = {
    "immediate": gettext_lazy("immediate"),
    "urgent": gettext_lazy("urgent"),
    "routine": gettext_lazy("routine"),
}

Worded = tuple[str, str, str]  # a condition: its label, it in words, its expression


@dataclass(frozen=True)
class StepRow:
    """A step as a reader of the plan sees it: who, by when, on which clause, under which condition."""

    step: Step
    anchor: str
    kind: str
    icon: str
    title: str
    guide: str
    role: str
    clause: Clause | None
    acknowledge: str
    within: str
    chain: Sequence[str]
    every: str
    urgency: str
    conditions: Sequence[Worded]
    after: Sequence[str]
    options: Sequence[str]
    evidence: Sequence[str]
    fields: Sequence[str]
    told: str


@dataclass(frozen=True)
class StageRow:
    stage: Stage
    title: str
    after: Sequence[str]
    conditions: Sequence[Worded]
    steps: Sequence[StepRow]


@dataclass(frozen=True)
class ProcedureRow:
    procedure: Procedure
    anchor: str
    icon: str
    title: str
    summary: str
    clauses: Sequence[Clause]
    fields: Sequence[tuple[str, bool]]
    same: str
    stages: Sequence[StageRow]
    incidents: Sequence[Incident] = field(default_factory=tuple)
    restored_by: str = ""


def procedures(pack: Pack, actor: object) -> list[ProcedureRow]:
    """All procedures as step lists, with the incidents that each handles now, as far as the actor may read them."""
    going_on: dict[str, list[Incident]] = defaultdict(list)
    open_ = access.readable(actor).exclude(status=Incident.Status.CLOSED).exclude(level=Level.SERVICE)
    for incident in open_.order_by("pk"):
        going_on[incident.kind].append(incident)
    speaker = drawn.speaker(pack)
    return [_procedure(speaker, one, going_on.get(one.id, [])) for one in pack.procedures.values()]


def _procedure(speaker: Speaker, one: Procedure, incidents: Sequence[Incident]) -> ProcedureRow:
    pack = speaker.pack
    required = set(one.form.get("required", ()))
    restoring = one.steps.get(one.restored_by)
    return ProcedureRow(
        procedure=one,
        anchor=anchor_of(f"procedure:{one.id}"),
        icon=FAMILY_ICONS.get(one.family, "flag"),
        title=showing.say(one.title),
        summary=showing.say(one.summary),
        clauses=[found for number in one.clauses if (found := showing.clause(number, pack))],
        fields=[
            (showing.say(form_field.get("title", name)), name in required)
            for name, form_field in one.form.get("properties", {}).items()
        ],
        same=length(one.same.within) if one.same else "",
        stages=[_stage(speaker, one, stage) for stage in one.stages],
        incidents=incidents,
        restored_by=_step_title(pack, restoring) if restoring else "",
    )


def _stage(speaker: Speaker, procedure: Procedure, stage: Stage) -> StageRow:
    titles = {one.id: showing.say(one.title) for one in procedure.stages}
    return StageRow(
        stage,
        titles[stage.id],
        [titles[name] for name in stage.after if name in titles],
        _conditions(speaker, procedure, stage),
        [_step(speaker, procedure, step) for step in stage.steps],
    )


def _step(speaker: Speaker, procedure: Procedure, step: Step) -> StepRow:
    pack = speaker.pack
    task = step.task
    by_hand = step.kind == "do" and task is not None
    kind, icon = STEP_KINDS.get(step.kind, (step.kind, "point"))
    form = task.form if task and task.form else {}
    return StepRow(
        step=step,
        anchor=anchor_of(f"step:{procedure.id}/{step.id}"),
        kind=str(kind),
        icon=icon,
        title=_step_title(pack, step),
        guide=showing.say(task.guide) if task else "",
        role=showing.role_title(pack, task.role) if task else "",
        clause=showing.clause(step.clause, pack),
        acknowledge=length(task.acknowledge_within) if task else "",
        within=_limit(step),
        chain=[showing.role_title(pack, role) for role in task.chain] if task else [],
        every=length(task.escalate_every) if task and len(task.chain) > 1 else "",
        urgency=str(URGENCIES.get(task.urgency, "")) if task and not by_hand else "",
        conditions=_step_conditions(speaker, procedure, step),
        after=[_step_title(pack, procedure.steps[name]) for name in step.after if name in procedure.steps],
        options=[showing.say(option.title) for option in task.options] if task else [],
        evidence=list(task.evidence) if task else [],
        fields=[showing.say(one.get("title", name)) for name, one in form.get("properties", {}).items()],
        told=_told(pack, step),
    )


def _step_title(pack: Pack, step: Step) -> str:
    """What a reader calls the step: its task, its message, or what the system does."""
    if step.task is not None and step.kind != "do":
        return showing.say(step.task.title)
    if step.template and step.template in pack.templates:
        return showing.say(pack.templates[step.template].title).replace("{number}", "").strip(" :：·")
    return step.action or step.id


def _limit(step: Step) -> str:
    if step.wait_for is not None:
        return length(step.wait_for)
    return length(step.task.within) if step.task else ""


def _conditions(speaker: Speaker, procedure: Procedure, one: Stage | Step) -> list[Worded]:
    """On what a stage or a step begins."""
    named = ((_("only when"), one.when), (_("not before"), one.hold_until))
    return [
        (label, speaker.condition(condition, procedure), condition.source)
        for label, condition in named
        if condition is not None
    ]


def _step_conditions(speaker: Speaker, procedure: Procedure, step: Step) -> list[Worded]:
    """The same, and until when a step waits."""
    found = _conditions(speaker, procedure, step)
    if step.wait_until is not None:
        words = speaker.value(step.wait_until, procedure)
        found.append((_("until"), words, step.wait_until.source))
    return found


def _told(pack: Pack, step: Step) -> str:
    """Whom a message goes to."""
    names = [showing.role_title(pack, role) for role in step.roles]
    if step.audience in pack.audiences:
        names.append(showing.say(pack.audiences[step.audience].title))
    return ", ".join(names)
