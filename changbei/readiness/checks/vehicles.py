"""Reserve vans at every site (E3.2.6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db.models import Min

from changbei.core import clock
from changbei.network.models import Site, Vehicle
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.readiness import rules
from changbei.readiness.models import VehicleCheck
from changbei.readiness.params import number, params, whole
from changbei.readiness.rules import ReserveVan, SiteHistory, SiteReserve, Trouble


@check_kind(
    "reserve_vehicles",
    registry="vehicles",
    params=params(
        whole("at_least", "Fit reserve vans at each site.", minimum=1),
        whole("history_days", "How many working days gone by must have a van found fit at each site."),
        {"checked_every": {"type": "string", "enum": ["1wd"], "description": "How old a look may be."}},
    ),
)
def reserve_vehicles(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """Each site keeps its reserve vans, fit and looked at every working day (E3.2.6)."""
    wanted = number(given, "at_least", pack, 1)
    vans: dict[int, list[ReserveVan]] = {}
    for van in Vehicle.objects.filter(is_reserve=True).order_by("pk"):
        fit = van.state == Vehicle.State.FIT
        vans.setdefault(van.site_id, []).append(ReserveVan(van.number, fit, van.checked_on))
    sites = [
        SiteReserve(site.code, site.name, tuple(vans.get(site.pk, ())))
        for site in Site.objects.order_by("pk")
    ]
    back = number(given, "history_days", pack, 0)
    return rules.reserve_troubles(sites, wanted, clock.day_of(now)) + _history(back, clock.day_of(now))


def _history(days_back: int, today: date) -> list[Trouble]:
    """Whether a van of each site was found fit on each of the last working days, as far as there are records."""
    if not days_back:
        return []
    fit: dict[int, set[date]] = defaultdict(set)
    checked = VehicleCheck.objects.filter(vehicle__is_reserve=True)
    for site, on in checked.filter(fit=True).values_list("vehicle__site_id", "on"):
        fit[site].add(on)
    first = dict(checked.values_list("vehicle__site_id").annotate(first=Min("on")).order_by())
    rows = [
        SiteHistory(site.code, site.name, frozenset(fit[site.pk]), first.get(site.pk))
        for site in Site.objects.order_by("pk")
    ]
    return rules.history_troubles(rows, days_back, today)
