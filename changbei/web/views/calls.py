"""Call lists: a customer manager phones through the own customers; heads see who still has calls left (E3.2.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import Invalid, NotAllowed, NotFound, there
from changbei.core.texts import uuid_in
from changbei.incidents import access
from changbei.notify import calls
from changbei.notify.models import Call, CallList
from changbei.people import access as people
from changbei.people.models import Person
from changbei.web import entry, htmx
from changbei.web.showing import clause, say

MOST_DONE = 60
MOST_LISTS = 10


@dataclass(frozen=True)
class Caller:
    """A customer manager's part of a list, as heads see it."""

    person: Person
    part: calls.Progress
    may_pass_on: bool

    @property
    def done(self) -> int:
        return self.part.done


@dataclass(frozen=True)
class Team:
    """One list with its callers."""

    call_list: CallList
    title: str
    whole: calls.Progress
    callers: list[Caller]

    @property
    def done(self) -> int:
        return self.whole.done


@entry.staff
def show(request: HttpRequest) -> HttpResponse:
    """The own list, or the team's; a poll gets the part that changes."""
    person = people.person_of(request.user)
    leads = person is not None and may_lead(person)
    wants_team = request.GET.get("view") == "team" or (
        person is not None and leads and not _has_calls(person)
    )
    if wants_team:
        return _answer(request, "team", _team(request, person))
    return _answer(request, "mine", _mine(request, entry.actor(request)))


def _answer(request: HttpRequest, view: str, context: dict[str, Any]) -> HttpResponse:
    context |= {
        "view": view,
        "here": request.get_full_path() if request.method == "GET" else reverse("calls"),
    }
    if htmx.wants_part(request):
        return htmx.stamp(render(request, f"web/calls/{view}.html", context))
    return render(request, "web/calls/page.html", context)


def _has_calls(person: Person) -> bool:
    return calls.calls_of(person).exists() or _done_by(person).exists()


def _done_by(person: Person) -> QuerySet[Call]:
    found = Call.objects.filter(caller=person, outcome__in=calls.DONE, call_list__finished_at=None)
    return found.select_related("retailer").order_by("-at", "-pk")


def _mine(request: HttpRequest, person: Person) -> dict[str, Any]:
    """Whom to phone at an hour that has come first, then those not yet phoned, then who did not answer, the oldest
    try first; at the end those whose hour is still to come."""
    left = list(calls.calls_of(person))
    now = clock.now()
    agreed = sorted((call for call in left if call.call_at), key=_agreed)
    due = [call for call in agreed if call.call_at and call.call_at <= now]
    waiting = [call for call in left if call.outcome == Call.Outcome.PENDING]
    again = sorted(
        (call for call in left if call.outcome != Call.Outcome.PENDING and not call.call_at), key=_tried
    )
    queue = due + waiting + again + agreed[len(due) :]
    done = list(_done_by(person)[:MOST_DONE])
    n_done = _done_by(person).count()
    lists = {call.call_list_id: call.call_list for call in queue}
    return {
        "next": queue[0] if queue else None,
        "script": say(queue[0].call_list.script) if queue else "",
        "clause": clause(queue[0].call_list.clause, of=queue[0].call_list.run) if queue else None,
        "queue": queue[1:],
        "done": done,
        "n_done": n_done,
        "total": len(left) + n_done,
        "lists": titles(lists.values(), person).values(),
        "leads": may_lead(person),
        "drill_banner": _("These calls belong to a drill: say so.")
        if any(o.drill for o in lists.values())
        else "",
    }


def _agreed(call: Call) -> tuple[Any, int]:
    return (call.call_at, call.pk)


def _tried(call: Call) -> tuple[Any, int]:
    return (call.at, call.pk)


def _team(request: HttpRequest, person: Person | None) -> dict[str, Any]:
    """Every unfinished list, or the one asked for, by caller; whoever has most left stands first."""
    people.require(request.user, "runs.see")
    found = CallList.objects.order_by("-pk")
    wanted = request.GET.get("list", "")
    found = found.filter(uuid=there(uuid_in(wanted), wanted)) if wanted else found.filter(finished_at=None)
    shown = list(found[:MOST_LISTS])
    names = titles(shown, request.user)
    return {
        "teams": [_team_of(call_list, person, names[call_list.pk]) for call_list in shown],
        "leads": person is not None and may_lead(person),
    }


def titles(lists: Iterable[CallList], actor: object) -> dict[int, str]:
    """What each list is about: number and title of its incident when the actor may read it, else its own title."""
    wanted = list(lists)
    known = {
        one.uuid: f"{one.number} {say(one.title)}"
        for one in access.readable(actor).filter(uuid__in=[one.incident for one in wanted if one.incident])
    }
    return {one.pk: known.get(one.incident or one.uuid, say(one.title)) for one in wanted}


def _team_of(call_list: CallList, person: Person | None, title: str) -> Team:
    progress = calls.progress(call_list)
    led = frozenset[int]() if person is None else units_led(person)
    callers = [
        Caller(one, part, bool(part.left) and (led is None or one.unit_id in led))
        for one, part in progress.callers
    ]
    callers.sort(key=lambda one: (-one.part.left, one.person.staff_no))
    return Team(call_list, title, progress.whole, callers)


@dataclass(frozen=True)
class OnTheBoard:
    """An unfinished list as the board shows it."""

    url: str
    title: str
    done: int
    total: int
    left: int
    stuck: int


def on_the_board(actor: object) -> list[OnTheBoard]:
    """Calls done and left, list by list."""
    found = calls.unfinished()
    names = titles((one.call_list for one in found), actor) if found else {}
    return [
        OnTheBoard(
            f"{reverse('calls')}?view=team&list={one.call_list.uuid}",
            names[one.call_list.pk],
            one.whole.done,
            one.whole.total,
            one.whole.left,
            one.stuck,
        )
        for one in found
    ]


def may_lead(person: Person, caller: Person | None = None) -> bool:
    """Heads see to all calls, those of departments and market managers to those of their unit."""
    led = units_led(person)
    return led is None or (bool(led) if caller is None else caller.unit_id in led)


def units_led(person: Person) -> frozenset[int] | None:
    """The units whose calls the person sees to; None for all."""
    led = people.units_with(person, "notify.send")
    return led if led is None or person.job != calls.STANDS_IN_FOR_ANYBODY else led | {person.unit_id}


@entry.staff
@require_POST
def record(request: HttpRequest, call_list: UUID, retailer: UUID) -> HttpResponse:
    """What came of a call."""
    actor = entry.actor(request)
    call = Call.objects.select_related("retailer", "caller", "call_list").filter(
        call_list__uuid=call_list, retailer__uuid=retailer
    )
    found = there(call.first(), _("This customer is not on the list."))
    outcome, note = request.POST.get("outcome", ""), request.POST.get("note", "").strip()
    call_at = _call_at(request) if outcome == Call.Outcome.CALL_BACK else None
    calls.record_call(found, outcome, note, call_at=call_at, actor=actor)
    words = _("%(customer)s: recorded.") % {"customer": found.retailer.name}
    if htmx.wants_part(request):
        return htmx.toast(_answer(request, "mine", _mine(request, actor)), words)
    messages.success(request, words)
    return htmx.go_to(request, reverse("calls"))


BACK_MINUTES = {"30": 30, "60": 60, "120": 120, "240": 240}


def _call_at(request: HttpRequest) -> datetime:
    """In how many minutes the customer wants to be phoned, or at which moment."""
    asked = request.POST.get("back", "60")
    if asked in BACK_MINUTES:
        return clock.now() + timedelta(minutes=BACK_MINUTES[asked])
    raise Invalid("back", _("Choose when to phone again."))


@entry.staff
@require_POST
def pass_on(request: HttpRequest, call_list: UUID) -> HttpResponse:
    """Somebody's open calls go to a colleague, or are shared out among all who are there."""
    actor = entry.actor(request)
    found = CallList.objects.filter(uuid=call_list).first()
    absent = Person.objects.filter(staff_no=request.POST.get("from", "")).first()
    if found is None or absent is None:
        raise NotFound(_("There is no such list or caller."))
    if not may_lead(actor, absent):
        raise NotAllowed(_("Heads pass calls on, and those of a unit within it."))
    chosen = request.POST.get("to", "")
    to = Person.objects.filter(staff_no=chosen, active=True).first() if chosen else None
    if chosen and to is None:
        raise Invalid("to", _("There is no such colleague."))
    number = calls.pass_on(found, absent, to=to, actor=actor)
    words = ngettext("%(n)d call passed on.", "%(n)d calls passed on.", number) % {"n": number}
    (messages.success if number else messages.warning)(request, words)
    return htmx.go_to(request, f"{reverse('calls')}?view=team")


urlpatterns = [
    path("calls/", show, name="calls"),
    path("calls/<uuid:call_list>/pass-on", pass_on, name="calls-pass-on"),
    path("calls/<uuid:call_list>/<uuid:retailer>/", record, name="call"),
]
