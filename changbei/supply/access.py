"""Who may see and do what with supply requests."""

from __future__ import annotations

from uuid import UUID

from changbei.core.errors import NotFound
from changbei.people import access as people
from changbei.supply.models import SupplyRequest


def may(actor: object, permission: str) -> bool:
    """`supply.request`, `supply.verify`, `supply.approve` …: follows from job and posts."""
    return people.may(actor, permission)


def get_request(actor: object, uuid: UUID | str) -> SupplyRequest:
    """A request for an actor; NotFound when there is none or the actor may see none."""
    if not people.may(actor, "supply.see"):
        raise NotFound(str(uuid))
    try:
        key = uuid if isinstance(uuid, UUID) else UUID(uuid)
    except ValueError:
        raise NotFound(str(uuid)) from None
    found = SupplyRequest.objects.select_related("retailer", "run", "requested_by", "decided_by").filter(
        uuid=key
    )
    if (request := found.first()) is None:
        raise NotFound(str(uuid))
    return request
