"""What the room decides, as pure functions: when a draft counts as signed, when a plan is to be reviewed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta

LEADS = frozenset({"leading-group-head", "leading-group-deputy"})
SIGNATURES_NEEDED = 3
"""Members of the leading group, where the pack has no setting `plan_signatures`; the sources give no number."""
REVIEW_AHEAD = timedelta(days=30)
REVIEW_WITHIN = timedelta(days=30)


def missing_signatures(signed: Mapping[int, str], needed: int) -> tuple[int, bool]:
    """How many signatures are missing, and whether one has to be the head's or the deputy head's (E2.2, E4).

    signed: person → kind of post they signed with.
    """
    has_lead = bool(LEADS & set(signed.values()))
    missing = max(needed - len(signed), 0)
    return (missing if has_lead else max(missing, 1)), not has_lead


def post_to_sign_with(held: Collection[str], group: Sequence[str]) -> str:
    """The first post of the group, in its order, that somebody holds; "" for who is no member."""
    return next((post for post in group if post in held), "")


def review_due_on(since: date, period_days: int) -> date:
    """When a plan that holds since then, or was looked at then, is to be looked at again."""
    return since + timedelta(days=period_days)
