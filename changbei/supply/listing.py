"""Supply requests as a list: which of them, the newest first. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet, Sum

from changbei.core.clock import LOCAL
from changbei.core.texts import joined
from changbei.people import access as people
from changbei.supply.models import SupplyRequest


@dataclass(frozen=True)
class Sought:
    """What is looked for; what is empty restricts nothing.

    `status` and `path` as in the model; `units`: of the customers' managers; `words`: a part of its number, of its
    event's, or of a name of customer or applicant, or the beginning of a licence; `since` and `until`: days of asking,
    both included.
    """

    status: str = ""
    path: str = ""
    units: frozenset[int] | None = None
    words: str = ""
    since: date | None = None
    until: date | None = None


def requests(actor: object, sought: Sought) -> QuerySet[SupplyRequest]:
    """The requests that the actor may see and that are like this, with `cartons`. NotAllowed for who may see none."""
    people.require(actor, "supply.see")
    wanted = _like(sought.words.strip())
    if sought.status:
        wanted &= Q(status=sought.status)
    if sought.path:
        wanted &= Q(path=sought.path)
    if sought.units is not None:
        wanted &= Q(retailer__customer_manager__unit__in=sought.units)
    if sought.since is not None:
        wanted &= Q(requested_at__gte=_morning(sought.since))
    if sought.until is not None:
        wanted &= Q(requested_at__lt=_morning(sought.until + timedelta(days=1)))
    found = SupplyRequest.objects.filter(wanted).select_related(
        "retailer__customer_manager__unit", "requested_by", "decided_by", "run__plan_version"
    )
    return found.annotate(cartons=Sum("lines__cartons")).order_by("-requested_at", "-pk")


def _like(words: str) -> Q:
    if not words:
        return Q()
    named = Q(retailer__name__icontains=words) | Q(requested_by__name__icontains=words)
    numbered = Q(number__icontains=words) | Q(run__number__icontains=words)
    return named | numbered | Q(retailer__licence_no__startswith=joined(words))


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(), LOCAL)
