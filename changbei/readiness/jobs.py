"""What a worker does for the room."""

from __future__ import annotations

from changbei.readiness import services


def run_due_checks() -> int:
    """Run the checks of the plans in force whose time has come; how many findings changed."""
    return services.run_due_checks()


def remind_due(limit: int = 100) -> int:
    """Remind those who have something to mend (E2.9); how many reminders."""
    return services.remind_due(limit)


def plan_rota() -> int:
    """Keep the rota of inspections filled (E2.8); how many were put on it."""
    return services.plan_rota()
