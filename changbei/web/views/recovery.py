"""Who takes over the goods of a broken van: the options beside each other, and accepting one (E3.3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_POST

from changbei.core.errors import Conflict, Invalid, NotFound
from changbei.delivery import access, recovery, selectors, services
from changbei.delivery.features import RecoveryMap
from changbei.delivery.models import RecoveryCase, RecoveryOption, Stop
from changbei.delivery.selectors import VanShare
from changbei.people import access as people
from changbei.runs import access as runs
from changbei.web import entry, htmx, mapping
from changbei.web.showing import clause, language

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
        return str(KINDS[self.option.kind][0]) if self.option.kind in KINDS else self.option.kind

    @property
    def words(self) -> str:
        return str(KINDS[self.option.kind][1]) if self.option.kind in KINDS else ""

    @property
    def icon_name(self) -> str:
        return KINDS[self.option.kind][2] if self.option.kind in KINDS else "route"

    @property
    def extra(self) -> int:
        return round(self.option.extra_minutes)


COSTS = ("extra_minutes", "stops_moved", "vans_touched", "arrivals_shifted", "unserved", "last_delivery_at")


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
    may = people.permissions_of(request.user)
    own: list[VanShare] = shares.get(chosen.rank, []) if chosen else []
    left_out: list[Stop] = unserved.get(chosen.rank, []) if chosen else []
    here = reverse("recovery", args=[case.uuid])
    open_ = case.status == RecoveryCase.Status.OFFERED and not stale
    return {
        "case": case,
        "breakdown": case.breakdown,
        "van": case.breakdown.tour.vehicle,
        "run_number": case.run.number if case.run else "",
        "incident": case.run.incident if case.run else None,
        "drill_banner": _("This recovery belongs to a drill.") if case.run and case.run.drill else "",
        "clause": clause("E3.3.2"),
        "choices": [_choice(case, one, options, shares[one.rank], chosen) for one in options],
        "chosen": chosen,
        "chosen_name": _name(chosen),
        "accepted": accepted,
        "accepted_name": _name(accepted),
        "shares": own,
        "borrowed": [share for share in own if share.borrowed],
        "unserved": left_out,
        "stale": stale,
        "newer": selectors.newer_case(case) if stale else None,
        "may_accept": open_ and chosen is not None and "delivery.accept" in may,
        "waits_for_others": open_ and "delivery.accept" not in may,
        "may_compute": stale and "delivery.recover" in may,
        "here": f"{here}?option={chosen.rank}" if chosen else here,
        "map_url": _map_url(case, chosen) if chosen else "",
        "seconds": f"{case.computing_seconds:.1f}",
    }


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
    if option is None:
        return ""
    return str(KINDS[option.kind][0]) if option.kind in KINDS else option.kind


def _map_url(case: RecoveryCase, option: RecoveryOption) -> str:
    return f"{reverse('recovery-map', args=[case.uuid])}?option={option.rank}"


@entry.staff
def recovery_map(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Before and after of one option; the same extent for all, so that they can be compared."""
    case = access.get_case(request.user, uuid)
    options = list(case.options.order_by("rank"))
    chosen = _chosen(request, case, options)
    if chosen is None:
        raise NotFound(gettext_noop("this recovery has no options"))
    drawn = RecoveryMap(case, options)
    layers: dict[str, Any] = mapping.base_layers(language())
    layers |= {name: {"data": data} for name, data in drawn.layers(chosen).items()}
    layers["after"]["label"] = _name(chosen)
    return JsonResponse({"bounds": drawn.bounds(), "layers": layers})


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


def _now_stale(case: RecoveryCase) -> None:
    """The refusal rolled its own mark back with it: set it so that everybody sees it."""
    RecoveryCase.objects.filter(
        pk=case.pk, status=RecoveryCase.Status.OFFERED, day__version__gt=case.day_version
    ).update(status=RecoveryCase.Status.STALE)


def _rank(request: HttpRequest) -> int:
    given = request.POST.get("option", "")
    if not given.isdigit():
        raise Invalid("option", _("Choose an option."))
    return int(given)


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
    offered = recovery.offer(case.breakdown, run=case.run)
    if offered is None:
        messages.info(request, _("Nothing is left to be delivered from this van."))
        return htmx.go_to(request, reverse("delivery"))
    return htmx.go_to(request, reverse("recovery", args=[offered.uuid]))


@entry.staff
def of_run(request: HttpRequest, run: UUID) -> HttpResponse:
    """From a task to the recovery it is about."""
    case = selectors.newest_case(runs.run_for(request.user, run).uuid)
    if case is None:
        messages.info(request, _("The options are still being computed. They appear here in a moment."))
        return htmx.go_to(request, reverse("delivery"))
    return htmx.go_to(request, reverse("recovery", args=[access.get_case(request.user, case.uuid).uuid]))


urlpatterns = [
    path("delivery/recoveries/<uuid:uuid>/", show, name="recovery"),
    path("delivery/recoveries/<uuid:uuid>/map.json", recovery_map, name="recovery-map"),
    path("delivery/recoveries/<uuid:uuid>/accept", accept, name="recovery-accept"),
    path("delivery/recoveries/<uuid:uuid>/anew", anew, name="recovery-anew"),
    path("delivery/runs/<uuid:run>/", of_run, name="recovery-of-run"),
]
