"""Warnings that hold now, and those that have run out."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from changbei.core import clock
from changbei.incidents.models import Incident, Warning
from changbei.incidents.services import closing
from changbei.incidents.services.warnings.received import record


def in_force(incident: Incident) -> QuerySet[Warning]:
    """The warnings of an incident that hold now: neither run out, nor replaced or taken back."""
    return Warning.objects.filter(
        incident=incident,
        msg_type__in=("Alert", "Update"),
        replaced_by=None,
        expired_at=None,
        expires_at__gt=clock.now(),
    )


@transaction.atomic
def announce_expired(limit: int = 50) -> int:
    """Warnings that have run out while their incident is open: tell the run once each; the number told.

    It says nothing when a later message has taken its place, or another warning of the incident is in force.
    """
    now = clock.now()
    over = Warning.objects.select_for_update(of=("self",), skip_locked=True).filter(
        expires_at__lte=now, expired_at__isnull=True, incident__status=Incident.Status.OPEN
    )
    told = 0
    for warning in over.select_related("incident__run__plan_version").order_by("pk")[:limit]:
        warning.expired_at = now
        warning.save(update_fields=["expired_at"])
        incident = warning.incident
        if incident is None or warning.replaced_by_id is not None or in_force(incident).exists():
            continue
        record("incidents.warning_expired", warning, None, {})
        closing.all_clear(incident, "expired", actor=None)
        told += 1
    return told
