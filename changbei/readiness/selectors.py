"""What is ready, read from the registers: rows for the checks and for the pages. Read-only."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from changbei.plans.loading import pack_for
from changbei.plans.models import PlanVersion
from changbei.readiness import rules
from changbei.readiness.models import InspectionTarget
from changbei.readiness.params import number


@dataclass(frozen=True)
class Target:
    """An inspected place: its row's id, and its values for the rules."""

    pk: int
    rule: rules.TargetRow


def inspection_targets(kinds: Collection[str]) -> list[Target]:
    """The active places of these kinds with all their inspections, by code; two queries."""
    rows = InspectionTarget.objects.filter(active=True, kind__in=list(kinds)).prefetch_related("inspections")
    return [
        Target(
            one.pk,
            rules.TargetRow(
                one.code,
                one.name,
                one.kind,
                tuple(
                    rules.InspectionRow(made.planned_on, made.irregular, made.done_on)
                    for made in one.inspections.all()
                ),
            ),
        )
        for one in rows.order_by("code")
    ]


def inspection_intervals() -> Iterator[tuple[list[str], rules.Intervals]]:
    """Kinds of places with their intervals, from the checks of the plans in force."""
    for version in PlanVersion.objects.filter(in_force=True).order_by("pack"):
        pack = pack_for(version)
        for check in pack.checks.values():
            if check.kind == "inspections":
                regular = number(check.params, "regular_days", pack, 30)
                irregular = number(check.params, "irregular_days", pack, 0)
                yield list(check.params["kinds"]), rules.Intervals(regular, irregular)
