"""Handing over several messages at a time."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from changbei.notify.channels import Outcome, Outgoing, Stop


class Senders:
    """Some threads that hand messages over; the outcomes are in the order of the messages."""

    def __init__(self, name: str, size: int) -> None:
        self.threads = ThreadPoolExecutor(size, thread_name_prefix=name)

    def send(
        self, outgoing: Sequence[Outgoing], hand_over: Callable[[Outgoing], Outcome], *, stop: Stop
    ) -> list[Outcome | None]:
        """An outcome each, None for those not begun because `stop()` became true."""

        def unless_stopped(one: Outgoing) -> Outcome | None:
            return None if stop() else hand_over(one)

        tries = [self.threads.submit(contextvars.copy_context().run, unless_stopped, one) for one in outgoing]
        return [attempt.result() for attempt in tries]

    def close(self) -> None:
        self.threads.shutdown()
