"""What a worker does for the room."""

from __future__ import annotations

from changbei.readiness import services


def run_checks() -> int:
    """Run the checks of the plans in force; how many findings changed."""
    opened, mended = services.run_checks(actor=None)
    return opened + mended
