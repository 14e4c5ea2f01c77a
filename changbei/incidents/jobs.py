"""What a worker does for the room."""

from __future__ import annotations

from changbei.incidents.services import sources, warnings


def announce_expired_warnings(limit: int = 50) -> int:
    """Tell the runs of warnings that have run out; the number told."""
    return warnings.announce_expired(limit)


def poll_warning_sources(limit: int = 5) -> int:
    """Ask the sources of warnings whose time has come; how many were asked."""
    return sources.poll_due(limit)
