"""How the engine does: how old its last sign is, what waits for it and since when. For people, probes and graphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, QuerySet
from prometheus_client.core import GaugeMetricFamily

from changbei.core import clock
from changbei.incidents.models import Incident
from changbei.journal import heartbeat, outbox
from changbei.journal.models import FailedReaction
from changbei.notify.models import Message
from changbei.runs.models import ActionCall, Run, Timer

# Above this something is wrong although the engine gives signs: what is due is not done.
LATE_AFTER_SECONDS = 60.0


@dataclass(frozen=True)
class Pulse:
    """What was seen at one moment. Ages in seconds; 0.0 where nothing waits."""

    tick_age: float | None  # since the engine's last sign; None when there never was one
    still: int  # for how long it has stood still, 0 while it works
    oldest_due: Mapping[str, float]  # by kind of work: for how long the oldest has been due
    unsent: Mapping[str, int]  # by channel: messages that are due
    stalled: Mapping[str, int]  # by kind of work: claims that have run out and nobody has taken up again
    outbox_entries: int
    outbox_age: float
    failed_reactions: int  # given up, or waiting to be tried again
    open_incidents: Mapping[str, int]  # by level
    running: int

    @property
    def troubles(self) -> list[str]:
        """What is wrong, in words for operators; empty while the engine works."""
        found = []
        if self.still:
            found.append(f"the engine has given no sign for {self.still} s")
        for kind, age in self.oldest_due.items():
            if age > LATE_AFTER_SECONDS:
                found.append(f"{kind}: the oldest has been due for {age:.0f} s")
        if self.outbox_age > LATE_AFTER_SECONDS:
            found.append(f"facts have waited for reactions for {self.outbox_age:.0f} s")
        return found


def look() -> Pulse:
    """A dozen small queries, each with an index for it; none grows with what is done already."""
    now = clock.now()
    works: dict[str, QuerySet[Message] | QuerySet[Timer] | QuerySet[ActionCall]] = {
        "messages": Message.objects.filter(due_at__lte=now),
        "timers": Timer.objects.filter(due_at__lte=now),
        "actions": ActionCall.objects.filter(due_at__lte=now),
    }
    oldest = {kind: rows.aggregate(at=Min("due_at"))["at"] for kind, rows in works.items()}
    unread = outbox.oldest_unread()
    unsent = Message.objects.filter(due_at__lte=now).values_list("channel").annotate(rows=Count("id"))
    levels = (
        Incident.objects.exclude(status=Incident.Status.CLOSED)
        .values_list("level")
        .annotate(rows=Count("id"))
    )
    sign = heartbeat.last()
    return Pulse(
        tick_age=_age(sign, now) if sign else None,
        still=heartbeat.still_seconds(),
        oldest_due={kind: _age(at, now) for kind, at in oldest.items()},
        unsent=dict(unsent.order_by("channel")),
        stalled={kind: rows.filter(lease_until__lt=now).count() for kind, rows in works.items()},
        outbox_entries=outbox.behind(),
        outbox_age=_age(unread, now),
        failed_reactions=FailedReaction.objects.filter(done_at__isnull=True).count(),
        open_incidents=dict(levels.order_by("level")),
        running=Run.objects.filter(status=Run.Status.RUNNING).count(),
    )


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0


class Collector:
    """The pulse as Prometheus reads it: looked up anew for each answer."""

    def __init__(self, pulse: Pulse) -> None:
        self.pulse = pulse

    def collect(self) -> Iterator[GaugeMetricFamily]:
        pulse = self.pulse
        yield _one("tick_age_seconds", "Since the engine's last sign; -1 without any", _or(pulse.tick_age))
        yield _one(
            "engine_still_seconds", "For how long the engine has stood still; 0 while it works", pulse.still
        )
        yield _by("oldest_due_seconds", "For how long the oldest has been due", "kind", pulse.oldest_due)
        yield _by("unsent_messages", "Messages that are due", "channel", pulse.unsent)
        yield _by("stalled_leases", "Claims that have run out and wait to be taken up", "kind", pulse.stalled)
        yield _one("outbox_lag_entries", "Facts that have not been looked at", pulse.outbox_entries)
        yield _one("outbox_lag_seconds", "Since the oldest of them was recorded", pulse.outbox_age)
        yield _one("failed_reactions", "Reactions that failed and are not done", pulse.failed_reactions)
        yield _by("open_incidents", "Incidents that are not closed", "level", pulse.open_incidents)
        yield _one("running_procedures", "Procedures that are being carried out", pulse.running)


def _or(age: float | None) -> float:
    return -1.0 if age is None else age


def _one(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"changbei_{name}", words, value=value)


def _by(name: str, words: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"changbei_{name}", words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
