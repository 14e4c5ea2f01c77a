"""Reserve vans at every site (E3.2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from changbei.network.models import Site, Vehicle
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.readiness import rules
from changbei.readiness.checks.base import local_day, number, params, whole
from changbei.readiness.rules import ReserveVan, SiteReserve, Trouble


@check_kind(
    "reserve_vehicles",
    params=params(
        whole("at_least", "Fit reserve vans at each site.", minimum=1),
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
    return rules.reserve_troubles(sites, wanted, local_day(now))
