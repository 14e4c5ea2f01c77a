"""Writing what facts came to, for one or many runs at once; one run is a list of one.

Whatever the number of runs, tasks, timers and messages: what the commands need is looked up together, kind by kind,
and what comes of them is written with one statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from changbei.core import faults
from changbei.journal import prepared
from changbei.journal.rows import Rows
from changbei.journal.services import NewEntry, add
from changbei.notify import services as notify
from changbei.people.models import Person
from changbei.runs import roles
from changbei.runs.effects import Effects
from changbei.runs.models import Task

# Of a task that is there already: what is written about it and said to people.
SPOKEN_OF = ("id", "uuid", "run_id", "item", "label", "role", "holder_id", "title", "guide", "clause", "due_at")


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
        over += one.finish(rows)
    for task, person in acknowledged:
        if person:
            notify.acknowledge_task(task.uuid, person)
    notify.stop(tasks=[task.uuid for task, _ in acknowledged], reason="acknowledged")
    notify.stop(tasks=over, reason="task closed")
    for actor, ours in _by_actor(every).items():
        orders = [order for one in ours for order in (*one.orders, *one.afterwards)]
        told: list[NewEntry] = []
        notify.tell_many(orders, actor=actor, facts=told, rows=rows)
        facts += [fact for one in ours for fact in one.facts] + told
    add(facts, rows)
    rows.write()
    faults.point("run.before_commit")


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
        named = roles.named(wanted, every[0].now)
        for one in every:
            one.learn(named=named)
