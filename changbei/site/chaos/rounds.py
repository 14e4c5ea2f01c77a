"""One round: people report and work while things die; then everything runs again, comes to rest, and is checked."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence

from changbei.site.chaos import invariants
from changbei.site.chaos.clients import Answered, Colleague, Reporter
from changbei.site.chaos.deaths import Deaths
from changbei.site.chaos.invariants import Violation
from changbei.site.chaos.processes import Site
from changbei.site.chaos.sink import HandOver, Sink
from changbei.site.commands.base import let_go_of_database

REPORTERS = 3
FREEZE_SECONDS = 6.0
SETTLE_SECONDS = 60.0  # without anything moving on
REST_SECONDS = 0.4
ALL_AT_ONCE_EVERY = 2  # rounds


class Rounds:
    """What goes on from round to round: who was answered, what has died."""

    def __init__(
        self, site: Site, sink: Sink, keys: Mapping[str, str], chance: random.Random, kills_a_round: int
    ) -> None:
        self.site, self.sink, self.keys = site, sink, keys
        self.kills_a_round = kills_a_round
        self.random = chance
        self.deaths = Deaths(site, chance, FREEZE_SECONDS)
        self.answered: list[Answered] = []
        self.settling_seconds = 0.0
        self._checked = 0  # of what the sink has
        self._last: dict[str, HandOver] = {}  # by key

    def one(self, number: int, *, most_kills: int, whole_chain: bool) -> list[Violation]:
        """Play a round; what was wrong after it."""
        reporters = [
            Reporter(self.site.address, self.keys["desk"], f"{number}-{count}", self.random.randrange(2**32))
            for count in range(REPORTERS)
        ]
        colleagues = [Colleague(self.site.address, key, name, self.sink) for name, key in self.keys.items()]
        for thread in (*reporters, *colleagues):
            thread.start()
        self._warm_up(reporters)
        target = self.deaths.total + min(self.kills_a_round, most_kills)
        self.deaths.until(target)
        if number % ALL_AT_ONCE_EVERY == 0:
            self.deaths.all_at_once()
        dead_at = time.monotonic()
        self.site.restore()
        for reporter in reporters:
            reporter.stop()
        for reporter in reporters:
            reporter.join()
        answered = [one for reporter in reporters for one in reporter.answered]
        tokens = [one.token for one in answered]
        let_go_of_database()  # what died under us
        self._settle(tokens)
        for colleague in colleagues:
            colleague.stop()
        for colleague in colleagues:
            colleague.join()
        self.answered += answered
        self.settling_seconds += time.monotonic() - dead_at
        return [*self._refusals(reporters, colleagues), *self._check(answered, tokens, whole_chain)]

    def _warm_up(self, reporters: Sequence[Reporter]) -> None:
        """Until everybody has been answered once: what dies then is at work."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while not all(one.answered for one in reporters) and time.monotonic() < deadline:
            time.sleep(REST_SECONDS)

    def _settle(self, tokens: Sequence[str]) -> None:
        """Until all is at rest, or nothing has moved on for a while: a busy machine is given its time."""
        moved, deadline = -1, 0.0
        while not invariants.settled(tokens):
            if (now := invariants.moves()) != moved:
                moved, deadline = now, time.monotonic() + SETTLE_SECONDS
            elif time.monotonic() > deadline:
                return
            time.sleep(REST_SECONDS)

    def _refusals(self, reporters: Sequence[Reporter], colleagues: Sequence[Colleague]) -> list[Violation]:
        refused = [("report_refused", one) for reporter in reporters for one in reporter.refused]
        refused += [("task_refused", one) for colleague in colleagues for one in colleague.refused]
        return [Violation(kind, detail) for kind, detail in refused]

    def _check(
        self, answered: Sequence[Answered], tokens: Sequence[str], whole_chain: bool
    ) -> list[Violation]:
        handed = self.sink.since(self._checked)
        self._checked += len(handed)
        with invariants.snapshot():
            found = invariants.check(answered, tokens, handed, self._last, self.deaths.disturbed_at)
        if whole_chain:
            found += invariants.chain()
        let_go_of_database()
        return found
