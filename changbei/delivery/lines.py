"""The next day's lines from its orders: asked in the evening (`line_evenings`), planned by any worker, compared with
the lines driven so far (`line_shown`), accepted by a dispatcher (`line_choice`).

A question is a few compressed arrays, a hundred kilobytes a city. Workers on any host take one each, with a lease; one
that is lost leaves its question to the next, and an answer that comes after the lease was passed on is not written.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop

from changbei.compute import dayplan
from changbei.compute.dayplan import DayStops, DayVans, Even
from changbei.compute.dayplan.figures import figures
from changbei.core import clock
from changbei.core.clock import LOCAL
from changbei.core.errors import Conflict, Invalid, NotFound
from changbei.delivery import travel
from changbei.delivery.models import DeliveryDay, LineQuestion, Stop, Tour
from changbei.network.models import Site

Arrays = dict[str, npt.NDArray[np.generic]]

LEASE = timedelta(minutes=10)
"""How long a worker may plan before another one does: a country's largest city takes two minutes."""
TRIES = 3
ROUNDS_PER_STOP = 100
STRANGE_SECONDS, STRANGE_IMPORTANT_SECONDS = 300, 900
"""What a van that does not know the customer costs, in driving; of key and vulnerable customers."""
NEVER = 10**9


@dataclass(frozen=True)
class Prices:
    """What the planner asks for, as multiples of the usual prices; driving counts the more the less these do."""

    uneven: float = 1.0
    stranger: float = 1.0

    @property
    def even(self) -> Even:
        return Even(tolerance=1.1 if self.uneven <= 1 else 1.03, percent_seconds=20.0 * self.uneven)


PRICES: Mapping[str, Prices] = {
    LineQuestion.Weight.USUAL: Prices(),
    LineQuestion.Weight.EVEN: Prices(uneven=5.0),
    LineQuestion.Weight.COMPACT: Prices(uneven=0.2, stranger=0.2),
    LineQuestion.Weight.FAMILIAR: Prices(stranger=5.0),
}


def ask(day: DeliveryDay, *, site: Site | None = None, weight: str = LineQuestion.Weight.USUAL) -> LineQuestion:
    """Have a planned day's lines thought over, of one site or of all; the same orders are the same question.

    Raises Conflict when vans have left, NotFound when nothing is to be delivered, Invalid for another weight.
    """
    if weight not in PRICES:
        raise Invalid("weight", f"{weight!r}: {', '.join(PRICES)}")
    refuse_begun(day, site)
    version, arrays = day.version, _arrays(day, site)
    if not len(arrays["stop"]):
        raise NotFound(gettext_noop("no deliveries are planned for this day"))
    return put(arrays, city="", on=day.date, day=day, version=version, site=site, weight=weight)


def refuse_begun(day: DeliveryDay, site: Site | None) -> None:
    """Raises Conflict when the first of these vans has left."""
    left = tours_of(day, site).filter(~Q(status=Tour.Status.PLANNED) | Q(departs_at__lte=clock.now()))
    if left.exists():
        raise Conflict(gettext_noop("vans have left: lines are planned before the day begins"))


def tours_of(day: DeliveryDay, site: Site | None) -> QuerySet[Tour]:
    """The day's tours of a site, or of all."""
    tours = Tour.objects.filter(day=day)
    return tours.filter(site=site) if site else tours


def put(
    arrays: Arrays,
    *,
    city: str,
    on: date,
    day: DeliveryDay | None = None,
    version: int = 0,
    site: Site | None = None,
    weight: str = LineQuestion.Weight.USUAL,
) -> LineQuestion:
    """Queue a question, once: arrays `longitude`, `latitude` (L,), `stop` (N, 8): number, location, cartons, service,
    opens, closes, usual van or -1, price of a stranger; `van` (K, 5): number, depot, capacity, start, end; `line`
    (N,) the van that has the stop so far, in driving order. One that was given up waits again."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
    digest = _digest(arrays, weight)
    found, _made = LineQuestion.objects.get_or_create(
        city=city,
        date=on,
        digest=digest,
        defaults={
            "question": packed.getvalue(),
            "rounds": ROUNDS_PER_STOP * len(arrays["stop"]),
            "asked_at": clock.now(),
            "day": day,
            "day_version": version,
            "site": site,
            "weight": weight,
        },
    )
    given_up = LineQuestion.objects.filter(pk=found.pk, status=LineQuestion.Status.FAILED)
    if given_up.update(status=LineQuestion.Status.WAITING, tries=0, claim=None, lease_until=None, trouble=""):
        found.refresh_from_db()
    if day is not None and found.day_version != version:
        LineQuestion.objects.filter(pk=found.pk).update(day_version=version)
        found.day_version = version
    return found


def is_stale(question: LineQuestion, day: DeliveryDay) -> bool:
    """Whether the day's orders, vans or lines are others than when it was asked. Not every change of a day is one."""
    return bool(stale_among([question], day, question.site))


def stale_among(questions: Sequence[LineQuestion], day: DeliveryDay, site: Site | None) -> set[int]:
    """The keys of those questions of one site, or of all, that are about the day as it no longer is."""
    older = [one for one in questions if one.day_version != day.version]
    arrays = _arrays(day, site) if older else {}
    return {one.pk for one in older if _digest(arrays, one.weight) != one.digest}


def _digest(arrays: Arrays, weight: str) -> str:
    content = b"".join(arrays[name].tobytes() for name in sorted(arrays))
    return hashlib.sha256(content + (b"" if weight == LineQuestion.Weight.USUAL else weight.encode())).hexdigest()


def _arrays(day: DeliveryDay, site: Site | None) -> Arrays:
    midnight = datetime.combine(day.date, time.min, LOCAL)
    tours = list(tours_of(day, site).select_related("site", "vehicle").order_by("pk"))
    stops = list(
        Stop.objects.filter(day=day, tour__in=tours, status=Stop.Status.PLANNED)
        .select_related("retailer")
        .order_by("tour_id", "sequence", "pk")
    )
    sites = sorted({tour.site_id for tour in tours})
    spot = {tour.site_id: (tour.site.longitude, tour.site.latitude) for tour in tours}
    number = {tour.pk: at for at, tour in enumerate(tours)}
    by_line = {tour.line_id: at for at, tour in enumerate(tours) if tour.line_id is not None}
    rows = []
    for at, stop in enumerate(stops):
        shop = stop.retailer
        important = shop.is_key or shop.is_vulnerable
        rows.append(
            (
                stop.pk,
                len(sites) + at,
                stop.cartons,
                stop.service_seconds,
                _seconds(stop.window_start, midnight) if stop.window_start else 0,
                _seconds(stop.window_end, midnight) if stop.window_end else NEVER,
                by_line.get(shop.line_id, -1),
                STRANGE_IMPORTANT_SECONDS if important else STRANGE_SECONDS,
            )
        )
    vans = [
        (
            tour.pk,
            sites.index(tour.site_id),
            tour.vehicle.capacity_cartons,
            _seconds(tour.departs_at, midnight),
            _seconds(tour.shift_ends_at, midnight),
        )
        for tour in tours
    ]
    places = [spot[site] for site in sites] + [
        (one.retailer.longitude, one.retailer.latitude) for one in stops
    ]
    return {
        "longitude": np.array([lon for lon, _ in places], dtype=float),
        "latitude": np.array([lat for _, lat in places], dtype=float),
        "stop": np.array(rows, dtype=np.int64).reshape(len(rows), 8),
        "van": np.array(vans, dtype=np.int64).reshape(len(vans), 5),
        "line": np.array([number[stop.tour_id or 0] for stop in stops], dtype=np.int64),
    }


def _seconds(moment: datetime, midnight: datetime) -> int:
    return max(round((moment - midnight).total_seconds()), 0)


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
        question.save(update_fields=["claim", "lease_until", "tries", "status"])
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
        mine = np.flatnonzero(np.isin(arrays["line"], crew))
        for at, line in zip(crew.tolist(), _planned(question, arrays, seconds, crew, mine), strict=True):
            found[at] = line
    return {
        "lines": [[int(stop[at, 0]) for at in line] for line in found],
        "lines_so_far": [[int(stop[at, 0]) for at in line] for line in so_far],
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
