"""The in-app inbox: the message row itself is what lies in it."""

from __future__ import annotations

from collections.abc import Sequence

from changbei.notify.channels import Outcome, Outgoing, Receipt, Stop
from changbei.notify.ladders import INBOX


class Inbox:
    kind = INBOX
    batch = 1_000

    def send(self, outgoing: Sequence[Outgoing], *, stop: Stop) -> list[Outcome | None]:
        return [Outcome("delivered") for _ in outgoing]

    def receipts(self) -> list[Receipt]:
        return []

    def close(self) -> None:
        """Nothing is kept open."""
