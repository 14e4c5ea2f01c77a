"""Random procedures and random facts: whatever comes in whatever order, the state stays valid."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from changbei.plans import facts as f
from changbei.plans import wire
from changbei.plans.model import Procedure, step_of
from changbei.plans.plain import canonical
from changbei.plans.runtime import replay, start_state, step
from changbei.plans.tests import packs

START = datetime(2026, 11, 23, 1, 40, tzinfo=UTC)
PEOPLE = ("1", "2", "")
KINDS = ("room.one", "room.two")
CLOSED_ITEMS = {"done", "skipped", "cancelled"}
CLOSED_STAGES = {"closed", "skipped", "cancelled"}
TITLE = {"zh-Hans": "做", "zh-Hant": "做", "en": "Do"}
HEAD: dict[str, Any] = {
    "id": "breakdown",
    "title": TITLE,
    "family": "vehicle",
    "clauses": ["E1.1"],
    "form": {
        "type": "object",
        "properties": {
            "vehicle": {"type": "string", "title": TITLE},
            "injured": {"type": "boolean", "title": TITLE},
        },
    },
}
ROLES = ("driver", "dispatcher", "head", "commander")
PROFILE = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# --- random procedures -----------------------------------------------------------------------------------------


def conditions(decisions: list[str]) -> st.SearchStrategy[str]:
    fixed = [
        "true",
        "false",
        "report.injured",
        "has(incident.go)",
        "incident.n > 2",
        "'room.one' in happened",
    ]
    return st.sampled_from(fixed + [f'decision.{d.replace("-", "_")} == "yes"' for d in decisions])


@st.composite
def timing(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {
        "role": draw(st.sampled_from(ROLES)),
        "within": draw(st.sampled_from(["30s", "5m", "1wd", "setting.quick"])),
        "overdue": draw(st.sampled_from(["usual", ["head"], ["head", "commander"]])),
    }
    if draw(st.booleans()):
        found["acknowledge_within"] = draw(st.sampled_from(["10s", "10m"]))
    return found


STEP_KINDS = (
    "task",
    "each",
    "decide",
    "approve",
    "await",
    "await-task",
    "do",
    "call",
    "notify",
    "wait",
    "until",
    "countdown",
)


@st.composite
def loops(draw: st.DrawFn) -> dict[str, str]:
    found = {
        "of": draw(
            st.sampled_from(["incident.list", "[1, 2, 2]", "['a', 'b:1', 'a@b', '']", "[]", "incident.n"])
        ),
        "as": "one",
        "key": draw(st.sampled_from(["one", "one.code", "string(one)"])),
        "label": draw(st.sampled_from(["one", "one.name", "'shop'"])),
    }
    if draw(st.booleans()):
        found["holder"] = draw(st.sampled_from(["one.staff_no", "'3107'"]))
    return found


@st.composite
def countdowns(draw: st.DrawFn, tame: bool) -> dict[str, Any]:
    end = "'2026-11-23T12:00:00+08:00'"
    marks = [
        {"id": "first", "before": "2h"},
        {"id": "last-call", "before": draw(st.sampled_from(["0s", "30m"]))},
    ]
    found: dict[str, Any] = {
        "until": end if tame else draw(st.sampled_from([end, "incident.until"])),
        "marks": marks,
    }
    if draw(st.booleans()):
        found["plus"] = draw(st.sampled_from(["1h", "1wd", "setting.quick"]))
    if draw(st.booleans()):
        found["stop_when"] = draw(conditions([]))
    return found


@st.composite
def one_step(
    draw: st.DrawFn, name: str, before: list[str], decisions: list[str], people: list[str], tame: bool
) -> dict[str, Any]:
    """One step of a random kind; `tame` leaves out what waits for something that may never come."""
    found: dict[str, Any] = {"id": name, "clause": "E1.1"}
    if before and draw(st.booleans()):
        found["after"] = draw(st.lists(st.sampled_from(before), min_size=1, max_size=2, unique=True))
    if draw(st.integers(0, 3)) == 0:
        found["when"] = draw(conditions(decisions))
    if not tame and draw(st.integers(0, 9)) == 0:
        found["hold_until"] = draw(conditions(decisions))
    kind = draw(st.sampled_from(STEP_KINDS))
    title = {"title": TITLE}
    match kind:
        case "task":
            found |= {"task": title, **draw(timing())}
        case "each":
            found |= {"task": title, "each": draw(loops()), **draw(timing())}
        case "call":
            found |= {
                "call": draw(
                    st.sampled_from([{"procedure": "breakdown"}, {"plan": "other", "procedure": "x"}])
                ),
                "with": {"vehicle": "report.vehicle", "n": "incident.n"},
                "wait": draw(st.booleans()),
                "on_failure": {**title, **draw(timing())},
            }
        case "countdown":
            found |= {"countdown": title | draw(countdowns(tame))}
        case "decide":
            options = [{"id": option, "title": TITLE} for option in ("yes", "no")]
            found |= {"decide": title | {"options": options}, **draw(timing())}
        case "approve":
            apart = draw(st.lists(st.sampled_from(people), max_size=2, unique=True)) if people else []
            approval = title | ({"not_same_as": apart} if apart else {})
            if draw(st.booleans()):
                approval["delegates"] = draw(st.sampled_from([["head"], ["head", "commander"]]))
            if draw(st.booleans()):
                decides = draw(st.sampled_from(["approved", "refused"]))
                approval["timeout"] = {
                    "after": draw(st.sampled_from(["1m", "2h", "1wd"])),
                    "decides": decides,
                }
            if draw(st.booleans()):
                approval["act_first"] = draw(conditions([]))
            found |= {"approve": approval, **draw(timing())}
        case "await":
            found |= {"await": draw(st.sampled_from(KINDS))}
        case "await-task":
            found |= {"await": draw(st.sampled_from(KINDS)), "task": title, **draw(timing())}
        case "do":
            params = {"with": {"a": "report.vehicle", "b": "incident.n"}}
            found |= {"do": "room.act", **params, "on_failure": {**title, **draw(timing())}}
        case "notify":
            found |= {
                "notify": {"template": "told", "roles": ["driver"], "values": {"vehicle": "incident.n"}}
            }
        case "until" if not tame:
            found |= {"wait": {"until": "incident.until"}}
        case _:
            found |= {"wait": {"for": draw(st.sampled_from(["1s", "2h", "1wd"]))}}
    return found


@st.composite
def procedures(draw: st.DrawFn, tame: bool = False) -> Procedure:
    stages: list[dict[str, Any]] = []
    decisions: list[str] = []
    people: list[str] = []
    for s in range(draw(st.integers(1, 4))):
        steps: list[dict[str, Any]] = []
        for n in range(draw(st.integers(1, 4))):
            name = f"s{s}-{n}"
            found = draw(one_step(name, [step["id"] for step in steps], decisions, people, tame))
            if found.keys() & {"decide", "approve"}:
                decisions.append(name)
            if found.keys() & {"decide", "approve", "task", "do", "call"}:
                people.append(name)
            steps.append(found)
        stage: dict[str, Any] = {"id": f"s{s}", "title": TITLE, "steps": steps}
        if draw(st.booleans()):
            earlier = [before["id"] for before in stages]
            stage["after"] = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        if draw(st.integers(0, 3)) == 0:
            stage["when"] = draw(conditions(decisions))
        if not tame and draw(st.integers(0, 9)) == 0:
            stage["hold_until"] = draw(conditions(decisions))
        stages.append(stage)
    return packs.built({**HEAD, "stages": stages})


# --- random facts ----------------------------------------------------------------------------------------------


KNOWN: tuple[f.Json, ...] = (
    {"go": True},
    {"n": 1},
    {"n": 2.5, "go": False},
    {"n": float("nan")},
    {"n": None, "until": "never"},
    {"until": "2026-11-23T10:00:00+08:00"},
    {"until": "2026-11-25T10:00:00+08:00"},
    {
        "until": 7,
        "n": "\ud800\x00",
        "list": [{"code": "S1", "name": "Shop 1", "staff_no": "3107"}, {"code": "S2"}],
    },
)
ANSWERS: tuple[f.Json, ...] = (
    {"option": "yes", "approved": True},
    {"option": "no", "approved": False},
    {"option": "perhaps", "approved": "x"},
    {},
)
# what kind of fact, about which step, by whom, with which content, how many seconds later
DRAWS = st.tuples(
    st.integers(0, 21),
    st.integers(0, 60),
    st.integers(0, 2),
    st.integers(0, 7),
    st.sampled_from([0, 1, 90, 5000]),
)


def make_fact(procedure: Procedure, state: f.Json, kind: int, which: int, who: int, content: int) -> f.Fact:
    """A fact about anything: mostly about what is open, often about what is not."""
    opened = [item for item, entry in state["items"].items() if entry["status"] == "open"]
    items = opened * 3 + [*procedure.steps, "nonsense", "s0-0@nobody", "@"]
    item, by = items[which % len(items)], PEOPLE[who]
    answer = ANSWERS[content % len(ANSWERS)]
    timers = [*state["timers"]] * 3 + [
        f"ack:{item}:1",
        f"due:{item}:9",
        "wait:s0-0",
        "timeout:s0-0",
        "mark:s0-0:first",
        "nonsense",
        "ack:x:y:z",
        "",
    ]
    match kind:
        case 0 | 1 | 2 | 3 | 4:
            return f.Completed(item, by, answer)
        case 5:
            return f.Acknowledged(item, by)
        case 6:
            return f.Moved(item, by)
        case 7 | 8 | 9 | 10:
            return f.TimerFired(timers[which % len(timers)])
        case 11 | 12:
            return f.ActionDone(item, answer)
        case 13 | 14:
            return f.ActionFailed(item, "no")
        case 15:
            return f.Happened((*KINDS, "room.three")[content % 3], answer, by)
        case 16 | 17:
            return f.Known(("incident", "incident", "report", "result", "x")[which % 5], KNOWN[content])
        case 20 | 21:
            return f.CallEnded(item, answer)
        case 18:
            return f.Started({"report": {"vehicle": "B2"}})
    return f.Ended("1") if content == 0 else f.Known("incident", {"go": True})


class Shell:
    """What a durable shell would hold after the commands, and whether they ever contradict each other."""

    def __init__(self) -> None:
        self.tasks: dict[str, str] = {}
        self.timers: dict[str, str] = {}
        self.stages: dict[str, str] = {}
        self.calls: set[str] = set()
        self.finished = 0

    def apply(self, fact: f.Fact, commands: list[f.Command]) -> None:
        if isinstance(fact, f.TimerFired):
            self.timers.pop(fact.key, None)
        for command in commands:
            self.take(command)

    def take(self, command: f.Command) -> None:
        match command:
            case f.OpenTask(item=item):
                assert item not in self.tasks
                self.tasks[item] = "open"
            case f.CloseTask(item=item, status=status):
                assert self.tasks[item] == "open"
                self.tasks[item] = status
            case f.MarkAcknowledged(item=item) | f.AskAgain(item=item) | f.Escalate(item=item):
                assert self.tasks[item] == "open"
            case f.SetTimer(key=key, due_at=due_at):
                self.timers[key] = due_at.isoformat()
            case f.CancelTimer(key=key):
                del self.timers[key]
            case f.CallAction(item=item) | f.CallPlan(item=item):
                assert item not in self.calls
                self.calls.add(item)
            case f.StageOpened(stage=stage):
                assert stage not in self.stages
                self.stages[stage] = "open"
            case f.StageClosed(stage=stage):
                assert self.stages[stage] == "open"
                self.stages[stage] = "closed"
            case f.Finished():
                self.finished += 1


def valid(procedure: Procedure, state: f.Json) -> list[str]:
    """Everything that is wrong with a state; [] when it is one that a run can be in."""
    wrong = []
    items, stages, timers = state["items"], state["stages"], state["timers"]
    if state["status"] not in {"new", "running", "finished"}:
        wrong.append(f"status {state['status']}")
    if set(stages) - {stage.id for stage in procedure.stages}:
        wrong.append("unknown stages")
    for item, entry in items.items():
        todo = procedure.step(item)
        if todo is None:
            wrong.append(f"{item}: no such step")
            continue
        wrong += [f"{item}: {words}" for words in _wrong_item(todo.kind, entry, items, item)]
        if stages[todo.stage] == "waiting":
            wrong.append(f"{item}: its stage has not opened")
        if entry["status"] == "open" and stages[todo.stage] != "open":
            wrong.append(f"{item}: open in a stage that is {stages[todo.stage]}")
    for key in timers:
        item = _item_of_timer(key)
        if item not in items or items[item]["status"] != "open":
            wrong.append(f"timer {key} of what is not open")
        elif key.startswith("mark:") and key.rpartition(":")[2] in items[item].get("marks", {}):
            wrong.append(f"timer {key} of a mark that was reached")
    context = state["context"]
    for todo in procedure.steps.values():
        entry = items.get(todo.id, {})
        decision = context.get("decision", {}).get(todo.key)
        if decision is not None and todo.kind not in {"decide", "approve"}:
            wrong.append(f"{todo.id}: decided")
        if (decision == "provisional") != (
            entry.get("provisional") is True and entry["status"] in {"open", "cancelled"}
        ):
            wrong.append(f"{todo.id}: decision {decision} of {entry}")
        if (
            todo.countdown
            and entry.get("status") == "done"
            and context["result"][todo.key]["ended"] not in {"run_out", "stopped"}
        ):
            wrong.append(f"{todo.id}: ended how?")
    closed = bool(stages) and all(status in CLOSED_STAGES for status in stages.values())
    if (state["status"] == "finished") != closed:
        wrong.append("finished without its stages, or they without it")
    if closed and (timers or any(entry["status"] == "open" for entry in items.values())):
        wrong.append("something is left after the end")
    return wrong


def _wrong_item(kind: str, entry: f.Json, items: f.Json, item: str) -> list[str]:
    wrong = []
    if entry["status"] not in CLOSED_ITEMS | {"open"}:
        wrong.append(f"status {entry['status']}")
    if entry["status"] == "done" and "done_at" not in entry:
        wrong.append("done, but when?")
    if "left" in entry:
        children = [child for name, child in items.items() if name.startswith(f"{item}@")]
        left = sum(child["status"] == "open" for child in children)
        if entry["status"] == "open" and entry["left"] != left:
            wrong.append(f"{left} tasks are left, not {entry['left']}")
        if entry["status"] == "done" and left:
            wrong.append("done, with tasks left")
    if ("marks" in entry or "until" in entry) and kind != "countdown":
        wrong.append("no count-down")
    return wrong


def _item_of_timer(key: str) -> str:
    kind, _, rest = key.partition(":")
    return rest if kind in {"wait", "timeout"} else rest.rpartition(":")[0]


def check(procedure: Procedure, before: f.Json, after: f.Json, shell: Shell) -> None:
    assert valid(procedure, after) == []
    assert json.loads(canonical(after)) == after
    assert shell.timers == after["timers"]
    assert {s for s, status in after["stages"].items() if status == "open"} == {
        s for s, status in shell.stages.items() if status == "open"
    }
    open_tasks = {item for item, status in shell.tasks.items() if status == "open"}
    for item, entry in after["items"].items():
        if entry["status"] != "open":
            assert item not in open_tasks
        elif procedure.steps[step_of(item)].kind in {"task", "decide", "approve"} and "left" not in entry:
            assert item in open_tasks
    assert open_tasks <= set(after["items"])
    for part, closed in (("items", CLOSED_ITEMS), ("stages", CLOSED_STAGES)):
        for name, was in before[part].items():
            status = was["status"] if part == "items" else was
            now = after[part][name]["status"] if part == "items" else after[part][name]
            if status in closed:
                assert now == status
            assert not (status == "open" and now == "waiting")
            if part == "items":  # a mark is reached once: its time never changes
                assert was.get("marks", {}).items() <= after[part][name].get("marks", {}).items()
    assert (after["status"] == "finished") == (shell.finished == 1)
    if shell.finished:
        assert open_tasks == set()


REPORTS = st.sampled_from([{"vehicle": "B1", "injured": True}, {"vehicle": "B1"}, {}])


@PROFILE
@given(procedures(), REPORTS, st.lists(DRAWS, min_size=1, max_size=25), st.integers(0, 5))
def test_any_facts_in_any_order_leave_a_valid_state(
    procedure: Procedure, report: f.Json, draws: list[tuple[int, int, int, int, int]], late: int
) -> None:
    shell, state, now = Shell(), start_state(), START
    told: list[tuple[datetime, f.Fact]] = []
    start_at = 0 if late else 1  # now and then something comes before the start
    for number, (kind, which, who, content, seconds) in enumerate(draws):
        fact = make_fact(procedure, state, kind, which, who, content)
        if number == start_at:
            fact = f.Started({"report": report, "incident": {"n": 3}})
        now += timedelta(seconds=seconds)
        kept = canonical(state)
        after, commands = step(procedure, state, fact, now)
        assert canonical(state) == kept
        shell.apply(fact, commands)
        check(procedure, state, after, shell)
        told.append((now, fact))

        if not isinstance(fact, f.Happened):
            again, more = step(procedure, after, fact, now)
            assert more == []
            assert canonical(again) == canonical(after)

        stored, _ = step(
            procedure, json.loads(kept), wire.fact_from_json(json.loads(json.dumps(wire.to_json(fact)))), now
        )
        assert canonical(stored) == canonical(after)
        state = after
    assert canonical(replay(procedure, told)) == canonical(state)


@PROFILE
@given(procedures(tame=True), st.randoms(use_true_random=False))
def test_when_everybody_does_their_part_the_run_ends(procedure: Procedure, random: Any) -> None:
    state, _ = step(procedure, start_state(), f.Started({"report": {"vehicle": "B1"}}), START)
    now = START
    for number in range(200):
        if state["status"] == "finished":
            break
        opened = [
            name
            for name, entry in state["items"].items()
            if entry["status"] == "open" and "left" not in entry
        ]
        item = random.choice(opened)
        found = procedure.steps[step_of(item)]
        fact: f.Fact
        match found.kind:
            case "await":
                fact = f.Happened(found.awaits, {}, f"p{number}")
            case "wait" | "countdown":
                fact = f.TimerFired(f"wait:{item}")
            case "call" if "called" in state["items"][item]:
                fact = f.CallEnded(item, {"ended": "finished"})
            case "do" | "call":
                fact = f.ActionDone(item, {}) if random.random() < 0.5 else f.ActionFailed(item, "no")
            case _:
                fact = f.Completed(item, f"p{number}", {"option": "yes", "approved": True})
        if found.kind in {"do", "call"} and state["items"][item].get("fallback"):
            fact = f.Completed(item, f"p{number}", {})
        now += timedelta(minutes=1)
        state, _ = step(procedure, state, fact, now)
    assert state["status"] == "finished"
    assert set(state["stages"].values()) <= {"closed", "skipped"}
