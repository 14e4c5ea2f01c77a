"""The ways out of the house: a folder each, one interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID


@dataclass(frozen=True)
class Outgoing:
    """What a channel gets to hand over. `key` stays the same for every attempt at one message.

    `link` and `code` are there when an acknowledgement is wanted and can be given that way: the address of a page
    that needs no login, and the digits of a reply.
    """

    key: UUID
    address: str
    title: str
    body: str
    urgency: int
    link: str = ""
    code: str = ""
    language: str = "zh-Hans"
    drill: bool = False


@dataclass(frozen=True)
class Outcome:
    """What was seen of an attempt.

    `retry`: nobody knows that the carrier took it, try again with the same key. `limited`: the carrier did not take
    it and names a wait; that counts as no attempt. `refused`: the address is not one, or wants nothing from us.
    `failed`: not to be sent for another reason.
    """

    state: Literal["handed", "delivered", "retry", "limited", "refused", "failed"]
    carrier_id: str = ""
    detail: str = ""
    wait_seconds: float = 0.0


@dataclass(frozen=True)
class Receipt:
    """What a carrier says became of a message; `reference` is our key, when the carrier kept it."""

    state: Literal["delivered", "read", "failed", "refused", "expired"]
    carrier_id: str = ""
    reference: str = ""
    detail: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Reply:
    """What came back from a recipient: words from a number, or a key pressed in a call of ours (`reference` or
    `carrier_id` name the call).
    """

    sender: str = ""
    text: str = ""
    carrier_id: str = ""
    reference: str = ""


Stop = Callable[[], bool]


class Unreadable(Exception):
    """What a carrier called back with cannot be read."""


class Channel(Protocol):
    """One way out. `send` never raises for what a carrier does: it says so in the outcome."""

    kind: str
    batch: int  # how many messages are claimed at once

    def send(self, outgoing: Sequence[Outgoing], *, stop: Stop) -> list[Outcome | None]:
        """Hand over, in order; an outcome each, None for those not tried because `stop()` became true."""
        ...

    def receipts(self) -> list[Receipt]:
        """What the carrier has to tell since the last call, for carriers that are asked; else nothing."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
