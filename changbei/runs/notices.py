"""What people are told of one run: of their tasks in the engine's own words, and the messages of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from changbei.core.texts import Text
from changbei.notify import personal, recipients, telling
from changbei.notify.confirming import Confirm
from changbei.notify.models import Urgency
from changbei.notify.recipients import Recipient
from changbei.notify.services import NewNotice, Order
from changbei.people.models import Person
from changbei.plans.facts import Tell
from changbei.plans.model import Pack, Procedure, Step, TaskSpec, step_of
from changbei.runs import audiences, roles, wording
from changbei.runs.models import Run, Task
from changbei.runs.roles import Holders

URGENCY = {"immediate": Urgency.IMMEDIATE, "urgent": Urgency.URGENT, "routine": Urgency.ROUTINE}
TASK_NOTICE, VACANT_NOTICE, LATE_NOTICE, MOVED_NOTICE = "task", "task-vacant", "task-late", "task-moved"
MANY_NOTICE, MANY_LATE_NOTICE = "tasks", "tasks-late"
MOST_NAMED = 12  # of many tasks, in one message


class Notices:
    """The notices that one run comes to in one transaction."""

    def __init__(self, run: Run, pack: Pack, procedure: Procedure, now: datetime, holders: Holders) -> None:
        self._run, self._pack, self._procedure, self._now, self._holders = run, pack, procedure, now, holders
        self.orders: list[Order] = []
        # of steps with a task for each element: one message for all that concern the same person
        self._many: dict[tuple[str, str, str, int], tuple[list[Task], list[Person]]] = {}

    # ---- about tasks

    def of_task(self, task: Task, spec: TaskSpec) -> None:
        """Tell the holder of the task; when nobody holds the role, the first of the chain whom there is,
        at once.
        """
        to = [task.holder] if task.holder else self._holders.of_first(spec.chain)
        if step_of(task.item) != task.item:
            self._gather(MANY_NOTICE if task.holder else VACANT_NOTICE, task, to)
        elif task.holder:
            self._order(TASK_NOTICE, task, to, URGENCY[spec.urgency])
        else:
            self._order(VACANT_NOTICE, task, to, Urgency.IMMEDIATE)

    def of_moved(self, task: Task, before: Person, spec: TaskSpec) -> None:
        """Tell who held the task, by the ways they were told of it, that it has gone to somebody else."""
        self._order(MOVED_NOTICE, task, [before], URGENCY[spec.urgency])

    def of_late(self, task: Task, to: list[Person], why: str) -> None:
        """Tell `to` that the task is late: why, `acknowledge` or `due`."""
        if step_of(task.item) != task.item:
            self._gather(MANY_LATE_NOTICE, task, to, why=why)
        else:
            self._order(LATE_NOTICE, task, to, Urgency.IMMEDIATE, why=why)

    def of_gathered(self) -> None:
        """Tell of the many tasks of steps, now that all of them are there."""
        for (template, why, step, _), (tasks, to) in self._many.items():
            self._order_many(template, why, step, tasks, to)
        self._many.clear()

    def _gather(self, template: str, task: Task, to: list[Person], *, why: str = "due") -> None:
        """Many tasks of one step come in one message to each person."""
        key = (template, why, step_of(task.item), to[0].pk if to else 0)
        self._many.setdefault(key, ([], to))[0].append(task)

    def _order(
        self, template: str, task: Task, to: list[Person], urgency: Urgency, *, why: str = "due"
    ) -> None:
        """A notice about a task. What tells of a task that has gone needs no answer."""
        moved = template == MOVED_NOTICE
        self._add(
            template,
            wording.about_task(template, why),
            self._task_values(task),
            urgency,
            to,
            task=None if moved else task.uuid,
            item=task.item,
            clause=task.clause,
            needs_acknowledgement=not moved,
        )

    def _order_many(self, template: str, why: str, step: str, tasks: list[Task], to: list[Person]) -> None:
        spec = self._procedure.task(step)
        first = min(tasks, key=lambda task: task.pk or 0)
        urgency = URGENCY[spec.urgency] if spec and template == MANY_NOTICE else Urgency.IMMEDIATE
        if len(tasks) == 1:
            one = {MANY_NOTICE: TASK_NOTICE, MANY_LATE_NOTICE: LATE_NOTICE}.get(template, template)
            self._order(one, first, to, urgency, why=why)
            return
        values = self._task_values(first) | {
            "title": spec.title if spec else first.title,
            "count": len(tasks),
            "labels": wording.listed([task.label for task in tasks], MOST_NAMED),
        }
        self._add(
            template,
            wording.about_many(template, why),
            values,
            urgency,
            to,
            tasks=tuple(task.uuid for task in tasks),
            item=step,
            clause=first.clause,
            needs_acknowledgement=True,
        )

    def _add(
        self,
        template: str,
        words: tuple[Text, Text],
        values: Mapping[str, Any],
        urgency: Urgency,
        to: list[Person],
        *,
        item: str,
        clause: str,
        task: UUID | None = None,
        tasks: tuple[UUID, ...] = (),
        needs_acknowledgement: bool = False,
    ) -> None:
        title, body = words
        new = NewNotice(
            template,
            wording.fill(title, values),
            wording.fill(body, values),
            urgency,
            incident=self._run.incident,
            run=self._run.uuid,
            task=task,
            tasks=tasks,
            item=item,
            clause=clause,
            needs_acknowledgement=needs_acknowledgement,
            drill=self._run.drill,
        )
        self.orders.append((new, recipients.of_people(to)))

    def _task_values(self, task: Task) -> dict[str, Any]:
        role = self._pack.roles.get(task.role)
        return {
            "number": self._run.number,
            "incident": self._run.title,
            "title": task.title,
            "role": role.title if role else task.role,
            "holder": task.holder.name if task.holder else wording.NOBODY,
            "clause": task.clause,
            "due": wording.local_time(task.due_at),
            "guide": task.guide,
        }

    # ---- messages of the plan

    def of_plan(self, command: Tell) -> None:
        """A message in the words of the plan, to who holds the roles and to the audience that it names."""
        template = self._pack.templates.get(command.template)
        if template is None:
            return
        whom = recipients.of_people(self._holders.of_all(command.roles))
        own: list[str] = []
        if audience := self._pack.audiences.get(command.audience):
            people, contacts = roles.audience(audience, self._run, self._now)
            whom += recipients.of_people(people)
            whom += [recipients.of_contact(contact) for contact in contacts]
            if audience.retailers is not None:
                own = [name for name in personal.known() if name not in command.values]
                whom += self._customers(audience.retailers, template.id, own)
        run, step = self._run, self._procedure.step(command.item)
        new = telling.compose(
            self._pack,
            template.id,
            command.values,
            telling.About(run.number, run.title, run.incident, run.uuid, command.item, run.drill),
            own=own,
            clause=step.clause if step else "",
        )
        self.orders.append((replace(new, confirm=self._confirm(step)), whom))

    def _customers(self, wanted: Mapping[str, Any], template: str, own: list[str]) -> list[Recipient]:
        """The customers, each with the values that the message takes from their own."""
        found = audiences.retailers(wanted, self._run, self._now)
        return recipients.of_retailers(found, telling.words(self._pack, template, {}, own=own).personal)

    def _confirm(self, step: Step | None) -> Confirm | None:
        """How many have to confirm, and who holds the roles that are told otherwise, as of now."""
        if step is None or step.confirm is None:
            return None
        asked = step.confirm
        return Confirm(
            asked.at_least,
            int((asked.within.after(self._now) - self._now).total_seconds()),
            tuple(recipients.of_people(dict.fromkeys(self._holders.of_all(asked.chain)))),
            int((asked.every.after(self._now) - self._now).total_seconds()),
        )
