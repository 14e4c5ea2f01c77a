"""Numbers that carriers refuse, as findings of whichever check looks at these people (E3.1.13, E3.2.8)."""

from __future__ import annotations

from collections.abc import Sequence

from changbei.notify.refusals import Refused
from changbei.readiness import rules
from changbei.readiness.params import local_day
from changbei.readiness.rules import Trouble


def troubles(found: Sequence[Refused]) -> list[Trouble]:
    """One finding a number, until the number is changed or takes something again."""
    return [
        rules.trouble(
            "number-refused",
            f"{one.code}:{one.ending}",
            who=one.name,
            ending=one.ending,
            on=local_day(one.since).isoformat(),
        )
        for one in found
    ]
