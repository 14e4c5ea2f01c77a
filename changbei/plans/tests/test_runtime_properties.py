"""Random procedures and random facts: whatever comes in whatever order, the state stays valid."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from changbei.plans import facts as f
from changbei.plans import wire
from changbei.plans.model import Procedure
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
    kind = draw(
        st.sampled_from(["task", "decide", "approve", "await", "await-task", "do", "notify", "wait", "until"])
    )
    title = {"title": TITLE}
    match kind:
        case "task":
            found |= {"task": title, **draw(timing())}
        case "decide":
            options = [{"id": option, "title": TITLE} for option in ("yes", "no")]
            found |= {"decide": title | {"options": options}, **draw(timing())}
        case "approve":
            apart = draw(st.lists(st.sampled_from(people), max_size=2, unique=True)) if people else []
            found |= {"approve": title | ({"not_same_as": apart} if apart else {}), **draw(timing())}
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
            if found.keys() & {"decide", "approve", "task", "do"}:
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
    {"until": 7, "n": "\ud800\x00"},
)
ANSWERS: tuple[f.Json, ...] = (
    {"option": "yes", "approved": True},
    {"option": "no", "approved": False},
    {"option": "perhaps", "approved": "x"},
    {},
)
# what kind of fact, about which step, by whom, with which content, how many seconds later
DRAWS = st.tuples(
    st.integers(0, 19),
    st.integers(0, 60),
    st.integers(0, 2),
    st.integers(0, 7),
    st.sampled_from([0, 1, 90, 5000]),
)


def make_fact(procedure: Procedure, state: f.Json, kind: int, which: int, who: int, content: int) -> f.Fact:
    """A fact about anything: mostly about what is open, often about what is not."""
    opened = [item for item, entry in state["items"].items() if entry["status"] == "open"]
    items = opened * 3 + [*procedure.steps, "nonsense"]
    item, by = items[which % len(items)], PEOPLE[who]
    answer = ANSWERS[content % len(ANSWERS)]
    timers = [*state["timers"]] * 3 + [
        f"ack:{item}:1",
        f"due:{item}:9",
        "wait:s0-0",
        "nonsense",
        "ack:x:y:z",
        "",
    ]
    match kind:
        case 0 | 1 | 2 | 3 | 4:
            return f.Completed(item, by, answer)
        case 5 | 6:
            return f.Acknowledged(item, by)
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
            case f.MarkAcknowledged(item=item) | f.Escalate(item=item):
                assert self.tasks[item] == "open"
            case f.SetTimer(key=key, due_at=due_at):
                self.timers[key] = due_at.isoformat()
            case f.CancelTimer(key=key):
                del self.timers[key]
            case f.CallAction(item=item):
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


def check(procedure: Procedure, before: f.Json, after: f.Json, shell: Shell) -> None:
    assert json.loads(canonical(after)) == after
    assert shell.timers == after["timers"]
    assert {s for s, status in after["stages"].items() if status == "open"} == {
        s for s, status in shell.stages.items() if status == "open"
    }
    open_tasks = {item for item, status in shell.tasks.items() if status == "open"}
    for item, entry in after["items"].items():
        assert entry["status"] in CLOSED_ITEMS | {"open"}
        if entry["status"] != "open":
            assert item not in open_tasks
        elif procedure.steps[item].kind in {"task", "decide", "approve"}:
            assert item in open_tasks
    assert open_tasks <= set(after["items"])
    for part, closed in (("items", CLOSED_ITEMS), ("stages", CLOSED_STAGES)):
        for name, was in before[part].items():
            status = was["status"] if part == "items" else was
            now = after[part][name]["status"] if part == "items" else after[part][name]
            if status in closed:
                assert now == status
            assert not (status == "open" and now == "waiting")
    all_closed = bool(after["stages"]) and all(s in CLOSED_STAGES for s in after["stages"].values())
    assert (after["status"] == "finished") == all_closed == (shell.finished == 1)
    if all_closed:
        assert after["timers"] == {}
        assert open_tasks == set()
        assert all(entry["status"] != "open" for entry in after["items"].values())


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
        for command in commands:
            assert wire.command_from_json(json.loads(json.dumps(wire.to_json(command)))) == command
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
        item = random.choice([name for name, entry in state["items"].items() if entry["status"] == "open"])
        found = procedure.steps[item]
        fact: f.Fact
        match found.kind:
            case "await":
                fact = f.Happened(found.awaits, {}, f"p{number}")
            case "wait":
                fact = f.TimerFired(f"wait:{item}")
            case "do":
                fact = f.ActionDone(item, {}) if random.random() < 0.5 else f.ActionFailed(item, "no")
            case _:
                fact = f.Completed(item, f"p{number}", {"option": "yes", "approved": True})
        if found.kind == "do" and state["items"][item].get("fallback"):
            fact = f.Completed(item, f"p{number}", {})
        now += timedelta(minutes=1)
        state, _ = step(procedure, state, fact, now)
    assert state["status"] == "finished"
    assert set(state["stages"].values()) <= {"closed", "skipped"}
