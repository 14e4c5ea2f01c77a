"""A procedure as a BPMN 2.0 file with diagram interchange: opens in viewers and editors, valid by the OMG schema.

What BPMN has no word for stands in `documentation`: clause, chain of escalation, evidence, conditions in CEL. Roles
are `resource` elements, each task names its own as `potentialOwner`. Time limits are timers at the edge of a task
that leave the task running; what they lead to is an escalation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree

from changbei.core.durations import Duration
from changbei.core.texts import pick
from changbei.plans.bpmn.graph import Boundary, Speaks, Unit, scope_of
from changbei.plans.bpmn.place import Flow, Placed, ident, place
from changbei.plans.diagrams.flow import role_title, title_of
from changbei.plans.model import Pack, Procedure, Step
from changbei.plans.rendering.steps import Speaker
from changbei.plans.rendering.words import Words

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
LINES = "http://www.omg.org/spec/DD/20100524/DI"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
CEL = "https://cel.dev"
NAMES: Any = {None: BPMN, "bpmndi": DI, "dc": DC, "di": LINES, "xsi": XSI}
NO_TITLES: Mapping[str, str] = {}
ACTIVITIES = {
    "task": "userTask",
    "decide": "userTask",
    "approve": "userTask",
    "await": "userTask",
    "do": "serviceTask",
    "call": "callActivity",
    "notify": "sendTask",
    "countdown": "task",
    "stage": "subProcess",
}
Xml = Any  # lxml elements


def bpmn(pack: Pack, procedure: Procedure, language: str, actions: Mapping[str, str] = NO_TITLES) -> bytes:
    """One procedure as a file; `actions` names what the product does, by the action's id."""
    return _Writer(pack, procedure, Words(language), actions).write()


class _Writer:
    def __init__(self, pack: Pack, procedure: Procedure, say: Words, actions: Mapping[str, str]) -> None:
        self.pack, self.procedure, self.say = pack, procedure, say
        self.actions = actions
        self.speaker = Speaker(pack, say, actions)
        self.kinds: dict[str, str] = {}  # element → its tag, for the shapes
        self.facts: dict[str, str] = {}  # kind of fact → id of its signal

    def write(self) -> bytes:
        placed = place(scope_of(self.procedure, self._stage_titles(), self._speaks()))
        root = etree.Element(_q("definitions"), nsmap=NAMES)
        root.set("id", f"definitions_{self.procedure.id}")
        root.set("targetNamespace", f"urn:changbei:plan:{self.pack.id}:{self.pack.version}")
        root.set("expressionLanguage", CEL)
        root.set("exporter", "Changbei")
        self._resources(root)
        for n, kind in enumerate(dict.fromkeys(s.awaits for s in self.procedure.steps.values() if s.awaits)):
            self.facts[kind] = f"signal_{n + 1}"
            _sub(root, "signal", id=self.facts[kind], name=kind)
        _sub(root, "error", id="error_failed", name=self.say("state_failed"), errorCode="failed")
        _sub(root, "escalation", id="escalation_late", name=self.say("escalation"), escalationCode="late")
        title = self._pick(self.procedure.title)
        process = _sub(root, "process", id=self.procedure.id, name=title, isExecutable="false")
        _sub(process, "documentation").text = self._about()
        self._scope(process, placed)
        self._drawing(root, placed)
        return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))

    # --- words

    def _pick(self, text: Mapping[str, str] | None) -> str:
        return pick(text, self.say.language)

    def _stage_titles(self) -> dict[str, str]:
        return {stage.id: self._pick(stage.title) for stage in self.procedure.stages}

    def _speaks(self) -> Speaks:
        say = self.say
        titles: dict[str, str] = {}
        chains: dict[str, str] = {}
        for step in self.procedure.steps.values():
            titles[step.id] = title_of(self.pack, step, say, self.actions)
            if step.task is not None:
                chains[step.id] = " → ".join(role_title(self.pack, role, say) for role in step.task.chain)
                titles |= {f"{step.id}/{one.id}": self._pick(one.title) for one in step.task.options}
        words = {
            "start": say("report"),
            "end": say("termination"),
            "late": say("state_overdue"),
            "until": say("until"),
            "before_end": say("before_end"),
            "approved": say("approved"),
            "refused": say("refused"),
        }
        return Speaks(titles, chains, words)

    def _about(self) -> str:
        parts = [
            self._pick(self.procedure.summary),
            f"{self.say('clause')}: {' '.join(self.procedure.clauses)}",
        ]
        parts.append(f"{self._pick(self.pack.titles)} {self.pack.version} ({self.pack.digest[:16]})")
        return "\n".join(part for part in parts if part)

    def _documented(self, step: Step) -> str:
        """Everything of the step that BPMN cannot say."""
        say = self.say
        parts = [f"{say('clause')}: {step.clause}"] if step.clause else []
        task = step.task
        if task is not None:
            parts.append(f"{say('role')}: {role_title(self.pack, task.role, say)}")
            if guide := self._pick(task.guide):
                parts.append(guide)
            if task.acknowledge_within:
                parts.append(say("accept_within", time=say.length(task.acknowledge_within)))
            parts.append(say("done_within", time=say.length(task.within)))
            if task.chain:
                names = " → ".join(role_title(self.pack, role, say) for role in task.chain)
                parts.append(say("late_tell", names=names))
            if task.evidence:
                parts.append(f"{say('evidence')}: {say.joined([say(kind) for kind in task.evidence])}")
        if step.action:
            parts.append(step.action)
        if step.each is not None:
            parts.append(f"{say('for_each')}: {self.speaker.value(step.each.of, self.procedure)}")
        parts += [f"{name} = {value.source}" for name, value in (*step.params.items(), *step.values.items())]
        return "\n".join(parts)

    # --- elements

    def _resources(self, root: Xml) -> None:
        for role in self.procedure.roles_used():
            if role in self.pack.roles:
                _sub(root, "resource", id=f"role_{role}", name=role_title(self.pack, role, self.say))

    def _scope(self, parent: Xml, placed: Placed) -> None:
        flows = placed.flows
        for unit in placed.scope.units:
            self._unit(parent, placed, unit)
        for flow in flows:
            found = _sub(parent, "sequenceFlow", id=flow.id, sourceRef=flow.source, targetRef=flow.target)
            if flow.title:
                found.set("name", flow.title)
            if flow.condition:
                condition = _sub(found, "conditionExpression")
                condition.set(f"{{{XSI}}}type", "tFormalExpression")
                condition.text = flow.condition
        _wire(parent, flows)

    def _unit(self, parent: Xml, placed: Placed, unit: Unit) -> None:
        scope = placed.scope
        name = ident(scope, unit)
        if unit.joins:
            self._add(parent, "parallelGateway", ident(scope, unit, "join"))
        if unit.hold:
            hold = self._add(
                parent, "intermediateCatchEvent", ident(scope, unit, "hold"), self.say("not_before")
            )
            _conditional(hold, unit.hold)
        if unit.when:
            name_of_gateway = ident(scope, unit, "when")
            self._gateway(parent, placed, name_of_gateway, self.say("condition") + "?", self._asked(unit))
        self._activity(parent, placed, unit, name)
        if ident(scope, unit, "event") in placed.boxes and unit.step is not None:
            event = self._add(parent, "intermediateCatchEvent", ident(scope, unit, "event"), unit.step.awaits)
            _sub(event, "signalEventDefinition", signalRef=self.facts[unit.step.awaits])
        if unit.choices:
            self._gateway(parent, placed, ident(scope, unit, "choice"), unit.title)
        if unit.meets:
            self._add(parent, "exclusiveGateway", ident(scope, unit, "meet"))
        self._timers(parent, placed, unit, name)
        self._fallback(parent, placed, unit, name)
        if unit.forks:
            self._add(parent, "parallelGateway", ident(scope, unit, "fork"))

    def _asked(self, unit: Unit) -> str:
        """The condition of a step or stage in words; the flow behind the gateway has the expression."""
        stages = {f"stage-{stage.id}": stage for stage in self.procedure.stages}
        when = unit.step.when if unit.step is not None else stages[unit.key].when
        return self.speaker.condition(when, self.procedure) if when is not None else ""

    def _gateway(self, parent: Xml, placed: Placed, name: str, title: str, documented: str = "") -> None:
        found = self._add(parent, "exclusiveGateway", name, title, documented)
        default = next((flow.id for flow in placed.flows if flow.source == name and flow.default), "")
        if default:
            found.set("default", default)

    def _activity(self, parent: Xml, placed: Placed, unit: Unit, name: str) -> None:
        step = unit.step
        if unit.kind in ("start", "end"):
            self._add(parent, f"{unit.kind}Event", name, unit.title)
        elif unit.kind == "wait" and step is not None:
            event = self._add(parent, "intermediateCatchEvent", name, unit.title, self._documented(step))
            until = step.wait_until.source if step.wait_until else ""
            _timer(event, step.wait_for, until)
        elif unit.kind == "await" and step is not None and step.task is None:
            event = self._add(parent, "intermediateCatchEvent", name, unit.title, self._documented(step))
            _sub(event, "signalEventDefinition", signalRef=self.facts[step.awaits])
        elif unit.inside is not None:
            stage = self._add(parent, "subProcess", name, unit.title)
            self._scope(stage, placed.inner[unit.key])
        elif step is not None:
            self._task(parent, unit, step, name)

    def _task(self, parent: Xml, unit: Unit, step: Step, name: str) -> None:
        task = self._add(parent, ACTIVITIES[unit.kind], name, unit.title, self._documented(step))
        if unit.kind == "call" and step.call is not None:
            task.set("calledElement", step.call.procedure)
        if step.task is not None and unit.kind in ("task", "decide", "approve", "await"):
            self._owner(task, step.task.role)
        if step.each is not None:
            _sub(task, "multiInstanceLoopCharacteristics", isSequential="false")

    def _owner(self, task: Xml, role: str) -> None:
        if role in self.pack.roles:
            owner = _sub(task, "potentialOwner")
            _sub(owner, "resourceRef").text = f"role_{role}"

    def _timers(self, parent: Xml, placed: Placed, unit: Unit, name: str) -> None:
        for n, one in enumerate(unit.boundaries):
            timer = ident(placed.scope, unit, f"timer-{n}")
            if timer in placed.boxes:
                self._boundary(parent, timer, name, one)
                if not one.stops:
                    self._told(parent, ident(placed.scope, unit, f"told-{n}"))

    def _boundary(self, parent: Xml, timer: str, task: str, one: Boundary) -> None:
        event = self._add(parent, "boundaryEvent", timer, one.title)
        event.set("attachedToRef", task)
        event.set("cancelActivity", "true" if one.stops else "false")
        _timer(event, one.duration, one.expression)

    def _told(self, parent: Xml, name: str) -> None:
        event = self._add(parent, "endEvent", name)
        _sub(event, "escalationEventDefinition", escalationRef="escalation_late")

    def _fallback(self, parent: Xml, placed: Placed, unit: Unit, name: str) -> None:
        """What a person does when the product has failed for good."""
        step = unit.step
        manual = ident(placed.scope, unit, "by-hand")
        if step is None or step.task is None or manual not in placed.boxes:
            return
        failed = self._add(
            parent, "boundaryEvent", ident(placed.scope, unit, "failed"), self.say("state_failed")
        )
        failed.set("attachedToRef", name)
        _sub(failed, "errorEventDefinition", errorRef="error_failed")
        task = self._add(parent, "userTask", manual, self._pick(step.task.title), self._documented(step))
        self._owner(task, step.task.role)
        chain = " → ".join(role_title(self.pack, role, self.say) for role in step.task.chain)
        late = Boundary("late", f"{self.say('state_overdue')} → {chain}", step.task.within, "", False)
        self._boundary(parent, ident(placed.scope, unit, "late"), manual, late)
        self._told(parent, ident(placed.scope, unit, "told"))

    def _add(self, parent: Xml, tag: str, name: str, title: str = "", documented: str = "") -> Xml:
        found = _sub(parent, tag, id=name)
        if title:
            found.set("name", title)
        if documented:
            _sub(found, "documentation").text = documented
        self.kinds[name] = tag
        return found

    # --- drawing

    def _drawing(self, root: Xml, placed: Placed) -> None:
        diagram = etree.SubElement(root, f"{{{DI}}}BPMNDiagram", id=f"diagram_{self.procedure.id}")
        plane = etree.SubElement(
            diagram, f"{{{DI}}}BPMNPlane", id=f"plane_{self.procedure.id}", bpmnElement=self.procedure.id
        )
        self._shapes(plane, placed)

    def _shapes(self, plane: Xml, placed: Placed) -> None:
        for name, box in placed.boxes.items():
            tag = self.kinds[name]
            shape = etree.SubElement(plane, f"{{{DI}}}BPMNShape", id=f"shape_{name}", bpmnElement=name)
            if tag == "subProcess":
                shape.set("isExpanded", "true")
            if tag == "exclusiveGateway":
                shape.set("isMarkerVisible", "true")
            _bounds(shape, box.x, box.y, box.width, box.height)
            if tag == "boundaryEvent":
                label = etree.SubElement(shape, f"{{{DI}}}BPMNLabel")
                _bounds(label, box.x + box.width + 2, box.y + box.height - 10, 84, 27)
        for one in placed.inner.values():
            self._shapes(plane, one)
        for flow in placed.flows:
            edge = etree.SubElement(plane, f"{{{DI}}}BPMNEdge", id=f"edge_{flow.id}", bpmnElement=flow.id)
            for x, y in flow.way:
                etree.SubElement(edge, f"{{{LINES}}}waypoint", x=_n(x), y=_n(y))
            if flow.title:
                label = etree.SubElement(edge, f"{{{DI}}}BPMNLabel")
                (x1, y1), (x2, _) = flow.way[len(flow.way) // 2 - 1 : len(flow.way) // 2 + 1]
                _bounds(label, (x1 + x2) / 2 - 40, y1 - 18, 80, 16)


# --- XML


def _q(tag: str) -> str:
    return f"{{{BPMN}}}{tag}"


def _sub(parent: Xml, tag: str, **attributes: str) -> Xml:
    return etree.SubElement(parent, _q(tag), attributes)


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _bounds(parent: Xml, x: float, y: float, width: float, height: float) -> None:
    etree.SubElement(parent, f"{{{DC}}}Bounds", x=_n(x), y=_n(y), width=_n(width), height=_n(height))


def _expression(parent: Xml, tag: str, text: str) -> None:
    found = _sub(parent, tag)
    found.set(f"{{{XSI}}}type", "tFormalExpression")
    found.text = text


def _conditional(event: Xml, source: str) -> None:
    _expression(_sub(event, "conditionalEventDefinition"), "condition", source)


def _timer(event: Xml, duration: Duration | None, until: str) -> None:
    definition = _sub(event, "timerEventDefinition")
    if duration is not None:
        _expression(definition, "timeDuration", iso(duration))
    else:
        _expression(definition, "timeDate", until)


def iso(duration: Duration) -> str:
    """ISO 8601: PT15M, P3D. Working days have no form there: `working days: 1` is for whoever reads the file."""
    if duration.working_days:
        return f"working days: {duration.working_days}"
    days, rest = divmod(duration.seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if value]
    day = f"{days}D" if days else ""
    return f"P{day}{'T' + ''.join(parts) if parts else ''}" if day or parts else "PT0S"


def _wire(parent: Xml, flows: list[Flow]) -> None:
    """Every element lists the flows that come in and go out, in front of what the schema wants behind them."""
    nodes = {one.get("id"): one for one in parent if one.tag != _q("sequenceFlow")}
    for name, node in nodes.items():
        at = sum(one.tag in (_q("documentation"), _q("extensionElements")) for one in node)
        for kind, end in (("incoming", "target"), ("outgoing", "source")):
            for flow in flows:
                if getattr(flow, end) == name:
                    reference = etree.Element(_q(kind))
                    reference.text = flow.id
                    node.insert(at, reference)
                    at += 1
