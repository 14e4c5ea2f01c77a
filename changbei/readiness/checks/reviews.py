"""Reviews are confirmed and circulated, and what they order is mended (E2.9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from changbei.core import clock
from changbei.plans.kinds import check_kind
from changbei.plans.model import Pack
from changbei.readiness import rules
from changbei.readiness.models import Rectification, Review
from changbei.readiness.params import number, params, whole
from changbei.readiness.rules import Trouble


@check_kind(
    "reviews",
    params=params(whole("confirm_within_days", "How long a review may wait to be confirmed.", minimum=1)),
    registry="mending",
)
def reviews(given: Mapping[str, Any], pack: Pack, now: datetime) -> list[Trouble]:
    """Every event's review is confirmed in time and circulated; each finding has an owner and is mended by its date."""
    made = Review.objects.filter(incident__drill=False).select_related("incident").order_by("pk")
    rows = [
        rules.ReviewRow(
            one.incident.number,
            clock.day_of(one.made_at),
            one.confirmed_at is not None,
            one.circulated_at is not None,
        )
        for one in made.defer("content")
    ]
    mending = (
        Rectification.objects.filter(done_at__isnull=True)
        .exclude(review__incident__drill=True)
        .select_related("owner", "review__incident", "inspection__target")
        .order_by("pk")
    )
    limit = number(given, "confirm_within_days", pack, 5)
    return rules.review_troubles(rows, [_mending(one) for one in mending], limit, clock.day_of(now))


def _mending(one: Rectification) -> rules.MendingRow:
    about = one.review.incident.number if one.review else ""
    if one.inspection is not None:
        about = one.inspection.target.code
    return rules.MendingRow(one.pk, about, one.text, one.owner.name if one.owner else "", one.due_on)
