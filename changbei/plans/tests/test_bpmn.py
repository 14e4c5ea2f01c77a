"""BPMN 2.0: valid by the OMG schema, read without a warning by bpmn-moddle, and saying what the procedure says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from lxml import etree

from changbei.core.durations import parse
from changbei.plans import loading
from changbei.plans.bpmn.write import BPMN, DC, DI, LINES, bpmn, iso
from changbei.plans.model import Pack
from changbei.plans.tests import drawing_pack

MODDLE = settings.ROOT / "node_modules" / "bpmn-moddle"
SCHEMA = MODDLE / "resources" / "bpmn" / "xsd" / "BPMN20.xsd"
READ = """
import { BpmnModdle } from "bpmn-moddle";
import { readFileSync } from "node:fs";
const found = {};
for (const [name, text] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  const { rootElement, warnings } = await new BpmnModdle().fromXML(text);
  const drawn = rootElement.diagrams[0].plane.planeElement.length;
  found[name] = [warnings.map((one) => one.message), drawn];
}
console.log(JSON.stringify(found));
"""
installed = pytest.mark.skipif(not SCHEMA.is_file(), reason="bpmn-moddle is not installed: run `make setup`")


@cache
def _pack() -> Pack:
    return drawing_pack.pack()


@cache
def _shipped(name: str) -> Pack:
    folder = settings.PLANS / name
    return loading.load_pack(loading.read_folder(folder), check_actions=False)


def _root(language: str = "en") -> etree._Element:
    return etree.fromstring(
        bpmn(_pack(), _pack().procedures["breakdown"], language, {"delivery.recover": "Re-plan"})
    )


def _all(root: etree._Element, tag: str) -> Iterator[etree._Element]:
    return root.iter(f"{{{BPMN}}}{tag}")


def _named(root: etree._Element, tag: str) -> list[str | None]:
    return [one.get("name") for one in _all(root, tag)]


def _files() -> list[tuple[str, bytes]]:
    found = [("breakdown", bpmn(_pack(), _pack().procedures["breakdown"], "zh-Hans"))]
    for plan in sorted(one.name for one in settings.PLANS.iterdir() if (one / "plan.yaml").is_file()):
        pack = _shipped(plan)
        found += [(f"{plan}/{one.id}", bpmn(pack, one, "zh-Hans")) for one in pack.procedures.values()]
    return found


@installed
def test_every_shipped_procedure_is_valid_by_the_schema_of_the_standard() -> None:
    schema = etree.XMLSchema(etree.parse(str(SCHEMA)))
    wrong = {}
    for name, data in _files():
        if not schema.validate(etree.fromstring(data)):
            wrong[name] = str(schema.error_log)
    assert wrong == {}


@installed
def test_another_program_reads_them_without_a_warning() -> None:
    own = Path(sys.executable).with_name("node")
    node = str(own) if own.is_file() else shutil.which("node")
    assert node is not None
    texts = {name: data.decode() for name, data in _files()}
    given = json.dumps(texts).encode()
    command = [node, "--input-type=module", "-e", READ]
    answer = subprocess.run(command, cwd=settings.ROOT, input=given, capture_output=True, check=True)
    drawn = {
        name: len(list(etree.fromstring(text.encode()).iter(f"{{{DI}}}BPMNShape", f"{{{DI}}}BPMNEdge")))
        for name, text in texts.items()
    }
    assert json.loads(answer.stdout) == {name: [[], number] for name, number in drawn.items()}


def test_every_kind_of_step_has_its_element() -> None:
    root = _root()
    assert _named(root, "subProcess") == ["Act", "Rest", "Close"]
    assert _named(root, "userTask") == ["Look", "By hand", "Stop?", "Approve", "File"]
    assert _named(root, "serviceTask") == ["Re-plan"]
    assert _named(root, "sendTask") == ["Notice"]
    assert _named(root, "task") == ["Backup power"]
    assert [one.get("name") for one in _all(root, "intermediateCatchEvent")] == ["90 min"]
    durations = [one.text for one in _all(root, "timeDuration")]
    assert durations == ["PT15M", "PT20M", "PT10M", "PT30M", "PT1H30M", "PT1H", "PT2H", "working days: 1"]
    stops = {one.get("id"): one.get("cancelActivity") for one in _all(root, "boundaryEvent")}
    assert stops["stage-act_look_timer-0"] == "false"
    assert stops["stage-rest_agree_timer-1"] == "true"  # nobody approved in time: it counts as refused
    assert stops["stage-act_plan-anew_failed"] is None  # errors always end the task


def test_roles_are_resources_and_tasks_name_their_owner() -> None:
    root = _root()
    assert {one.get("id"): one.get("name") for one in _all(root, "resource")} == {
        "role_driver": "Driver",
        "role_dispatcher": "Dispatcher",
        "role_head": "Head",
        "role_commander": "Commander",
    }
    owners = {
        task.get("name"): task.findtext(f"{{{BPMN}}}potentialOwner/{{{BPMN}}}resourceRef")
        for task in _all(root, "userTask")
    }
    assert owners == {
        "Look": "role_driver",
        "By hand": "role_head",
        "Stop?": "role_head",
        "Approve": "role_head",
        "File": "role_head",
    }
    look = next(one for one in _all(root, "userTask") if one.get("name") == "Look")
    assert look.findtext(f"{{{BPMN}}}documentation") == (
        "Clause: E1.1\nRole: Driver\nLook first\naccept within 3 min\ndone within 15 min\n"
        "when late, told in turn: Dispatcher → Head → Commander\nEvidence: photo"
    )


def test_decisions_branch_and_conditions_stand_on_their_flows() -> None:
    root = _root()
    flows = {
        (one.get("sourceRef"), one.get("targetRef"), one.get("name")): one.findtext(
            f"{{{BPMN}}}conditionExpression"
        )
        for one in _all(root, "sequenceFlow")
    }
    gate = "stage-act_choose"
    assert flows[(f"{gate}_choice", f"{gate}_meet", "Stop")] == 'decision.choose == "stop"'
    assert flows[(f"{gate}_choice", f"{gate}_meet", "Go on")] == 'decision.choose == "go"'
    assert flows[(f"{gate}_when", gate, None)] == "report.injured"
    skip = next(one for one in _all(root, "exclusiveGateway") if one.get("id") == f"{gate}_when").get(
        "default"
    )
    assert skip == f"flow_{gate}_when_{gate}_meet_skip"
    assert flows[("breakdown_stage-rest_when", "breakdown_stage-rest", None)] == "report.injured"


def test_paths_are_joined_and_forked_by_gateways_alone() -> None:
    """No task with two ways in or out; what comes in at every element is what its flows say."""
    root = _root()
    for tag in ("userTask", "serviceTask", "sendTask", "task", "subProcess", "intermediateCatchEvent"):
        for one in _all(root, tag):
            assert len(one.findall(f"{{{BPMN}}}incoming")) == 1, one.get("id")
            assert len(one.findall(f"{{{BPMN}}}outgoing")) == 1, one.get("id")
    for scope in (*_all(root, "process"), *_all(root, "subProcess")):
        ids = {one.get("id") for one in scope}
        for flow in scope.findall(f"{{{BPMN}}}sequenceFlow"):
            assert {flow.get("sourceRef"), flow.get("targetRef")} <= ids
        starts, ends = scope.findall(f"{{{BPMN}}}startEvent"), scope.findall(f"{{{BPMN}}}endEvent")
        assert len(starts) == 1
        assert sum(not len(one.findall(f"{{{BPMN}}}escalationEventDefinition")) for one in ends) == 1


def test_everything_is_drawn_and_flows_begin_and_end_at_their_elements() -> None:
    root = _root()
    boxes = {}
    for shape in root.iter(f"{{{DI}}}BPMNShape"):
        bounds = shape.find(f"{{{DC}}}Bounds")
        assert bounds is not None
        boxes[shape.get("bpmnElement")] = [
            float(bounds.get(name) or 0) for name in ("x", "y", "width", "height")
        ]
    nodes = [
        one.get("id")
        for scope in (*_all(root, "process"), *_all(root, "subProcess"))
        for one in scope
        if one.get("id")
    ]
    flows = {one.get("id"): one for one in _all(root, "sequenceFlow")}
    assert sorted(boxes) == sorted(one for one in nodes if one not in flows)
    drawn = {one.get("bpmnElement"): one for one in root.iter(f"{{{DI}}}BPMNEdge")}
    assert sorted(drawn) == sorted(flows)
    for name, edge in drawn.items():
        points = [(float(one.get("x")), float(one.get("y"))) for one in edge.iter(f"{{{LINES}}}waypoint")]
        for (x, y), end in ((points[0], "sourceRef"), (points[-1], "targetRef")):
            left, top, width, height = boxes[flows[name].get(end)]
            assert left - 0.2 <= x <= left + width + 0.2 and top - 0.2 <= y <= top + height + 0.2, name
    tasks = [
        boxes[one.get("id")] for tag in ("userTask", "serviceTask", "sendTask") for one in _all(root, tag)
    ]
    for n, (ax, ay, aw, ah) in enumerate(tasks):
        for bx, by, bw, bh in tasks[n + 1 :]:
            assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("90s", "PT1M30S"),
        ("15m", "PT15M"),
        ("26h", "P1DT2H"),
        ("3d", "P3D"),
        ("2wd", "working days: 2"),
        ("0s", "PT0S"),
    ],
)
def test_time_limits_in_iso_8601(limit: str, words: str) -> None:
    assert iso(parse(limit)) == words


def test_the_schema_would_notice_a_mistake() -> None:
    if not Path(SCHEMA).is_file():
        pytest.skip("bpmn-moddle is not installed")
    root = _root()
    next(_all(root, "userTask")).set("startQuantity", "many")
    assert not etree.XMLSchema(etree.parse(str(SCHEMA))).validate(root)
