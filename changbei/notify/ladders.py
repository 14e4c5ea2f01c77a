"""By which channels, and when, somebody is told: data, one ladder per urgency.

A rung with a wait is climbed only while nobody has acknowledged: its message is queued at once with a later
`due_at`, and stopped by the acknowledgement. Whom next, when a person does not answer at all, is said by the plan
(`overdue:` of a step, `confirm:` of a notice); an installation may have other ladders, and limits, in a file (see
`book.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from changbei.notify.models import Urgency


@dataclass(frozen=True)
class Rung:
    channel: str
    after_seconds: int = 0


INBOX, SMS, EMAIL, VOICE, PUSH, WEBHOOK, CHAT = "inbox", "sms", "email", "voice", "push", "webhook", "chat"
WECOM, DINGTALK, FEISHU = "wecom", "dingtalk", "feishu"
KINDS = (INBOX, SMS, EMAIL, VOICE, PUSH, WEBHOOK, CHAT, WECOM, DINGTALK, FEISHU)
BY_PHONE = frozenset({SMS, VOICE, WECOM, DINGTALK, FEISHU})
OF_THE_HOUSE = frozenset({WEBHOOK, CHAT})  # one address for everybody

FOR_STAFF: Mapping[int, tuple[Rung, ...]] = {
    Urgency.IMMEDIATE: (
        Rung(INBOX),
        Rung(PUSH),
        Rung(SMS),
        Rung(VOICE, after_seconds=120),
        Rung(SMS, after_seconds=180),
    ),
    Urgency.URGENT: (Rung(INBOX), Rung(PUSH), Rung(SMS)),
    Urgency.ROUTINE: (Rung(INBOX),),
    Urgency.BULK: (Rung(INBOX),),
}
# Customers and outside contacts have no inbox with us.
FOR_OTHERS: tuple[Rung, ...] = (Rung(SMS),)

# When somebody has no address for a channel, or the house does not offer it.
INSTEAD: Mapping[str, str] = {SMS: EMAIL}
