"""A system of the sales network stands still, and what takes its place meanwhile (E3.1.7, E3.1.12)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from changbei.core.errors import Conflict, Invalid
from changbei.incidents.models import Incident, SystemOutage
from changbei.incidents.noting import note
from changbei.network.models import Site
from changbei.people.models import Person

FALLBACKS = ("standby", "spare-pc", "backup-line", "other-office", "phone")


def of_report(incident: Incident, filed: Mapping[str, Any], now: datetime) -> SystemOutage | None:
    """The outage of a network fault, from its report, not written yet; other events have none."""
    if incident.family != "network":
        return None
    since = datetime.fromisoformat(filed["since"]).astimezone(UTC) if filed.get("since") else now
    site = str(filed.get("site") or "")
    return SystemOutage(
        incident=incident,
        system=str(filed.get("system") or filed.get("fails") or incident.kind)[:40],
        site=Site.objects.filter(code=site).first() if site else None,
        stops_work=filed.get("stops_work") is True,
        since=min(since, now),
    )


@transaction.atomic
def record_fallback(incident: Incident, fallback: str, *, actor: Person | None) -> SystemOutage:
    """What takes over: the standby machine, a spare PC or line, another office, or the telephone."""
    if fallback not in FALLBACKS:
        raise Invalid("fallback", f"one of {', '.join(FALLBACKS)}")
    outage = SystemOutage.objects.select_for_update().filter(incident=incident).first() or _by_accident(
        incident
    )
    outage.fallback = fallback
    outage.save(update_fields=["fallback"])
    clause = "E3.1.7" if fallback == "standby" else "E3.1.12"
    note(
        "incidents.fallback_recorded", incident, actor, clause=clause, system=outage.system, fallback=fallback
    )
    return outage


def _by_accident(incident: Incident) -> SystemOutage:
    """A safety accident that a procedure of the network was started for has an outage from then on (E2.8)."""
    if incident.family != "safety":
        raise Conflict(f"{incident.number} is no system outage")
    return SystemOutage.objects.create(
        incident=incident, system=incident.kind[:40], stops_work=True, since=incident.reported_at
    )


def back(incident: Incident, at: datetime) -> None:
    """The system works again."""
    SystemOutage.objects.filter(incident=incident, back_at__isnull=True).update(back_at=at)
