"""Calls go down, facts go up: which fact in the journal starts which reaction. One table, to be read.

A reaction gets the entry and runs in a transaction of its own savepoint, exactly once per entry
(`journal.outbox`). Names of reactions stay: failures are kept under them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from changbei.core.errors import Conflict, NotAllowed
from changbei.delivery import telling as delivery
from changbei.delivery.models import RecoveryCase
from changbei.incidents import reactions as incidents
from changbei.journal import services as journal
from changbei.journal.models import Entry
from changbei.journal.outbox import EVERY, Reaction
from changbei.notify.models import Notice
from changbei.people.models import Person
from changbei.readiness import reactions as readiness
from changbei.readiness import simulations
from changbei.runs import calling
from changbei.runs import services as runs
from changbei.runs.models import Task
from changbei.runs.notices import MANY_NOTICE, TASK_NOTICE

SILENT_ROOMS = frozenset(
    {"runs", "notify", "people"}
)  # plans await what rooms above them, or people, bring about
HEARD_NEVERTHELESS = frozenset({"notify.call_list_finished", "notify.confirmed"})


def _look_at_roles_again(_entry: Entry) -> None:
    """Somebody is away, back, appointed or on duty: the roles of all open runs are resolved anew."""
    runs.look_at_roles_again()


def _acknowledge_task(entry: Entry) -> None:
    """Who acknowledges a task's message by whatever way has acknowledged the task, if it is still theirs."""
    person = Person.objects.get(staff_no=entry.data["by"])
    task = Task.objects.select_related("run").get(uuid=UUID(entry.data["task"]))
    try:
        runs.acknowledge(task, actor=person)
    except (Conflict, NotAllowed):
        return  # done meanwhile, or passed on


def _acknowledge_tasks(entry: Entry) -> None:
    """Who acknowledges a message about several tasks has acknowledged those of them that are still theirs."""
    person = Person.objects.get(staff_no=entry.data["by"])
    notice = Notice.objects.get(uuid=UUID(entry.data["notice"]))
    if entry.run is not None and notice.tasks:
        runs.acknowledge_told(entry.run, notice.tasks, actor=person)


def _is_about_tasks(entry: Entry) -> bool:
    return bool(entry.data.get("template") == MANY_NOTICE)


def _is_about_a_task(entry: Entry) -> bool:
    """A superior who acknowledges that something is late has not acknowledged the task itself."""
    return bool(entry.data.get("task")) and entry.data.get("template") == TASK_NOTICE


def _tell_run(entry: Entry) -> None:
    if entry.run is None:
        return
    person = Person.objects.filter(pk=entry.actor_id).first() if entry.actor_id else None
    by = person.staff_no if person else ""
    with journal.simulated(journal.is_simulated(entry)):
        runs.happened(entry.run, entry.kind, entry.data, by, actor=person)
        for called in runs.running_called(entry.run):
            runs.happened(called, entry.kind, entry.data, by, actor=person)


def _tell_of_the_undone(entry: Entry) -> None:
    """Drivers and customers who were told of a recovery hear that it no longer holds."""
    delivery.undone(RecoveryCase.objects.get(uuid=UUID(entry.data["case"])))


def _tell_afresh(entry: Entry) -> None:
    """No task tells of this recovery: the run told of one that was undone, or there is none."""
    delivery.afresh(RecoveryCase.objects.get(uuid=UUID(entry.data["case"])))


def _tell_of_later_lines(entry: Entry) -> None:
    """Lines that leave later without any incident: their customers hear when they are served."""
    delivery.later([UUID(line["tour"]) for line in entry.data["lines"] if line["measure"] == "later"])


def _was_called(entry: Entry) -> bool:
    return bool(entry.data.get("caller"))


def _concerns_a_run(entry: Entry) -> bool:
    return entry.run is not None


def _is_practised(entry: Entry) -> bool:
    return entry.drill and entry.incident is not None


def _is_heard(kind: str) -> bool:
    return kind.partition(".")[0] not in SILENT_ROOMS or kind in HEARD_NEVERTHELESS


# The command first: roles of the plan follow it.
COMMAND_AGAIN = Reaction("incidents.look_at_command_again", incidents.look_at_command_again)
ROLES_AGAIN = Reaction("runs.look_at_roles_again", _look_at_roles_again)
TELL_CALLER = Reaction("runs.tell_caller", calling.tell_caller, when=_was_called)
# What somebody may have to be answered for in an exercise.
NEWS = frozenset(
    {
        "runs.task_opened",
        "runs.escalated",
        "runs.role_moved",
        "runs.task_moved",
        "runs.finished",
        "notify.told",
        "notify.call_list_made",
        "incidents.authorisation_asked",
    }
)

TABLE: Mapping[str, Sequence[Reaction]] = {
    # fact: reactions, in order
    "people.absence_recorded": [COMMAND_AGAIN, ROLES_AGAIN],
    "people.absence_ended": [COMMAND_AGAIN, ROLES_AGAIN],
    "people.duty_changed": [ROLES_AGAIN],
    "people.holder_changed": [COMMAND_AGAIN, ROLES_AGAIN],
    "people.person_left": [COMMAND_AGAIN, ROLES_AGAIN],
    "people.person_added": [ROLES_AGAIN],
    "people.person_changed": [ROLES_AGAIN],  # another unit, another job
    "people.post_changed": [COMMAND_AGAIN, ROLES_AGAIN],
    "people.unit_changed": [ROLES_AGAIN],
    "network.imported": [COMMAND_AGAIN, ROLES_AGAIN],  # a file of staff appoints people
    "runs.roster_changed": [Reaction("incidents.look_at_command_of_run", incidents.look_at_command_of_run)],
    "runs.restored": [
        Reaction(
            "incidents.service_is_back", incidents.service_is_back, when=lambda entry: not _was_called(entry)
        )
    ],
    "runs.finished": [
        TELL_CALLER,
        Reaction(
            "incidents.matter_is_finished",
            incidents.matter_is_finished,
            when=lambda entry: not _was_called(entry),
        ),
    ],
    "runs.ended": [TELL_CALLER],
    "incidents.closed": [Reaction("readiness.review_closed_incident", readiness.review_closed_incident)],
    "plans.draft_submitted": [Reaction("readiness.ask_to_sign", readiness.ask_to_sign)],
    "plans.draft_refused": [Reaction("readiness.tell_refused", readiness.tell_refused)],
    "plans.draft_signed": [Reaction("readiness.tell_adopted", readiness.tell_adopted)],
    "readiness.review_made": [Reaction("readiness.review_plan", readiness.review_plan)],
    "care.finding_made": [Reaction("incidents.take_up_finding", incidents.take_up_finding)],
    "delivery.recovery_undone": [Reaction("delivery.tell_of_the_undone", _tell_of_the_undone)],
    "delivery.recovery_accepted": [
        Reaction(
            "delivery.tell_of_the_next",
            _tell_afresh,
            when=lambda entry: entry.run is None or bool(entry.data.get("again")),
        )
    ],
    "delivery.lines_adjusted": [
        Reaction("delivery.tell_of_later_lines", _tell_of_later_lines, when=lambda entry: entry.run is None)
    ],
    "delivery.day_planned": [Reaction("incidents.hold_new_day", incidents.hold_new_day)],
    "notify.acknowledged": [
        Reaction("runs.acknowledge", _acknowledge_task, when=_is_about_a_task),
        Reaction("runs.acknowledge_tasks", _acknowledge_tasks, when=_is_about_tasks),
    ],
    EVERY: [
        Reaction("runs.happened", _tell_run, when=_concerns_a_run, of=_is_heard),
        Reaction("readiness.look_again", simulations.look_again, when=_is_practised, of=NEWS.__contains__),
    ],
}
