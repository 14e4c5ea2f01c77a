"""What a worker does for the room."""

from __future__ import annotations

from changbei.care import services


def delete_old() -> int:
    """Delete photos and visits whose time is over (J4); how many."""
    return services.delete_old()
