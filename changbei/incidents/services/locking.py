"""An incident as it is now, which nobody else changes until the transaction ends."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from changbei.core.errors import Conflict, Words
from changbei.incidents.models import Incident


def lock(incident: Incident) -> Incident:
    return (
        Incident.objects.select_for_update(of=("self",))
        .select_related("run__plan_version")
        .get(pk=incident.pk)
    )


def lock_open(incident: Incident) -> Incident:
    """Raises Conflict when it is closed."""
    incident = lock(incident)
    if incident.status == Incident.Status.CLOSED:
        raise Conflict(Words(gettext_noop("%(number)s is closed"), number=incident.number))
    return incident
