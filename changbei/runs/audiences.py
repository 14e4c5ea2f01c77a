"""Customers as an audience of a message: who lies in the area, whose order day it is, who settles in cash.

Which customers the incident or its suspensions concern, a room above knows: it declares that here
(`concerned`), as rooms declare what plans may call.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from changbei.core import clock
from changbei.network.models import Retailer
from changbei.runs.models import Run

Concerned = Callable[[UUID], Collection[int]]
_concerned: dict[str, Concerned] = {}


def concerned(area: str) -> Callable[[Concerned], Concerned]:
    """Declare the decorated function as the one that gives the customers (ids) of `area` of an incident."""

    def declare(find: Concerned) -> Concerned:
        _concerned[area] = find
        return find

    return declare


def retailers(wanted: Mapping[str, Any], run: Run, now: datetime) -> QuerySet[Retailer]:
    """The active customers to whom all that `wanted` says applies, in the order of their lines."""
    found = Retailer.objects.filter(active=True)
    if area := wanted.get("area"):
        find = _concerned.get(area)
        found = found.filter(pk__in=find(run.incident) if find and run.incident else [])
    if day := wanted.get("order_day"):
        today = clock.day_of(now)
        found = found.filter(order_weekday=(today + timedelta(days=day == "tomorrow")).isoweekday())
    exact = {
        "key": "is_key",
        "vulnerable": "is_vulnerable",
        "tier_from": "supply_tier__gte",
        "tier_to": "supply_tier__lte",
        "line": "line__code",
        "settlement": "settlement",
    }
    found = found.filter(**{field: wanted[word] for word, field in exact.items() if word in wanted})
    return found.order_by("line_id", "line_sequence", "pk")
