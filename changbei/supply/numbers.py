"""Numbers of supply requests: SUP-0001, one after the other without gaps."""

from __future__ import annotations

from changbei.journal import locks
from changbei.supply.models import SupplyRequest

PREFIX = "SUP-"


def next_numbers(count: int) -> list[str]:
    """The next numbers. Holds a lock until the transaction ends, so that a number rolled back is given again."""
    locks.hold("supply.numbers")
    last = SupplyRequest.objects.order_by("-pk").values_list("number", flat=True).first()
    first = int(last[len(PREFIX) :]) + 1 if last else 1
    return [f"{PREFIX}{first + step:04d}" for step in range(count)]
