"""Who takes over the goods of a broken van: the options beside each other, and accepting one (E3.3.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST

from changbei.compute.recovery import ALL_MEANS, CALM
from changbei.core.errors import Conflict, Invalid, there
from changbei.delivery import access, left_out, recovery, rules, selectors, services, undoing
from changbei.delivery.features import RecoveryMap, closed
from changbei.delivery.models import Breakdown, RecoveryCase, RecoveryOption, Stop
from changbei.delivery.selectors import VanShare
from changbei.people import access as people
from changbei.runs import access as runs
from changbei.runs.models import Run
from changbei.web import entry, errors, htmx, mapping
from changbei.web.showing import clause, language
from changbei.web.views import transport_papers
from changbei.web.widgets import whole_number

KINDS = {
    "site_reserve": (
        gettext_lazy("Reserve van of the site"),
        gettext_lazy("A reserve van of the broken van's own site takes over."),
        "truck-return",
    ),
    "nearest_reserve": (
        gettext_lazy("Reserve van of the nearest site"),
        gettext_lazy("A reserve van is borrowed from the nearest site that has one."),
        "truck",
    ),
    "neighbours": (
        gettext_lazy("Neighbouring lines"),
        gettext_lazy("Vans of the lines nearby take the customers along."),
        "arrows-split-2",
    ),
    "mixed": (
        gettext_lazy("Reserve vans and neighbours together"),
        gettext_lazy("Whatever takes least time, over all vans of the city."),
        "route-2",
    ),
    "resequenced": (
        gettext_lazy("Other sequences"),
        gettext_lazy("The vans keep their goods and drive them in another sequence."),
        "route",
    ),
    "calm": (
        gettext_lazy("Fewest customers moved"),
        gettext_lazy("As few customers as possible get another time than they were told."),
        "users",
    ),
    "overtime": (
        gettext_lazy("With overtime"),
        gettext_lazy("Drivers come back after the end of their shift, so that more customers are served."),
        "clock-exclamation",
    ),
}

TITLES = {
    rules.FEWEST_UNSERVED: (gettext_lazy("Fewest unserved"), "user-check"),
    rules.NONE_UNSERVED: (gettext_lazy("None unserved, with overtime"), "clock-exclamation"),
    rules.CHEAPEST: (gettext_lazy("Cheapest"), "trending-up"),
    rules.CALMEST: (gettext_lazy("Calmest"), "users"),
}
CAUSES = {
    "closed": gettext_lazy("a closed road"),
    "urgent": gettext_lazy("an urgent order"),
    "late": gettext_lazy("a late start"),
    "cancelled": gettext_lazy("cancelled orders"),
    "lent": gettext_lazy("a lent reserve van"),
    "broken": gettext_lazy("a broken van"),
    "left_out": gettext_lazy("customers without a van"),
}
WHY = {
    left_out.NO_ROOM: gettext_lazy("no van has so much room"),
    left_out.CLOSED: gettext_lazy("every van would come after the delivery hours"),
    left_out.SHIFT_OVER: gettext_lazy("no van would be back before its shift ends"),
    left_out.OTHERS_FIRST: gettext_lazy(
        "the vans' time and room go to customers who count more, or to more of them"
    ),
}


@dataclass(frozen=True)
class Left:
    """Somebody left unserved, and why."""

    stop: Stop
    why: str


@dataclass(frozen=True)
class Choice:
    """An option as a card."""

    option: RecoveryOption
    chosen: bool
    url: str
    map_url: str
    reserve: bool
    borrowed: bool
    best: frozenset[str]  # figures in which no other option is better

    @property
    def name(self) -> str:
        return _name(self.option)

    @property
    def means(self) -> str:
        """How it is done, when its name says what it is best at."""
        return _means(self.option) if self.option.titles else ""

    @property
    def words(self) -> str:
        return str(KINDS[self.option.kind][1]) if self.option.kind in KINDS else ""

    @property
    def icon_name(self) -> str:
        if self.option.titles:
            return TITLES[self.option.titles[0]][1]
        return KINDS[self.option.kind][2] if self.option.kind in KINDS else "route"

    @property
    def overtime(self) -> int:
        return math.ceil(self.option.overtime_minutes)

    @property
    def extra(self) -> int:
        return round(self.option.extra_minutes)


COSTS = (
    "extra_minutes",
    "stops_moved",
    "vans_touched",
    "arrivals_shifted",
    "arrivals_shifted_aboard",
    "unserved",
    "unserved_weight",
    "overtime_minutes",
    "waiting_minutes",
    "longest_wait_minutes",
    "last_delivery_at",
)


@entry.staff
def show(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The comparison; a poll gets the part that changes."""
    case = access.get_case(request.user, uuid)
    options = list(case.options.select_related("accepted_by").order_by("rank"))
    chosen = _chosen(request, case, options)
    context = _context(request, case, options, chosen)
    if htmx.wants_part(request):
        return htmx.stamp(render(request, "web/recovery/live.html", context))
    return render(request, "web/recovery/page.html", context)


def _chosen(
    request: HttpRequest, case: RecoveryCase, options: Sequence[RecoveryOption]
) -> RecoveryOption | None:
    """The option asked for, else the accepted one, else the one proposed."""
    wanted = request.GET.get("option", "")
    accepted = next((one for one in options if one.accepted_at), None)
    asked = next((one for one in options if str(one.rank) == wanted), None)
    return asked or accepted or (options[0] if options else None)


def _context(
    request: HttpRequest,
    case: RecoveryCase,
    options: Sequence[RecoveryOption],
    chosen: RecoveryOption | None,
) -> dict[str, Any]:
    shares = selectors.shares(case, options)
    unserved = selectors.unserved_of(options)
    accepted = next((one for one in options if one.accepted_at), None)
    stale = selectors.is_stale(case)
    newer = selectors.newer_case(case) if stale or case.undone_at else None
    may = people.permissions_of(people.person_of(request.user))
    own: list[VanShare] = shares.get(chosen.rank, []) if chosen else []
    left: list[Stop] = unserved.get(chosen.rank, []) if chosen else []
    here = reverse("recovery", args=[case.uuid])
    open_ = case.status == RecoveryCase.Status.OFFERED and not stale
    return {
        "case": case,
        "stands": _stands(case),
        "about": about(case),
        "run_number": case.run.number if case.run else "",
        "incident": case.run.incident if case.run else None,
        "drill_banner": _("This recovery belongs to a drill.") if case.run and case.run.drill else "",
        "clause": clause("E3.3.2"),
        "choices": [_choice(case, one, options, shares[one.rank], chosen) for one in options],
        "calm": KINDS["calm"][0],
        "prices": {"calm": CALM, "else": ALL_MEANS},
        "waits": any(one.longest_wait_minutes >= 1 for one in options),
        "chosen": chosen,
        "chosen_name": _name(chosen),
        "accepted": accepted,
        "accepted_name": _name(accepted),
        "shares": own,
        "borrowed": [share for share in own if share.borrowed],
        "unserved": [Left(stop, _why(chosen, stop)) for stop in left] if chosen else [],
        "papers": transport_papers.listed(case.papers.filter(withdrawn_at=None)),
        "may_write_papers": "delivery.accept" in may,
        "closing_later": list(case.day.closures.filter(since__gt=case.computed_at, lifted_at=None)),
        "undone": case.status == RecoveryCase.Status.UNDONE,
        **_undoing(case, accepted, may),
        "stale": stale,
        "newer": newer,
        "decided_with": newer if newer and newer == selectors.decided_with(case) else None,
        "may_accept": open_ and chosen is not None and "delivery.accept" in may,
        "waits_for_others": open_ and "delivery.accept" not in may,
        "may_compute": (stale or case.undone_at is not None) and "delivery.recover" in may,
        "here": f"{here}?option={chosen.rank}" if chosen else here,
        "map_url": _map_url(case, chosen) if chosen else "",
        "seconds": f"{case.computing_seconds:.1f}",
    }


def _why(option: RecoveryOption, stop: Stop) -> str:
    return str(WHY.get(option.plan.get("why", {}).get(str(stop.pk), ""), ""))


def _undoing(case: RecoveryCase, accepted: RecoveryOption | None, may: frozenset[str]) -> dict[str, Any]:
    """Whether the accepted option can be taken back, and if not, who keeps it from being so."""
    if accepted is None or case.status != RecoveryCase.Status.ACCEPTED or "delivery.accept" not in may:
        return {"may_undo": False, "driven_by": []}
    drove = undoing.vans_that_drove(accepted)
    return {"may_undo": not drove and case.accepted_version == case.day.version, "driven_by": drove}


def _choice(
    case: RecoveryCase,
    option: RecoveryOption,
    options: Sequence[RecoveryOption],
    shares: Sequence[VanShare],
    chosen: RecoveryOption | None,
) -> Choice:
    best = {name for name in COSTS if _is_best(option, options, name)} if len(options) > 1 else set()
    return Choice(
        option,
        chosen is not None and option.pk == chosen.pk,
        f"{reverse('recovery', args=[case.uuid])}?option={option.rank}",
        _map_url(case, option),
        any(share.vehicle.is_reserve for share in shares),
        any(share.borrowed for share in shares),
        frozenset(best),
    )


def _is_best(option: RecoveryOption, options: Sequence[RecoveryOption], name: str) -> bool:
    """Whether this option is among those that cost least in one respect, and some cost more."""
    values = [getattr(one, name) for one in options]
    if any(value is None for value in values) or min(values) == max(values):
        return False
    return bool(getattr(option, name) == min(values))


def _name(option: RecoveryOption | None) -> str:
    """What it is best at; what does nothing best is called by its means."""
    if option is None:
        return ""
    known = [str(TITLES[title][0]) for title in option.titles if title in TITLES]
    return " · ".join(known) or _means(option)


def _means(option: RecoveryOption) -> str:
    return str(KINDS[option.kind][0]) if option.kind in KINDS else option.kind


def about(case: RecoveryCase) -> str:
    """The question in words: of one van, of several that wait, or of a day that something else disturbs."""
    vans = [one.tour.vehicle.number for one in _stands(case)]
    if len(vans) == 1:
        return _("Van %(van)s") % {"van": vans[0]}
    if vans:
        return _("Vans %(vans)s") % {"vans": _(", ").join(vans)}
    return _(", ").join(str(CAUSES.get(cause, cause)) for cause in case.causes) or _("The day as it is")


def _stands(case: RecoveryCase) -> list[Breakdown]:
    """The vans whose goods wait, by their numbers; none when something else disturbs the day."""
    if case.breakdown is None:
        return []
    stands = [case.breakdown, *case.others.select_related("tour__vehicle", "run")]
    return sorted(stands, key=lambda one: (len(one.tour.vehicle.number), one.tour.vehicle.number))


def _map_url(case: RecoveryCase, option: RecoveryOption) -> str:
    return f"{reverse('recovery-map', args=[case.uuid])}?option={option.rank}"


@entry.staff
@gzip_page
def recovery_map(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Before and after of one option; the same extent for all, so that they can be compared."""
    case = access.get_case(request.user, uuid)
    options = list(case.options.order_by("rank"))
    chosen = there(_chosen(request, case, options), gettext_noop("this recovery has no options"))
    drawn = RecoveryMap(case, options)
    layers: dict[str, Any] = {name: {"data": data} for name, data in drawn.layers(chosen).items()}
    layers["after"]["label"] = _name(chosen)
    layers["suspensions"] = {"data": closed(case.day), "label": _("Closed")}
    return mapping.drawn(layers, language(), drawn.bounds())


@entry.staff
@require_POST
def accept(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Accept an option. When the day has changed meanwhile, the page says so and offers to compute anew."""
    case = access.get_case(request.user, uuid)
    option = access.get_option(request.user, case, _rank(request))
    here = reverse("recovery", args=[uuid])
    try:
        services.accept(option, actor=entry.actor(request))
    except Conflict:
        _now_stale(case)
        messages.warning(request, _("Nothing was changed: the day or this recovery has changed meanwhile."))
        return htmx.go_to(request, here)
    messages.success(request, _("Accepted. The drivers get their new lists."))
    return htmx.go_to(request, entry.next_url(request, here))


@entry.staff
@require_POST
def undo(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Take the accepted option back; who has driven on it is named when that is too late."""
    case = access.get_case(request.user, uuid)
    try:
        services.undo(case, actor=entry.actor(request))
    except Conflict as refused:
        messages.warning(request, _("Nothing was changed: %(why)s") % {"why": too_late(refused)})
    else:
        messages.success(request, _("Undone. Everybody drives by the list of before, and is told so."))
    return htmx.go_to(request, reverse("recovery", args=[uuid]))


def too_late(refused: Conflict) -> str:
    words, _colon, vans = str(refused).partition(": ")
    return f"{errors.said(words)} ({vans})" if vans else errors.said(words)


def _now_stale(case: RecoveryCase) -> None:
    """The refusal rolled its own mark back with it: set it so that everybody sees it."""
    RecoveryCase.objects.filter(
        pk=case.pk, status=RecoveryCase.Status.OFFERED, day__version__gt=case.day_version
    ).update(status=RecoveryCase.Status.STALE)


def _rank(request: HttpRequest) -> int:
    given = whole_number(request.POST.get("option", ""))
    if not given:
        raise Invalid("option", _("Choose an option."))
    return given


@entry.staff
@require_POST
def anew(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Compute the options again on the day as it is now; a couple of seconds, outside of any transaction."""
    case = access.get_case(request.user, uuid)
    people.require(entry.actor(request), "delivery.recover")
    newer = selectors.newer_case(case)
    if newer is not None and not selectors.is_stale(newer):
        return htmx.go_to(request, reverse("recovery", args=[newer.uuid]))
    if case.status == RecoveryCase.Status.ACCEPTED:
        raise Conflict(_("An option of this recovery has been accepted."))
    if case.breakdown is None:
        offered = recovery.offer_day(case.day, causes=case.causes, run=case.run)
    else:
        offered = recovery.offer(case.breakdown, run=case.run)
    if offered is None:
        messages.info(request, _("Nothing is left to be changed."))
        return htmx.go_to(request, reverse("delivery"))
    return htmx.go_to(request, reverse("recovery", args=[offered.uuid]))


@entry.staff
def of_run(request: HttpRequest, run: UUID) -> HttpResponse:
    """From a task to the recovery it is about."""
    about_run = runs.run_for(request.user, run)
    case = selectors.newest_case(about_run.uuid)
    if case is not None:
        return htmx.go_to(request, reverse("recovery", args=[access.get_case(request.user, case.uuid).uuid]))
    context = {
        "run": about_run,
        "here": reverse("recovery-of-run", args=[run]),
        "stranded": _waits(about_run),
    }
    part = htmx.wants_part(request)
    response = render(request, f"web/recovery/{'computing' if part else 'waiting'}.html", context)
    return htmx.stamp(response) if part else response


def _waits(run: Run) -> bool:
    """Whether options are to come: not when the van had nothing left to deliver, nor to fetch."""
    broken = run.breakdowns.select_related("tour").first()
    return broken is None or selectors.leaves_something(broken)


urlpatterns = [
    path("delivery/recoveries/<uuid:uuid>/", show, name="recovery"),
    path("delivery/recoveries/<uuid:uuid>/map.json", recovery_map, name="recovery-map"),
    path("delivery/recoveries/<uuid:uuid>/accept", accept, name="recovery-accept"),
    path("delivery/recoveries/<uuid:uuid>/undo", undo, name="recovery-undo"),
    path("delivery/recoveries/<uuid:uuid>/anew", anew, name="recovery-anew"),
    path("delivery/runs/<uuid:run>/", of_run, name="recovery-of-run"),
]
