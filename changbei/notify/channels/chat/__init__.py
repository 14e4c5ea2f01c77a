"""Chats and other services by `apprise`, for which we keep no file of our own.

`CHANGBEI_CHATS` holds addresses as apprise writes them (`slack://…`, `matrix://…`, `ntfy://…`), apart by blanks.
What apprise reports is that a service answered well by HTTP; the robots of WeCom, DingTalk and Feishu answer well with
an error inside, which is why these have files of their own under `channels/http`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import apprise

from changbei.notify.channels import Outcome, Outgoing, Receipt, Stop, wording
from changbei.notify.ladders import CHAT
from changbei.notify.models import Urgency

TIMEOUT_SECONDS = 8.0


class Chat:
    """Posts to every address given; handed over when all of them took it."""

    kind = CHAT
    batch = 5

    def __init__(self, addresses: str) -> None:
        self.services: list[apprise.NotifyBase] = []
        for number, address in enumerate(addresses.split(), 1):
            one = apprise.Apprise.instantiate(address, suppress_exceptions=True)
            if not isinstance(one, apprise.NotifyBase):
                raise ValueError(f"CHANGBEI_CHATS: apprise does not know what the {number}. address is")
            one.socket_connect_timeout = one.socket_read_timeout = TIMEOUT_SECONDS
            self.services.append(one)

    def send(self, outgoing: Sequence[Outgoing], *, stop: Stop) -> list[Outcome | None]:
        return [None if stop() else self.hand_over(one) for one in outgoing]

    def receipts(self) -> list[Receipt]:
        return []

    def close(self) -> None:
        """Nothing is kept open."""

    def hand_over(self, one: Outgoing) -> Outcome:
        """One message to all; those that took it get it again when another did not: a duplicate rather than a loss."""
        kind = apprise.NotifyType.FAILURE if one.urgency == Urgency.IMMEDIATE else apprise.NotifyType.INFO
        body = " ".join(filter(None, [one.body or one.title, wording.ask(one)]))
        failed = []
        with apprise.LogCapture(level=logging.WARNING) as said:  # type: ignore[no-untyped-call]
            for service in self.services:
                if not service.notify(body=body, title=one.title if one.body else "", notify_type=kind):
                    failed.append(str(service.service_name))  # noqa: PERF401 - reads as it happens
            words = said.getvalue().strip().replace("\n", " ")
        return Outcome("retry", detail=f"{', '.join(failed)}: {words}"[:300]) if failed else Outcome("handed")
