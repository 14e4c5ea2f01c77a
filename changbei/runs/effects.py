"""From the runtime's commands to what they come to, for one run: `runs.writing` looks up what many runs need and
writes the rows, `runs.notices` says what people are told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID, uuid4

from changbei.journal.rows import made
from changbei.journal.services import NewEntry
from changbei.notify.services import Order
from changbei.people.models import Person
from changbei.plans.facts import (
    AskAgain,
    CallAction,
    CallPlan,
    CancelTimer,
    CloseTask,
    Command,
    Escalate,
    Finished,
    Json,
    MarkAcknowledged,
    OpenTask,
    SetTimer,
    StageClosed,
    StageOpened,
    Tell,
)
from changbei.plans.model import Pack, Procedure, TaskSpec
from changbei.runs import wording
from changbei.runs.models import ActionCall, RoleHolding, Run, Task
from changbei.runs.notices import Notices
from changbei.runs.roles import Holders

# How the queue of capabilities names a call of a plan; no capability that plans could name.
CALL = "runs.call"
ROSTER = "roster"  # key of the timer at which the roles are looked at again


class Effects:
    """What the commands for one run in one transaction come to. `actor` is who caused it, None for the engine."""

    def __init__(
        self,
        run: Run,
        pack: Pack,
        procedure: Procedure,
        now: datetime,
        actor: Person | None,
        holders: Mapping[str, Person | None] | None = None,
    ) -> None:
        self.run, self.pack, self.procedure, self.now, self.actor = run, pack, procedure, now, actor
        self._holders = Holders(run, holders)
        self.commands: list[Command] = []  # not taken yet
        self.applied: list[Json] = []  # rows of RunFact
        self.holdings: list[RoleHolding] = []  # of a run that begins
        self.before: Json | None = None  # the run's state before its facts; None for a run that begins
        self.opened: dict[str, Task] = {}
        self.closed: list[CloseTask] = []
        self.acknowledged: list[MarkAcknowledged] = []
        self.asked_again: dict[str, datetime | None] = {}  # item → until when to acknowledge
        self.escalated: dict[str, int] = defaultdict(int)
        self.timers: dict[str, datetime | None] = {}
        self.fired: set[str] = set()
        self.calls: list[ActionCall] = []
        self.notices = Notices(run, pack, procedure, now, self._holders)
        self.afterwards: list[Order] = []  # what a room above tells, after the tasks
        self.facts: list[NewEntry] = []
        self._known: dict[str, Task] = {}
        self._people: dict[str, Person] = {}
        self._named: dict[str, Person] = {}

    # ---- taking commands

    def apply(self, fact: Json) -> None:
        """A fact, in its wire form, is the next one that the run has been given."""
        run = self.run
        self.applied.append({"run_id": run.pk, "number": run.facts, "at": self.now, "fact": fact})

    def take_all(self, commands: Iterable[Command]) -> None:
        """Keep commands, in the order the runtime made them, until what they need is looked up: `write` takes them."""
        self.commands += commands

    def take(self, command: Command) -> None:
        """Note what this command comes to; commands are given in the order the runtime made them."""
        match command:
            case OpenTask():
                self._open(command)
            case CloseTask():
                self._close(command)
            case MarkAcknowledged():
                self.acknowledged.append(command)
            case AskAgain():
                self.asked_again[command.item] = command.acknowledge_due_at
            case SetTimer():
                self.timers[command.key] = command.due_at
            case CancelTimer():
                self.timers[command.key] = None
            case Escalate():
                self._escalate(command)
            case CallAction():
                self._call(command)
            case CallPlan():
                self._call_plan(command)
            case Tell():
                self.notices.of_plan(command)
            case StageOpened():
                self.record("runs.stage_opened", data={"stage": command.stage})
            case StageClosed():
                kind = "runs.stage_dropped" if self._is_ended() else "runs.stage_closed"
                self.record(kind, data={"stage": command.stage})
            case Finished():
                self.timers[ROSTER] = None
                caller = self.run.caller
                data = {"caller": str(caller.uuid)} if caller else {}
                self.record("runs.ended" if self._is_ended() else "runs.finished", data=data)

    def _is_ended(self) -> bool:
        """By somebody, before all of it was carried out."""
        return "ended_by" in self.run.state

    def record(self, kind: str, *, item: str = "", clause: str = "", data: Json | None = None) -> None:
        """Add a fact for the journal, to be written with the rest."""
        run = self.run
        if item and not clause:
            clause = self._clause(item)
        self.facts.append(
            NewEntry(kind, self.actor, run.incident, run.uuid, item, clause, drill=run.drill, data=data or {})
        )

    def _open(self, command: OpenTask) -> None:
        spec = self.procedure.task(command.item)
        if spec is None:
            return
        task = self._new_task(command, spec)
        self.opened[command.item] = task
        self.notices.of_task(task, spec)
        self.record(
            "runs.task_opened",
            item=command.item,
            data={
                "task": str(task.uuid),
                "role": task.role,
                "holder": task.holder.staff_no if task.holder else "",
                "acknowledge_due_at": command.acknowledge_due_at.isoformat()
                if command.acknowledge_due_at
                else None,
                "due_at": command.due_at.isoformat() if command.due_at else None,
            },
        )

    def _new_task(self, command: OpenTask, spec: TaskSpec) -> Task:
        role = command.role or spec.role
        named = self._named.get(command.holder)
        return made(
            Task,
            uuid=uuid4(),
            run=self.run,
            item=command.item,
            label=command.label,
            kind=spec.kind,
            role=role,
            holder=named or self._holders.of(role),
            held_as=Task.HeldAs.PLAN if command.holder else Task.HeldAs.ROLE,
            title=wording.labelled(spec.title, command.label),
            guide=dict(spec.guide or {}),
            clause=spec.clause,
            options=[{"id": option.id, "title": dict(option.title)} for option in spec.options],
            evidence=list(spec.evidence),
            page=spec.page,
            opened_at=self.now,
            acknowledge_due_at=command.acknowledge_due_at,
            due_at=command.due_at,
        )

    def _close(self, command: CloseTask) -> None:
        self.closed.append(command)
        kind = "runs.task_done" if command.status == "done" else "runs.task_cancelled"
        late = self._entry(command.item).get("late_seconds", 0)
        data = {"by": command.by, "late_seconds": late, "result": command.result}
        self.record(kind, item=command.item, data=data)

    def _escalate(self, command: Escalate) -> None:
        spec = self.procedure.task(command.item)
        task = self._task(command.item)
        if spec is None or task is None:
            return
        self.escalated[command.item] += 1
        to = self._holders.of_first(spec.chain[command.step - 1 :])
        self.notices.of_late(task, to, command.why)
        self.record(
            "runs.escalated",
            item=command.item,
            data={
                "why": command.why,
                "step": command.step,
                "role": command.role,
                "to": to[0].staff_no if to else "",
                "holder": task.holder.staff_no if task.holder else "",
            },
        )

    def _call(self, command: CallAction) -> None:
        self._queue(command.item, command.action, command.params)
        self.record(
            "runs.action_called", item=command.item, data={"action": command.action, "params": command.params}
        )

    def _call_plan(self, command: CallPlan) -> None:
        """A call waits in the queue of capabilities: it is tried again, and its failure opens a task, as theirs."""
        params = {"plan": command.plan, "procedure": command.procedure, "report": command.report}
        self._queue(command.item, CALL, params)
        self.record(
            "runs.plan_called",
            item=command.item,
            data={"called": command.plan, "procedure": command.procedure, "waits": command.wait},
        )

    def _queue(self, item: str, action: str, params: Json) -> None:
        call = made(
            ActionCall,
            run=self.run,
            item=item,
            action=action,
            params=params,
            due_at=self.now,
            requested_at=self.now,
        )
        self.calls.append(call)

    # ---- what is known

    def _task(self, item: str) -> Task | None:
        return self.opened.get(item) or self._known.get(item)

    def person(self, staff_no: str) -> Person | None:
        if self.actor and self.actor.staff_no == staff_no:
            return self.actor
        return self._people.get(staff_no)

    def _clause(self, item: str) -> str:
        step = self.procedure.step(item)
        return step.clause if step else ""

    def _entry(self, item: str) -> Json:
        entry: Json = self.run.state["items"].get(item, {})
        return entry

    # ---- when all commands are taken

    def acknowledgements(self) -> list[tuple[Task, Person | None]]:
        """Who has taken note of what; with a fact for each."""
        found = []
        for mark in self.acknowledged:
            if (task := self._task(mark.item)) is not None:
                found.append((task, self.person(mark.by)))
                late = self._entry(mark.item).get("acknowledge_late_seconds", 0)
                data = {"by": mark.by, "late_seconds": late}
                self.record("runs.task_acknowledged", item=mark.item, data=data)
        return found

    def over(self) -> list[UUID]:
        """The tasks about which nobody is reminded any more."""
        closed = [self._known.get(command.item) for command in self.closed]
        return [task.uuid for task in closed if task is not None]

    def note_changes(self, before: Json) -> None:
        """What people should know beside the commands: remarks of the runtime, marks of count-downs, what is done
        before it is approved, and that service is back.
        """
        after = self.run.state
        earlier = before["items"]
        for item, entry in after["items"].items():
            if (known := earlier.get(item, {})) is not entry:
                self._note_item(item, known, entry)
        for note in after["notes"][len(before["notes"]) :]:
            self.record(
                "runs.noted", item=note["item"], data={"what": note["what"], "detail": note["detail"]}
            )
        if after.get("restored_at") and not before.get("restored_at"):
            caller = self.run.caller
            data = {"at": after["restored_at"]} | ({"caller": str(caller.uuid)} if caller else {})
            self.record("runs.restored", item=self.procedure.restored_by, data=data)

    def _note_item(self, item: str, before: Json, after: Json) -> None:
        if before == after:
            return
        for mark in after.get("marks", {}):
            if mark not in before.get("marks", {}):
                self.record("runs.mark_reached", item=item, data={"mark": mark, "until": after.get("until")})
        if "ended" in after and "ended" not in before:
            self.record("runs.countdown_ended", item=item, data={"ended": after["ended"]})
        if after.get("provisional") and not before.get("provisional"):
            self.record("runs.acted_first", item=item)

    # ---- what is looked up together

    def mentioned(self) -> set[str]:
        """The items of tasks that are there already and that the commands speak of."""
        opened = {one.item for one in self.commands if isinstance(one, OpenTask)}
        touched = {
            one.item for one in self.commands if isinstance(one, CloseTask | MarkAcknowledged | Escalate)
        }
        return touched - opened

    def staff_nos(self) -> set[str]:
        """Who did what the commands speak of, the actor aside."""
        found = {one.by for one in self.commands if isinstance(one, CloseTask | MarkAcknowledged)}
        return found - {"", self.actor.staff_no if self.actor else ""}

    def named_holders(self) -> set[str]:
        return {one.holder for one in self.commands if isinstance(one, OpenTask) and one.holder}

    def needs_holders(self) -> bool:
        return self._holders.known is None and any(
            isinstance(one, OpenTask | Escalate | Tell) for one in self.commands
        )

    def learn(
        self,
        *,
        tasks: Mapping[str, Task] | None = None,
        people: Mapping[str, Person] | None = None,
        named: Mapping[str, Person] | None = None,
        holders: Mapping[str, Person | None] | None = None,
    ) -> None:
        """What was looked up for it, together with other runs."""
        self._known |= tasks or {}
        self._people |= people or {}
        self._named |= named or {}
        if holders is not None:
            self._holders.known = holders
