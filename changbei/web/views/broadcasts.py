"""Notices in bulk: who (a query, drawn or chosen), what, by which ways; looked at first, then sent and followed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import Invalid, NotAllowed
from changbei.core.texts import LANGUAGES
from changbei.incidents import telling, warned
from changbei.incidents.models import Suspension
from changbei.incidents.services import customers, headline_of
from changbei.network.models import Line, Retailer
from changbei.notify import audiences, bulk, personal, steering, wording
from changbei.notify.audiences import Query
from changbei.notify.models import CallList, Notice, Urgency
from changbei.notify.recipients import of_retailers
from changbei.people import access as people
from changbei.people.models import Person, Unit
from changbei.plans.loading import pack_for
from changbei.plans.selectors import first_in_force
from changbei.runs.access import hidden_events, notice_for
from changbei.web import entry, htmx, mapping
from changbei.web.errors import refuse, said
from changbei.web.showing import WAYS, job, language, say
from changbei.web.views.suspend import DrawnArea

SHOWN = 50
DEFAULT_MINUTES, MOST_MINUTES = 30, 1_440
A_PAGE = 50
ON_PAPER = {"paper": gettext_lazy("In person, from paper, where nothing else reaches")}
DAYS = [
    (1, gettext_lazy("Monday")),
    (2, gettext_lazy("Tuesday")),
    (3, gettext_lazy("Wednesday")),
    (4, gettext_lazy("Thursday")),
    (5, gettext_lazy("Friday")),
    (6, gettext_lazy("Saturday")),
    (7, gettext_lazy("Sunday")),
]
EITHER = [
    ("", gettext_lazy("all")),
    ("yes", gettext_lazy("only these")),
    ("no", gettext_lazy("without these")),
]
URGENCIES = [
    (Urgency.BULK, gettext_lazy("After everything else")),
    (Urgency.ROUTINE, gettext_lazy("Routine")),
    (Urgency.URGENT, gettext_lazy("Urgent")),
]
SUSPENSIONS_SHOWN = 10


def _either(label: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=EITHER, required=False)


def _words(label: Any, longest: int, *, required: bool = False) -> forms.CharField:
    control = forms.Textarea(attrs={"rows": 3}) if longest > bulk.LONGEST_TITLE else forms.TextInput()
    return forms.CharField(label=label, max_length=longest, required=required, widget=control)


class BroadcastForm(forms.Form):
    """What `bulk.Draft` needs, as people fill it in."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Customers or colleagues"),
        choices=[("retailers", gettext_lazy("Customers")), ("people", gettext_lazy("Colleagues"))],
        initial="retailers",
    )
    everybody = forms.BooleanField(label=gettext_lazy("Everybody, on purpose"), required=False)
    area = DrawnArea(label=gettext_lazy("Area"), required=False)
    of = forms.ChoiceField(label=gettext_lazy("Of a suspension or a warning"), required=False)
    lines = forms.MultipleChoiceField(label=gettext_lazy("Lines"), required=False)
    managers = forms.MultipleChoiceField(label=gettext_lazy("Customer managers"), required=False)
    order_days = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Order days"),
        choices=DAYS,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    tier_from = forms.IntegerField(
        label=gettext_lazy("Supply tier from"), min_value=1, max_value=audiences.MOST_TIER, required=False
    )
    tier_to = forms.IntegerField(
        label=gettext_lazy("to"), min_value=1, max_value=audiences.MOST_TIER, required=False
    )
    key = _either(gettext_lazy("Key customers"))
    vulnerable = _either(gettext_lazy("Customers who need care"))
    settlement = forms.ChoiceField(
        label=gettext_lazy("Settlement"),
        choices=[
            ("", gettext_lazy("all")),
            ("e_settlement", gettext_lazy("electronic")),
            ("cash", gettext_lazy("cash")),
        ],
        required=False,
    )
    jobs = forms.MultipleChoiceField(label=gettext_lazy("Jobs"), required=False)
    units = forms.MultipleChoiceField(label=gettext_lazy("Units"), required=False)
    title_hans = _words(gettext_lazy("Title"), bulk.LONGEST_TITLE, required=True)
    body_hans = _words(gettext_lazy("Text"), bulk.LONGEST_BODY, required=True)
    title_en = _words(gettext_lazy("Title in English"), bulk.LONGEST_TITLE)
    body_en = _words(gettext_lazy("Text in English"), bulk.LONGEST_BODY)
    channels = forms.MultipleChoiceField(
        label=gettext_lazy("By all of these ways at once"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    urgency = forms.TypedChoiceField(
        label=gettext_lazy("Urgency"), choices=URGENCIES, coerce=int, initial=int(Urgency.BULK)
    )
    needs_acknowledgement = forms.BooleanField(
        label=gettext_lazy("Recipients are asked to confirm"), required=False
    )
    confirm_at_least = forms.IntegerField(
        label=gettext_lazy("I am told unless so many confirm"), min_value=1, required=False
    )
    confirm_minutes = forms.IntegerField(
        label=gettext_lazy("within (minutes)"),
        min_value=1,
        max_value=MOST_MINUTES,
        initial=DEFAULT_MINUTES,
        required=False,
    )
    drill = forms.BooleanField(label=gettext_lazy("This is a drill: every message says so"), required=False)
    outside_in_drill = forms.BooleanField(
        label=gettext_lazy("Customers are told although it is a drill"), required=False
    )
    once = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput)

    def __init__(self, *args: Any, by: object, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own = people.units_with(by, steering.PERMISSION)
        self._choices("of", [("", _("none")), *_sets()])
        self._choices(
            "lines", [(one.code, f"{one.code} {say(one.name)}") for one in Line.objects.order_by("code")]
        )
        managers = Person.objects.filter(pk__in=Retailer.objects.values("customer_manager"))
        self._choices("managers", [(one.staff_no, one.name) for one in managers.order_by("staff_no")])
        jobs = Person.objects.filter(active=True).order_by("job").values_list("job", flat=True).distinct()
        self._choices("jobs", [(one, job(one)) for one in jobs])
        units = Unit.objects.filter(people__active=True).order_by("code").distinct()
        units = units if self.own is None else units.filter(pk__in=self.own)
        self._choices("units", [(one.code, say(one.name)) for one in units])
        known = dict.fromkeys((*bulk.ways("retailers"), *bulk.ways("people")))
        in_person_last = sorted(known, key="paper".__eq__)
        self._choices("channels", [(one, (WAYS | ON_PAPER).get(one, one)) for one in in_person_last])

    def _choices(self, name: str, choices: Iterable[tuple[Any, Any]]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(choices)

    def query(self) -> Query:
        """Raises Invalid."""
        given = self.cleaned_data
        said_: dict[str, Any] = {"kind": given.get("kind") or "retailers"}
        own = ("jobs",) if said_["kind"] == "people" else _OF_CUSTOMERS
        for name in ("everybody", "units", *own):
            if given.get(name) not in (None, "", [], False):
                said_[name] = given[name]
        if said_["kind"] == "retailers":
            said_ |= {name: given[name] == "yes" for name in ("key", "vulnerable") if given.get(name)}
        return audiences.read(said_)

    def ways(self) -> tuple[str, ...]:
        """Those chosen that there are for this kind of recipient."""
        possible = bulk.ways(self.cleaned_data.get("kind") or "retailers")
        return tuple(one for one in self.cleaned_data.get("channels", ()) if one in possible)

    def draft(self) -> bulk.Draft:
        """Raises Invalid."""
        given = self.cleaned_data
        return bulk.Draft(
            query=self.query(),
            title=_text(given, "title"),
            body=_text(given, "body"),
            channels=self.ways(),
            urgency=Urgency(given["urgency"]),
            needs_acknowledgement=given["needs_acknowledgement"],
            confirm_at_least=given["confirm_at_least"] or 0,
            confirm_within_seconds=60 * (given["confirm_minutes"] or DEFAULT_MINUTES),
            drill=given["drill"],
            outside_in_drill=given["outside_in_drill"],
            key=given["once"],
        )


_OF_CUSTOMERS = ("area", "of", "lines", "managers", "order_days", "tier_from", "tier_to", "settlement")


def _text(given: dict[str, Any], name: str) -> dict[str, str]:
    return {
        code: given[f"{name}_{short}"]
        for code, short in (("zh-Hans", "hans"), ("en", "en"))
        if given.get(f"{name}_{short}")
    }


def _sets() -> list[tuple[str, str]]:
    """Suspensions that last and warnings that hold: what an area can be taken from."""
    lasting = Suspension.objects.filter(resumed_at=None).select_related("incident").order_by("-pk")
    holding = warned.in_force(clock.now()).exclude(area=None).order_by("-received_at")
    return [
        *(
            (f"suspension:{one.uuid}", f"{one.incident.number} · {_('Suspension')} · {one.reason}")
            for one in lasting[:SUSPENSIONS_SHOWN]
        ),
        *(
            (f"warning:{one.uuid}", f"{_('Warning')} · {headline_of(one, language())}")
            for one in holding[:SUSPENSIONS_SHOWN]
        ),
    ]


@entry.staff
def new(request: HttpRequest) -> HttpResponse:
    """The form; sent, the audience is frozen and the messages are queued."""
    people.require(request.user, steering.PERMISSION)
    if request.method != "POST":
        form = BroadcastForm(by=request.user, initial=_suggestion(request))
        return render(request, "web/broadcasts/new.html", _context(form))
    form = BroadcastForm(request.POST, by=request.user)
    if form.is_valid():
        try:
            notice = bulk.send(form.draft(), actor=entry.actor(request))
            messages.success(request, _("Sent: every recipient is on the list below."))
            return htmx.go_to(request, reverse("broadcast", args=[notice.uuid]))
        except Invalid as error:
            refuse(form, error, at=lambda field: _FIELDS.get(field, field))
    return render(request, "web/broadcasts/new.html", _context(form), status=422)


_FIELDS = {"title": "title_hans", "body": "body_hans"}


def _suggestion(request: HttpRequest) -> dict[str, Any]:
    """The words of a template of the plan, with what is known of the suspension asked for."""
    found: dict[str, Any] = {"channels": [bulk.ways("retailers")[0]], "of": request.GET.get("of", "")}
    version = first_in_force()
    template = pack_for(version).templates.get(request.GET.get("template", "")) if version else None
    if template is None:
        return found
    kind, _sep, uuid = found["of"].partition(":")
    suspension = Suspension.objects.filter(uuid=uuid).first() if kind == "suspension" else None
    values: dict[str, Any] = {"next_page": telling.next_page()}
    values |= customers.suspension_values(suspension) if suspension else {}
    for name, text in (("title", template.title), ("body", template.body)):
        keep = wording.placeholders(text) - set(values)
        words = wording.fill(text, values, keep=keep)
        found |= {f"{name}_hans": words.get("zh-Hans", ""), f"{name}_en": words.get("en", "")}
    return found


def _context(form: BroadcastForm) -> dict[str, Any]:
    return {
        "form": form,
        "placeholders": [f"{{{name}}}" for name in personal.known()],
        "map_url": reverse("broadcast-map"),
    }


@entry.staff
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Whom the query as it stands would concern, and how many of them cannot be reached. Changes nothing."""
    people.require(request.user, steering.PERMISSION)
    form = BroadcastForm(request.POST, by=request.user)
    form.is_valid()
    context: dict[str, Any] = {"of_own_unit": form.own is not None}
    try:
        query = form.query()
        context["preview"] = bulk.preview(query, form.ways(), actor=request.user)
        context["people"] = query.kind == "people"
        context["said"] = _spoken(form, context["preview"])
    except Invalid as error:
        context["problems"] = [
            said(one.message) for one in error.problems if one.message != audiences.SAY_WHO
        ]
    return render(request, "web/broadcasts/preview.html", context)


def _spoken(form: BroadcastForm, found: audiences.Preview) -> str:
    """The text as the first of the sample would read it."""
    words = form.cleaned_data.get("body_hans") or ""
    if not words or not found.sample or isinstance(found.sample[0], Person):
        return words
    try:
        names = wording.placeholders({"zh-Hans": words})
    except ValueError:
        return words
    shop = Retailer.objects.filter(pk=found.sample[0].pk)
    [one] = of_retailers(shop, tuple(name for name in names if name in personal.known()))
    keep = {name: f"{{{name}}}" for name in names}
    return wording.spoken({"zh-Hans": words}, names, {**keep, **(one.values or {})}, "zh-Hans")


@entry.staff
def draw_map(request: HttpRequest) -> JsonResponse:
    """The city with warnings, suspensions and all customers."""
    people.require(request.user, steering.PERMISSION)
    layers = {"warnings": {"data": mapping.warnings_layer()}}
    layers |= {name: mapping.fetched(name, language()) for name in ("suspensions", "retailers")}
    return mapping.drawn(layers, language())


@entry.staff
def listing(request: HttpRequest) -> HttpResponse:
    """What was sent in bulk, the newest first."""
    people.require(request.user, steering.PERMISSION)
    rows = [
        {
            "notice": one,
            "title": say(wording.general(one.title, one.personal)),
            "progress": steering.progress(one),
        }
        for one in steering.sent().exclude(incident__in=hidden_events(request.user))[:SHOWN]
    ]
    return render(request, "web/broadcasts/list.html", {"rows": rows})


@entry.staff
def show(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """How far one has come; polls get the part that changes."""
    notice = notice_for(request.user, uuid)
    state = request.GET.get("state", "")
    rows = Paginator(steering.recipients(notice, state), A_PAGE).get_page(request.GET.get("page"))
    shown = {"rows": rows, "state": state, "query": urlencode({"state": state})}
    context = _of(notice, steering.may_steer(request.user, notice)) | shown
    if htmx.wants_part(request):
        return htmx.stamp(render(request, "web/broadcasts/live.html", context))
    return render(request, "web/broadcasts/page.html", context)


def _confirmed(notice: Notice) -> str:
    """How many have confirmed, of how many when a number is wanted."""
    if not notice.needs_acknowledgement:
        return ""
    number = steering.confirmed(notice)
    return f"{number} / {notice.confirm_at_least}" if notice.confirm_at_least else str(number)


def _of(notice: Notice, may_steer: bool) -> dict[str, Any]:
    progress = steering.progress(notice)
    call_list = CallList.objects.filter(notice=notice.uuid).first()
    return {
        "notice": notice,
        "title": say(wording.general(notice.title, notice.personal)),
        "body": say(wording.general(notice.body, notice.personal)),
        "languages": [one for one in LANGUAGES if notice.body.get(one)],
        "progress": progress,
        "may_steer": may_steer,
        "going": progress.left and not notice.stopped_at and not notice.paused_at,
        "call_list": call_list,
        "may_retry": bool(progress.failed or progress.unreachable)
        and not notice.stopped_at
        and not notice.paused_at,
        "may_hand_on": call_list is None
        and not notice.stopped_at
        and bool(progress.failed or progress.unreachable),
        "states": sorted(progress.states.items()),
        "confirmed": _confirmed(notice),
        "unconfirmed": steering.UNCONFIRMED,
        "here": reverse("broadcast", args=[notice.uuid]),
        "drill_banner": _("This notice is a drill.") if notice.drill else "",
    }


def _steered(
    verb: Callable[..., int], one: Callable[[int], str]
) -> Callable[[HttpRequest, UUID], HttpResponse]:
    """A page that does `verb` to a notice and says to how many messages."""

    @require_POST
    def steer(request: HttpRequest, uuid: UUID) -> HttpResponse:
        if not request.user.is_authenticated:
            raise NotAllowed(steering.PERMISSION)
        number = verb(notice_for(request.user, uuid), actor=entry.actor(request))
        messages.success(request, one(number))
        return htmx.go_to(request, reverse("broadcast", args=[uuid]))

    return steer


def _paused(n: int) -> str:
    return ngettext("Paused: %(n)d message waits.", "Paused: %(n)d messages wait.", n) % {"n": n}


def _resumed(n: int) -> str:
    return ngettext("%(n)d message goes out again.", "%(n)d messages go out again.", n) % {"n": n}


def _cancelled(n: int) -> str:
    return ngettext("Stopped: %(n)d message was kept back.", "Stopped: %(n)d messages were kept back.", n) % {
        "n": n
    }


@entry.staff
@require_POST
def in_person(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Whom nothing has reached goes to the customer managers, on a list that can be printed."""
    made = steering.tell_in_person(notice_for(request.user, uuid), actor=entry.actor(request))
    if made is None:
        messages.info(request, _("Everybody was reached: nobody has to go."))
    else:
        messages.success(request, _("The customer managers have them on their lists."))
    return htmx.go_to(request, reverse("broadcast", args=[uuid]))


urlpatterns = [
    path("broadcasts/", listing, name="broadcasts"),
    path("broadcasts/new/", new, name="broadcast-new"),
    path("broadcasts/new/preview", preview, name="broadcast-preview"),
    path("broadcasts/new/map.json", draw_map, name="broadcast-map"),
    path("broadcasts/<uuid:uuid>/", show, name="broadcast"),
    path("broadcasts/<uuid:uuid>/pause", _steered(steering.pause, _paused), name="broadcast-pause"),
    path("broadcasts/<uuid:uuid>/resume", _steered(steering.resume, _resumed), name="broadcast-resume"),
    path("broadcasts/<uuid:uuid>/cancel", _steered(steering.cancel, _cancelled), name="broadcast-cancel"),
    path("broadcasts/<uuid:uuid>/retry", _steered(steering.retry_failed, _resumed), name="broadcast-retry"),
    path("broadcasts/<uuid:uuid>/in-person", in_person, name="broadcast-in-person"),
]
