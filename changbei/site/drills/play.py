"""Playing a scenario on a virtual clock: events, colleagues and workers take their turns in the order of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet

from changbei.core import clock
from changbei.delivery import selectors
from changbei.incidents.models import Incident
from changbei.site import clockwork, worker
from changbei.site.drills import closing
from changbei.site.drills.colleagues import Colleagues, drive
from changbei.site.drills.scenarios import Scenario, happen

DRIVE_EVERY = timedelta(minutes=5)
ON_THE_SPOT = timedelta(minutes=1)
LONGEST = timedelta(days=21)
LONGEST_PAUSE_SECONDS = 3.0
"""Nobody watches a screen on which nothing happens: longer waits are shortened."""


@dataclass
class Drill:
    """A scenario being played. `watch` is called whenever something may have changed."""

    scenario: Scenario
    colleagues: Colleagues
    speed: float = 0.0  # times real time; 0: as fast as it goes
    drill: bool = True
    watch: Callable[[], None] = lambda: None
    incidents: list[Incident] = field(default_factory=list)

    def play(self) -> list[Incident]:
        """Until every incident is closed, at the longest three weeks of the clock."""
        self.scenario.prepare()
        self.colleagues.scripts = {part.procedure: part for part in self.scenario.parts}
        self.colleagues.drive = (
            False  # driven here, every few minutes: a stop by itself is no event of a drill
        )
        begun = clock.now()
        waiting = list(self.scenario.parts)
        drive(begun)
        driven = begun
        while clock.now() < begun + LONGEST:
            while waiting and waiting[0].after.after(begun) <= clock.now():
                if incident := happen(waiting.pop(0), drill=self.drill):
                    self.incidents.append(incident)
            self._everybody()
            if not waiting and self.incidents and self._close_finished():
                return self.incidents
            next_event = waiting[0].after.after(begun) if waiting else None
            drive_at = self._drive_at(driven)
            self._pass_until(self._next(next_event, drive_at))
            if drive_at and clock.now() >= drive_at:
                driven = clock.now()
                drive(driven)
        return self.incidents

    def _everybody(self) -> None:
        """Workers and colleagues in turn until nobody has anything to do at this moment."""
        clockwork.run_until_quiet()
        while self.colleagues.act():
            clockwork.run_until_quiet()
        self.watch()

    def _drive_at(self, driven: datetime) -> datetime | None:
        """When somebody looks at the road again: not before something has happened there."""
        expected = selectors.next_expected(clock.today())
        return max(expected + ON_THE_SPOT, driven + DRIVE_EVERY) if expected else None

    def _next(self, event: datetime | None, drive_at: datetime | None) -> datetime:
        moments = [event, worker.next_due(), self.colleagues.next_at(), self._closing_at(), drive_at]
        return min((moment for moment in moments if moment), default=clock.now() + DRIVE_EVERY)

    def _pass_until(self, moment: datetime) -> None:
        if self.speed > 0:
            seconds = (moment - clock.now()).total_seconds() / self.speed
            time.sleep(min(max(seconds, 0.0), LONGEST_PAUSE_SECONDS))
        clockwork.virtual().advance_to(moment)

    # --- closing

    def _mine(self) -> QuerySet[Incident]:
        return Incident.objects.filter(pk__in=[one.pk for one in self.incidents])

    def _closing_at(self) -> datetime | None:
        moments = [closing.closing_at(one) for one in closing.finished(self._mine())]
        return min((moment for moment in moments if moment), default=None)

    def _close_finished(self) -> bool:
        """Whoever commands closes what is finished; whether all incidents are closed."""
        for incident in closing.finished(self._mine()):
            at = closing.closing_at(incident)
            if at and at <= clock.now():
                closing.close(incident)
                clockwork.run_until_quiet()
        return not self._mine().exclude(status=Incident.Status.CLOSED).exists()
