"""What the stories are told with: a report and its run, who holds what, and who was told since one last looked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changbei.core import clock
from changbei.core.clock import LOCAL, VirtualClock
from changbei.incidents import services as incidents
from changbei.incidents.models import Incident
from changbei.journal import seals
from changbei.journal.models import Entry, FailedReaction
from changbei.notify.models import Message
from changbei.people import services as people
from changbei.people.models import Absence, DutyShift, Person, PostHolding
from changbei.plans.plain import canonical
from changbei.readiness.models import Review
from changbei.runs import services as runs
from changbei.runs.models import ActionCall, Evidence, RoleHolding, Run, Task
from changbei.site.clockwork import run_until_quiet
from changbei.site.drills.answers import photo

LEFT = (Message.State.HANDED, Message.State.DELIVERED, Message.State.ACKNOWLEDGED)


@dataclass
class Town:
    """The people of the city, by what they are, and the carrier's view of who was told."""

    clock: VirtualClock

    def holder(self, post: str, rank: int = 1) -> Person:
        """Who holds the first post of a kind."""
        held = PostHolding.objects.filter(post__kind=post, rank=rank, until__isnull=True)
        return held.select_related("person").order_by("pk")[0].person

    def on_duty(self, post: str, unit: str = "") -> Person:
        """Who is on duty now, in this unit if one is given."""
        shifts = DutyShift.objects.filter(
            post__kind=post, starts_at__lte=clock.now(), ends_at__gt=clock.now()
        )
        shifts = shifts.filter(post__unit__code=unit) if unit else shifts
        return shifts.select_related("person").order_by("pk")[0].person

    def leave(self, person: Person, until: str, *, substitute: Person | None = None) -> Absence:
        """Somebody travels from now `until` e.g. "11-23 18:00"."""
        ends = datetime.strptime(f"2026-{until}", "%Y-%m-%d %H:%M").replace(tzinfo=LOCAL)
        return people.record_absence(
            person, clock.now(), ends, out_of_city=True, substitute=substitute, actor=person
        )

    def report(self, kind: str, data: dict[str, Any], *, actor: Person | None, drill: bool = False) -> Story:
        """Report, and let the workers do what is due at this moment."""
        with CaptureQueriesContext(connection) as captured:
            answer = incidents.report(kind, data, actor=actor, source="web", drill=drill)
        run_until_quiet()
        return Story(answer.incident, joined=answer.joined, statements=len(captured))


@dataclass
class Story:
    """One incident as it unfolds."""

    incident: Incident
    joined: bool = False
    statements: int = 0
    run_of: Run | None = None  # a run that the incident's own run has called
    _seen: set[int] = field(default_factory=set)
    _journal: int = 0

    @property
    def run(self) -> Run:
        runs_of = Run.objects.select_related("plan_version")
        if self.run_of is not None:
            return runs_of.get(pk=self.run_of.pk)
        return runs_of.get(of_incident=self.incident)

    def at(self, moment: datetime | None) -> str:
        return local(moment, first=self.incident.reported_at.astimezone(LOCAL).date())

    def fresh(self) -> Incident:
        return Incident.objects.get(pk=self.incident.pk)

    def who(self, role: str) -> Person:
        held = RoleHolding.objects.select_related("person").get(run=self.run, role=role, until__isnull=True)
        assert held.person is not None, f"nobody holds {role}"
        return held.person

    def why(self, role: str) -> str:
        return RoleHolding.objects.get(run=self.run, role=role, until__isnull=True).why

    def task(self, item: str) -> Task:
        return Task.objects.select_related("run", "holder", "done_by").get(run=self.run, item=item)

    def open(self) -> dict[str, str]:
        """Open tasks with the wall-clock time they are due."""
        tasks = Task.objects.filter(run=self.run, status__in=["open", "acknowledged"]).order_by("pk")
        return {task.item: self.at(task.due_at) for task in tasks}

    def result(self, item: str) -> dict[str, Any]:
        return dict(ActionCall.objects.get(run=self.run, item=item).result or {})

    def timers(self, *kinds: str) -> dict[str, str]:
        """Timers of these kinds (mark, wait …) that are set, with the wall-clock time they fire."""
        found = {key: datetime.fromisoformat(at) for key, at in self.run.state["timers"].items()}
        return {key: self.at(at) for key, at in sorted(found.items()) if key.partition(":")[0] in kinds}

    def result_of(self, step: str) -> dict[str, Any]:
        """What conditions of the plan see as result.STEP."""
        return dict(self.run.state["context"]["result"].get(step.replace("-", "_"), {}))

    # --- acting

    def sees(self, item: str) -> None:
        """The holder acknowledges."""
        task = self.task(item)
        assert task.holder is not None
        runs.acknowledge(task, actor=task.holder)
        run_until_quiet()

    def does(self, item: str, *, by: Person | None = None, **result: Any) -> None:
        """The holder, or `by`, attaches the evidence asked for and completes the task with these fields."""
        task, actor = self._with_evidence(item, by)
        runs.complete(task, result, actor=actor)
        run_until_quiet()

    def decides(self, item: str, option: str, *, by: Person | None = None, **result: Any) -> None:
        task, actor = self._with_evidence(item, by)
        runs.decide(task, option, actor=actor, result=result)
        run_until_quiet()

    def approves(self, item: str, *, by: Person | None = None, approved: bool = True, **result: Any) -> None:
        task, actor = self._with_evidence(item, by)
        runs.approve(task, approved, actor=actor, result=result)
        run_until_quiet()

    def _with_evidence(self, item: str, by: Person | None) -> tuple[Task, Person]:
        task = self.task(item)
        actor = by or task.holder
        assert actor is not None, f"nobody holds {item}"
        for kind in task.evidence:
            if kind == "note":
                runs.attach(task, kind, note=f"about {item}", actor=actor)
            else:
                runs.attach(task, kind, file=ContentFile(photo(), name="seen.png"), actor=actor)
        return task, actor

    # --- what was told

    def news(self) -> list[str]:
        """Every message of the incident that left since one last asked, e.g. "driver: task confirm-place (inbox sms)".

        Asserting it whole is asserting that nobody else was told anything.
        """
        found = Message.objects.filter(notice__incident=self.incident.uuid, state__in=LEFT)
        found = found.exclude(pk__in=self._seen).select_related("notice", "person", "contact").order_by("pk")
        ways: dict[tuple[str, str], list[str]] = {}
        customers: Counter[str] = Counter()
        for message in found:
            self._seen.add(message.pk)
            what = self._about(message)
            if message.retailer_id:
                customers[what] += 1
            else:
                ways.setdefault((self._name(message), what), []).append(message.channel)
        told = [f"{who}: {what} ({' '.join(channels)})" for (who, what), channels in ways.items()]
        return sorted(told) + [f"{count} customers: {what} (sms)" for what, count in customers.items()]

    def _about(self, message: Message) -> str:
        notice = message.notice
        fact = Entry.objects.filter(kind="notify.told", data__notice=str(notice.uuid)).first()
        item = fact.item if fact and notice.template.startswith("task") else ""
        return f"{notice.template} {item}".strip()

    def _name(self, message: Message) -> str:
        if message.contact:
            return message.contact.code
        person = message.person
        assert person is not None
        held = RoleHolding.objects.filter(run=self.run, person=person, until__isnull=True).order_by("pk")
        role = held.values_list("role", flat=True).first()
        return role or f"{person.job} {person.staff_no}"

    def facts(self, *kinds: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Time, kind and data of the incident's facts of these kinds."""
        entries = Entry.objects.filter(incident=self.incident.uuid, kind__in=kinds).order_by("id")
        return [(self.at(entry.at), entry.kind, entry.data) for entry in entries]

    def escalations(self) -> list[str]:
        """E.g. "09:45 confirm-place acknowledge → dispatcher"."""
        entries = Entry.objects.filter(incident=self.incident.uuid, kind="runs.escalated").order_by("id")
        return [f"{self.at(one.at)} {one.item} {one.data['why']} → {one.data['role']}" for one in entries]

    def review(self) -> dict[str, Any]:
        """What the review made of the closed incident."""
        return dict(Review.objects.get(incident=self.incident).content)

    def closes(self, by: Person) -> None:
        incidents.close(self.fresh(), actor=by)
        run_until_quiet()


def local(moment: datetime | None, *, first: date = date(2026, 11, 23)) -> str:
    """Wall-clock time; with the date when it is not the story's first day."""
    if moment is None:
        return ""
    at = moment.astimezone(LOCAL)
    return at.strftime("%H:%M") if at.date() == first else at.strftime("%m-%d %H:%M")


def assert_sound(*stories: Story) -> None:
    """At the end of every story: nothing failed, facts lead to the same state byte for byte, the chain holds."""
    assert not FailedReaction.objects.exists()
    assert not Message.objects.filter(due_at__isnull=False).exists()
    for story in stories:
        run = story.run
        assert run.status == Run.Status.FINISHED
        assert canonical(runs.replayed(run)) == canonical(run.state)
        assert run.state["notes"] == []
        assert not Task.objects.filter(run=run, status__in=["open", "acknowledged"]).exists()
        assert ActionCall.objects.filter(run=run).exclude(error="").count() == 0
        assert Evidence.objects.filter(task__run=run, sha256="").count() == 0
    seals.seal()
    assert seals.verify() == []
