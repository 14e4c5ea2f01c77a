"""Rows of the rooms as the parts that pages are made of, in the reader's language. No queries of their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext_lazy
from django.utils.translation import gettext as _

from changbei.core import clock, texts
from changbei.core.texts import Text
from changbei.delivery.models import Tour
from changbei.people.models import Person
from changbei.plans import document
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack
from changbei.runs.models import OPEN, Run, Task
from changbei.web.components import Action, Clause, PersonCard, Step, TaskCard

JOBS = {
    "head": pgettext_lazy("job", "Head"),
    "deputy": pgettext_lazy("job", "Deputy head"),
    "secretary": pgettext_lazy("job", "Secretary"),
    "driver": pgettext_lazy("job", "Driver"),
    "dispatcher": pgettext_lazy("job", "Dispatcher"),
    "warehouse_keeper": pgettext_lazy("job", "Warehouse keeper"),
    "customer_manager": pgettext_lazy("job", "Customer manager"),
    "market_manager": pgettext_lazy("job", "Market manager"),
    "order_clerk": pgettext_lazy("job", "Order clerk"),
    "service_clerk": pgettext_lazy("job", "Customer service clerk"),
    "buyer": pgettext_lazy("job", "Buyer"),
    "technician": pgettext_lazy("job", "Technician"),
    "accountant": pgettext_lazy("job", "Accountant"),
    "guard": pgettext_lazy("job", "Security guard"),
    "auditor": pgettext_lazy("job", "Auditor"),
    "inspector": pgettext_lazy("job", "Inspector"),
    "monopoly_inspector": pgettext_lazy("job", "Monopoly inspector"),
}


def job(code: str) -> str:
    """A job in words; one of the house's own as it is written."""
    return str(JOBS.get(code, code.replace("_", " ")))


def language() -> str:
    """The reader's language."""
    return get_language() or "zh-Hans"


def say(text: Text | str | None) -> str:
    """A text of data in the reader's language."""
    return texts.pick(text, language())


def local(moment: datetime | str | None) -> str:
    """A moment on the city's wall clock, from the clock or from JSON."""
    if not moment:
        return ""
    try:
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        return str(moment)
    return at.astimezone(clock.LOCAL).strftime("%m-%d %H:%M")


def address(name: str, *args: object) -> str:
    """The address of a page, or empty where it does not exist."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def breakdown_form(tour: Tour) -> str:
    """The form for this tour's van, not the choice of forms: who says that a van stands still has chosen."""
    form = address("report-form", "vehicle-breakdown")
    return f"{form}?{urlencode({'vehicle': tour.vehicle.number})}" if form else ""


def clause(number: str, pack: Pack | None = None, *, of: UUID | None = None) -> Clause | None:
    """A clause with its title and the place where it can be read: in this plan, else in the one that has it. `of`: the
    run or incident that cites it, whose plan is looked up when somebody follows the link.
    """
    if not number:
        return None
    known = pack.clauses.get(number) if pack else None
    if pack is None or known is None:
        asked = f"?{urlencode({'of': of})}" if of else ""
        return Clause(number, address("plan-clause", number) + asked)
    return Clause(number, f"{address('plan-pack', pack.id)}#{document.anchor(number)}", say(known.title))


def role_title(pack: Pack, role: str) -> str:
    """A role by its name in the plan."""
    known = pack.roles.get(role)
    return say(known.title) if known else role


def is_late(task: Task, now: datetime) -> bool:
    """Whether the task was, or is, not done in time."""
    if task.due_at is None or task.status == Task.Status.CANCELLED:
        return False
    return (task.done_at or now) > task.due_at


def task_card(
    task: Task, *, actions: Sequence[Action] = (), level: str = "", with_incident: bool = True
) -> TaskCard:
    """A task; its run, its run's plan version and its holder have to be loaded."""
    run, pack = task.run, pack_for(task.run.plan_version)
    shows = with_incident
    return TaskCard(
        key=str(task.uuid),
        title=say(task.title),
        role=role_title(pack, task.role),
        state=task.status,
        url=reverse("task", args=[task.uuid]),
        holder=task.holder.name if task.holder else _("vacant"),
        holder_phone=task.holder.phone if task.holder else "",
        clause=clause(task.clause, pack),
        due_at=task.due_at,
        opened_at=task.opened_at,
        done_at=task.done_at if task.status == Task.Status.DONE else None,
        late=is_late(task, clock.now()),
        incident=run.number if shows else "",
        incident_title=say(run.title) if shows else "",
        incident_url=run_address(run) if shows else "",
        level=level,
        note=_note(task),
        instructions=say(task.guide) if task.status in OPEN else "",
        actions=actions,
    )


def run_address(run: Run) -> str:
    """Where a run is shown: on its incident's page, or on its own."""
    if run.incident is None:
        return reverse("run", args=[run.uuid])
    return reverse("incident", args=[run.incident]) + (f"#run-{run.uuid}" if run.caller_id else "")


def is_provisional(task: Task) -> bool:
    """Whether what this approval is about is being done already; its run has to be loaded."""
    return task.run.state.get("items", {}).get(task.item, {}).get("provisional") is True


def _note(task: Task) -> str:
    if task.status not in OPEN:
        return ""
    notes = [_("Being done already: to be approved afterwards.")] if is_provisional(task) else []
    return " ".join([*notes, *_escalated(task)])


def _escalated(task: Task) -> list[str]:
    if not task.escalations:
        return []
    words = ngettext("Escalated once.", "Escalated %(times)d times.", task.escalations) % {
        "times": task.escalations
    }
    return [words]


def accept_action(task: Task, back: str) -> Action:
    """The button that says: I have seen it, I am on it."""
    url = reverse("task-acknowledge", args=[task.uuid])
    return Action(_("Accept"), url=url, icon="check", tone="primary", fields={"next": back})


WHY = {
    "post": gettext_lazy("holds the post"),
    "duty": gettext_lazy("on duty now"),
    "deputy": gettext_lazy("deputy: the holder is away"),
    "substitute": gettext_lazy("substitute for somebody who is away"),
    "acting": gettext_lazy("acting: both leaders are away"),
    "named": gettext_lazy("named by the report or by a hand-over"),
    "nobody": gettext_lazy("nobody holds it"),
}


WAYS = {
    "inbox": gettext_lazy("Inbox"),
    "sms": gettext_lazy("Text message"),
    "voice": gettext_lazy("Voice call"),
    "email": gettext_lazy("E-mail"),
    "push": gettext_lazy("Push to the browser"),
}
"""Channels in words; those of an installation's own go by their name."""


def why(reason: str, *, pinned: bool = False) -> str:
    """Why somebody holds a role, in words."""
    if pinned:
        return _("handed over by a person")
    return str(WHY.get(reason, reason))


def person_card(
    person: Person | None, *, post: str = "", note: str = "", acting: bool = False, away: bool = False
) -> PersonCard:
    """Somebody who can be called; None is a vacancy."""
    if person is None:
        return PersonCard(_("Nobody"), post=post, note=note)
    return PersonCard(
        person.name,
        post=post,
        phone=person.phone,
        second_phone=person.second_phone,
        note=note,
        acting=acting,
        away=away,
    )


def stages(run: Run, pack: Pack) -> list[Step]:
    """The stages of a run's procedure for the stepper."""
    known = run.state.get("stages", {})
    shown: dict[str, Any] = {
        "closed": "done",
        "open": "now",
        "skipped": "skipped",
        "cancelled": "skipped",
        "waiting": "ahead",
    }
    return [
        Step(say(stage.title), shown.get(known.get(stage.id, "waiting"), "ahead"))
        for stage in pack.procedures[run.procedure].stages
    ]


def open_stages(run: Run, pack: Pack) -> list[str]:
    """The titles of the stages that are open now."""
    known = run.state.get("stages", {})
    return [
        say(stage.title) for stage in pack.procedures[run.procedure].stages if known.get(stage.id) == "open"
    ]
