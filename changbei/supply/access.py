"""Who may see and do what with supply requests, settlements and early warnings."""

from __future__ import annotations

from uuid import UUID

from changbei.core.errors import NotAllowed
from changbei.people import access as people
from changbei.runs.models import OPEN, Run, Task
from changbei.supply.models import CashSettlement, SettlementCorrection, SupplyRequest, SupplyWarning

SEE = "supply.see"


def may_for_run(actor: object, permission: str, run: Run) -> bool:
    """By job and post, or because a task of the run that is done on a page of this room was given to the actor."""
    return units_for_run(actor, permission, run) != frozenset()


def units_for_run(actor: object, permission: str, run: Run) -> frozenset[int] | None:
    """The units for whose customers the actor may; None for everybody's, as with a task of the run."""
    units = people.units_with(actor, permission)
    if units is None:
        return None
    person = people.person_of(actor)
    given = Task.objects.filter(run=run, holder=person, status__in=OPEN, page__startswith="supply.")
    return None if person is not None and person.active and given.exists() else units


def require_for_run(actor: object, permission: str, run: Run) -> None:
    if not may_for_run(actor, permission, run):
        raise NotAllowed(permission)


def get_correction(actor: object, uuid: UUID) -> SettlementCorrection:
    return people.get(actor, SEE, SettlementCorrection.objects.select_related("retailer", "run"), uuid)


def get_cash(actor: object, uuid: UUID) -> CashSettlement:
    return people.get(actor, SEE, CashSettlement.objects.select_related("retailer", "run"), uuid)


def get_warning(actor: object, uuid: UUID) -> SupplyWarning:
    return people.get(actor, SEE, SupplyWarning.objects.select_related("product__manufacturer"), uuid)


def get_run(actor: object, uuid: UUID) -> Run:
    """The run whose settlements are looked at."""
    return people.get(actor, SEE, Run.objects.all(), uuid)


def get_request(actor: object, uuid: UUID | str) -> SupplyRequest:
    rows = SupplyRequest.objects.select_related(
        "retailer__line", "retailer__customer_manager", "run", "requested_by", "decided_by"
    )
    return people.get(actor, SEE, rows, uuid)
