"""Who calls where, and in what sequence: ruin and recreate around the disruption, on the compiled kernel.

After Schrimpf et al. 2000 and the string removals of Christiaens & Vanden Berghe 2020: one cooling. Ours is the search
among the calls at a breakdown that follows: some are called off, others are sent for what they had, and the outcome is
judged once it has been put in order.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from changbei.compute.recovery.construct import undisturbed
from changbei.compute.recovery.draft import Draft
from changbei.compute.recovery.kernel import (
    ANY,
    BEST,
    Lists,
    Plan,
    Store,
    World,
    begin_anew,
    call_otherwise,
    construct,
    load_lists,
    plan_of,
    rounds,
    share,
    store_for,
    worth,
)
from changbei.compute.recovery.lines import Ground
from changbei.compute.recovery.neighbourhood import Neighbourhood

BEGINNINGS = 10
"""Plans from nothing, of which the best is gone on with; the first without chance."""

ORDERLY_ROUNDS = 192
"""Rounds that put a plan in order before it is judged."""

GIVEN_UP_AFTER, GIVEN_UP_SECONDS = 64, 3000.0
"""After so many of them a plan that is still so much worse is given up."""

ORDERLY_SECONDS = 20.0, 3.0
"""How much worse a plan may become in a round, from first to last."""

HOT_SHARE, HOT_SECONDS = 0.5, (10_000.0, 10.0)
"""The first share of the time: one cooling, in which calls come and go in the rounds themselves. How much worse a plan
may become in a round, from first to last."""

CALLS_SECONDS = 3000.0, 300.0
"""How much worse a plan with other calls may be, from the first tries to the last."""

CYCLE_ROUNDS = 40_000
"""Rounds to a search among the calls, and the hot share of them to a cooling; then both begin again from nothing, the
former alone from the best plan, in turn."""

FINE_SHARE, FINE_SECONDS = 0.08, (50.0, 3.0)
"""The last share of the budget, for the best plan's sequences only."""

NOISE, DEAREST_SECONDS = 1.0, 900
"""How much worse a van may seem when a plan is made from nothing, and the detour above which it leaves an order."""

ROUNDS_AT_ONCE, LOOK_SECONDS = 64, 0.005
"""Rounds at one warmth, and how often to look at the clock meanwhile: where many wait at one place a round takes
milliseconds."""

LEAST_A_SECOND = 2_000
"""Rounds made for each second asked for, whatever the clock says, as long as they do not take that much processor time:
a machine that stands still for most of it would leave little more than the plan by hand. It makes several times as many
when nothing disturbs it."""

NEXT_SEED = 7_919
"""From the seed of one search to that of the next beside it."""

MOST_A_PAIR = 100
"""Rounds for each pair of orders that may move, after which nothing more is to be found: few orders need no second."""


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop: after `iterations` when given (the clock is not looked at then), else `seconds` after `since` on
    the clock, but not before the least rounds or as many seconds of work, nor after the `most` rounds. work_since: the
    processor time of the thread that asked, then."""

    since: float
    work_since: float
    seconds: float
    iterations: int | None
    most: float = math.inf

    def spent(self, done: int, worked: float) -> float:
        """Share of the budget that is used up after so many rounds and seconds of processor time, 1 and above when it
        is over."""
        if self.iterations is not None:
            return done / self.iterations if self.iterations else 1.0
        if self.seconds <= 0:
            return 1.0
        elapsed = (time.perf_counter() - self.since) / self.seconds
        least = max(done / LEAST_A_SECOND, worked) / self.seconds
        return max(min(elapsed, least), done / self.most)

    def rounds(self, done: int, wanted: int) -> int:
        """How many of the wanted rounds may be made."""
        return wanted if self.iterations is None else min(wanted, self.iterations - done)


def improve(ground: Ground, start: Draft, seed: int, budget: Budget, cores: int = 1) -> tuple[Draft, int]:
    """The best draft found within the budget, and the rounds made; by so many searches side by side, each with the
    whole budget and chance of its own."""
    hood = Neighbourhood(ground, start)
    if budget.spent(0, _work() - budget.work_since) >= 1.0 or not len(hood.orders) or not hood.vans:
        return start, 0
    budget = replace(budget, most=MOST_A_PAIR * len(hood.orders) ** 2)
    world, bare, given = hood.world(), hood.lists(undisturbed(ground)), hood.lists(start)
    worked = _work() - budget.work_since
    searches = [_Search(world, bare, seed + number * NEXT_SEED, budget, worked) for number in range(cores)]
    found = hood.draft(start, min(_side_by_side(searches, given), key=_price))
    done = sum(search.done for search in searches)
    return (found if found.feasible and found.rank < start.rank else start), done


def _side_by_side(searches: list[_Search], given: Lists) -> list[Lists]:
    """What each finds, in the searches' order. Threads are enough: compiled code lets others go on meanwhile."""
    if len(searches) == 1:
        return [searches[0].run(given)]
    with ThreadPoolExecutor(len(searches), thread_name_prefix="recovery") as pool:
        return list(pool.map(lambda search: search.run(given), searches))


class _Search:
    """One search: its room, how many rounds are done. worked: seconds of processor time spent before it."""

    def __init__(self, world: World, bare: Lists, seed: int, budget: Budget, worked: float) -> None:
        self.world, self.bare, self.budget, self.done = world, bare, budget, 0
        self.worked, self.work_since, self.at_once = worked, 0.0, 1
        self.plan: Plan = plan_of(world, bare)
        self.store: Store = store_for(self.plan, bare, seed)

    def run(self, given: Lists) -> Lists:
        """The best lists; `given` are what is known already."""
        self.work_since, until = _work() - self.worked, 1.0 - FINE_SHARE
        best = self._among_calls(self._begun(given, 0.0, until), until)
        while self._spent() < until:
            anew = self._among_calls(self._begun(self.bare, NOISE, until), until)
            best = self._among_calls(min(best, anew, key=_price), until)
        return self._annealed(best, FINE_SECONDS, 1.0)

    def _spent(self) -> float:
        return self.budget.spent(self.done, _work() - self.work_since)

    def _begun(self, lists: Lists, noise: float, until: float) -> Lists:
        """The best plan of one cooling, of several plans from nothing, and of these lists."""
        begin = self._from_the_beginnings(self._priced(lists), noise)
        since = self._spent()
        return self._annealed(
            begin, HOT_SECONDS, since + HOT_SHARE * (until - since), HOT_SHARE * CYCLE_ROUNDS
        )

    def _among_calls(self, current: Lists, until: float) -> Lists:
        """The best plan that calls off and on lead to; at first much worse ones are gone on with, less and less so."""
        best, over = current, self._part(until, CYCLE_ROUNDS)
        while (progress := over()) < 1.0:
            bar = current.price - _between(CALLS_SECONDS, progress) * math.log(1.0 - share(self.store.chance))
            self._load(current)
            call_otherwise(self.world, self.plan, self.store, NOISE, DEAREST_SECONDS)
            found = self._in_order(bar)
            if found.price < bar:
                current = found
                best = min(best, found, key=_price)
        return best

    def _part(self, until: float, most: float) -> Callable[[], float]:
        """How much of a part is over that begins now and ends with this share of the budget or after so many rounds."""
        since, began = self._spent(), self.done

        def over() -> float:
            spent = self._spent()
            if spent >= until:
                return 1.0
            return max((spent - since) / (until - since), (self.done - began) / most)

        return over

    def _from_the_beginnings(self, best: Lists, noise: float) -> Lists:
        """The best of several plans from nothing, the first with this noise, and of what was there."""
        half = (1.0 + self._spent()) / 2.0
        for number in range(BEGINNINGS):
            if self._spent() >= (half if number else 1.0):
                break
            self._load(self.bare)
            construct(self.world, self.plan, self.store, NOISE if number else noise, DEAREST_SECONDS, ANY)
            best = min(best, self._in_order(float(best.price)), key=_price)
        return best

    def _in_order(self, bar: float) -> Lists:
        """The plan at hand after some rounds; fewer when it is hopeless to get below the bar."""
        begin_anew(self.plan, self.store)
        for made in self._rounds(ORDERLY_ROUNDS):
            if made == GIVEN_UP_AFTER and self.store.price[BEST] > bar + GIVEN_UP_SECONDS:
                break
            self._go(_between(ORDERLY_SECONDS, made / ORDERLY_ROUNDS), ROUNDS_AT_ONCE)
        return self._best()

    def _annealed(
        self, begin: Lists, warmth: tuple[float, float], until: float, most: float = math.inf
    ) -> Lists:
        """The best plan of one cooling from these lists, until this share of the budget or so many rounds are over."""
        self._load(begin)
        begin_anew(self.plan, self.store)
        over = self._part(until, most)
        while (progress := over()) < 1.0:
            self._go(_between(warmth, progress), ROUNDS_AT_ONCE)
        return self._best()

    def _rounds(self, count: int) -> Iterator[int]:
        """How many of `count` rounds are made, until they are, or the budget is."""
        since = self.done
        while self.done - since < count and self._spent() < 1.0:
            yield self.done - since

    def _go(self, warmth: float, count: int) -> None:
        """So many rounds at this warmth, fewer when the time is over."""
        if self.budget.iterations is not None:
            self._make(warmth, self.budget.rounds(self.done, count))
            return
        last = self.done + count
        while self.done < last and self._spent() < 1.0:
            before = time.perf_counter()
            made = min(self.at_once, last - self.done)
            self._make(warmth, made)
            each = max((time.perf_counter() - before) / made, 1e-9)
            self.at_once = max(1, min(ROUNDS_AT_ONCE, int(LOOK_SECONDS / each)))

    def _make(self, warmth: float, count: int) -> None:
        rounds(self.world, self.plan, self.store, warmth, count)
        self.done += count

    def _load(self, lists: Lists) -> None:
        load_lists(self.world, self.plan, lists.nodes, lists.length)

    def _priced(self, lists: Lists) -> Lists:
        self._load(lists)
        return Lists(lists.nodes, lists.length, worth(self.plan))

    def _best(self) -> Lists:
        store = self.store
        return Lists(store.best_nodes.copy(), store.best_length.copy(), int(store.price[BEST]))


def _work() -> float:
    """Processor time of this thread."""
    return time.thread_time()


def _between(ends: tuple[float, float], share_of_way: float) -> float:
    """Geometrically from the first to the last."""
    first, last = ends
    return float(first * (last / first) ** min(share_of_way, 1.0))


def _price(lists: Lists) -> int:
    return lists.price
