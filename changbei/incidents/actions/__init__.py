"""What plans may call in this room; importing the modules declares the actions."""

from __future__ import annotations

from changbei.incidents.actions import forecast, lines, supplying, suspending, telling

__all__ = ["forecast", "lines", "supplying", "suspending", "telling"]
