"""Which customers an incident concerns, for messages of the plan (`retailers: {area: …}` of an audience)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from changbei.incidents.models import Incident, SuspendedRetailer
from changbei.network import selectors as network
from changbei.runs.audiences import concerned


@concerned("incident")
def in_area(incident: UUID) -> Collection[int]:
    """Within the area that was reported; nobody where there is none."""
    area = Incident.objects.filter(uuid=incident).values_list("area", flat=True).first()
    return network.retailer_ids_in(area) if area else []


@concerned("suspension")
def suspended(incident: UUID) -> Collection[int]:
    """Those whose service stands suspended now, as they were counted when it was decided."""
    rows = SuspendedRetailer.objects.filter(
        suspension__incident__uuid=incident, suspension__resumed_at__isnull=True
    )
    return set(rows.values_list("retailer_id", flat=True))
