"""Posts and people: who holds which post and who is on duty, and the page of a post on which that changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, pgettext, pgettext_lazy
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import ChangbeiError, NotFound
from changbei.journal.models import Entry
from changbei.network import organisation
from changbei.people import access, services, staffing
from changbei.people.models import DutyShift, Person, Post, Unit
from changbei.people.staffing import Day, Staffed
from changbei.plans import posts as needed
from changbei.web import htmx, showing
from changbei.web.components import TimelineEntry
from changbei.web.entry import actor, may_act, staff
from changbei.web.errors import refuse
from changbei.web.staffing import ColleagueField, NearMomentField
from changbei.web.widgets import find_people

CHANGES = ("people.holder_changed", "people.duty_changed", "people.post_added", "people.post_changed")
CHANGES_SHOWN = 12
APPOINT, DUTY = "appoint", "duty"


# ---- all posts


@dataclass(frozen=True)
class PostRow:
    """A post in the list. `acting`: who does its part when that is neither the holder nor who is on duty."""

    staffed: Staffed
    name: str
    acting: str


@dataclass(frozen=True)
class UnitRows:
    title: str
    rows: Sequence[PostRow]


@staff
def posts(request: HttpRequest) -> HttpResponse:
    """Every post unit by unit; `q` looks for words in posts, units, names and staff numbers."""
    access.require(request.user, "people.see")
    words = request.GET.get("q", "").strip()[:80]
    only_vacant = request.GET.get("vacant") == "1"
    every = staffing.in_order(Post.objects.select_related("unit"))
    found = [one for one in staffing.staffed(every, clock.now()) if _mentions(one, words)]
    vacant = sum(one.vacant for one in found)
    shown = [one for one in found if one.vacant] if only_vacant else found
    of_units = {
        unit: [_row(one) for one in rows] for unit, rows in groupby(shown, key=lambda one: one.post.unit)
    }
    may_organise = may_act(request, organisation.ORGANISE)
    if may_organise and not words and not only_vacant:
        of_units = {unit: of_units.get(unit, []) for _depth, unit in staffing.units_in_order()}
    units = [UnitRows(_unit_title(unit), rows) for unit, rows in of_units.items()]
    context = {
        "units": units,
        "words": words,
        "only_vacant": only_vacant,
        "vacant": vacant,
        "may_organise": may_organise,
        "colleagues": [(one, showing.job(one.job)) for one in find_people(words)],
    }
    return render(request, "web/people/posts.html", context)


def _unit_title(unit: Unit) -> str:
    return format_html('<a href="{}">{}</a>', reverse("unit", args=[unit.code]), showing.say(unit.name))


def _mentions(one: Staffed, words: str) -> bool:
    """Whether all the words occur in the post, its unit, or the people in it."""
    people = [held.person for held in one.holders] + [duty.shift.person for duty in one.on_duty]
    texts = [one.post.code, one.post.kind, *_every_name(one.post), *_every_name(one.post.unit)]
    texts += [text for person in people for text in (person.name, person.staff_no)]
    whole = "\n".join(texts).casefold()
    return all(word in whole for word in words.casefold().split())


def _every_name(one: Post | Unit) -> list[str]:
    return [str(name) for name in one.name.values()]


def _row(one: Staffed) -> PostRow:
    usual = one.why == "duty" or (one.why == "post" and not one.vacant)
    acting = "" if usual or one.doing is None else f"{one.doing.name} · {showing.why(one.why)}"
    return PostRow(one, showing.say(one.post.name), acting)


# ---- one post


class AppointForm(forms.Form):
    """Somebody, and the rank: the holder, a deputy who is there, or one more."""

    def __init__(self, staffed: Staffed, data: Any = None) -> None:
        super().__init__(data, prefix=APPOINT)
        held = {one.holding.rank: one.person.name for one in reversed(staffed.holders)}
        deputies = [one.person for one in staffed.holders if one.holding.rank > 1]
        ranks = range(1, max(held, default=0) + 2)
        self.fields["person"] = ColleagueField(label=pgettext_lazy("post", "Who"), suggested=deputies)
        self.fields["rank"] = forms.TypedChoiceField(
            label=gettext_lazy("As"),
            coerce=int,
            choices=[(rank, _rank_choice(rank, held.get(rank, ""))) for rank in ranks],
            initial=next(rank for rank in ranks if rank not in held),
        )


def rank_words(rank: int) -> str:
    """A rank in words: the holder, or which deputy."""
    return pgettext("post", "Holder") if rank == 1 else _("Deputy %(number)d") % {"number": rank - 1}


def _rank_choice(rank: int, name: str) -> str:
    if name:
        return _("%(rank)s, instead of %(name)s") % {"rank": rank_words(rank), "name": name}
    return _("%(rank)s: nobody so far") % {"rank": rank_words(rank)}


class DutyForm(forms.Form):
    """Somebody, from when until when, in how many weeks."""

    starts_at = NearMomentField(label=gettext_lazy("From"))
    ends_at = NearMomentField(label=gettext_lazy("Until"))
    weeks = forms.IntegerField(
        label=gettext_lazy("In how many weeks"),
        initial=1,
        min_value=1,
        max_value=services.MOST_WEEKS,
        help_text=gettext_lazy("1: only this once. 4: at the same hours in each of four weeks."),
    )

    def __init__(self, staffed: Staffed, days: Sequence[Day], data: Any = None) -> None:
        starts_at, ends_at = _first_gap(days) if staffed.has_roster else _from_now()
        super().__init__(data, prefix=DUTY, initial={"starts_at": starts_at, "ends_at": ends_at})
        crew = [one.person for one in staffed.holders]
        self.fields["person"] = ColleagueField(label=pgettext_lazy("post", "Who"), suggested=crew)
        self.order_fields(["person"])


def _first_gap(days: Sequence[Day]) -> tuple[datetime, datetime]:
    """The next stretch that has nobody, over midnight too but no longer than a day; from now when there is none."""
    gaps = [gap for day in days for gap in day.uncovered]
    if not gaps:
        return _from_now()
    starts_at, ends_at = gaps[0]
    for begins, ends in gaps[1:2]:
        if begins == ends_at and ends - starts_at <= timedelta(days=1):
            ends_at = ends
    return starts_at, ends_at


def _from_now() -> tuple[datetime, datetime]:
    now = clock.local_now().replace(second=0, microsecond=0)
    return now, now + timedelta(hours=8)


@dataclass(frozen=True)
class ShiftLine:
    """A shift within a day; `can_go`: it can be taken off here, on the first day of it that is shown."""

    shift: DutyShift
    away: bool
    hours: str
    can_go: bool


@dataclass(frozen=True)
class DayLine:
    on: date
    shifts: Sequence[ShiftLine]
    gaps: Sequence[str]
    nobody: bool


@staff
def post(request: HttpRequest, code: str) -> HttpResponse:
    """The post with its holders and its roster; a POST appoints somebody or puts somebody on duty."""
    found = staffing.get_post(request.user, code)
    if request.method != "POST":
        return _page(request, found)
    verbs = {APPOINT: _appoint, DUTY: _put_on_duty}
    if request.POST.get("do") not in verbs:
        raise NotFound(gettext_noop("no such form"))
    return verbs[request.POST["do"]](request, found)


def _appoint(request: HttpRequest, found: Post) -> HttpResponse:
    access.require(actor(request), "people.appoint", found)
    staffed = _staffed(found)
    form = AppointForm(staffed, request.POST)
    if form.is_valid():
        person, rank = form.cleaned_data["person"], form.cleaned_data["rank"]
        seen = [pair.partition(":") for pair in request.POST.get("seen", "").split()]
        before = [staff_no for at, _colon, staff_no in seen if at == str(rank)]
        try:
            services.appoint(found, person, rank, instead_of=before, actor=actor(request))
        except ChangbeiError as error:
            refuse(form, error)
        else:
            said = {"name": person.name, "rank": rank_words(rank)}
            messages.success(request, _("%(name)s: %(rank)s from now on. Tasks move along.") % said)
            return htmx.go_to(request, reverse("post", args=[found.code]))
    return _page(request, found, appointing=form, status=422)


def _put_on_duty(request: HttpRequest, found: Post) -> HttpResponse:
    access.require(actor(request), "people.put_on_duty", found)
    form = DutyForm(_staffed(found), [], request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            shifts = services.put_on_duty_weekly(found, **given, actor=actor(request))
        except ChangbeiError as error:
            refuse(form, error)
        else:
            said = {"name": given["person"].name, "shifts": len(shifts)}
            messages.success(request, _("%(name)s is on the roster; shifts: %(shifts)d.") % said)
            return htmx.go_to(request, reverse("post", args=[found.code]))
    return _page(request, found, on_duty=form, status=422)


def _page(
    request: HttpRequest,
    found: Post,
    *,
    appointing: AppointForm | None = None,
    on_duty: DutyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    staffed = _staffed(found)
    days = staffing.roster(found, now)
    context = {
        "row": _row(staffed),
        "post": found,
        "staffed": staffed,
        "holders": [(held, rank_words(held.holding.rank)) for held in staffed.holders],
        "seen": " ".join(f"{one.holding.rank}:{one.person.staff_no}" for one in staffed.holders),
        "days": [_day(one, now, first=number == 0) for number, one in enumerate(days)],
        "uncovered": staffing.hours(gap for day in days for gap in day.uncovered),
        "days_ahead": staffing.DAYS_AHEAD,
        "changes": _changes(found),
        "now": now,
    }
    if may_act(request, "people.appoint", found):
        context["appointing"] = appointing or AppointForm(staffed)
    if may_act(request, organisation.ORGANISE):
        context |= {"may_organise": True, "uses": needed.uses(found)}
    if may_act(request, "people.put_on_duty", found):
        context["on_duty"] = on_duty or DutyForm(staffed, days)
    return render(request, "web/people/post.html", context, status=status)


def _staffed(found: Post) -> Staffed:
    return staffing.staffed([found], clock.now())[0]


def _day(day: Day, now: datetime, *, first: bool) -> DayLine:
    shifts = [
        ShiftLine(
            one.shift,
            one.away,
            _within(day.on, one.shift.starts_at, one.shift.ends_at),
            can_go=one.shift.ends_at > now and (first or _begins_on(day.on, one.shift)),
        )
        for one in day.turns
    ]
    return DayLine(day.on, shifts, [_within(day.on, *gap) for gap in day.uncovered], day.nobody)


def _begins_on(on: date, shift: DutyShift) -> bool:
    return clock.day_of(shift.starts_at) == on


def _within(on: date, starts_at: datetime, ends_at: datetime) -> str:
    """The hours of a stretch as far as they are of this day: 20:00–24:00."""
    starts, ends = starts_at.astimezone(clock.LOCAL), ends_at.astimezone(clock.LOCAL)
    begin = f"{starts:%H:%M}" if starts.date() == on else "00:00"
    return f"{begin}–{ends:%H:%M}" if ends.date() == on else f"{begin}–24:00"


def _changes(found: Post) -> list[TimelineEntry]:
    """What was changed of the post, the newest first."""
    of_post = Q(kind__in=CHANGES, data__post=found.code)
    left = Q(kind="people.person_left", data__posts__contains=[found.code])
    entries = list(Entry.objects.filter(of_post | left).order_by("-id")[:CHANGES_SHOWN])
    numbers = {one.data.get("person") or one.data.get("left") for one in entries}
    names = dict(Person.objects.filter(staff_no__in=numbers).values_list("staff_no", "name"))
    return [_change(one, names) for one in entries]


def _change(one: Entry, names: Mapping[str, str]) -> TimelineEntry:
    staff_no = one.data.get("person") or one.data.get("left") or ""
    said = {"name": names.get(staff_no, staff_no)}
    icon, detail = "user-check", ""
    if one.kind == "people.duty_changed":
        on = one.data.get("change") == "on"
        icon = "calendar-event" if on else "user-off"
        text = _("put %(name)s on duty") if on else _("took %(name)s off duty")
        detail = f"{showing.local(one.data.get('starts_at'))} – {showing.local(one.data.get('ends_at'))}"
    elif one.kind == "people.post_added":
        text, icon = _("created the post"), "plus"
    elif one.kind == "people.post_changed":
        text, icon = _("changed the post itself"), "pencil"
    elif one.kind == "people.person_left":
        text, icon = _("recorded that %(name)s has left"), "logout"
    elif one.data.get("person"):
        text = _("appointed %(name)s")
        detail = rank_words(int(one.data.get("rank") or 1))
    else:
        text, icon = _("relieved %(name)s"), "user-off"
    by = one.actor_label.partition(" (")[0]
    return TimelineEntry(at=one.at, text=text % said, actor=by, icon=icon, detail=detail)


@staff
@require_POST
def relieve(request: HttpRequest, code: str, staff_no: str) -> HttpResponse:
    """End somebody's holding of the post."""
    found = staffing.get_post(request.user, code)
    person = access.get_person(request.user, staff_no)
    services.relieve(found, person, actor=actor(request))
    messages.success(request, _("%(name)s is relieved. Tasks move along.") % {"name": person.name})
    return htmx.go_to(request, reverse("post", args=[found.code]))


@staff
@require_POST
def take_off(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Take a shift off the roster."""
    found = staffing.get_post(request.user, code)
    shift = staffing.get_shift(found, pk)
    services.take_off_duty(shift, actor=actor(request))
    messages.success(request, _("%(name)s is off the roster at that time.") % {"name": shift.person.name})
    return htmx.go_to(request, reverse("post", args=[found.code]))


urlpatterns = [
    path("people/", posts, name="people"),
    path("people/posts/<str:code>/", post, name="post"),
    path("people/posts/<str:code>/duty/<int:pk>/off", take_off, name="post-off-duty"),
    path("people/posts/<str:code>/holders/<str:staff_no>/relieve", relieve, name="post-relieve"),
]
