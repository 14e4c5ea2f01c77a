"""From the runtime's commands to rows, for one run: `runs.writing` looks up what many runs need and writes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from changbei.journal.rows import Rows, made
from changbei.journal.services import NewEntry
from changbei.notify import personal, recipients, telling
from changbei.notify.confirming import Confirm
from changbei.notify.models import Urgency
from changbei.notify.recipients import Recipient
from changbei.notify.services import NewNotice, Order
from changbei.people.models import Contact, Person
from changbei.plans.facts import (
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
from changbei.plans.model import Pack, Procedure, TaskSpec, step_of
from changbei.runs import audiences, roles, wording
from changbei.runs.models import ActionCall, RoleHolding, Run, RunFact, Task, Timer

URGENCY = {"immediate": Urgency.IMMEDIATE, "urgent": Urgency.URGENT, "routine": Urgency.ROUTINE}
TASK_NOTICE, VACANT_NOTICE, LATE_NOTICE, MOVED_NOTICE = "task", "task-vacant", "task-late", "task-moved"
MANY_NOTICE, MANY_LATE_NOTICE = "tasks", "tasks-late"
CALL = (
    "runs.call"  # how the queue of capabilities names a call of a plan; no capability that plans could name
)
MOST_NAMED = 12  # of many tasks, in one message
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
        self._holders = holders
        self.commands: list[Command] = []  # not taken yet
        self.applied: list[Json] = []  # rows of RunFact
        self.holdings: list[RoleHolding] = []  # of a run that begins
        self.before: Json | None = None  # the run's state before its facts; None for a run that begins
        self.opened: dict[str, Task] = {}
        self.closed: list[CloseTask] = []
        self.acknowledged: list[MarkAcknowledged] = []
        self.escalated: dict[str, int] = defaultdict(int)
        self.timers: dict[str, datetime | None] = {}
        self.fired: set[str] = set()
        self.calls: list[ActionCall] = []
        self.orders: list[Order] = []
        self.afterwards: list[Order] = []  # what a room above tells, after the tasks
        self.facts: list[NewEntry] = []
        self._known: dict[str, Task] = {}
        self._people: dict[str, Person] = {}
        self._named: dict[str, Person] = {}
        # of steps with a task for each element: one message for all that concern the same person
        self._many: dict[tuple[str, str, str, int], tuple[list[Task], list[Person]]] = {}

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
                self._tell(command)
            case StageOpened():
                self.record("runs.stage_opened", data={"stage": command.stage})
            case StageClosed():
                self.record("runs.stage_closed", data={"stage": command.stage})
            case Finished():
                self.timers[ROSTER] = None
                caller = self.run.caller
                self.record("runs.finished", data={"caller": str(caller.uuid)} if caller else {})

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
        role = command.role or spec.role
        named = self._named.get(command.holder)
        task = made(
            Task,
            uuid=uuid4(),
            run=self.run,
            item=command.item,
            label=command.label,
            kind=spec.kind,
            role=role,
            holder=named or self.holder(role),
            held_as=Task.HeldAs.PLAN if named else Task.HeldAs.ROLE,
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
        self.opened[command.item] = task
        self.order_task(task, spec)
        self.record(
            "runs.task_opened",
            item=command.item,
            data={
                "task": str(task.uuid),
                "role": role,
                "holder": task.holder.staff_no if task.holder else "",
                "acknowledge_due_at": command.acknowledge_due_at.isoformat()
                if command.acknowledge_due_at
                else None,
                "due_at": command.due_at.isoformat() if command.due_at else None,
            },
        )

    def order_task(self, task: Task, spec: TaskSpec) -> None:
        """Tell the holder of the task; when nobody holds the role, the first of the chain whom there is,
        at once.
        """
        to = [task.holder] if task.holder else self._first_held(spec.chain)
        if step_of(task.item) != task.item:
            self._gather(MANY_NOTICE if task.holder else VACANT_NOTICE, task, to)
        elif task.holder:
            self._order(TASK_NOTICE, task, to, URGENCY[spec.urgency])
        else:
            self._order(VACANT_NOTICE, task, to, Urgency.IMMEDIATE)

    def order_moved(self, task: Task, before: Person, spec: TaskSpec) -> None:
        """Tell who held the task, by the ways they were told of it, that it has gone to somebody else."""
        self._order(MOVED_NOTICE, task, [before], URGENCY[spec.urgency])

    def _close(self, command: CloseTask) -> None:
        self.closed.append(command)
        by = f"{command.by}"
        kind = "runs.task_done" if command.status == "done" else "runs.task_cancelled"
        late = self._entry(command.item).get("late_seconds", 0)
        self.record(kind, item=command.item, data={"by": by, "late_seconds": late, "result": command.result})

    def _escalate(self, command: Escalate) -> None:
        spec = self.procedure.task(command.item)
        task = self._task(command.item)
        if spec is None or task is None:
            return
        self.escalated[command.item] += 1
        to = self._first_held(spec.chain[command.step - 1 :])
        if step_of(task.item) != task.item:
            self._gather(MANY_LATE_NOTICE, task, to, why=command.why)
        else:
            self._order(LATE_NOTICE, task, to, Urgency.IMMEDIATE, why=command.why)
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
        self.calls.append(
            made(
                ActionCall,
                run=self.run,
                item=command.item,
                action=command.action,
                params=command.params,
                due_at=self.now,
                requested_at=self.now,
            )
        )
        self.record(
            "runs.action_called", item=command.item, data={"action": command.action, "params": command.params}
        )

    def _call_plan(self, command: CallPlan) -> None:
        """A call waits in the queue of capabilities: it is tried again, and its failure opens a task, as theirs."""
        params = {"plan": command.plan, "procedure": command.procedure, "report": command.report}
        self.calls.append(
            made(
                ActionCall,
                run=self.run,
                item=command.item,
                action=CALL,
                params=params,
                due_at=self.now,
                requested_at=self.now,
            )
        )
        self.record(
            "runs.plan_called",
            item=command.item,
            data={"called": command.plan, "procedure": command.procedure, "waits": command.wait},
        )

    def _tell(self, command: Tell) -> None:
        template = self.pack.templates.get(command.template)
        if template is None:
            return
        own: list[str] = []
        people = [person for role in command.roles if (person := self.holder(role))]
        contacts: list[Contact] = []
        customers: list[Recipient] = []
        if audience := self.pack.audiences.get(command.audience):
            more, contacts = roles.audience(audience, self.run, self.now)
            people += more
            if audience.retailers is not None:
                wanted = audiences.retailers(audience.retailers, self.run, self.now)
                own = [name for name in personal.known() if name not in command.values]
                used = telling.words(self.pack, template.id, {}, own=own).personal
                customers = recipients.of_retailers(wanted, used)
        run = self.run
        new = replace(
            telling.compose(
                self.pack,
                template.id,
                command.values,
                telling.About(run.number, run.title, run.incident, run.uuid, command.item, run.drill),
                own=own,
                clause=self._clause(command.item),
            ),
            confirm=self._confirm(command.item),
        )
        whom = [
            *recipients.of_people(people),
            *(recipients.of_contact(contact) for contact in contacts),
            *customers,
        ]
        self.orders.append((new, whom))

    def _confirm(self, item: str) -> Confirm | None:
        """How many have to confirm, and who holds the roles that are told otherwise, as of now."""
        step = self.procedure.step(item)
        if step is None or step.confirm is None:
            return None
        asked = step.confirm
        chain = list(dict.fromkeys(person for role in asked.chain if (person := self.holder(role))))
        return Confirm(
            asked.at_least,
            int((asked.within.after(self.now) - self.now).total_seconds()),
            tuple(recipients.of_people(chain)),
            int((asked.every.after(self.now) - self.now).total_seconds()),
        )

    def _order(
        self, template: str, task: Task, to: list[Person], urgency: Urgency, *, why: str = "due"
    ) -> None:
        """A notice about a task. What tells of a task that has gone needs no answer."""
        title, body = wording.about_task(template, why)
        values = self._task_values(task)
        moved = template == MOVED_NOTICE
        new = NewNotice(
            template,
            wording.fill(title, values),
            wording.fill(body, values),
            urgency,
            incident=self.run.incident,
            run=self.run.uuid,
            task=None if moved else task.uuid,
            item=task.item,
            clause=task.clause,
            needs_acknowledgement=not moved,
            drill=self.run.drill,
        )
        self.orders.append((new, recipients.of_people(to)))

    def _gather(self, template: str, task: Task, to: list[Person], *, why: str = "due") -> None:
        """Many tasks of one step come in one message to each person."""
        key = (template, why, step_of(task.item), to[0].pk if to else 0)
        self._many.setdefault(key, ([], to))[0].append(task)

    def _order_many(self) -> None:
        for (template, why, step, _), (tasks, to) in self._many.items():
            spec = self.procedure.task(step)
            first = min(tasks, key=lambda task: task.pk or 0)
            immediate = template != MANY_NOTICE or spec is None
            urgency = Urgency.IMMEDIATE if immediate or spec is None else URGENCY[spec.urgency]
            if len(tasks) == 1:
                one = {MANY_NOTICE: TASK_NOTICE, MANY_LATE_NOTICE: LATE_NOTICE}.get(template, template)
                self._order(one, first, to, urgency, why=why)
                continue
            title, body = wording.about_many(template, why)
            values = self._task_values(first) | {
                "title": spec.title if spec else first.title,
                "count": len(tasks),
                "labels": wording.listed([task.label for task in tasks], MOST_NAMED),
            }
            new = NewNotice(
                template,
                wording.fill(title, values),
                wording.fill(body, values),
                urgency,
                incident=self.run.incident,
                run=self.run.uuid,
                item=step,
                clause=first.clause,
                drill=self.run.drill,
            )
            self.orders.append((new, recipients.of_people(to)))
        self._many.clear()

    # ---- what is known

    def holder(self, role: str) -> Person | None:
        if self._holders is None:
            self._holders = roles.holders_of([self.run])[self.run.pk]
        return self._holders.get(role)

    def _first_held(self, chain: tuple[str, ...]) -> list[Person]:
        return next(([person] for role in chain if (person := self.holder(role))), [])

    def _task(self, item: str) -> Task | None:
        return self.opened.get(item) or self._known.get(item)

    def _person(self, staff_no: str) -> Person | None:
        if self.actor and self.actor.staff_no == staff_no:
            return self.actor
        return self._people.get(staff_no)

    def _clause(self, item: str) -> str:
        step = self.procedure.step(item)
        return step.clause if step else ""

    def _task_values(self, task: Task) -> dict[str, Any]:
        role = self.pack.roles.get(task.role)
        return {
            "number": self.run.number,
            "incident": self.run.title,
            "title": task.title,
            "role": role.title if role else task.role,
            "holder": task.holder.name if task.holder else wording.NOBODY,
            "clause": task.clause,
            "due": wording.local_time(task.due_at),
            "guide": task.guide,
        }

    # ---- writing

    def finish(self, rows: Rows) -> list[UUID]:
        """Put all rows but notices and facts into `rows`; the tasks about which nobody is reminded any more."""
        self._order_many()
        self._put_run(rows)
        self._put_tasks(rows)
        self._put_timers(rows)
        rows.insert_objects(self.calls)
        rows.insert(RunFact, self.applied)
        closed = [self._known.get(command.item) for command in self.closed]
        return [task.uuid for task in closed if task is not None]

    def acknowledgements(self) -> list[tuple[Task, Person | None]]:
        """Who has taken note of what; with a fact for each."""
        found = []
        for mark in self.acknowledged:
            if (task := self._task(mark.item)) is not None:
                found.append((task, self._person(mark.by)))
                late = self._entry(mark.item).get("acknowledge_late_seconds", 0)
                data = {"by": mark.by, "late_seconds": late}
                self.record("runs.task_acknowledged", item=mark.item, data=data)
        return found

    def _put_run(self, rows: Rows) -> None:
        run = self.run
        if self.before is None and self.applied:
            rows.insert_objects([run])
            rows.insert_objects(self.holdings)
            run._state.adding = False
        elif self.applied:
            names = ("id", "state", "facts", "status", "finished_at")
            rows.update(Run, [{name: getattr(run, name) for name in names}], keys=("id",))

    def _put_tasks(self, rows: Rows) -> None:
        changes: dict[str, dict[str, Any]] = defaultdict(dict)
        for mark in self.acknowledged:
            by = self._person(mark.by)
            changes[mark.item] |= {
                "status": str(Task.Status.ACKNOWLEDGED),
                "acknowledged_at": self.now,
                "acknowledged_by_id": by.pk if by else None,
            }
        for closing in self.closed:
            by = self._person(closing.by)
            changes[closing.item] |= {
                "status": closing.status,
                "done_at": self.now,
                "done_by_id": by.pk if by else None,
                "result": closing.result,
            }
        for item, times in self.escalated.items():
            changes[item]["escalations"] = times
        for item, change in changes.items():
            if item in self.opened:
                # Opened and closed by the same fact: what was awaited had happened already.
                for name, value in change.items():
                    setattr(self.opened[item], name, value)
            else:
                change |= {"run_id": self.run.pk, "item": item}
                rows.update(Task, [change], keys=("run_id", "item"), more=("escalations",))
        rows.insert_objects(self.opened.values())

    def _put_timers(self, rows: Rows) -> None:
        run, now = self.run.pk, self.now
        rows.upsert(
            Timer,
            [
                {"run_id": run, "key": key, "due_at": due, "lease_until": None, "fired_at": None}
                for key, due in self.timers.items()
                if due
            ],
            keys=("run_id", "key"),
        )
        fired = self.fired - {key for key, due in self.timers.items() if due}
        gone = {"due_at": None, "lease_until": None}
        rows.update(
            Timer,
            [{"run_id": run, "key": key, **gone, "fired_at": now} for key in sorted(fired)],
            keys=("run_id", "key"),
        )
        cancelled = {key for key, due in self.timers.items() if due is None} - fired
        rows.update(
            Timer,
            [{"run_id": run, "key": key, **gone} for key in sorted(cancelled)],
            keys=("run_id", "key"),
        )

    def _entry(self, item: str) -> Json:
        entry: Json = self.run.state["items"].get(item, {})
        return entry

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
            self.record("runs.noted", item=note["item"], data={"what": note["what"], "detail": note["detail"]})
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
        return self._holders is None and any(
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
            self._holders = holders
