"""Writing what facts came to, for one or many runs at once; one run is a list of one.

Whatever the number of runs, tasks, timers and messages: what the commands need is looked up together, kind by kind,
and what comes of them is written with one statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from changbei.core import faults
from changbei.journal import prepared
from changbei.journal.rows import Rows
from changbei.journal.services import NewEntry, add
from changbei.notify import services as notify
from changbei.people.models import Person
from changbei.people.resolution import standing_in
from changbei.runs import roles
from changbei.runs.effects import Effects
from changbei.runs.models import Run, RunFact, Task, Timer

# Of a task that is there already: what is written about it and said to people.
SPOKEN_OF = (
    "id",
    "uuid",
    "run_id",
    "item",
    "label",
    "role",
    "holder_id",
    "title",
    "guide",
    "clause",
    "due_at",
)


def write(every: Sequence[Effects], rows: Rows | None = None) -> None:
    """Take the commands of these runs and write what they come to: reads by kind, then one statement for all rows,
    and for whatever else of the same transaction was put into `rows`.
    """
    rows = rows or Rows()
    _look_up(every)
    facts: list[NewEntry] = []
    acknowledged: list[tuple[Task, Person | None]] = []
    over: list[UUID] = []
    for one in every:
        for command in one.commands:
            one.take(command)
        one.commands = []
        if one.before is not None:
            one.note_changes(one.before)
        acknowledged += one.acknowledgements()
        over += one.over()
        one.notices.of_gathered()
        _put(one, rows)
    for person, tasks in _by_person(acknowledged).items():
        notify.acknowledge_tasks(tasks, person)
    notify.stop(tasks=[task.uuid for task, _ in acknowledged], reason="acknowledged")
    notify.stop(tasks=over, reason="task closed")
    for actor, ours in _by_actor(every).items():
        orders = [order for one in ours for order in (*one.notices.orders, *one.afterwards)]
        told: list[NewEntry] = []
        notify.tell_many(orders, actor=actor, facts=told, rows=rows)
        facts += [fact for one in ours for fact in one.facts] + told
    add(facts, rows)
    rows.write()
    faults.point("run.before_commit")


def _by_person(acknowledged: Sequence[tuple[Task, Person | None]]) -> dict[Person, list[UUID]]:
    found: dict[Person, list[UUID]] = defaultdict(list)
    for task, person in acknowledged:
        if person:
            found[person].append(task.uuid)
    return found


def _by_actor(every: Sequence[Effects]) -> dict[Person | None, list[Effects]]:
    found: dict[Person | None, list[Effects]] = defaultdict(list)
    for one in every:
        found[one.actor].append(one)
    return found


def _look_up(every: Sequence[Effects]) -> None:
    """What the commands need and do not bring along: at most seven queries, whatever the number of runs."""
    _look_up_tasks(every)
    _look_up_people(every)
    wanting = [one for one in every if one.needs_holders()]
    if wanting:
        found = roles.holders_of([one.run for one in wanting])
        for one in wanting:
            one.learn(holders=found[one.run.pk])


def _look_up_tasks(every: Sequence[Effects]) -> None:
    wanted = {one.run.pk: (one, one.mentioned()) for one in every}
    pairs = [(run, item) for run, (_, items) in wanted.items() for item in sorted(items)]
    if not pairs:
        return
    named = "JOIN unnest(%s::bigint[], %s::text[]) w(run_id, item) ON t.run_id = w.run_id AND t.item = w.item"
    found: dict[int, dict[str, Task]] = defaultdict(dict)
    tasks = prepared.objects(Task, named, [[run for run, _ in pairs], [item for _, item in pairs]], SPOKEN_OF)
    people = Person.objects.in_bulk({task.holder_id for task in tasks if task.holder_id})
    for task in tasks:
        task.holder = people[task.holder_id] if task.holder_id else None
        found[task.run_id][task.item] = task
    for run, of_run in found.items():
        wanted[run][0].learn(tasks=of_run)


def _look_up_people(every: Sequence[Effects]) -> None:
    if staff_nos := {staff_no for one in every for staff_no in one.staff_nos()}:
        people = {person.staff_no: person for person in Person.objects.filter(staff_no__in=staff_nos)}
        for one in every:
            one.learn(people=people)
    if wanted := {staff_no for one in every for staff_no in one.named_holders()}:
        named = standing_in(wanted, every[0].now)
        for one in every:
            one.learn(named=named)


def _put(one: Effects, rows: Rows) -> None:
    """All rows of a run but notices and facts."""
    _put_run(one, rows)
    _put_tasks(one, rows)
    _put_timers(one, rows)
    rows.insert_objects(one.calls)
    rows.insert(RunFact, one.applied)


def _put_run(one: Effects, rows: Rows) -> None:
    run = one.run
    if one.before is None and one.applied:
        rows.insert_objects([run])
        rows.insert_objects(one.holdings)
        run._state.adding = False
    elif one.applied:
        names = ("id", "state", "facts", "status", "finished_at")
        rows.update(Run, [{name: getattr(run, name) for name in names}], keys=("id",))


def _put_tasks(one: Effects, rows: Rows) -> None:
    for item, change in _changes_of_tasks(one).items():
        if item in one.opened:
            # Opened and closed by the same fact: what was awaited had happened already.
            for name, value in change.items():
                setattr(one.opened[item], name, value)
        else:
            change |= {"run_id": one.run.pk, "item": item}
            rows.update(Task, [change], keys=("run_id", "item"), more=("escalations",))
    rows.insert_objects(one.opened.values())


def _changes_of_tasks(one: Effects) -> dict[str, dict[str, Any]]:
    """By item: the new values of the task's columns, and by how much its escalations grow."""
    changes: dict[str, dict[str, Any]] = defaultdict(dict)
    for mark in one.acknowledged:
        by = one.person(mark.by)
        changes[mark.item] |= {
            "status": str(Task.Status.ACKNOWLEDGED),
            "acknowledged_at": one.now,
            "acknowledged_by_id": by.pk if by else None,
        }
    for item, due_at in one.asked_again.items():
        changes[item] |= {
            "status": str(Task.Status.OPEN),
            "acknowledge_due_at": due_at,
            "acknowledged_at": None,
            "acknowledged_by_id": None,
        }
    for closing in one.closed:
        by = one.person(closing.by)
        changes[closing.item] |= {
            "status": closing.status,
            "done_at": one.now,
            "done_by_id": by.pk if by else None,
            "result": closing.result,
        }
    for item, times in one.escalated.items():
        changes[item]["escalations"] = times
    return changes


def _put_timers(one: Effects, rows: Rows) -> None:
    run, now = one.run.pk, one.now
    rows.upsert(
        Timer,
        [
            {"run_id": run, "key": key, "due_at": due, "lease_until": None, "fired_at": None}
            for key, due in one.timers.items()
            if due
        ],
        keys=("run_id", "key"),
    )
    fired = one.fired - {key for key, due in one.timers.items() if due}
    gone = {"due_at": None, "lease_until": None}
    rows.update(
        Timer,
        [{"run_id": run, "key": key, **gone, "fired_at": now} for key in sorted(fired)],
        keys=("run_id", "key"),
    )
    cancelled = {key for key, due in one.timers.items() if due is None} - fired
    rows.update(
        Timer,
        [{"run_id": run, "key": key, **gone} for key in sorted(cancelled)],
        keys=("run_id", "key"),
    )
