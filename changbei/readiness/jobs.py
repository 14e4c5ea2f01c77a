"""What a worker does for the room."""

from __future__ import annotations

from changbei.readiness import services


def run_due_checks() -> int:
    """Run the checks of the plans in force whose time has come; how many findings changed."""
    return services.run_due_checks()
