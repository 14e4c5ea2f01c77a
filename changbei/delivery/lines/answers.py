"""Planning the lines that are asked for: each question taken by one worker, with a lease."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from changbei.compute import dayplan
from changbei.compute.dayplan import DayStops, DayVans, Even
from changbei.compute.dayplan.figures import figures
from changbei.core import clock
from changbei.delivery import travel
from changbei.delivery.lines.questions import Arrays
from changbei.delivery.models import LineQuestion

LEASE = timedelta(minutes=10)
"""How long a worker may plan before another one does: a country's largest city takes two minutes."""
TRIES = 3
LOST = gettext_noop("the workers that planned these lines were lost, or took too long")


@dataclass(frozen=True)
class Prices:
    """What the planner asks for, as multiples of the usual prices; driving counts the more the less these do.

    `waiting`: of a second in which a crew stands before a customer who is not open yet, in driving.
    """

    uneven: float = 1.0
    stranger: float = 1.0
    waiting: float = 0.25

    @property
    def even(self) -> Even:
        return Even(tolerance=1.1 if self.uneven <= 1 else 1.03, percent_seconds=20.0 * self.uneven)


PRICES: Mapping[str, Prices] = {
    LineQuestion.Weight.USUAL: Prices(),
    LineQuestion.Weight.EVEN: Prices(uneven=5.0),
    LineQuestion.Weight.COMPACT: Prices(uneven=0.2, stranger=0.2),
    LineQuestion.Weight.FAMILIAR: Prices(stranger=5.0),
}


def work() -> int:
    """Plan the question that has waited longest; 0 when none waits. What a worker does again and again."""
    question = claim()
    if question is None:
        return 0
    try:
        found = answered(question)
    except Exception as error:
        _failed(question, error)
        raise
    settle(question, found)
    return 1


def claim() -> LineQuestion | None:
    """Take a question for a while: one that nobody has, or whose lease is over."""
    now = clock.now()
    with transaction.atomic():
        waiting = LineQuestion.objects.filter(status=LineQuestion.Status.WAITING)
        free = waiting.filter(Q(lease_until=None) | Q(lease_until__lt=now)).order_by("asked_at", "pk")
        question = free.select_for_update(skip_locked=True).first()
        if question is None:
            return None
        question.claim, question.lease_until, question.tries = uuid4(), now + LEASE, question.tries + 1
        if question.tries > TRIES:
            question.status = LineQuestion.Status.FAILED
            question.trouble = question.trouble or LOST
        question.save(update_fields=["claim", "lease_until", "tries", "status", "trouble"])
    return None if question.status == LineQuestion.Status.FAILED else question


def settle(question: LineQuestion, answer: Mapping[str, Any]) -> bool:
    """Keep the answer, unless the question has been passed on to another worker meanwhile."""
    mine = LineQuestion.objects.filter(
        pk=question.pk, claim=question.claim, status=LineQuestion.Status.WAITING
    )
    kept = mine.update(
        status=LineQuestion.Status.ANSWERED, answer=dict(answer), answered_at=clock.now(), lease_until=None
    )
    return kept == 1


def _failed(question: LineQuestion, error: Exception) -> None:
    status = LineQuestion.Status.FAILED if question.tries >= TRIES else LineQuestion.Status.WAITING
    LineQuestion.objects.filter(pk=question.pk, claim=question.claim).update(
        status=status, trouble=str(error)[:200], lease_until=clock.now() + timedelta(seconds=30)
    )


def answered(question: LineQuestion) -> dict[str, Any]:
    """The answer, computed outside any transaction: lines of stop numbers, and the figures of both. Each depot's goods
    stay with its own vans."""
    arrays = dict(np.load(io.BytesIO(bytes(question.question))))
    times = travel.times(question.date, arrays["longitude"].tolist(), arrays["latitude"].tolist())
    seconds, stop, van = times.seconds, arrays["stop"], arrays["van"]
    stops, vans = _stops(stop), _vans(van)
    so_far = [np.flatnonzero(arrays["line"] == one).tolist() for one in range(len(van))]
    found: list[list[int]] = [[] for _ in so_far]
    for depot in np.unique(van[:, 1]).tolist():
        crew = np.flatnonzero(van[:, 1] == depot)
        mine = np.flatnonzero(np.isin(arrays["line"], [*crew.tolist(), -1 - depot]))
        for at, line in zip(crew.tolist(), _planned(question, arrays, seconds, crew, mine), strict=True):
            found[at] = line
    return {
        "lines": [[int(stop[at, 0]) for at in line] for line in found],
        "lines_so_far": [[int(stop[at, 0]) for at in line] for line in so_far],
        "nobody_so_far": [int(stop[at, 0]) for at in np.flatnonzero(arrays["line"] < 0)],
        "vans": [_each(seconds, stops, vans, lines) for lines in (so_far, found)],
        "tours": van[:, 0].tolist(),
        "left_out": len(stop) - sum(map(len, found)),
        "so_far": asdict(figures(seconds, stops, vans, so_far)),
        "planned": asdict(figures(seconds, stops, vans, found)),
        "moved": sum(int(arrays["line"][at]) != one for one, line in enumerate(found) for at in line),
        "basis": times.basis.kind,
    }


def _planned(
    question: LineQuestion, arrays: Arrays, seconds: npt.NDArray[np.integer], crew: Any, mine: Any
) -> list[list[int]]:
    """The lines of one depot's vans, begun from those so far; numbers of stops in the whole question. What no van could
    ever take is on none of them."""
    refused = dayplan.refused_stops(seconds, _stops(arrays["stop"][mine]), _vans(arrays["van"][crew]))
    mine = np.delete(mine, [at for at, _why in refused])
    if not len(mine):
        return [[] for _ in crew]
    prices = PRICES[question.weight]
    stop = np.array(arrays["stop"][mine], dtype=np.int64)
    stop[:, 7] = stop[:, 7] * prices.stranger
    rank = np.full(len(arrays["van"]) + 1, -1)
    rank[crew] = np.arange(len(crew))
    stop[:, 6] = rank[stop[:, 6]]  # -1 is nobody, and the last entry
    number = {int(one): at for at, one in enumerate(mine)}
    usual = [[number[int(at)] for at in mine if arrays["line"][at] == one] for one in crew]
    found = dayplan.plan(
        seconds,
        _stops(stop),
        _vans(arrays["van"][crew]),
        seconds=0.0,
        seed=1,
        iterations=max(1, question.rounds * len(mine) // len(arrays["stop"])),
        even=prices.even,
        usual_lines=usual,
        waiting=prices.waiting,
    )
    return [[int(mine[at]) for at in line] for line in found.lines]


def _each(
    seconds: npt.NDArray[np.integer], stops: DayStops, vans: DayVans, lines: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Per van: customers, cartons, seconds of driving, seconds from leaving to coming back, visits that are late."""
    found = []
    for van, line in enumerate(lines):
        alone = figures(seconds, stops, vans, [line if one == van else [] for one in range(len(lines))])
        start, depot = int(vans.shift_start_seconds[van]), int(vans.depot[van])
        now, here = start, depot
        for stop in line:
            there = int(stops.location[stop])
            now = max(now + int(seconds[here, there]), int(stops.window_open_seconds[stop]))
            now, here = now + int(stops.service_seconds[stop]), there
        works = now + int(seconds[here, depot]) - start if line else 0
        found.append([len(line), int(stops.size[list(line)].sum()), alone.driving_seconds, works, alone.late])
    return found


def _stops(rows: Any) -> DayStops:
    location, cartons, service, opens, closes, usual, strange = (
        np.ascontiguousarray(rows[:, at]) for at in range(1, 8)
    )
    return DayStops(location, cartons, service, opens, closes, usual_van=usual, strange_seconds=strange)


def _vans(rows: Any) -> DayVans:
    return DayVans(*(np.ascontiguousarray(rows[:, at]) for at in range(1, 5)))
