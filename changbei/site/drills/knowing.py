"""What anybody at their place would know when they fill a form in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from changbei.delivery.models import Handover
from changbei.people.models import Person
from changbei.plans.model import step_of
from changbei.runs.models import Task


def known_for(task: Task) -> dict[str, Any]:
    """Values by field: cartons handed over, who knows the line, the van asked for, who keeps the evidence."""
    if task.run.incident is None:
        return {}
    results: Mapping[str, Any] = task.run.state.get("context", {}).get("result", {})
    known: dict[str, Any] = {"numbers_agree": True}
    if step_of(task.item) == "preserve":
        known |= _custodian(task)
    handover = Handover.objects.filter(breakdown__run=task.run_id).first()
    if handover is not None:
        known["cartons"] = handover.cartons
    if substitute := results.get("find_substitute", {}).get("staff_no"):
        known["staff_no"] = substitute
    if assessed := results.get("assess", {}).get("cartons"):
        known["cartons"] = assessed
    return known


def _custodian(task: Task) -> dict[str, str]:
    """Evidence is kept by somebody other than who found it."""
    keepers = Person.objects.filter(job="guard", active=True).order_by("staff_no")
    found = next((one.staff_no for one in keepers if one != task.holder), None)
    return {"custodian": found} if found else {}
