"""A plan pack as its page shows it: clauses with what carries them out now, procedures as lists, roles with holders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from changbei.core.durations import Duration
from changbei.incidents import rules as incident_rules
from changbei.incidents.models import Incident
from changbei.network.models import District, Site
from changbei.people.models import Person, Unit
from changbei.people.resolution import Holder, leaders_present, resolve_many
from changbei.plans import document
from changbei.plans.conditions import Condition
from changbei.plans.document import ClauseView, Fulfilment
from changbei.plans.model import Check, Pack, Procedure, Role, Setting, Stage, Step, Table
from changbei.plans.rendering.steps import Speaker
from changbei.runs.models import ActionCall, Run, Task
from changbei.runs.roles import spec_of
from changbei.web import drawn, showing
from changbei.web.components import Clause, PersonCard
from changbei.web.templatetags.ui import span

FAMILY_ICONS = {
    "network": "server-off",
    "vehicle": "truck-off",
    "weather": "storm",
    "demand": "shopping-cart",
    "supply": "packages",
    "settlement": "alert-circle",
    "safety": "alert-triangle",
    "routine": "calendar-event",
}
KIND_WORDS = {
    "procedure": gettext_lazy("Procedure"),
    "step": gettext_lazy("Step"),
    "check": gettext_lazy("Check"),
    "registry": gettext_lazy("Register"),
    "table": gettext_lazy("Decision table"),
    "role": gettext_lazy("Role"),
    "setting": gettext_lazy("Setting"),
}
KIND_ICONS = {
    "procedure": "list-details",
    "step": "player-play",
    "check": "shield-check",
    "registry": "database",
    "table": "table",
    "role": "id-badge-2",
    "setting": "adjustments",
}
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


def length(duration: Duration | None) -> str:
    """A time limit in words: `15 min`, `1 working day`."""
    if duration is None:
        return ""
    if duration.working_days:
        return ngettext("%(days)d working day", "%(days)d working days", duration.working_days) % {
            "days": duration.working_days
        }
    days, hours = duration.seconds // 86400, duration.seconds // 3600
    if duration.seconds and duration.seconds % 86400 == 0:
        return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
    if duration.seconds and duration.seconds % 3600 == 0:
        return ngettext("%(hours)d hour", "%(hours)d hours", hours) % {"hours": hours}
    return str(span(duration.seconds))


# --- clauses


@dataclass(frozen=True)
class Running:
    """Something that is being carried out on the ground of a clause at this moment."""

    number: str
    title: str
    url: str
    who: str
    due_at: datetime | None
    opened_at: datetime | None
    drill: bool


@dataclass(frozen=True)
class Fulfiller:
    """What carries a clause out, as a link into the page."""

    kind: str
    icon: str
    title: str
    url: str


@dataclass(frozen=True)
class ClauseRow:
    """A clause with both: what carries it out by the plan, and where that happens now."""

    view: ClauseView
    fulfilled_by: Sequence[Fulfiller]
    running: Sequence[Running]


@dataclass(frozen=True)
class Chapter:
    """Clauses that belong together: E3.3 with E3.3.1 to E3.3.5."""

    id: str
    clauses: Sequence[ClauseRow]

    @property
    def running(self) -> int:
        return sum(len(row.running) for row in self.clauses)


def chapters(pack: Pack, now: Mapping[str, Sequence[Running]]) -> list[Chapter]:
    """The document in its order."""
    found: dict[str, list[ClauseRow]] = {}
    for view in document.clauses(pack, showing.language()):
        row = ClauseRow(view, _fulfillers(view.fulfilled_by), now.get(view.id, ()))
        found.setdefault(_chapter_of(view.id), []).append(row)
    return [Chapter(name, rows) for name, rows in found.items()]


def _chapter_of(clause: str) -> str:
    head, *rest = clause.split(".")
    return head if head != "E3" or not rest else f"{head}.{rest[0]}"


def _fulfillers(found: Iterable[Fulfilment]) -> list[Fulfiller]:
    """Whole procedures, checks, tables … first; single steps stand with their procedure below."""
    return [
        Fulfiller(
            str(KIND_WORDS.get(one.kind, one.kind)),
            KIND_ICONS.get(one.kind, "point"),
            showing.say(one.title),
            f"#{anchor_of(one.ref)}" if one.kind != "registry" else "",
        )
        for one in found
    ]


def anchor_of(ref: str) -> str:
    """The fragment of something of the pack: `step:vehicle-breakdown/rescue` → `step-vehicle-breakdown-rescue`."""
    return ref.replace(":", "-").replace("/", "-")


def running_by_clause(pack: Pack) -> dict[str, list[Running]]:
    """Open tasks and unfinished actions of runs of this plan, by the clause they cite; two queries."""
    found: dict[str, list[Running]] = defaultdict(list)
    tasks = (
        Task.objects.filter(status__in=showing.OPEN, run__plan_version__pack=pack.id)
        .select_related("run", "holder")
        .order_by("due_at", "pk")
    )
    for task in tasks:
        who = f"{showing.role_title(pack, task.role)} · {task.holder.name if task.holder else _('vacant')}"
        found[task.clause].append(
            Running(
                task.run.number,
                showing.say(task.title),
                showing.address("task", task.uuid),
                who,
                task.due_at,
                task.opened_at,
                task.run.drill,
            )
        )
    calls = ActionCall.objects.filter(
        due_at__isnull=False, run__plan_version__pack=pack.id, run__status=Run.Status.RUNNING
    )
    for call in calls.select_related("run").order_by("pk"):
        procedure = pack.procedures.get(call.run.procedure)
        step = procedure.steps.get(call.item) if procedure else None
        if step is not None and step.clause:
            url = showing.address("incident", call.run.incident) if call.run.incident else ""
            found[step.clause].append(
                Running(
                    call.run.number,
                    call.action,
                    url,
                    _("the system"),
                    None,
                    call.requested_at,
                    call.run.drill,
                )
            )
    return dict(found)


# --- procedures


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
    conditions: Sequence[tuple[str, str, str]]
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
    conditions: Sequence[tuple[str, str, str]]
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


def procedures(pack: Pack) -> list[ProcedureRow]:
    """All procedures as step lists, with the incidents that each handles now; one query."""
    going_on: dict[str, list[Incident]] = defaultdict(list)
    for incident in Incident.objects.exclude(status=Incident.Status.CLOSED).order_by("pk"):
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
    named = ((_("only when"), stage.when), (_("not before"), stage.hold_until))
    return StageRow(
        stage,
        titles[stage.id],
        [titles[name] for name in stage.after if name in titles],
        _said(speaker, procedure, named),
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
        conditions=_conditions(speaker, procedure, step),
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


def _conditions(speaker: Speaker, procedure: Procedure, step: Step) -> list[tuple[str, str, str]]:
    found = _said(speaker, procedure, ((_("only when"), step.when), (_("not before"), step.hold_until)))
    if step.wait_until is not None:
        words = speaker.value(step.wait_until, procedure)
        found.append((_("until"), words, step.wait_until.source))
    return found


def _said(
    speaker: Speaker, procedure: Procedure, named: Iterable[tuple[str, Condition | None]]
) -> list[tuple[str, str, str]]:
    """Each condition there is: its label, it in words, and its expression."""
    return [(label, speaker.condition(one, procedure), one.source) for label, one in named if one is not None]


def _told(pack: Pack, step: Step) -> str:
    """Whom a message goes to."""
    names = [showing.role_title(pack, role) for role in step.roles]
    if step.audience in pack.audiences:
        names.append(showing.say(pack.audiences[step.audience].title))
    return ", ".join(names)


# --- roles


@dataclass(frozen=True)
class Held:
    """Somebody in a role, and where."""

    card: PersonCard
    where: str


@dataclass(frozen=True)
class RoleRow:
    role: Role
    anchor: str
    title: str
    clause: Clause | None
    source: str
    holders: Sequence[Held]
    note: str = ""


def roles(pack: Pack, now: datetime) -> list[RoleRow]:
    """Who holds each role at `now` and why; local roles in each unit that has one of its own."""
    city = {name: role for name, role in pack.roles.items() if role.scope == "city" and not role.command}
    local = {name: role for name, role in pack.roles.items() if role.scope in ("site", "unit", "district")}
    held: dict[str, list[Held]] = defaultdict(list)
    for name, holder in resolve_many({name: spec_of(pack, name) for name in city}, {}, now).items():
        held[name].append(_held(holder, ""))
    for unit, names in _local_units(local):
        scope = {"unit": unit.code, "site": unit.code, "district": unit.code}
        for name, holder in resolve_many({name: spec_of(pack, name) for name in names}, scope, now).items():
            held[name].append(_held(holder, showing.say(unit.name)))
    commanding = _commanding(now)
    return [_role(pack, role, held[name], commanding) for name, role in pack.roles.items()]


def _local_units(local: Mapping[str, Role]) -> list[tuple[Unit, list[str]]]:
    at_sites = [name for name, role in local.items() if role.scope == "site"]
    in_units = [name for name, role in local.items() if role.scope != "site"]
    departments = District.objects.exclude(marketing_department=None).values("marketing_department")
    found = [(site.unit, at_sites) for site in Site.objects.select_related("unit").order_by("pk")]
    found += [(unit, in_units) for unit in Unit.objects.filter(pk__in=departments).order_by("pk")]
    return [(unit, names) for unit, names in found if names]


def _held(holder: Holder, where: str) -> Held:
    note = showing.why(holder.why)
    if holder.away:
        note = f"{note} · {_('nobody is there; can be reached')}"
    return Held(showing.person_card(holder.person, post=note, away=holder.away), where)


def _commanding(now: datetime) -> dict[str, Person | None]:
    """Commander and deputy commander as they would be set at `now`; empty when both leaders are away (E2.1c)."""
    leaders = leaders_present(now)
    if leaders.both_away:
        return {}
    if leaders.head_present:
        return {
            incident_rules.COMMANDER: leaders.head,
            incident_rules.DEPUTY_COMMANDER: leaders.deputy if leaders.deputy_present else None,
        }
    return {incident_rules.COMMANDER: leaders.deputy, incident_rules.DEPUTY_COMMANDER: None}


def _role(pack: Pack, role: Role, held: Sequence[Held], commanding: Mapping[str, Person | None]) -> RoleRow:
    note = ""
    if role.command:
        if not commanding:
            note = _("Both leaders are away: the acting commander follows from the kind of event.")
        else:
            who = commanding.get(role.id)
            held = [Held(showing.person_card(who, post=_("if an event were reported now")), "")]
    elif role.scope == "named":
        note = _("Named by the report.")
    return RoleRow(
        role,
        anchor_of(f"role:{role.id}"),
        showing.say(role.title),
        showing.clause(role.clause, pack),
        _source(role),
        held,
        note,
    )


def _source(role: Role) -> str:
    """Where the plan takes the holder from, as it is written in the pack."""
    kind = next((name for name in ("post", "duty", "job") if getattr(role, name)), "")
    return f"{kind}: {getattr(role, kind)}" if kind else ("command" if role.command else role.scope)


# --- settings, tables, checks


@dataclass(frozen=True)
class SettingRow:
    setting: Setting
    anchor: str
    title: str
    value: str
    clause: Clause | None


def settings(pack: Pack) -> list[SettingRow]:
    speaker = drawn.speaker(pack)
    return [
        SettingRow(
            one,
            anchor_of(f"setting:{name}"),
            showing.say(one.title),
            speaker.setting(name),
            showing.clause(one.clause, pack),
        )
        for name, one in pack.settings.items()
    ]


@dataclass(frozen=True)
class TableRow:
    table: Table
    anchor: str
    title: str
    clause: Clause | None
    rows: Sequence[tuple[str, str, Sequence[tuple[str, str]], str]]  # in words, expression, outcomes, remark


def tables(pack: Pack) -> list[TableRow]:
    """The decision tables: condition, what follows, and the remark of each row."""
    speaker = drawn.speaker(pack)
    return [
        TableRow(
            one,
            anchor_of(f"table:{one.id}"),
            showing.say(one.title),
            showing.clause(one.clause, pack),
            [
                (
                    speaker.condition(row.when),
                    row.when.source,
                    [(name, _outcome(pack, name, value)) for name, value in row.then.items()],
                    showing.say(row.note),
                )
                for row in one.rows
            ],
        )
        for one in pack.tables.values()
    ]


def _outcome(pack: Pack, name: str, value: Any) -> str:
    return showing.role_title(pack, value) if name == "role" else str(value)


@dataclass(frozen=True)
class CheckRow:
    check: Check
    anchor: str
    title: str
    clause: Clause | None
    every: str
    tell: Sequence[str]
    mend: str


def checks(pack: Pack) -> list[CheckRow]:
    return [
        CheckRow(
            one,
            anchor_of(f"check:{one.id}"),
            showing.say(one.title),
            showing.clause(one.clause, pack),
            length(one.every),
            [showing.role_title(pack, role) for role in one.tell],
            showing.say(one.mend),
        )
        for one in pack.checks.values()
    ]
