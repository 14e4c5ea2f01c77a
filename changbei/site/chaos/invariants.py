"""What must hold after every round, whatever has died."""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Q

from changbei.core import clock
from changbei.incidents.models import Incident, Report
from changbei.journal import seals
from changbei.journal.models import FailedReaction
from changbei.notify import claims
from changbei.notify.models import Attempt, Message
from changbei.plans.plain import canonical
from changbei.plans.runtime import counting
from changbei.runs import jobs, services
from changbei.runs.models import ActionCall, Run, RunFact, Task, Timer
from changbei.site.chaos.clients import Answered
from changbei.site.chaos.sink import HandOver

# Messages of one incident by text, from its report to its end.
EXPECTED = {
    "chaos-told": 3,
    "task": 4,
    "task-late": 1,
    "chaos-affected": 1,
    "chaos-mark-reached": 1,
    "chaos-ended": 2,
}
STEPS = frozenset({"look", "mend", "late", "confirm"})
COUNTDOWN = "runs-out"
IN_FLIGHT_SECONDS = 1.0  # from a claim to its hand-over: who died in between had the message in hand


@dataclass(frozen=True)
class Violation:
    """Something that must not be. `kind` is counted, `detail` is for whoever looks into it."""

    kind: str
    detail: str


def settled(tokens: Collection[str]) -> bool:
    """Whether everything that these reports have set in motion has come to its end."""
    runs = _runs(tokens)
    if any(run.status == Run.Status.RUNNING for run in runs):
        return False
    incidents = [run.incident for run in runs]
    waiting = Message.objects.filter(
        notice__incident__in=incidents, channel="sms", due_at__isnull=False, rung=FIRST_SMS
    )
    return not waiting.exists() and not ActionCall.objects.filter(due_at__isnull=False).exists()


def moves() -> int:
    """Grows with everything that runs and messages do."""
    return RunFact.objects.count() + Attempt.objects.count()


@contextmanager
def snapshot() -> Iterator[None]:
    """All that is read inside is of one moment."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


FIRST_SMS = 2  # the rung of `ladders.FOR_STAFF`; the repetition has a later one


def check(
    answered: Sequence[Answered],
    tokens: Collection[str],
    handed: Sequence[HandOver],
    last: dict[str, HandOver],
    disturbed: Sequence[float],
) -> list[Violation]:
    """Everything that is wrong with what these reports (`tokens`, those never answered included) have led to.

    `handed`: what the carrier got since the check before; `last`: what it got last with each key, brought up to date;
    `disturbed`: when a worker or the database died, ascending.
    """
    found = [*_reports(answered, tokens)]
    runs = _runs(tokens)
    for run in runs:
        found += _state(run)
        found += _tasks(run)
        found += _timers(run)
    found += _repeats(handed, last, disturbed)
    found += _notices(runs, last)
    found += _stuck(runs)
    return found


def chain() -> list[Violation]:
    """The hash chain over the whole journal."""
    return [Violation("chain_broken", str(problem)) for problem in seals.verify()]


def _runs(tokens: Collection[str]) -> list[Run]:
    incidents = Report.objects.filter(data__token__in=list(tokens)).values_list("incident__uuid", flat=True)
    rows = Run.objects.filter(incident__in=list(incidents)).select_related("plan_version")
    return list(rows.defer("plan_version__files").order_by("pk"))


def _reports(answered: Sequence[Answered], tokens: Collection[str]) -> Iterator[Violation]:
    rows = Report.objects.filter(data__token__in=list(tokens)).select_related("incident")
    by_token: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        by_token[row.data["token"]].add((str(row.incident.uuid), row.incident.number))
    for one in answered:
        if (one.uuid, one.number) not in by_token.get(one.token, ()):
            yield Violation("report_lost", f"{one.number} of {one.token} was answered and does not exist")
    for token, incidents in by_token.items():
        if len(incidents) > 1:
            yield Violation("report_doubled", f"{token} has become {sorted(incidents)}")
    without = Incident.objects.filter(run=None, reports__data__token__in=list(tokens)).values_list(
        "number", flat=True
    )
    for number in without:
        yield Violation("run_lost", f"{number} has no run")


def _state(run: Run) -> Iterator[Violation]:
    if canonical(services.replayed(run)) != canonical(run.state):
        yield Violation("state_differs", f"{run.number}: the replay of its facts is not its state")
    facts = list(RunFact.objects.filter(run=run).order_by("number").values_list("number", flat=True))
    if facts != list(range(1, run.facts + 1)):
        yield Violation("facts_missing", f"{run.number}: {run.facts} facts were counted, there are {facts}")


def _tasks(run: Run) -> Iterator[Violation]:
    rows = Counter(run.tasks.values_list("item", flat=True))
    for item in sorted(STEPS - set(rows)):
        if run.status != Run.Status.RUNNING:
            yield Violation("task_lost", f"{run.number}: {item}")
    for item in sorted({*rows} - STEPS):
        yield Violation("task_unexpected", f"{run.number}: {item}: {run.state['notes'][-3:]}")
    for item, count in rows.items():
        if count > 1:
            yield Violation("task_doubled", f"{run.number}: {item} is there {count} times")
    both = run.tasks.filter(
        Q(status__in=(Task.Status.OPEN, Task.Status.ACKNOWLEDGED), done_at__isnull=False)
        | Q(status=Task.Status.DONE, done_at__isnull=True)
    )
    for task in both:
        yield Violation(
            "task_open_and_done", f"{run.number}: {task.item} is {task.status}, done at {task.done_at}"
        )
    for task in run.tasks.all():
        said = run.state["items"].get(task.item, {}).get("status")
        if (said == "done") != (task.status == Task.Status.DONE):
            yield Violation(
                "task_differs", f"{run.number}: {task.item} is {task.status}, the run says {said}"
            )


def _timers(run: Run) -> Iterator[Violation]:
    """Nothing in this plan is set anew after it has fired: each key fires once."""
    fired = Counter(
        fact["key"]
        for fact in RunFact.objects.filter(run=run).order_by("number").values_list("fact", flat=True)
        if "key" in fact
    )
    for key, count in fired.items():
        if count > 1:
            yield Violation("timer_fired_twice", f"{run.number}: {key} fired {count} times")
    ended = run.state["items"].get(COUNTDOWN, {}).get("ended")
    if run.status != Run.Status.RUNNING and ended != counting.RUN_OUT:
        yield Violation("countdown_lost", f"{run.number} is over, its count-down {ended}")


def _notices(runs: Sequence[Run], keys: Collection[str]) -> Iterator[Violation]:
    numbers = {run.incident: run.number for run in runs}
    rows = Message.objects.filter(notice__incident__in=list(numbers), channel="sms", rung=FIRST_SMS)
    by_incident: dict[str, Counter[str]] = defaultdict(Counter)
    for message in rows.select_related("notice"):
        number = numbers[message.notice.incident]
        if str(message.uuid) in keys:
            by_incident[number][message.notice.template] += 1
        else:
            detail = f"{number}: {message.notice.template} to {message.address} is {message.state}: {message.error}"
            yield Violation("notice_lost", detail)
    reports = Counter(
        Report.objects.filter(incident__run__in=runs)
        .order_by("pk")
        .values_list("incident__number", flat=True)
    )
    for number in numbers.values():
        yield from _compare(number, EXPECTED | {"report-received": reports[number]}, by_incident[number])


def _compare(number: str, wanted: Mapping[str, int], got: Mapping[str, int]) -> Iterator[Violation]:
    for template, count in wanted.items():
        if got.get(template, 0) < count:
            yield Violation(
                "notice_lost", f"{number}: {template}: {got.get(template, 0)} of {count} were handed over"
            )
    for template, count in got.items():
        if count > wanted.get(template, 0):
            yield Violation(
                "notice_doubled", f"{number}: {template}: {count} instead of {wanted.get(template, 0)}"
            )


def _repeats(
    handed: Sequence[HandOver], last: dict[str, HandOver], disturbed: Sequence[float]
) -> Iterator[Violation]:
    """The same key again is allowed only to what was in flight when a worker or the database died."""
    for one in handed:
        before = last.get(one.key)
        if before is not None:
            place = bisect.bisect_left(disturbed, before.at - IN_FLIGHT_SECONDS)
            if place == len(disturbed) or disturbed[place] > one.at:
                gap = f"{one.at - before.at:.1f} s later, without a death in between"
                yield Violation(
                    "sent_twice", f"{one.key} to {one.to} ({one.text[:60]}): {gap}; {_story(one.key)}"
                )
        last[one.key] = one


def _story(key: str) -> str:
    """What the database knows of a message, for whoever looks into it."""
    message = Message.objects.filter(uuid=key).prefetch_related("tries").first()
    if message is None:
        return "no such message"
    tries = ", ".join(f"{one.outcome} {one.at:%M:%S.%f} {one.detail}" for one in message.tries.order_by("pk"))
    return f"queued {message.queued_at:%M:%S.%f}, {message.attempts} attempts, noted: {tries or 'none'}"


def _stuck(runs: Sequence[Run]) -> Iterator[Violation]:
    now = clock.now()
    for run in runs:
        if run.status == Run.Status.RUNNING:
            items = {item: one.get("status") for item, one in run.state["items"].items()}
            yield Violation("stuck", f"{run.number} goes on: {items}")
    leases = (
        (Message, timedelta(seconds=claims.LEASE_SECONDS)),
        (Timer, jobs.TIMER_LEASE),
        (ActionCall, jobs.ACTION_LEASE),
    )
    for model, lease in leases:
        for row in model.objects.filter(due_at__lt=now - 2 * lease):
            yield Violation("stuck", f"{model.__name__} {row.pk} has been due since {row.due_at}")
    for failed in FailedReaction.objects.filter(done_at__isnull=True):
        yield Violation("reaction_failed", f"{failed.reaction} to entry {failed.entry_id}: {failed.error}")
