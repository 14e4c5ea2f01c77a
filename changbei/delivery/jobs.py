"""What a worker does for the room."""

from __future__ import annotations

from changbei.delivery import driving


def end_shifts() -> int:
    """Delete the positions of shifts that are over, and take reserve vans back; how many."""
    return driving.end_shifts()
