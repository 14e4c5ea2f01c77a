"""Service to an area is suspended from–until, extended, and resumed (E3.2.1, E3.2.2, E3.2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, Problem
from changbei.incidents import access, holding, plan, rules
from changbei.incidents.models import Incident, SuspendedRetailer, Suspension
from changbei.incidents.noting import note
from changbei.incidents.services import customers
from changbei.incidents.services.locking import lock_open
from changbei.network import selectors as network
from changbei.notify import calls
from changbei.people.models import Person
from changbei.runs import drills

MOST_CUSTOMERS = "most_customers_share"
CLAUSES = {Suspension.Scope.WHOLE: "E3.2.1", Suspension.Scope.PARTIAL: "E3.2.2"}


@transaction.atomic
def suspend(
    incident: Incident,
    *,
    area: Mapping[str, Any],
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    scope: str = "",
    goods: str = Suspension.Goods.HOLD,
    decided_by: Person | None = None,
    actor: Person | None,
) -> Suspension:
    """Suspend service to every customer inside `area` (GeoJSON polygon); deliveries in the time are held.

    The customers are frozen as they are now. What is sorted already waits at the site (`goods` hold), or goes out with
    the first delivery day afterwards (`merge`). Without `scope` the share of the city's customers decides whether it is
    the whole area or a part. Raises Invalid (area, ends_at, reason), Conflict for a closed incident, NotAllowed.
    """
    if actor is not None:
        access.require(actor, "incidents.suspend", incident)
    incident = lock_open(incident)
    retailers = network.retailer_ids_in(area)
    problems = rules.suspension_problems(starts_at, ends_at, reason, len(retailers), clock.now())
    if scope and scope not in Suspension.Scope.values:
        problems.append(Problem("scope", f"one of {', '.join(Suspension.Scope.values)}"))
    if goods not in Suspension.Goods.values:
        problems.append(Problem("goods", f"one of {', '.join(Suspension.Goods.values)}"))
    if problems:
        raise Invalid(problems=problems)
    suspension = Suspension.objects.create(
        incident=incident,
        scope=scope or _scope(incident, area),
        area=dict(area),
        reason=reason.strip()[:200],
        goods=goods,
        starts_at=starts_at,
        ends_at=ends_at,
        decided_by=decided_by or actor,
        decided_at=clock.now(),
    )
    SuspendedRetailer.objects.bulk_create(
        SuspendedRetailer(suspension=suspension, retailer_id=retailer) for retailer in retailers
    )
    held = holding.hold(suspension, actor=actor)
    _note("incidents.service_suspended", suspension, actor, retailers=len(retailers), stops_held=held)
    return suspension


def _scope(incident: Incident, area: Mapping[str, Any]) -> str:
    most = float(plan.setting(plan.of_incident(incident).pack, MOST_CUSTOMERS, 0.5))
    return rules.suspension_scope(network.share_of_city(area).fraction, most)


@transaction.atomic
def extend(suspension: Suspension, ends_at: datetime, *, actor: Person | None) -> Suspension:
    """The suspension is looked at again later. Raises Invalid for a time not later or past, Conflict once resumed."""
    if actor is not None:
        access.require(actor, "incidents.suspend", suspension.incident)
    suspension = _locked(suspension)
    if suspension.resumed_at is not None:
        raise Conflict(gettext_noop("service has been resumed already"))
    if ends_at <= suspension.ends_at:
        raise Invalid("ends_at", gettext_noop("must be later than before"))
    if ends_at <= clock.now():
        raise Invalid("ends_at", rules.IS_OVER)
    before, suspension.ends_at = suspension.ends_at, ends_at
    suspension.save(update_fields=["ends_at"])
    held = holding.hold(suspension, actor=actor)
    _note("incidents.suspension_extended", suspension, actor, before=before.isoformat(), stops_held=held)
    customers.announce_change(suspension, actor=actor)
    return suspension


@transaction.atomic
def resume(suspension: Suspension, *, actor: Person | None, resumed_by: Person | None = None) -> Suspension:
    """Service is back in the area: held deliveries of today and later are released, and nobody is phoned any more
    that it is suspended.

    Key customers get their replenishment from the plan, or from `supply.services.replenish`. Raises Conflict when it
    was resumed already, NotAllowed.
    """
    if actor is not None:
        access.require(actor, "incidents.resume", suspension.incident)
    suspension = _locked(suspension)
    if suspension.resumed_at is not None:
        raise Conflict(gettext_noop("service has been resumed already"))
    suspension.resumed_at, suspension.resumed_by = clock.now(), resumed_by or actor
    suspension.save(update_fields=["resumed_at", "resumed_by"])
    released = holding.release(suspension, actor=actor)
    if suspension.call_list:
        calls.end(suspension.call_list, actor=actor)
    left = Suspension.objects.filter(incident=suspension.incident_id, resumed_at=None).count()
    _note(
        "incidents.service_resumed",
        suspension,
        actor,
        retailers=suspension.retailers.count(),
        stops_released=released,
        still_suspended=left,  # suspensions of the incident that last
    )
    return suspension


def _locked(suspension: Suspension) -> Suspension:
    return (
        Suspension.objects.select_for_update(of=("self",))
        .select_related("incident__run__plan_version")
        .get(pk=suspension.pk)
    )


def _note(kind: str, suspension: Suspension, actor: Person | None, **data: Any) -> None:
    incident = suspension.incident
    note(
        kind,
        incident,
        actor,
        clause=CLAUSES[Suspension.Scope(suspension.scope)],
        suspension=str(suspension.uuid),
        scope=suspension.scope,
        reason=suspension.reason,
        goods=suspension.goods,
        starts_at=suspension.starts_at.isoformat(),
        ends_at=suspension.ends_at.isoformat(),
        practised=drills.only_practised(incident.drill),
        **data,
    )
