"""When a van is expected at its open stops and hand-overs: driving its list as it stands, from where it was last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import shapely
from django.db.models import Count, Max, QuerySet

from changbei.compute import geo
from changbei.core import clock
from changbei.delivery import bulk, rules, selectors, travel
from changbei.delivery.models import Breakdown, DeliveryDay, Handover, Stop, Tour
from changbei.network.models import Retailer, Site

Spot = Breakdown | Retailer | Site
Step = Stop | Handover
Closed = Sequence[tuple[shapely.Geometry, datetime | None]]
"""What is closed, and until when; None: for the rest of the day."""
NO_TIME = timedelta(0)


def expect_rest(tour: int | None) -> None:
    """The rest of this tour (its key), from where its van was last. It depends on what is done alone, so that asking
    again moves nothing, in whatever order the stops became known. What is on a broken van waits there; a stop served
    at nobody knows what time (`rules.earliest_word`) moves nothing."""
    for one in _that_drive(Tour.objects.filter(pk=tour or 0)):
        spot, left_at = _last_place(one)
        if left_at > rules.earliest_word(one.departs_at):
            expect_from(one, spot, left_at)


def expect_again(tour: Tour, later: timedelta = NO_TIME) -> None:
    """The same when the list has changed. A van that leaves its last place so much later, or that has been silent, is
    nowhere before now."""
    if tour.status != Tour.Status.BROKEN_DOWN:
        spot, left_at = _last_place(tour)
        expect_from(tour, spot, left_at + later, not_before=clock.now())


@contextmanager
def changing_lists(stops: QuerySet[Stop]) -> Iterator[list[Tour]]:
    """Around a change of these stops: the vans of their tours, which it gives, are expected at the rest of their
    lists again, as late as they were known to be."""
    tours = _that_drive(Tour.objects.filter(pk__in=stops.values("tour")))
    delays = [_known_delay(tour) for tour in tours]
    yield tours
    for tour, delay in zip(tours, delays, strict=True):
        expect_again(tour, delay)


def expect_from(tour: Tour, start: Spot, ready_at: datetime, *, not_before: datetime | None = None) -> None:
    """Stop after stop and call after call from `start` on, in the tour's sequence."""
    if drive := _steps([tour]).get(tour.pk, []):
        times = _times(start, ready_at, drive, _closed(tour.day), not_before)
        _write(drive, times, ["expected_at"])


def delay(tour: Tour, by: timedelta) -> int:
    """The van reaches its open stops and hand-overs later by as much; where it would have waited for the delivery
    hours, by as much less from there on. How many stops are open."""
    drive = _steps([tour]).get(tour.pk, [])
    spot, leaves = _last_place(tour)
    times = []
    for one, leg in zip(drive, _legs(spot, tour.day.date, drive, []), strict=True):
        was = one.expected_at
        if was is None:
            continue
        opens, takes = (
            (one.window_start, _service(one)) if isinstance(one, Stop) else (None, _at_call(one)[1])
        )
        if opens is not None and was <= opens:
            by = max(by - max(was - leaves - leg, NO_TIME), NO_TIME)
        times.append(was + by)
        leaves = was + takes
    told = [one for one in drive if one.expected_at is not None]
    _write(told, times, ["expected_at"])
    return sum(isinstance(one, Stop) for one in drive)


def timetable(tours: Iterable[Tour]) -> None:
    """Planned and expected arrivals of tours of a day that have not left, by their sequence from the site."""
    leaving = list(tours)
    steps = _steps(leaving)
    closed = _closed(leaving[0].day) if leaving else []
    drive: list[Step] = []
    times: list[datetime] = []
    for tour in leaving:
        if ahead := steps.get(tour.pk, []):
            drive += ahead
            times += _times(tour.site, tour.departs_at, ahead, closed)
    for one, at in zip(drive, times, strict=True):
        if isinstance(one, Stop):
            one.planned_at = at
    _write(drive, times, ["planned_at", "expected_at"])


# ---------------------------------------------------------------- where the van was, and how late it is


def _that_drive(tours: QuerySet[Tour]) -> list[Tour]:
    driving = tours.exclude(status=Tour.Status.BROKEN_DOWN)
    return list(driving.select_related("site", "vehicle", "day").order_by("pk"))


def _last_place(tour: Tour) -> tuple[Spot, datetime]:
    """The stop, the hand-over or the breakdown from which the van went on last, else its site; and when."""
    stops = (
        tour.stops.filter(done_at__isnull=False).select_related("retailer").order_by("-done_at", "-sequence")
    )
    calls = tour.handovers.filter(done_at__isnull=False).select_related("breakdown__tour__site", "site")
    places: list[tuple[Spot, datetime | None]] = [
        *((one.retailer, one.done_at) for one in stops[:1]),
        *((one.spot, one.done_at) for one in calls),
        *((one, one.resumed_at) for one in tour.breakdowns.all()),
    ]
    known = [(spot, at) for spot, at in places if at is not None]
    return max(known, key=lambda place: place[1], default=(tour.site, tour.departs_at))


def _known_delay(tour: Tour) -> timedelta:
    """By how much a van on its way is expected at its next step later than by driving on: it is held up, they said."""
    ahead = _steps([tour]).get(tour.pk, [])[:1]
    if tour.status != Tour.Status.DRIVING or not ahead or ahead[0].expected_at is None:
        return NO_TIME
    [driving_on] = _times(*_last_place(tour), ahead, _closed(tour.day))
    return max(ahead[0].expected_at - driving_on, NO_TIME)


# ---------------------------------------------------------------- driving the list


def _steps(tours: Sequence[Tour]) -> dict[int, list[Step]]:
    """Tour → its open stops and calls in the order of the drive."""
    ahead = Stop.objects.filter(tour__in=tours, status=Stop.Status.PLANNED).select_related("retailer")
    calls = Handover.objects.filter(tour__in=tours, done_at__isnull=True)
    rows: list[tuple[int, int, int, Step]] = [(stop.sequence, 1, stop.pk, stop) for stop in ahead]
    rows += [
        (call.before_sequence, 0, call.pk, call)
        for call in calls.select_related("breakdown__tour__site", "site")
    ]
    found: dict[int, list[Step]] = defaultdict(list)
    for *_order, one in sorted(rows, key=lambda row: row[:3]):
        found[one.tour_id or 0].append(one)
    return found


def _closed(day: DeliveryDay) -> Closed:
    return [(geo.polygon(one.area), one.until) for one in selectors.closures(day)]


def _times(
    start: Spot,
    ready_at: datetime,
    drive: Sequence[Step],
    closed: Closed,
    not_before: datetime | None = None,
) -> list[datetime]:
    """When a van that leaves `start` at `ready_at` begins each step, driving around what is closed; nothing before
    `not_before`."""
    moment, found = ready_at, []
    for one, leg in zip(drive, _legs(start, clock.day_of(ready_at), drive, closed), strict=True):
        moment += leg
        opens, takes = _at_stop(one, closed) if isinstance(one, Stop) else _at_call(one)
        moment = max(at for at in (moment, opens, not_before) if at is not None)
        found.append(moment)
        moment += takes
    return found


def _legs(start: Spot, on: date, drive: Sequence[Step], closed: Closed) -> list[timedelta]:
    """Driving from `start` to the first step, from there to the next, and so on, around what is closed."""
    spots = [start, *(one.retailer if isinstance(one, Stop) else one.spot for one in drive)]
    longitudes, latitudes = [one.longitude for one in spots], [one.latitude for one in spots]
    legs = travel.times(on, longitudes, latitudes, [area for area, _until in closed]).seconds.diagonal(1)
    return [timedelta(seconds=leg) for leg in legs.tolist()]


def _service(stop: Stop) -> timedelta:
    return timedelta(seconds=stop.service_seconds)


def _at_stop(stop: Stop, closed: Closed) -> tuple[datetime | None, timedelta]:
    """From when it may be served, and how long that takes. Whoever is to be served after an area opens waits for it."""
    opens = [stop.window_start] if stop.window_start else []
    for area, until in closed:
        if until is None or stop.expected_at is None or stop.expected_at < until:
            continue
        if geo.points_in(area, [stop.retailer.longitude], [stop.retailer.latitude])[0]:
            opens.append(until)
    return max(opens, default=None), _service(stop)


def _at_call(call: Handover) -> tuple[datetime | None, timedelta]:
    """From when the goods can be taken over, and how long that takes."""
    goods = call.waiting().aggregate(count=Count("pk"), ready_at=Max("goods_ready_at"))
    seconds = rules.HANDOVER_PER_STOP_SECONDS * goods["count"]
    return goods["ready_at"], rules.HANDOVER + timedelta(seconds=seconds)


def _write(drive: Sequence[Step], times: Sequence[datetime], of_stops: Sequence[str]) -> None:
    for one, at in zip(drive, times, strict=True):
        one.expected_at = at
    bulk.update((one for one in drive if isinstance(one, Stop)), of_stops)
    bulk.update((one for one in drive if isinstance(one, Handover)), ["expected_at"])
