"""Colleagues who answer like people: they see, they do, they phone, they drive. Only by the verbs that pages use."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.db.models import F, Q

from changbei.core import clock
from changbei.core.errors import ChangbeiError
from changbei.delivery import services as delivery
from changbei.delivery.models import Handover, RecoveryCase, RecoveryOption, Stop, Tour
from changbei.incidents import services as incidents
from changbei.incidents.models import Authorisation, Incident
from changbei.notify import calls
from changbei.notify import services as notify
from changbei.notify.models import Call, Message
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.plans.model import TaskSpec
from changbei.runs import services as runs
from changbei.runs.models import Run, Task
from changbei.site.drills import answers
from changbei.site.drills.pace import Pace

logger = logging.getLogger(__name__)

CALL = timedelta(seconds=90)
NO_ANSWER_SHARE = 0.15  # of first calls
OPEN_TASKS = (Task.Status.OPEN, Task.Status.ACKNOWLEDGED)
ROUTINE_LIMIT = timedelta(hours=1)


@dataclass(frozen=True)
class Preferences:
    """What the script wants decided and filled in, by the step's id; the rest colleagues decide by themselves."""

    decisions: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    asleep: Collection[str] = ()  # steps that the first holder never sees: they have to escalate
    suspend_for: timedelta = timedelta(hours=3)


@dataclass
class Colleagues:
    """Everybody for whom no human sits at the screen (`is_human`)."""

    pace: Pace
    preferences: Preferences = field(default_factory=Preferences)
    is_human: Callable[[Person], bool] = lambda _person: False
    drive: bool = True

    def act(self) -> int:
        """Do whatever is due by now; how much was done."""
        done = self._answer_tasks() + self._answer_messages() + self._authorise() + self._phone()
        if self.drive:
            done += drive(clock.now())
        return done

    def next_at(self) -> datetime | None:
        """When somebody will do something next, driving left aside."""
        moments = [self._moment(task) for task in self._tasks()]
        moments += [message.queued_at + self._seen(message) for message in self._messages()]
        moments += [moment for call in _pending_calls() if (moment := self._call_at(call))]
        moments += [self._authorised_at(one) for one in _unauthorised()]
        now = clock.now()
        return min((max(moment, now) for moment in moments), default=None)

    # --- tasks

    def _tasks(self) -> list[Task]:
        open_ = Task.objects.filter(
            status__in=OPEN_TASKS, holder__isnull=False, run__status=Run.Status.RUNNING
        )
        open_ = (
            open_.select_related("run__plan_version", "holder")
            .defer("run__plan_version__files")
            .order_by("pk")
        )
        return [task for task in open_ if self._is_ours(task.holder) and not self._sleeps(task)]

    def _is_ours(self, person: Person | None) -> bool:
        return person is not None and not self.is_human(person)

    def _sleeps(self, task: Task) -> bool:
        """Not seen until somebody up the chain has been told."""
        return task.item in self.preferences.asleep and task.escalations == 0

    def _answer_tasks(self) -> int:
        now = clock.now()
        return sum(self._answer(task) for task in self._tasks() if self._moment(task) <= now)

    def _moment(self, task: Task) -> datetime:
        """When the holder will see the task, or will have done it."""
        spec = _spec(task)
        key = f"{task.run.number}:{task.item}"
        if task.status == Task.Status.OPEN and task.acknowledge_due_at is not None:
            return task.opened_at + self.pace.until_seen(key, spec.urgency)
        seen_at = task.acknowledged_at or task.opened_at + self.pace.until_seen(key, spec.urgency)
        limit = (task.due_at - task.opened_at) if task.due_at else ROUTINE_LIMIT
        if task.kind == Task.Kind.AWAIT and task.page == "notify.calls":
            return seen_at + timedelta(days=1)  # done by the callers, not by the task's holder
        return seen_at + self.pace.until_done(key, limit)

    def _answer(self, task: Task) -> int:
        holder = task.holder
        assert holder is not None
        try:
            if task.status == Task.Status.OPEN and task.acknowledge_due_at is not None:
                runs.acknowledge(task, actor=holder)
            else:
                self._do(task, holder)
        except ChangbeiError as error:
            logger.warning("%s %s: %s", task.run.number, task.item, error)
            return 0
        return 1

    def _do(self, task: Task, holder: Person) -> None:
        self._attach(task, holder)
        result = self._fill(task)
        if task.kind == Task.Kind.DECIDE:
            options = [option["id"] for option in task.options]
            runs.decide(
                task, self.preferences.decisions.get(task.item, options[0]), actor=holder, result=result
            )
        elif task.kind == Task.Kind.APPROVE:
            approved = self.preferences.decisions.get(task.item, "approved") == "approved"
            runs.approve(task, approved, actor=holder, result=result)
        elif task.kind == Task.Kind.AWAIT:
            _bring_about(task, holder)
        else:
            runs.complete(task, result, actor=holder)

    def _attach(self, task: Task, holder: Person) -> None:
        there = set(task.attached.values_list("kind", flat=True))
        for kind in task.evidence:
            if kind in there:
                continue
            if kind == "note":
                runs.attach(task, "note", note="演练记录 / drill record", actor=holder)
            else:
                picture = ContentFile(answers.photo(), name="drill.png")
                runs.attach(task, kind, file=picture, actor=holder)

    def _fill(self, task: Task) -> dict[str, Any]:
        form = _spec(task).form
        if not form:
            return {}
        incident = Incident.objects.filter(run=task.run_id).first()
        known = answers.Knowledge(
            now=clock.now(),
            given={**_expected(task, incident), **self.preferences.forms.get(task.item, {})},
            area=incident.area if incident else None,
            suspend_for=self.preferences.suspend_for,
        )
        return answers.fill(form, known)

    # --- messages that belong to no task

    def _messages(self) -> list[Message]:
        waiting = Message.objects.filter(
            channel="inbox",
            person__isnull=False,
            notice__needs_acknowledgement=True,
            notice__task__isnull=True,
            acknowledged_at__isnull=True,
            state=Message.State.DELIVERED,
        )
        waiting = waiting.select_related("notice", "person").order_by("pk")
        return [message for message in waiting if self._is_ours(message.person)]

    def _seen(self, message: Message) -> timedelta:
        return self.pace.until_seen(
            f"{message.notice.template}:{message.person_id}:{message.queued_at}", "urgent"
        )

    def _answer_messages(self) -> int:
        now, done = clock.now(), 0
        for message in self._messages():
            if message.queued_at + self._seen(message) <= now and message.person is not None:
                notify.acknowledge(message, message.person, actor=message.person)
                done += 1
        return done

    # --- the acting commander's authorisation

    def _authorised_at(self, asked: Authorisation) -> datetime:
        return (
            asked.requested_at
            + self.pace.until_seen(f"authorise:{asked.pk}", "urgent")
            + timedelta(minutes=2)
        )

    def _authorise(self) -> int:
        done = 0
        for asked in _unauthorised():
            if self._authorised_at(asked) > clock.now():
                continue
            leader = Person.objects.filter(staff_no__in=asked.asked_of).order_by("pk").first()
            if leader is not None and self._is_ours(leader):
                incidents.authorise(asked.command_post, actor=leader)
                done += 1
        return done

    # --- phoning customers

    def _call_at(self, call: Call) -> datetime | None:
        """One call after the other, 90 seconds each, in the order of the list."""
        if not self._is_ours(call.caller):
            return None
        before = call.call_list.calls.filter(caller=call.caller).filter(
            Q(at__isnull=False) | Q(pk__lte=call.pk)
        )
        return call.call_list.created_at + timedelta(minutes=3) + CALL * before.count() * self.pace.times

    def _phone(self) -> int:
        done = 0
        for call in _pending_calls():
            moment = self._call_at(call)
            if moment is None or moment > clock.now():
                continue
            nobody = call.tries == 0 and self.pace.picks(f"call:{call.retailer_id}", NO_ANSWER_SHARE)
            calls.record_call(call, "no_answer" if nobody else "reached", actor=call.caller)
            done += 1
        return done


def _spec(task: Task) -> TaskSpec:
    procedure = pack_for(task.run.plan_version).procedures[task.run.procedure]
    spec = procedure.task(task.item)
    if spec is None:  # the manual task of an action that failed
        raise LookupError(f"{task.run.procedure} has no task {task.item}")
    return spec


def _expected(task: Task, incident: Incident | None) -> dict[str, Any]:
    """What anybody at their place would know: cartons handed over, who knows the line, the van asked for."""
    if incident is None:
        return {}
    results: Mapping[str, Any] = task.run.state.get("context", {}).get("result", {})
    known: dict[str, Any] = {"numbers_agree": True}
    handover = Handover.objects.filter(breakdown__run=task.run_id).first()
    if handover is not None:
        known["cartons"] = handover.cartons
    if substitute := results.get("find_substitute", {}).get("staff_no"):
        known["staff_no"] = substitute
    if assessed := results.get("assess", {}).get("cartons"):
        known["cartons"] = assessed
    return known


def _bring_about(task: Task, holder: Person) -> None:
    """Do in the product what the task waits for."""
    if task.page == "delivery.recovery":
        case = RecoveryCase.objects.filter(run=task.run_id, status=RecoveryCase.Status.OFFERED).last()
        if case is not None:
            delivery.accept(RecoveryOption.objects.get(case=case, rank=1), actor=holder)
    elif task.page == "incidents.suspend":
        incident = Incident.objects.get(run=task.run_id)
        incidents.declare_all_clear(incident, actor=holder)


def _pending_calls() -> list[Call]:
    """Per caller the next call, so that lists of thousands cost little."""
    waiting = Call.objects.filter(outcome__in=[Call.Outcome.PENDING, Call.Outcome.NO_ANSWER])
    waiting = waiting.filter(call_list__finished_at__isnull=True).select_related(
        "call_list", "caller", "retailer"
    )
    return list(
        waiting.order_by("call_list_id", "caller_id", F("tries"), "pk").distinct("call_list_id", "caller_id")
    )


def _unauthorised() -> list[Authorisation]:
    waiting = Authorisation.objects.filter(granted_at__isnull=True, command_post__stood_down_at__isnull=True)
    return list(waiting.select_related("command_post").order_by("pk"))


def drive(until: datetime) -> int:
    """The day's vans drive on as expected: goods are taken over, stops delivered, each at its own moment."""
    today = until.astimezone(clock.LOCAL).date()
    done = 0
    for handover in Handover.objects.filter(
        tour__day__date=today, done_at__isnull=True, expected_at__lte=until
    ):
        delivery.record_handover(handover, actor=handover.tour.driver)
        done += 1
    due = Stop.objects.filter(
        day__date=today,
        status=Stop.Status.PLANNED,
        goods_at__isnull=True,
        expected_at__lte=until,
        tour__isnull=False,
    ).exclude(tour__status=Tour.Status.BROKEN_DOWN)
    for stop in due.select_related("tour__site", "tour__driver").order_by("expected_at", "pk"):
        stop.refresh_from_db(fields=["expected_at", "status"])
        leaves = (stop.expected_at or stop.planned_at) + timedelta(seconds=stop.service_seconds)
        if leaves <= until and stop.status == Stop.Status.PLANNED:
            delivery.record_stop(
                stop, Stop.Status.DELIVERED, actor=stop.tour.driver if stop.tour else None, at=leaves
            )
            done += 1
    return done
