"""Which customers an incident concerns, for messages of the plan (`retailers: {area: …}` of an audience)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from changbei.incidents.models import Incident, SuspendedRetailer, Warning
from changbei.network import selectors as network
from changbei.notify.audiences import source
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


@source("suspension")
def of_suspension(uuid: UUID) -> Collection[int]:
    """The customers of one suspension, as they were counted when it was decided."""
    return list(SuspendedRetailer.objects.filter(suspension__uuid=uuid).values_list("retailer_id", flat=True))


@source("warning")
def of_warning(uuid: UUID) -> Collection[int]:
    """Who lies in the area of a weather warning."""
    area = Warning.objects.filter(uuid=uuid).values_list("area", flat=True).first()
    return network.retailer_ids_in(area) if area else []


@source("incident")
def of_incident(uuid: UUID) -> Collection[int]:
    """Who lies in the area that was reported."""
    return in_area(uuid)
