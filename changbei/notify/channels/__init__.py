"""The ways out of the house: a folder each, one interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID


@dataclass(frozen=True)
class Outgoing:
    """What a channel gets to hand over. `key` stays the same for every attempt at one message."""

    key: UUID
    address: str
    title: str
    body: str
    urgency: int


@dataclass(frozen=True)
class Outcome:
    """What was seen of an attempt. `retry`: nobody knows that the carrier took it, try again with the same
    key.
    """

    state: Literal["handed", "delivered", "retry", "failed"]
    carrier_id: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Receipt:
    """What a carrier says became of a message; `reference` is our key, when the carrier kept it."""

    state: Literal["delivered", "failed"]
    carrier_id: str = ""
    reference: str = ""
    detail: str = ""
    at: datetime | None = None


Stop = Callable[[], bool]


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
