"""Reading suspensions for pages: what one would do, who was told, who was not reached (E3.2.1, E3.2.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import (
    Case,
    CharField,
    Count,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from shapely.geometry import mapping

from changbei.compute import geo
from changbei.core import clock
from changbei.delivery.models import Stop
from changbei.incidents import plan, rules
from changbei.incidents.models import Incident, Suspension, Warning
from changbei.incidents.services.suspending import MOST_CUSTOMERS
from changbei.network import selectors as network
from changbei.network.models import Retailer
from changbei.notify.models import Call, CallList, Message
from changbei.supply.models import SupplyRequest

Json = dict[str, Any]
MOST_CORNERS = 40
NOTHING = UUID(int=0)
TRACKS = ("acknowledged", "told", "under_way", "unreached")
_ORDER = (
    Message.State.ACKNOWLEDGED,
    Message.State.READ,
    Message.State.DELIVERED,
    Message.State.HANDED,
    Message.State.SENDING,
    Message.State.QUEUED,
    Message.State.FAILED,
    Message.State.REFUSED,
    Message.State.EXPIRED,
    Message.State.UNREACHABLE,
    Message.State.STOPPED,
)


@dataclass(frozen=True)
class Preview:
    """What a suspension would concern, before it is decided."""

    retailers: int
    total: int
    key: int
    vulnerable: int
    stops_today: int  # open deliveries of today that would be held
    managers: int
    scope: str  # whole or partial

    @property
    def percent(self) -> float:
        return 100 * self.retailers / self.total if self.total else 0.0


def preview(incident: Incident, area: Mapping[str, Any], starts_at: datetime, ends_at: datetime) -> Preview:
    """Count without changing anything. Raises Invalid for what is no area."""
    ids = network.retailer_ids_in(area)
    counts = Retailer.objects.filter(pk__in=ids).aggregate(
        key=Count("pk", filter=Q(is_key=True)),
        vulnerable=Count("pk", filter=Q(is_vulnerable=True)),
        managers=Count("customer_manager", distinct=True),
    )
    due = Stop.objects.filter(
        day__date=clock.today(), status=Stop.Status.PLANNED, retailer_id__in=ids
    ).annotate(arrival=Coalesce("expected_at", "planned_at"))
    total = Retailer.objects.filter(active=True).count()
    most = float(plan.setting(plan.of_incident(incident).pack, MOST_CUSTOMERS, 0.5))
    return Preview(
        len(ids),
        total,
        counts["key"],
        counts["vulnerable"],
        due.filter(arrival__gte=starts_at, arrival__lt=ends_at).count(),
        counts["managers"],
        rules.suspension_scope(len(ids) / total if total else 0.0, most),
    )


def suggested_area(incident: Incident) -> str:
    """GeoJSON of the incident's area, else of its newest warning's, as one polygon that can be redrawn; else empty."""
    area = incident.area
    if area is None:
        area = newest_warning_area(incident)
    if not area:
        return ""
    shape = geo.polygon(area)
    if shape.geom_type == "MultiPolygon":
        shape = shape.convex_hull
    tolerance = 0.0005
    while len(shape.exterior.coords) > MOST_CORNERS:
        shape = shape.simplify(tolerance)
        tolerance *= 2
    return json.dumps(mapping(shape))


def newest_warning(incident: Incident) -> Warning | None:
    """The last warning of the incident that was not refused."""
    known = Warning.objects.filter(incident=incident).exclude(verdict=Warning.Verdict.REFUSED)
    return known.defer("raw").order_by("-received_at").first()


def newest_warning_area(incident: Incident) -> Json | None:
    warning = newest_warning(incident)
    return warning.area if warning else None


def going_on(incident: Incident) -> Suspension | None:
    """The suspension of the incident that lasts, the newest first."""
    return Suspension.objects.filter(incident=incident, resumed_at=None).order_by("-pk").first()


# ---------------------------------------------------------------- who was told


def customers(suspension: Suspension) -> QuerySet[Any]:
    """The suspension's customers with `message_state`, `call_outcome` and `track`.

    track: `acknowledged` (they confirmed, or were reached by phone or in person), `told` (the carrier says it arrived
    or was opened), `under_way`, or `unreached`: somebody has to go there.
    """
    best = Case(
        *(When(state=state, then=Value(number)) for number, state in enumerate(_ORDER)),
        default=Value(len(_ORDER)),
        output_field=IntegerField(),
    )
    messages = Message.objects.filter(
        notice__uuid=suspension.notice or NOTHING, retailer=OuterRef("pk")
    ).order_by(best)
    calls = Call.objects.filter(call_list__uuid=suspension.call_list or NOTHING, retailer=OuterRef("pk"))
    none = Value("")
    found = Retailer.objects.filter(suspensions__suspension=suspension).annotate(
        message_state=Coalesce(Subquery(messages.values("state")[:1]), none),
        call_outcome=Coalesce(Subquery(calls.values("outcome")[:1]), none),
    )
    reached = Q(message_state=Message.State.ACKNOWLEDGED) | Q(
        call_outcome__in=[Call.Outcome.REACHED, Call.Outcome.VISITED]
    )
    way = [Message.State.QUEUED, Message.State.SENDING, Message.State.HANDED]
    if suspension.notice is None:
        way.append("")  # type: ignore[arg-type]
    return found.annotate(
        track=Case(
            When(reached, then=Value("acknowledged")),
            When(message_state__in=[Message.State.READ, Message.State.DELIVERED], then=Value("told")),
            When(message_state__in=way, then=Value("under_way")),
            default=Value("unreached"),
            output_field=CharField(),
        )
    ).order_by("line_id", "line_sequence", "pk")


def matching(found: QuerySet[Any], words: str) -> QuerySet[Any]:
    """Those whose name or address contains the words, or whose licence or telephone begins with them."""
    words = words.strip()
    if not words:
        return found
    return found.filter(
        Q(name__icontains=words)
        | Q(address__icontains=words)
        | Q(licence_no__startswith=words)
        | Q(phone__startswith=words)
    )


def tracked(suspension: Suspension) -> dict[str, int]:
    """How many customers are in which track."""
    rows = customers(suspension).order_by().values_list("track").annotate(n=Count("pk"))
    return {**dict.fromkeys(TRACKS, 0), **dict(rows)}


def lasting_for(retailer: Retailer) -> Suspension | None:
    """The suspension that keeps a customer from being served; of several the one that ends last."""
    lasting = Suspension.objects.filter(
        retailers__retailer=retailer, resumed_at__isnull=True, incident__drill=False
    )
    return lasting.select_related("incident").order_by("-ends_at", "-pk").first()


def call_list_of(suspension: Suspension) -> CallList | None:
    return CallList.objects.filter(uuid=suspension.call_list).first() if suspension.call_list else None


def replenishments(suspension: Suspension) -> QuerySet[SupplyRequest]:
    """What resuming has started for key customers (E3.2.5)."""
    occasion = f"{suspension.incident.number}/{suspension.pk}"
    found = SupplyRequest.objects.filter(occasion=occasion, run=suspension.incident.run)
    return found.select_related("retailer").order_by("pk")


def held_stops(suspension: Suspension) -> int:
    """How many of today's stops of its customers are held now."""
    return Stop.objects.filter(
        day__date=clock.today(),
        status=Stop.Status.HELD,
        retailer__suspensions__suspension=suspension,
    ).count()
