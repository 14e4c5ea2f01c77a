"""Tomorrow's lines: what is proposed beside the lines so far and what was driven last time, and deciding (E2.6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import ChangbeiError, Conflict, Invalid, NotFound, there
from changbei.delivery import planning, selectors, travel
from changbei.delivery.features import LinesMap
from changbei.delivery.lines import choosing, evenings, questions, shown
from changbei.delivery.models import DeliveryDay, LineEvening, LineQuestion, Tour
from changbei.network.models import Site
from changbei.people import access as people
from changbei.web import entry, htmx, mapping
from changbei.web.errors import said
from changbei.web.showing import clause, language, say
from changbei.web.views.recovery import too_late

Status, Weight = LineQuestion.Status, LineQuestion.Weight
USUAL_EVENING = time(18, 0)
SHOWN_CHANGES = 100
WEIGHTS = {
    Weight.USUAL: (
        gettext_lazy("Usual"),
        gettext_lazy("Driving, even days and known customers as usual."),
        "route",
    ),
    Weight.EVEN: (
        gettext_lazy("More even"),
        gettext_lazy("Days of the vans that differ cost five times as much."),
        "scale",
    ),
    Weight.COMPACT: (
        gettext_lazy("More compact"),
        gettext_lazy("Least driving: even days and known customers count a fifth."),
        "target",
    ),
    Weight.FAMILIAR: (
        gettext_lazy("More familiar"),
        gettext_lazy("A customer whose usual van does not come costs five times as much."),
        "users",
    ),
}
BASES = {
    travel.ROADS: gettext_lazy("by the road network"),
    travel.MIXED: gettext_lazy("by the road network, around closed areas estimated"),
    travel.GREAT_CIRCLE: gettext_lazy("estimated by great circle"),
}


class EveningForm(forms.Form):
    on = forms.BooleanField(label=gettext_lazy("Plan the lines every evening"), required=False)
    at = forms.TimeField(
        label=gettext_lazy("Time"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    days_ahead = forms.TypedChoiceField(
        label=gettext_lazy("For which day"),
        coerce=int,
        choices=[
            (1, gettext_lazy("the next delivery day")),
            (2, gettext_lazy("the delivery day after next")),
            (3, gettext_lazy("the third delivery day from then")),
        ],
    )


@dataclass(frozen=True)
class Proposal:
    """A question as a card. `state`: waiting solving lost failed answered kept accepted changed stale."""

    question: LineQuestion
    state: str
    url: str
    map_url: str
    chosen: bool
    figures: dict[str, shown.Compared]

    @property
    def name(self) -> str:
        return str(WEIGHTS[Weight(self.question.weight)][0])

    @property
    def words(self) -> str:
        return str(WEIGHTS[Weight(self.question.weight)][1])

    @property
    def icon_name(self) -> str:
        return WEIGHTS[Weight(self.question.weight)][2]

    @property
    def is_open(self) -> bool:
        return self.state in {"waiting", "solving", "lost"}


@dataclass(frozen=True)
class Where:
    """What the address asks for: a day and one site of it."""

    on: date
    day: DeliveryDay | None
    site: Site
    sites: Sequence[Site]

    def address(self, **more: str) -> str:
        return f"{reverse('day-lines')}?{urlencode({'date': self.on.isoformat(), 'site': self.site.code, **more})}"


@entry.staff
def show(request: HttpRequest) -> HttpResponse:
    """The comparison; a poll gets the part that changes, and the whole page once an answer has come."""
    people.require(request.user, "delivery.see")
    where = _where(request)
    proposals = _proposals(where, request.GET.get("proposal", "")) if where.day else []
    chosen = next((one for one in proposals if one.chosen), None)
    if htmx.wants_part(request):
        waited = request.GET.get("waited") == "1"
        if waited and not any(one.is_open for one in proposals):
            return htmx.go_to(request, where.address())
        return htmx.stamp(
            render(request, "web/day_lines/live.html", _context(request, where, proposals, chosen))
        )
    row = LineEvening.objects.filter(site=where.site).first()
    context = _context(request, where, proposals, chosen)
    context |= {
        "evening": row,
        "evening_trouble": said(row.trouble) if row else "",
        "form": _evening_form(row),
    }
    return render(request, "web/day_lines/page.html", context)


def _where(request: HttpRequest) -> Where:
    given = request.GET if request.method == "GET" else request.POST
    on = entry.day(given["date"]) if given.get("date") else evenings.planned_day(1)
    sites = list(Site.objects.filter(lines__isnull=False).distinct().order_by("kind", "pk"))
    wanted = given.get("site", "")
    site = next((one for one in sites if one.code == wanted), None)
    if site is None and (wanted or not sites):
        raise NotFound(wanted)
    return Where(on, selectors.day_for(on), site or sites[0], sites)


def _proposals(where: Where, wanted: str) -> list[Proposal]:
    """The questions about the day as it is, the newest of each weight; what is in force first. One that is out of
    date is shown as long as there is none for today's orders."""
    assert where.day is not None
    rows = LineQuestion.objects.filter(day=where.day, site=where.site).defer("question", "before")
    found = list(rows.select_related("site", "decided_by").order_by("-pk"))
    undecided = [one for one in found if one.status != Status.ACCEPTED]
    stale = questions.stale_among(undecided, where.day, where.site)
    fresh = [one for one in found if one.pk not in stale] or found[:1]
    fresh.sort(
        key=lambda one: (one.status != Status.ACCEPTED, list(Weight).index(Weight(one.weight)), -one.pk)
    )
    chosen = next((one for one in fresh if str(one.uuid) == wanted), fresh[0] if fresh else None)
    last = shown.last_driven(list(questions.tours_of(where.day, where.site)), where.on)
    return [_proposal(where, one, one is chosen, one.pk in stale, last) for one in fresh]


def _proposal(
    where: Where, one: LineQuestion, chosen: bool, stale: bool, last: dict[int, shown.Driven]
) -> Proposal:
    figures = shown.compared(one.answer, last) if one.answer else []
    return Proposal(
        one,
        _state(one, stale),
        where.address(proposal=str(one.uuid)),
        reverse("day-lines-map", args=[one.uuid]),
        chosen,
        {row.key: row for row in figures},
    )


def _state(one: LineQuestion, stale: bool) -> str:
    if one.status == Status.WAITING:
        if one.lease_until is None or one.claim is None:
            return "waiting"
        return "solving" if one.lease_until > clock.now() else "lost"
    if one.status == Status.ACCEPTED:
        return "accepted" if choosing.is_as_written(one) else "changed"
    return "stale" if stale and one.status != Status.FAILED else one.status


def _context(
    request: HttpRequest, where: Where, proposals: Sequence[Proposal], chosen: Proposal | None
) -> dict[str, Any]:
    may = people.permissions_of(people.person_of(request.user))
    question = chosen.question if chosen else None
    tours = questions.tours_of(where.day, where.site) if where.day else Tour.objects.none()
    begun = (
        tours.exclude(status=Tour.Status.PLANNED).exists()
        or tours.filter(departs_at__lte=clock.now()).exists()
    )
    answered = bool(question and question.answer)
    last = shown.last_driven(list(tours), where.on) if answered else {}
    changed = shown.changes(question) if question and answered else []
    decides = "delivery.accept" in may and not begun
    waits = any(one.is_open for one in proposals)
    wanted = {"proposal": str(question.uuid)} if question else {}
    return {
        "where": where,
        "on": where.on,
        "day": where.day,
        "site_name": say(where.site.name),
        "sites": [(one, say(one.name)) for one in where.sites],
        "before": planning.delivery_day_before(where.on),
        "after": planning.next_delivery_day(where.on),
        "proposals": proposals,
        "chosen": chosen,
        "trouble": said(question.trouble) if question else "",
        "rows": shown.van_rows(question, last) if question and answered else [],
        "last_on": max((one.on for one in last.values()), default=None),
        "changes": changed[:SHOWN_CHANGES],
        "changed_count": len(changed),
        "left_out": shown.left_out(question) if question and answered else [],
        "lost": len(shown.lost(question.answer)) if question and question.answer else 0,
        "basis": str(BASES.get(question.answer["basis"], "")) if question and question.answer else "",
        "begun": begun,
        "may_ask": "delivery.plan" in may and not begun,
        "may_set": "delivery.plan" in may,
        "may_accept": decides and chosen is not None and chosen.state in {"answered", "kept"},
        "may_undo": decides and chosen is not None and chosen.state == "accepted",
        "weights": [(weight, words[0], words[2]) for weight, words in WEIGHTS.items()],
        "waits": waits,
        "here": where.address(**wanted, **({"waited": "1"} if waits else {})),
        "map_url": chosen.map_url if chosen and answered else "",
        "clause": clause("E2.6"),
    }


def _evening_form(row: LineEvening | None) -> EveningForm:
    if row is None:
        return EveningForm(initial={"on": False, "at": USUAL_EVENING, "days_ahead": 1})
    return EveningForm(initial={"on": row.on, "at": row.at, "days_ahead": row.days_ahead})


@entry.staff
@gzip_page
def lines_map(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The planned lines of a proposal, or of one van of it."""
    people.require(request.user, "delivery.see")
    drawn = LinesMap(_question(uuid))
    found = drawn.layers(request.GET.get("van", ""))
    layers: dict[str, Any] = {name: {"data": data} for name, data in found.items()}
    layers["before"]["label"], layers["after"]["label"] = _("Lines so far"), _("Planned lines")
    return mapping.drawn(layers, language(), drawn.bounds())


def _question(uuid: UUID) -> LineQuestion:
    found = LineQuestion.objects.filter(uuid=uuid, day__isnull=False).select_related("day", "site").first()
    return there(found, uuid)


@entry.staff
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Have the lines thought over, with a weight; the day is planned from its orders when it is not yet."""
    actor = entry.actor(request)
    people.require(actor, "delivery.plan")
    where = _where(request)
    weight = request.POST.get("weight", Weight.USUAL)
    try:
        if where.on < clock.today():
            raise Conflict(_("This day is over."))
        day = where.day or planning.plan_day(where.on, actor=actor)
        question = questions.ask(day, site=where.site, weight=weight)
    except ChangbeiError as error:
        messages.warning(request, said(str(error)))
        return htmx.go_to(request, where.address())
    return htmx.go_to(request, where.address(proposal=str(question.uuid)))


def _decide(
    request: HttpRequest,
    uuid: UUID,
    verb: Callable[..., object],
    done: Callable[[Any], str],
) -> HttpResponse:
    question = _question(uuid)
    try:
        result = verb(question, actor=entry.actor(request))
    except Conflict as refused:
        messages.warning(request, _("Nothing was changed: %(why)s") % {"why": too_late(refused)})
    else:
        messages.success(request, done(result))
    site = question.site.code if question.site else ""
    query = urlencode({"date": question.date.isoformat(), "site": site, "proposal": str(question.uuid)})
    return htmx.go_to(request, f"{reverse('day-lines')}?{query}")


@entry.staff
@require_POST
def accept(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Drive the planned lines."""
    return _decide(
        request,
        uuid,
        choosing.accept,
        lambda moved: _("These lines are driven; %(count)d customers change vans.") % {"count": moved},
    )


@entry.staff
@require_POST
def keep(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Drive the lines so far."""
    return _decide(
        request,
        uuid,
        choosing.keep,
        lambda _none: _("The lines so far are driven."),
    )


@entry.staff
@require_POST
def undo(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The lines of before again."""
    return _decide(
        request,
        uuid,
        choosing.undo,
        lambda _none: _("Undone. The lines of before are driven."),
    )


@entry.staff
@require_POST
def evening(request: HttpRequest) -> HttpResponse:
    """Whether and when the site's lines are thought over by themselves."""
    where, actor, form = _where(request), entry.actor(request), EveningForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _("Say a time and a day."))
        return htmx.go_to(request, where.address())
    given = form.cleaned_data
    try:
        evenings.set_evening(
            where.site, on=given["on"], at=given["at"], days_ahead=given["days_ahead"], actor=actor
        )
    except Invalid as error:
        messages.warning(request, said(str(error)))
    else:
        messages.success(request, _("Saved."))
    return htmx.go_to(request, where.address())


urlpatterns = [
    path("delivery/lines/", show, name="day-lines"),
    path("delivery/lines/ask", ask, name="day-lines-ask"),
    path("delivery/lines/evening", evening, name="day-lines-evening"),
    path("delivery/lines/<uuid:uuid>/map.json", lines_map, name="day-lines-map"),
    path("delivery/lines/<uuid:uuid>/accept", accept, name="day-lines-accept"),
    path("delivery/lines/<uuid:uuid>/keep", keep, name="day-lines-keep"),
    path("delivery/lines/<uuid:uuid>/undo", undo, name="day-lines-undo"),
]
