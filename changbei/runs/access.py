"""Who may act on a task: its holder, the role's deputies, the command post. Everybody on the staff may
look, but for confidential runs: those `hidden_runs` hides from everybody without a part in them.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Invalid, NotAllowed, NotFound
from changbei.notify import steering
from changbei.notify.models import Notice
from changbei.people.access import may, person_of
from changbei.people.models import Absence, DutyShift, Person, PostHolding
from changbei.plans import runtime
from changbei.plans.loading import pack_for
from changbei.plans.model import Role, Step
from changbei.runs.models import OPEN, RoleHolding, Run, Task


def task_for(actor: object, task: UUID) -> Task:
    """A task for reading, by anybody on the staff and by admins; NotFound for others and where it is confidential."""
    found = _tasks().filter(uuid=task).first() if may(actor, "runs.see") else None
    if found is None or is_hidden(actor, found.run):
        raise NotFound(gettext_noop("no such task"))
    return found


def task_again(task: Task) -> Task:
    """The task as it stands after a verb, for whoever has just acted on it: also when it is theirs no longer."""
    return _tasks().get(pk=task.pk)


def run_for(actor: object, run: UUID) -> Run:
    """A run for reading, by anybody on the staff and by admins; NotFound for others and where it is confidential."""
    runs = Run.objects.select_related("plan_version").defer("plan_version__files")
    found = runs.filter(uuid=run).first() if may(actor, "runs.see") else None
    if found is None or is_hidden(actor, found):
        raise NotFound(gettext_noop("no such run"))
    return found


def hidden_runs(actor: object) -> QuerySet[Run]:
    """The confidential runs that the actor may not read: the one rule, for pages, lists, maps, files and the API.

    Whoever holds a role or an open task of the event, or of a run that begins without one, reads all of it; so do the
    head, the deputy and the office of the leading group. An account's being an admin opens nothing.
    """
    person = person_of(actor)
    if person is not None and may(person, "runs.see_confidential"):
        return Run.objects.none()
    confidential = Run.objects.filter(confidential=True).order_by()
    if person is None or not person.active:
        return confidential
    parts = RoleHolding.objects.filter(person=person, until__isnull=True).order_by()
    tasks = Task.objects.filter(holder=person, status__in=OPEN).order_by()
    own = confidential.filter(Q(pk__in=parts.values("run")) | Q(pk__in=tasks.values("run")))
    events = own.filter(incident__isnull=False).values("incident")
    return confidential.exclude(pk__in=own.values("pk")).exclude(incident__isnull=False, incident__in=events)


def hidden_events(actor: object) -> QuerySet[Run, UUID | None]:
    """The incidents of `hidden_runs`, by their uuids: what notices, call lists and facts name them by."""
    return hidden_runs(actor).filter(incident__isnull=False).values_list("incident", flat=True)


def is_hidden(actor: object, run: Run | None) -> bool:
    """Whether this run is confidential and none of the actor's business."""
    return run is not None and run.confidential and hidden_runs(actor).filter(pk=run.pk).exists()


def notice_for(actor: object, notice: UUID) -> Notice:
    """A notice with how far it has come, for who may see what was sent; NotFound where it is confidential."""
    found = steering.get(actor, notice)
    named = Q(uuid=found.run) | Q(incident__isnull=False, incident=found.incident)
    if (found.run or found.incident) and hidden_runs(actor).filter(named).exists():
        raise NotFound(gettext_noop("no such notice"))
    return found


def may_act(person: Person, task: Task) -> bool:
    """Holder, deputy of the role, or member of the command post; who holds the role of a task that was given
    to another. At most three queries.
    """
    if not person.active:
        return False
    if task.holder_id == person.pk or person.staff_no in command_post(task.run):
        return True
    if task.held_as != Task.HeldAs.ROLE and _holds_one(person, task, [task.role]):
        return True
    role = pack_for(task.run.plan_version).roles.get(task.role)
    return role is not None and _is_deputy(person, role, task.holder_id)


def command_post(run: Run) -> set[str]:
    """Staff numbers of the commander and the deputy."""
    return {staff_no for staff_no in (run.scope.get("command") or {}).values() if isinstance(staff_no, str)}


def require_to_act(person: Person, task: Task) -> None:
    """NotAllowed unless `may_act`."""
    if not may_act(person, task):
        raise NotAllowed(gettext_noop("this task belongs to somebody else"))


def require_to_hand_over(person: Person, task: Task) -> None:
    """NotAllowed unless the person may act on the task, is on its chain, or may hand over any task."""
    if may_act(person, task) or may(person, "runs.hand_over_any"):
        return
    step = pack_for(task.run.plan_version).procedures[task.run.procedure].task(task.item)
    if not _holds_one(person, task, step.chain if step else ()):
        raise NotAllowed(
            gettext_noop("only the holder, a deputy, somebody on the chain or a head passes a task on")
        )


def require_to_take(to: Person, task: Task, step: Step) -> None:
    """Invalid("to") unless this task may be given to `to`: an approval with delegates to holders of their
    roles, or back to its own; never to who has done what somebody else has to approve.
    """
    if step.delegates and not _holds_one(to, task, [*step.delegates, task.role]):
        raise Invalid("to", gettext_noop("this approval may only be handed to those whom the plan names"))
    if any(to.staff_no in runtime.doers(task.run.state, other) for other in step.apart):
        raise Invalid("to", gettext_noop("two different people are needed: this one has done the other part"))


def delegates(task: Task, step: Step) -> list[Person]:
    """To whom an approval with delegates may be handed now; [] for other tasks. One query."""
    if not step.delegates:
        return []
    held = RoleHolding.objects.filter(run=task.run, role__in=step.delegates, until__isnull=True)
    held = held.filter(person__isnull=False).exclude(person=task.holder).select_related("person")
    found = {row.person_id: row.person for row in held.order_by("pk") if row.person is not None}
    return list(found.values())


def may_hand_back(person: Person, run: Run, holding: RoleHolding) -> bool:
    """The holder, the command post, and whoever may hand over any task."""
    if holding.person_id == person.pk or person.staff_no in command_post(run):
        return True
    return may(person, "runs.hand_over_any")


def require_to_hand_back(person: Person, run: Run, holding: RoleHolding) -> None:
    """NotAllowed for others."""
    if not may_hand_back(person, run, holding):
        raise NotAllowed(gettext_noop("only the holder, the command post or a head gives a role back"))


def may_end(person: Person, run: Run) -> bool:
    """Whoever is of the command post, or may end runs."""
    return person.staff_no in command_post(run) or may(person, "runs.end")


def require_to_end(person: Person, run: Run) -> None:
    """NotAllowed for others."""
    if not may_end(person, run):
        raise NotAllowed("runs.end")


def _holds_one(person: Person, task: Task, roles: Collection[str]) -> bool:
    held = RoleHolding.objects.filter(run=task.run, role__in=roles, person=person, until__isnull=True)
    return bool(roles) and held.exists()


def _is_deputy(person: Person, role: Role, holder: int | None) -> bool:
    """Whether the person holds, as deputy or first, or is on duty for, the very post the holder has the role from.

    A holder who is a substitute has it from the post of whom they stand in for. Without a holder any post
    of the kind counts.
    """
    kind = role.post or role.duty
    if not kind or (role.post and not role.deputies):
        return False
    now = clock.now()
    own = _posts_of([person.pk], kind)
    if holder is None:
        return bool(own)
    absent = Absence.objects.filter(substitute=holder, starts_at__lte=now, ends_at__gt=now)
    return bool(own & _posts_of([holder, *absent.values_list("person_id", flat=True)], kind))


def _posts_of(people: list[int], kind: str) -> set[int]:
    now = clock.now()
    held = PostHolding.objects.filter(person__in=people, post__kind=kind, since__lte=now)
    held = held.filter(Q(until__isnull=True) | Q(until__gt=now))
    duty = DutyShift.objects.filter(person__in=people, post__kind=kind, starts_at__lte=now, ends_at__gt=now)
    return set(held.order_by().values_list("post_id", flat=True)) | set(
        duty.order_by().values_list("post_id", flat=True)
    )


def _tasks() -> QuerySet[Task]:
    return Task.objects.select_related(
        "run", "run__plan_version", "holder", "acknowledged_by", "done_by"
    ).defer("run__plan_version__files")
