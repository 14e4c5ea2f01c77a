"""Colleagues who answer like people: they see, they do, they phone, they drive. Only by the verbs that pages use."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.db.models import Count, F, OuterRef, Q, Subquery

from changbei.core import clock
from changbei.core.errors import ChangbeiError
from changbei.delivery import services as delivery
from changbei.incidents import services as incidents
from changbei.incidents.models import Authorisation, Incident
from changbei.notify import calls
from changbei.notify import services as notify
from changbei.notify.models import Call, Message
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.plans.model import Part, TaskSpec, step_of
from changbei.runs import services as runs
from changbei.runs.models import OPEN, Run, Task
from changbei.site.drills import answers, bringing, knowing
from changbei.site.drills.pace import Pace

logger = logging.getLogger(__name__)

CALL = timedelta(seconds=90)
NO_ANSWER_SHARE = 0.15  # of first calls
ROUTINE_LIMIT = timedelta(hours=1)
TRY_AGAIN = timedelta(minutes=5)
NO_SCRIPT = Part("")


@dataclass
class Colleagues:
    """Everybody for whom no human sits at the screen (`is_human`). `scripts`: by procedure what an exercise wants
    decided and filled in; the rest they decide by themselves.
    """

    pace: Pace
    scripts: Mapping[str, Part] = field(default_factory=dict)
    is_human: Callable[[Person], bool] = lambda _person: False
    drive: bool = True
    of: Mapping[str, Any] = field(
        default_factory=dict
    )  # only these: `incident` its UUID, `drill` whether it is one
    not_before: dict[int, datetime] = field(default_factory=dict)  # tasks that could not be done yet

    def act(self) -> int:
        """Do whatever is due by now; how much was done."""
        done = self._answer_tasks() + self._answer_messages() + self._authorise() + self._phone()
        if self.drive:
            done += drive(clock.now(), self.is_human)
        return done

    def next_at(self) -> datetime | None:
        """When somebody will do something next, driving left aside."""
        moments = [self._moment(task) for task in self._tasks()]
        moments += [message.queued_at + self._seen(message) for message in self._messages()]
        moments += [moment for call in self._calls() if (moment := self._call_at(call))]
        moments += [self._authorised_at(one) for one in self._unauthorised()]
        now = clock.now()
        return min((max(moment, now) for moment in moments), default=None)

    def _within(self, owner: str) -> dict[str, Any]:
        return {f"{owner}__{name}": value for name, value in self.of.items()}

    # --- tasks

    def _tasks(self) -> list[Task]:
        open_ = Task.objects.filter(
            status__in=OPEN, holder__isnull=False, run__status=Run.Status.RUNNING, **self._within("run")
        )
        open_ = (
            open_.select_related("run__plan_version", "holder")
            .defer("run__plan_version__files")
            .order_by("pk")
        )
        return [
            task
            for task in open_
            if self._is_ours(task.holder) and not self._sleeps(task) and not _is_done_by_callers(task)
        ]

    def _is_ours(self, person: Person | None) -> bool:
        return person is not None and not self.is_human(person)

    def _sleeps(self, task: Task) -> bool:
        """Not seen until somebody up the chain has been told."""
        return step_of(task.item) in self._script(task).unseen and task.escalations == 0

    def _script(self, task: Task) -> Part:
        return self.scripts.get(task.run.procedure, NO_SCRIPT)

    def _answer_tasks(self) -> int:
        now = clock.now()
        return sum(self._answer(task) for task in self._tasks() if self._moment(task) <= now)

    def _moment(self, task: Task) -> datetime:
        """When the holder will see the task, or will have done it, or will try again."""
        return max(self._planned(task), self.not_before.get(task.pk, task.opened_at))

    def _planned(self, task: Task) -> datetime:
        spec = _spec(task)
        key = f"{task.run.number}:{task.item}"
        if task.status == Task.Status.OPEN and task.acknowledge_due_at is not None:
            return task.opened_at + self.pace.until_seen(key, spec.urgency)
        seen_at = task.acknowledged_at or task.opened_at + self.pace.until_seen(key, spec.urgency)
        limit = (task.due_at - task.opened_at) if task.due_at else ROUTINE_LIMIT
        return seen_at + self.pace.until_done(key, limit)

    def _answer(self, task: Task) -> int:
        holder = task.holder
        assert holder is not None
        try:
            if task.status == Task.Status.OPEN and task.acknowledge_due_at is not None:
                runs.acknowledge(task, actor=holder)
                return 1
            if self._do(task, holder):
                return 1
        except ChangbeiError as error:
            logger.warning("%s %s: %s", task.run.number, task.item, error)
        self.not_before[task.pk] = clock.now() + TRY_AGAIN
        return 0

    def _do(self, task: Task, holder: Person) -> bool:
        """Do what the task asks; False when it cannot be done yet."""
        self._attach(task, holder)
        result, step = self._fill(task), step_of(task.item)
        decisions = self._script(task).decisions
        if task.kind == Task.Kind.DECIDE:
            options = [option["id"] for option in task.options]
            runs.decide(task, decisions.get(step, options[0]), actor=holder, result=result)
        elif task.kind == Task.Kind.APPROVE:
            approved = decisions.get(step, "approved") == "approved"
            runs.approve(task, approved, actor=holder, result=result)
        elif task.kind == Task.Kind.AWAIT:
            return bringing.bring_about(task, holder)
        else:
            runs.complete(task, result, actor=holder)
        return True

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
        incident = Incident.objects.filter(uuid=task.run.incident).first() if task.run.incident else None
        step = step_of(task.item)  # one of many is answered as all are
        known = answers.Knowledge(
            now=clock.now(),
            given={**knowing.known_for(task), **self._script(task).forms.get(step, {})},
            person=task.holder.staff_no if task.holder else "",
            area=incident.area if incident else None,
        )
        return answers.fill(form, known)

    # --- messages that belong to no task

    def _messages(self) -> list[Message]:
        waiting = Message.objects.filter(
            channel="inbox",
            person__isnull=False,
            notice__needs_acknowledgement=True,
            notice__task__isnull=True,
            notice__tasks__isnull=True,
            acknowledged_at__isnull=True,
            state=Message.State.DELIVERED,
            **self._within("notice"),
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

    def _unauthorised(self) -> list[Authorisation]:
        """Those that are asked for, of a leader who is ours."""
        waiting = Authorisation.objects.filter(
            granted_at__isnull=True, command_post__stood_down_at__isnull=True
        )
        within = {"uuid" if name == "incident" else name: value for name, value in self.of.items()}
        waiting = waiting.filter(
            **{f"command_post__incident__{name}": value for name, value in within.items()}
        )
        found = waiting.select_related("command_post").order_by("pk")
        return [one for one in found if self._is_ours(_leader(one))]

    def _authorised_at(self, asked: Authorisation) -> datetime:
        return (
            asked.requested_at
            + self.pace.until_seen(f"authorise:{asked.pk}", "urgent")
            + timedelta(minutes=2)
        )

    def _authorise(self) -> int:
        done = 0
        for asked in self._unauthorised():
            if self._authorised_at(asked) > clock.now():
                continue
            leader = _leader(asked)
            if leader is not None:
                incidents.authorise(asked.command_post, actor=leader)
                done += 1
        return done

    # --- phoning customers

    def _calls(self) -> list[Call]:
        return _pending_calls(self._within("call_list"))

    def _call_at(self, call: Call) -> datetime | None:
        """One call after the other, 90 seconds each, in the order of the list."""
        if not self._is_ours(call.caller):
            return None
        turn: int = getattr(call, "turn")  # noqa: B009 - annotated by `_pending_calls`
        return call.call_list.created_at + timedelta(minutes=3) + CALL * turn * self.pace.times

    def _phone(self) -> int:
        done = 0
        for call in self._calls():
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


def _is_done_by_callers(task: Task) -> bool:
    """A task that is acknowledged, and closes when all calls have been made."""
    return (
        task.kind == Task.Kind.AWAIT
        and task.page == "notify.calls"
        and (task.status == Task.Status.ACKNOWLEDGED or task.acknowledge_due_at is None)
    )


def _pending_calls(within: Mapping[str, Any]) -> list[Call]:
    """Per caller the next call with its `turn` in the list, so that lists of thousands cost little."""
    waiting = Call.objects.filter(outcome__in=[Call.Outcome.PENDING, Call.Outcome.NO_ANSWER])
    waiting = waiting.filter(call_list__finished_at__isnull=True, **within)
    waiting = waiting.order_by("call_list_id", "caller_id", F("tries"), "pk").distinct(
        "call_list_id", "caller_id"
    )
    own = Call.objects.filter(call_list=OuterRef("call_list"), caller=OuterRef("caller")).order_by()
    so_far = own.filter(Q(at__isnull=False) | Q(pk__lte=OuterRef("pk"))).values("caller")
    numbered = Call.objects.filter(pk__in=waiting.values("pk")).annotate(
        turn=Subquery(so_far.annotate(number=Count("pk")).values("number"))
    )
    return list(
        numbered.select_related("call_list", "caller", "retailer").order_by("call_list_id", "caller_id")
    )


def _leader(asked: Authorisation) -> Person | None:
    return Person.objects.filter(staff_no__in=asked.asked_of).order_by("pk").first()


def drive(until: datetime, is_human: Callable[[Person], bool] = lambda _person: False) -> int:
    """The day's vans drive on as expected, but for those whose drivers sit at a screen."""
    drivers = Person.objects.filter(tours__day__date=clock.day_of(until))
    humans = [person.pk for person in drivers.distinct() if is_human(person)]
    return delivery.drive_as_expected(until, except_drivers=humans, actor=None)
