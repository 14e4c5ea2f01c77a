"""The next day's lines from its orders: asked in the evening, planned by any worker, compared with the lines driven so
far, accepted by a dispatcher.

A question is a few compressed arrays, a hundred kilobytes a city. Workers on any host take one each, with a lease; one
that is lost leaves its question to the next, and an answer that comes after the lease was passed on is not written.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext, gettext_noop

from changbei.compute import dayplan
from changbei.compute.dayplan import DayStops, DayVans, Even
from changbei.compute.dayplan.figures import figures
from changbei.core import clock
from changbei.core.clock import LOCAL
from changbei.core.errors import Conflict, NotAllowed, NotFound
from changbei.delivery import changing, disrupting, travel
from changbei.delivery.models import DeliveryDay, LineQuestion, Stop, Tour
from changbei.people import access as people
from changbei.people.models import Person

Arrays = dict[str, npt.NDArray[np.generic]]

LEASE = timedelta(minutes=10)
"""How long a worker may plan before another one does: a country's largest city takes two minutes."""
TRIES = 3
ROUNDS_PER_STOP = 100
STRANGE_SECONDS, STRANGE_IMPORTANT_SECONDS = 300, 900
"""What a van that does not know the customer costs, in driving; of key and vulnerable customers."""
EVEN = Even(tolerance=1.1, percent_seconds=20.0)
NEVER = 10**9


def ask(day: DeliveryDay) -> LineQuestion:
    """Have a planned day's lines thought over; the same orders are the same question. Raises Conflict when vans have
    left, NotFound when nothing is to be delivered."""
    if Tour.objects.filter(day=day).exclude(status=Tour.Status.PLANNED).exists():
        raise Conflict(gettext_noop("vans have left: lines are planned before the day begins"))
    version, arrays = day.version, _arrays(day)
    if not len(arrays["stop"]):
        raise NotFound(gettext_noop("no deliveries are planned for this day"))
    return put(arrays, city="", on=day.date, day=day, version=version)


def put(
    arrays: Arrays, *, city: str, on: date, day: DeliveryDay | None = None, version: int = 0
) -> LineQuestion:
    """Queue a question, once: arrays `longitude`, `latitude` (L,), `stop` (N, 8): number, location, cartons, service,
    opens, closes, usual van or -1, price of a stranger; `van` (K, 5): number, depot, capacity, start, end; `line`
    (N,) the van that has the stop so far, in driving order."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
    digest = hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays))).hexdigest()
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
        },
    )
    if day is not None and found.day_version != version:
        LineQuestion.objects.filter(pk=found.pk).update(day_version=version)
        found.day_version = version
    return found


def _arrays(day: DeliveryDay) -> Arrays:
    midnight = datetime.combine(day.date, time.min, LOCAL)
    tours = list(Tour.objects.filter(day=day).select_related("site", "vehicle").order_by("pk"))
    stops = list(
        Stop.objects.filter(day=day, tour__isnull=False, status=Stop.Status.PLANNED)
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
    """The lines of one depot's vans, begun from those so far; numbers of stops in the whole question."""
    if not len(mine):
        return [[] for _ in crew]
    stop = np.array(arrays["stop"][mine], dtype=np.int64)
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
        even=EVEN,
        usual_lines=usual,
    )
    return [[int(mine[at]) for at in line] for line in found.lines]


def _stops(rows: Any) -> DayStops:
    location, cartons, service, opens, closes, usual, strange = (
        np.ascontiguousarray(rows[:, at]) for at in range(1, 8)
    )
    return DayStops(location, cartons, service, opens, closes, usual_van=usual, strange_seconds=strange)


def _vans(rows: Any) -> DayVans:
    return DayVans(*(np.ascontiguousarray(rows[:, at]) for at in range(1, 5)))


@dataclass(frozen=True)
class Compared:
    """A figure of the lines so far and of those planned, as it is shown."""

    name: str
    so_far: str
    planned: str
    change: str


SHOWN = (
    ("vans", gettext_noop("Vans that drive"), 1.0, "d"),
    ("driving_seconds", gettext_noop("Driving of all vans, hours"), 3600.0, ".1f"),
    ("between_seconds", gettext_noop("From one customer to the next, minutes"), 60.0, ".1f"),
    ("most_stops", gettext_noop("Most customers of a van, against the mean"), 1.0, ".2f"),
    ("most_hours", gettext_noop("Longest shift of a van, against the mean"), 1.0, ".2f"),
    ("most_cartons", gettext_noop("Most cartons of a van, against the mean"), 1.0, ".2f"),
    ("strangers", gettext_noop("Customers whose usual van does not come"), 1.0, "d"),
    ("late", gettext_noop("Visits after hours, or vans back late"), 1.0, "d"),
)


def compared(answer: Mapping[str, Any]) -> list[Compared]:
    """The figures of both, and the differences."""
    rows = []
    for key, name, unit, digits in SHOWN:
        before, after = (answer[which][key] for which in ("so_far", "planned"))
        if digits != "d":
            before, after = before / unit, after / unit
        words = f"{before:{digits}}", f"{after:{digits}}", f"{after - before:+{digits}}"
        rows.append(Compared(gettext(name), *words))
    return rows


@transaction.atomic
def accept(question: LineQuestion, *, actor: Person) -> int:
    """Drive the planned lines; how many customers change vans. Raises NotAllowed, and Conflict when the day has changed
    since it was asked, when stops would be left out, or when it was not answered."""
    if not people.may(actor, "delivery.accept"):
        raise NotAllowed(gettext_noop("dispatchers and the head of the delivery centre accept lines"))
    if question.day_id is None:
        raise NotFound(gettext_noop("these are another city's lines"))
    day = changing.locked_day(question.day_id)
    question = LineQuestion.objects.select_for_update().get(pk=question.pk)
    if question.status != LineQuestion.Status.ANSWERED or question.answer is None:
        raise Conflict(gettext_noop("these lines are not planned yet, or already accepted"))
    if day.version != question.day_version:
        raise Conflict(gettext_noop("the day has changed since its lines were planned; plan them anew"))
    if question.answer["left_out"]:
        raise Conflict(gettext_noop("not all customers fit into these lines"))
    moved = _write(day, question.answer)
    question.status = LineQuestion.Status.ACCEPTED
    question.save(update_fields=["status"])
    changing.changed(day)
    changing.note(
        "delivery.lines_planned", None, actor, clause="E2.6", date=day.date.isoformat(), moved=moved
    )
    return moved


def _write(day: DeliveryDay, answer: Mapping[str, Any]) -> int:
    stops = Stop.objects.filter(day=day).in_bulk()
    tours = Tour.objects.filter(day=day).select_related("site").in_bulk()
    changed: list[Stop] = []
    moved = 0
    for pk, line in zip(answer["tours"], answer["lines"], strict=True):
        for number, one in enumerate(line, start=1):
            stop = stops[one]
            moved += stop.tour_id != pk
            stop.tour, stop.sequence = tours[pk], number
            changed.append(stop)
    Stop.objects.bulk_update(changed, ["tour", "sequence"], batch_size=1000)
    disrupting.timetable(tours[pk] for pk in answer["tours"])
    return moved
