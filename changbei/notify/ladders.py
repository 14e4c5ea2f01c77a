"""By which channels, and when, somebody is told: data, one ladder per urgency.

A rung with a wait is climbed only while nobody has acknowledged: its message is queued at once with a later
`due_at`, and stopped by the acknowledgement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from changbei.notify.models import Urgency


@dataclass(frozen=True)
class Rung:
    channel: str
    after_seconds: int = 0


INBOX, SMS, EMAIL = "inbox", "sms", "email"

FOR_STAFF: Mapping[int, tuple[Rung, ...]] = {
    Urgency.IMMEDIATE: (Rung(INBOX), Rung(SMS), Rung(SMS, after_seconds=180)),
    Urgency.URGENT: (Rung(INBOX), Rung(SMS)),
    Urgency.ROUTINE: (Rung(INBOX),),
    Urgency.BULK: (Rung(INBOX),),
}
# Customers and outside contacts have no inbox with us.
FOR_OTHERS: tuple[Rung, ...] = (Rung(SMS),)

# When somebody has no address for a channel, or the house does not offer it.
INSTEAD: Mapping[str, str] = {SMS: EMAIL}
