"""How far the steps of a running procedure have come, for its diagram. Pure: from the run's state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from changbei.plans.model import Procedure

_NEVER = ("skipped", "cancelled")


def states(procedure: Procedure, state: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Step → done, open, overdue, failed, skipped or waiting, as `svg.STATES` names them."""
    stages: Mapping[str, str] = state.get("stages", {})
    items: Mapping[str, Mapping[str, Any]] = state.get("items", {})
    over = state.get("status") == "finished"
    return {
        step.id: _of(items.get(step.id), stages.get(step.stage, ""), now, over=over)
        for step in procedure.steps.values()
    }


def _of(item: Mapping[str, Any] | None, stage: str, now: datetime, *, over: bool) -> str:
    if item is None:
        return "skipped" if over or stage in _NEVER else "waiting"
    status = str(item.get("status", ""))
    if status in _NEVER:
        return "skipped"
    if status != "open":
        return "done"
    due = item.get("due_at")
    if due and datetime.fromisoformat(str(due)) < now:
        return "overdue"
    return "failed" if item.get("fallback") else "open"
