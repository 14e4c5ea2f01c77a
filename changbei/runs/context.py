"""What a capability gets when a plan calls it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changbei.journal.models import Entry
from changbei.notify.models import Notice
from changbei.people.models import Person
from changbei.runs.models import Run


@dataclass(frozen=True)
class ActionContext:
    """The run that calls, the step, its evaluated parameters, and the time.

    A capability may be called again for the same step when a worker died before its result was written:
    `key` is the same then. It runs outside of any transaction and returns JSON. It raises `Conflict`, or
    `Outside` that is not permanent, to be tried again later; any other error of ours is final and opens
    the step's manual task.
    """

    run: Run
    item: str
    params: dict[str, Any]
    now: datetime
    attempt: int = 1
    actor: Person | None = None  # a plan acts by itself

    @property
    def key(self) -> str:
        return f"{self.run.uuid}:{self.item}"

    def told_before(self) -> Notice | None:
        """The notice of this step, when an earlier attempt had got so far."""
        facts = Entry.objects.filter(run=self.run.uuid, kind="notify.told", item=self.item).order_by("id")
        fact = facts.first()
        return Notice.objects.filter(uuid=fact.data["notice"]).first() if fact else None
