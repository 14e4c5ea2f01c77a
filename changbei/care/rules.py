"""When shops are visited, which visits are drawn, which answers differ. Pure: values in, decisions out."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from changbei.core import workdays
from changbei.core.durations import Duration
from changbei.plans.model import NUMBER, WITHOUT_FINDING, CheckItem

SLACK = timedelta(days=3)  # before and after the day a visit is due
WORKING_WEEK = 5


@dataclass(frozen=True)
class Shop:
    """A shop to be visited every `weeks`. `last`: the day of its newest visit, done or planned; `not_on`: the weekdays
    (1 = Monday) on which it orders or is served.
    """

    key: int
    place: int
    weeks: int
    not_on: frozenset[int]
    last: date | None = None


def working_days(start: date, weeks: int) -> list[date]:
    """The working days of so many weeks from `start` on."""
    days = (start + timedelta(days=number) for number in range(7 * weeks))
    return [day for day in days if workdays.is_workday(day)]


def spread(shops: Iterable[Shop], days: Sequence[date], load: Mapping[date, int]) -> list[tuple[int, date]]:
    """Visits (shop, day) that are due within `days`, evenly over them; `load`: what stands there already.

    A shop is due `weeks` after its last visit; those never visited have their turns one after the other, neighbours
    together. The same shops give the same visits, and planning again those that are missing.
    """
    if not days:
        return []
    found: list[tuple[int, date]] = []
    every = sorted(shops, key=lambda one: (one.place, one.key))
    share = math.ceil(sum(1 / (WORKING_WEEK * one.weeks) for one in every))
    taken = Counter(dict(load))
    due = [(day, shop.key, shop) for shop, day in _first_due(every, days[0])]
    heapq.heapify(due)
    while due and due[0][0] <= days[-1]:
        day, key, shop = heapq.heappop(due)
        chosen = best_day(days, shop.not_on, taken, near=day, share=share)
        if chosen is None:
            continue  # nothing is left of the horizon: the next planning sees to it
        taken[chosen] += 1
        found.append((key, chosen))
        heapq.heappush(due, (chosen + timedelta(weeks=shop.weeks), key, shop))
    return sorted(found, key=lambda one: (one[1], one[0]))


def _first_due(shops: Sequence[Shop], start: date) -> Iterator[tuple[Shop, date]]:
    """The turn of a shop never visited is a day of its cycle that stays the same, whenever it is planned."""
    cycles: dict[int, list[Shop]] = {}
    for shop in shops:
        cycles.setdefault(shop.weeks, []).append(shop)
    for weeks, group in cycles.items():
        cycle = 7 * weeks
        for number, shop in enumerate(group):
            turn = number * cycle // len(group)
            if shop.last is None:
                yield shop, start + timedelta(days=(turn - start.toordinal()) % cycle)
            else:
                yield shop, max(shop.last + timedelta(days=cycle), start)


def best_day(
    days: Sequence[date], not_on: Collection[int], load: Mapping[date, int], *, near: date, share: int = 0
) -> date | None:
    """The working day next to `near` that is not yet full (`share`), else the emptiest around it; off the shop's own
    days where possible. None beyond the horizon.
    """
    around = [day for day in days if abs(day - near) <= SLACK]
    later = [day for day in days if day >= near][:1]  # a week of holidays: the first day after them
    free = [day for day in around if day.isoweekday() not in not_on]

    def rank(day: date) -> tuple[int, timedelta, int, date]:
        full = load.get(day, 0)
        return (full if full >= share else 0, abs(day - near), full, day)

    return min(free or around or later, key=rank, default=None)


def is_on_time(planned_for: date, done_on: date, grace: Duration) -> bool:
    """`grace`: how long after its day it may be, in days or working days."""
    latest = planned_for + timedelta(seconds=grace.seconds)
    for _ in range(grace.working_days):
        latest = workdays.next_workday(latest)
    return done_on <= latest


def digest(seed: str, visit: UUID | str) -> str:
    return hashlib.sha256(f"{seed}:{visit}".encode()).hexdigest()


def drawn(visits: Iterable[UUID], seed: str, count: int) -> list[UUID]:
    """The sample of a seed: the visits whose SHA-256 of `SEED:UUID` come first. Anybody can draw it again."""
    return sorted(visits, key=lambda one: digest(seed, one))[:count]


def differs(item: CheckItem, first: Any, second: Any) -> bool:
    """Whether two people saw different things; a number changes by itself, and differs when one is a finding."""
    if item.answer in WITHOUT_FINDING:
        return False
    if item.answer == NUMBER:
        return item.is_finding(first) != item.is_finding(second)
    return bool(first != second)
