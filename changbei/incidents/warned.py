"""Reading warnings for pages: whom each concerns now, what came before it, what is proposed (E3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from changbei.incidents.cap.parts import COLOURS
from changbei.incidents.models import Suspension, Warning
from changbei.incidents.rules import severity_rank
from changbei.incidents.services.warnings import LIVE
from changbei.journal.models import Entry
from changbei.network import joining
from changbei.network.joining import Concerned

LONGEST_CHAIN = 50


def in_force(now: datetime) -> QuerySet[Warning]:
    """What holds now, real or an exercise: not lifted, not replaced by a later message, not run out."""
    rows = Warning.objects.exclude(verdict=Warning.Verdict.REFUSED).filter(expired_at=None, replaced_by=None)
    rows = rows.filter(status__in=LIVE, msg_type__in=("Alert", "Update"))
    return rows.filter(Q(expires_at=None) | Q(expires_at__gt=now)).defer("raw")


def gravest_first(warnings: Iterable[Warning]) -> list[Warning]:
    """By colour, then by CAP's own severity, the newest first among equals."""
    return sorted(
        warnings, key=lambda one: (rank(one.colour), severity_rank(one.severity), one.pk), reverse=True
    )


def rank(colour: str) -> int:
    """-1 for a warning of which nobody says the colour."""
    return COLOURS.index(colour) if colour in COLOURS else -1


def concerned(warnings: Sequence[Warning]) -> dict[int, Concerned]:
    """Who lies in the area of each warning that has one, by its key; two statements for all of them."""
    drawn = [one for one in warnings if one.area]
    found = joining.join([one.area for one in drawn if one.area])
    return {one.pk: who for one, who in zip(drawn, found, strict=True)}


def history(warnings: Sequence[Warning]) -> dict[int, list[Warning]]:
    """What each warning has taken the place of, directly and before that, the newest first; one statement a step."""
    owner = {one.pk: one.pk for one in warnings}
    found: dict[int, list[Warning]] = {one.pk: [] for one in warnings}
    step = list(owner)
    for _ in range(LONGEST_CHAIN):
        earlier = _replaced_by(step)
        if not earlier:
            break
        for one in earlier:
            if one.replaced_by_id is not None and one.pk not in owner:
                owner[one.pk] = owner[one.replaced_by_id]
                found[owner[one.pk]].append(one)
        step = [one.pk for one in earlier]
    return found


def _replaced_by(later: Sequence[int]) -> list[Warning]:
    rows: QuerySet[Warning] = Warning.objects.filter(replaced_by__in=later).defer("raw", "area")
    return list(rows.order_by("-sent", "-pk"))


@dataclass(frozen=True)
class Resumption:
    """A suspension that lasts though the weather is over or eases; `why`: cancel, expired, eased, declared."""

    suspension: Suspension
    why: str


def resumptions() -> list[Resumption]:
    """Where resuming is proposed: an all-clear came after the suspension was decided."""
    lasting = Suspension.objects.filter(resumed_at=None).select_related("incident").order_by("pk")
    suspensions = list(lasting)
    clear = Entry.objects.filter(
        kind="incidents.all_clear", incident__in=[one.incident.uuid for one in suspensions]
    )
    newest = {entry.incident: entry for entry in clear.order_by("pk")}
    return [
        Resumption(one, str(newest[one.incident.uuid].data.get("why", "")))
        for one in suspensions
        if one.incident.uuid in newest and newest[one.incident.uuid].at >= one.decided_at
    ]
