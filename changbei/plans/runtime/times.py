"""Times that expressions give."""

from __future__ import annotations

from datetime import UTC, datetime

from changbei.plans.conditions import Condition
from changbei.plans.runtime.work import Work


def time_of(work: Work, item: str, expression: Condition) -> datetime | None:
    """The moment the expression gives; None, with a note, when it gives no date and time with an offset."""
    value, trouble = expression.value(work.state["context"], work.now)
    if not trouble:
        if (when := _moment(value)) is not None:
            return when
        trouble = f"{str(value)[:60]!r} is not a date and time with an offset"
    work.note(item, "until could not be evaluated", trouble)
    return None


def _moment(value: object) -> datetime | None:
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) else None
        return when.astimezone(UTC) if when is not None and when.tzinfo is not None else None
    except (ValueError, OverflowError):  # no date, or one at the edge of time
        return None
