"""What plans may call in this room; importing the modules declares the actions."""

from __future__ import annotations

from changbei.supply.actions import requests, retailers, settling, shortages, tilting

__all__ = ["requests", "retailers", "settling", "shortages", "tilting"]
