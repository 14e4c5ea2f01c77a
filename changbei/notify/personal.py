"""What a message may say that differs from customer to customer: from the register, or as rooms above declare.

`{retailer}` is the shop, `{contact}` who keeps it, `{line}` its delivery line, `{manager}` its customer
manager. Others, like the own next delivery, are declared where they are known (`declare`), for all recipients at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.db.models import QuerySet

from changbei.network.models import Retailer

Find = Callable[[QuerySet[Retailer]], Mapping[int, Any]]

FIELDS: Mapping[str, str] = {
    "retailer": "name",
    "contact": "contact_name",
    "line": "line__name",
    "manager": "customer_manager__name",
}
_declared: dict[str, Find] = {}


def declare(name: str) -> Callable[[Find], Find]:
    """Declare the decorated function as the one that gives `{name}` of each customer (by key)."""

    def keep(find: Find) -> Find:
        _declared[name] = find
        return find

    return keep


def known() -> tuple[str, ...]:
    """Every placeholder that has a value of each customer's own."""
    return (*FIELDS, *sorted(_declared))


def sources(names: Collection[str]) -> tuple[dict[str, str], dict[str, Find]]:
    """Where these placeholders come from: columns, and declared functions. Others have no source here."""
    return (
        {name: FIELDS[name] for name in names if name in FIELDS},
        {name: _declared[name] for name in names if name in _declared},
    )
