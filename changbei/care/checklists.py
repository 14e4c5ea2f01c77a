"""What is looked at on a visit, and how often shops are visited: read out of the plans. Read-only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from django.utils.translation import gettext_noop

from changbei.core import durations
from changbei.core.durations import Duration
from changbei.core.errors import Conflict, NotFound
from changbei.network.models import Retailer
from changbei.plans import selectors, tables
from changbei.plans.loading import pack_for
from changbei.plans.model import Checklist, Pack
from changbei.plans.models import PlanVersion

VISIT = "visit"
FREQUENCY = "visit-frequency"
GRACE, PHOTOS_KEPT, VISITS_KEPT = SETTINGS = ("visit_grace", "visit_photos_kept", "visits_kept")
DEFAULTS = {GRACE: "0d", PHOTOS_KEPT: "180d", VISITS_KEPT: "730d"}
MOST_WEEKS = 52


@dataclass(frozen=True)
class Looking:
    """A checklist of visits with the version of the plan it belongs to."""

    version: PlanVersion
    pack: Pack
    checklist: Checklist


def found() -> Looking | None:
    """What is looked at now; None when no plan in force says it."""
    for version in selectors.all_in_force():
        pack = pack_for(version)
        for checklist in pack.checklists.values():
            if checklist.kind == VISIT:
                return Looking(version, pack, checklist)
    return None


def in_force() -> Looking:
    """What is looked at now; Conflict when no plan in force says it."""
    if (looking := found()) is None:
        raise Conflict(gettext_noop("no plan in force has a checklist of visits"))
    return looking


def given(version: PlanVersion, name: str) -> Looking:
    """The checklist that a visit was recorded with, or whose form somebody has open; NotFound for none."""
    pack = pack_for(version)
    if name not in pack.checklists:
        raise NotFound(name)
    return Looking(version, pack, pack.checklists[name])


def setting(name: str) -> Duration:
    """A length of time of the plan that visits are made by."""
    looking = found()
    settings = looking.pack.settings if looking else {}
    value = settings[name].value if name in settings else DEFAULTS[name]
    try:
        return durations.parse(str(value))
    except ValueError as error:
        raise Conflict(f"setting {name}: {error}") from error


def frequency() -> Callable[[Retailer], int]:
    """Every how many weeks a shop is visited. Conflict where the plan does not say it."""
    pack = in_force().pack
    if FREQUENCY not in pack.tables:
        raise Conflict(f"the plan {pack.id} has no table {FREQUENCY!r}")

    @cache
    def weeks(grade: str, tier: int, key: bool, network_store: bool, vulnerable: bool) -> int:
        inputs = {
            "grade": grade,
            "tier": tier,
            "key": key,
            "network_store": network_store,
            "vulnerable": vulnerable,
        }
        outcome = tables.evaluate(pack.tables[FREQUENCY], inputs)
        every = (outcome.outputs or {}).get("weeks")
        if not isinstance(every, int) or not 1 <= every <= MOST_WEEKS:
            raise Conflict(f"table {FREQUENCY}: no row gives 1 to {MOST_WEEKS} weeks for {inputs}")
        return every

    return lambda shop: weeks(
        shop.credit_grade,
        shop.supply_tier,
        shop.is_key,
        hasattr(shop, "network_store"),
        shop.is_vulnerable,
    )
