"""The plan that a kind of event is handled by: the version in force that has the procedure, and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from changbei.core.errors import Conflict, NotFound
from changbei.incidents.models import Incident
from changbei.plans import selectors, tables
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack, Procedure
from changbei.plans.models import PlanVersion


@dataclass(frozen=True)
class InForce:
    """A procedure together with the version of the pack it belongs to."""

    version: PlanVersion
    pack: Pack
    procedure: Procedure


def procedure_in_force(kind: str) -> InForce:
    """The procedure `kind` of whichever pack in force has it; NotFound when none does."""
    for version in selectors.all_in_force():
        pack = pack_for(version)
        if kind in pack.procedures:
            return InForce(version, pack, pack.procedures[kind])
    raise NotFound(f"no plan in force has a procedure {kind!r}")


def procedures_in_force() -> set[str]:
    """The ids of all procedures of the plans in force."""
    return {procedure for pack in selectors.packs_in_force() for procedure in pack.procedures}


def of_incident(incident: Incident) -> InForce:
    """The plan that the incident's run is pinned to; before it has one, the plan in force."""
    if incident.run is None:
        return procedure_in_force(incident.kind)
    pack = pack_for(incident.run.plan_version)
    return InForce(incident.run.plan_version, pack, pack.procedures[incident.kind])


def ask(pack: Pack, table: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the pack's table says; Conflict when the pack has no such table or no row decides."""
    if table not in pack.tables:
        raise Conflict(f"the plan {pack.id} has no table {table!r}")
    outcome = tables.evaluate(pack.tables[table], inputs)
    if outcome.outputs is None:
        raise Conflict(f"table {table}: no row decides on {dict(inputs)}: {'; '.join(outcome.notes)}")
    return outcome.outputs


def setting(pack: Pack, name: str, default: Any) -> Any:
    """A setting of the pack, `default` when the pack does not know it."""
    return pack.settings[name].value if name in pack.settings else default
