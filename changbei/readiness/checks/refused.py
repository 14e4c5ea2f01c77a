"""Numbers that carriers refuse, as findings of whichever check looks at these people (E3.1.13, E3.2.7, E3.2.8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from changbei.core import clock
from changbei.notify.refusals import OfCustomer, Refused
from changbei.readiness import rules
from changbei.readiness.rules import Trouble


def troubles(found: Sequence[Refused]) -> list[Trouble]:
    """One finding a number, until the number is changed or takes something again."""
    return [
        rules.trouble(
            "number-refused",
            f"{one.code}:{one.ending}",
            who=one.name,
            ending=one.ending,
            on=clock.day_of(one.since).isoformat(),
        )
        for one in found
    ]


def of_districts(found: Sequence[OfCustomer]) -> list[Trouble]:
    """One finding a district, with the number of customers; who they are says the page of refused numbers."""
    districts: dict[str, list[OfCustomer]] = defaultdict(list)
    for one in found:
        districts[one.retailer.district.code].append(one)
    return [
        rules.trouble(
            "customers-refused",
            code,
            district=own[0].retailer.district.name,
            count=len(own),
            since=clock.day_of(min(one.since for one in own)).isoformat(),
        )
        for code, own in sorted(districts.items())
    ]
