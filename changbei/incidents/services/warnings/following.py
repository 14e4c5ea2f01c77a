"""Which message takes the place of which: by what they refer to, in whatever order they come."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.db.models import QuerySet

from changbei.incidents import cap
from changbei.incidents.models import Incident, Warning
from changbei.incidents.services.warnings.received import Received

LONGEST_IDENTITY = 200


def fit(word: str) -> str:
    """A part of the identity as it is kept: one that is too long keeps being told from others."""
    if len(word) <= LONGEST_IDENTITY:
        return word
    return f"{word[: LONGEST_IDENTITY - 41]}~{hashlib.sha256(word.encode()).hexdigest()[:40]}"


def overtaken(warning: Warning) -> Received | None:
    """A message that updates or cancels this one has come in before it: this one only joins what that one did."""
    own = {"sender": warning.sender, "identifier": warning.identifier}
    found = Warning.objects.filter(references__contains=[own], msg_type__in=("Update", "Cancel"))
    found = (
        found.filter(status=warning.status).exclude(verdict=Warning.Verdict.REFUSED).exclude(pk=warning.pk)
    )
    sent = warning.sent.isoformat() if warning.sent else ""
    for later in found.select_related("incident").order_by("-sent", "-pk"):
        if any(own.items() <= one.items() and one.get("sent", sent) == sent for one in later.references):
            warning.replaced_by, warning.incident = later, later.incident
            warning.save(update_fields=["replaced_by", "incident"])
            return Received(warning, "note", later.incident)
    return None


def replace_earlier(warning: Warning, references: Sequence[cap.Reference]) -> None:
    """What a warning updates or takes back is over, and what had updated that: the later one stands in its place."""
    for reference in references:
        for earlier in referred_to(reference).filter(status=warning.status).exclude(pk=warning.pk):
            newest = _newest(earlier)
            if newest.sent is None or warning.sent is None or newest.sent <= warning.sent:
                Warning.objects.filter(pk=newest.pk).exclude(pk=warning.pk).update(replaced_by=warning)


def _newest(warning: Warning) -> Warning:
    """The last of those that stand in a warning's place; itself when none does."""
    while warning.replaced_by is not None:
        warning = warning.replaced_by
    return warning


def referred_to(reference: cap.Reference) -> QuerySet[Warning]:
    found = Warning.objects.filter(sender=fit(reference.sender), identifier=fit(reference.identifier))
    return found if reference.sent is None else found.filter(sent=reference.sent)


def incident_of(references: Sequence[cap.Reference], *, drill: bool) -> Incident | None:
    """The incident that a warning referred to belongs to, the latest one that is not closed.

    An exercise only touches drills, and a real warning only what is real.
    """
    for reference in reversed(references):
        found = referred_to(reference).filter(incident__drill=drill)
        found = found.exclude(incident__status=Incident.Status.CLOSED)
        latest = found.select_related("incident__run__plan_version").order_by("-pk").first()
        if latest is not None:
            return latest.incident
    return None
