"""Asking for a day's lines: what is to be delivered and by which vans, as arrays; the same is asked once."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from datetime import date, datetime, time

import numpy as np
import numpy.typing as npt
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.clock import LOCAL
from changbei.core.errors import Conflict, Invalid, NotFound
from changbei.delivery import changing
from changbei.delivery.models import DeliveryDay, LineQuestion, Stop, Tour
from changbei.network.models import Site

Arrays = dict[str, npt.NDArray[np.generic]]

ROUNDS_PER_STOP = 100
STRANGE_SECONDS, STRANGE_IMPORTANT_SECONDS = 300, 900
"""What a van that does not know the customer costs, in driving; of key and vulnerable customers."""
NEVER = 10**9


def ask(
    day: DeliveryDay, *, site: Site | None = None, weight: str = LineQuestion.Weight.USUAL
) -> LineQuestion:
    """Have a planned day's lines thought over, of one site or of all; the same orders are the same question.

    Raises Conflict when vans have left, NotFound when nothing is to be delivered, Invalid for another weight.
    """
    if weight not in LineQuestion.Weight.values:
        raise Invalid("weight", f"{weight!r}: {', '.join(LineQuestion.Weight.values)}")
    refuse_begun(day, site)
    version, arrays = day.version, _arrays(day, site)
    if not len(arrays["stop"]):
        raise NotFound(gettext_noop("no deliveries are planned for this day"))
    return put(arrays, city="", on=day.date, day=day, version=version, site=site, weight=weight)


def refuse_begun(day: DeliveryDay, site: Site | None) -> None:
    """Raises Conflict when the first of these vans has left."""
    if tours_of(day, site).filter(changing.left()).exists():
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
    (N,) the van that has the stop so far, in driving order, or -1 - depot when none has. One that was given up waits
    again."""
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
    return hashlib.sha256(
        content + (b"" if weight == LineQuestion.Weight.USUAL else weight.encode())
    ).hexdigest()


def _arrays(day: DeliveryDay, site: Site | None) -> Arrays:
    midnight = datetime.combine(day.date, time.min, LOCAL)
    tours = list(tours_of(day, site).select_related("site", "vehicle").order_by("pk"))
    sites = sorted({tour.site_id for tour in tours})
    nobody = Q(tour=None, goods_at=None, goods_site=None, aboard=None, retailer__line__site__in=sites)
    stops = list(
        Stop.objects.filter(Q(tour__in=tours) | nobody, day=day, status=Stop.Status.PLANNED)
        .select_related("retailer__line")
        .order_by("tour_id", "sequence", "pk")
    )
    spot = {tour.site_id: (tour.site.longitude, tour.site.latitude) for tour in tours}
    number = {tour.pk: at for at, tour in enumerate(tours)}
    by_line = {tour.line_id: at for at, tour in enumerate(tours) if tour.line_id is not None}

    def line_of(stop: Stop) -> int:
        return number[stop.tour_id] if stop.tour_id else -1 - sites.index(stop.retailer.line.site_id)

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
        "line": np.array([line_of(stop) for stop in stops], dtype=np.int64),
    }


def _seconds(moment: datetime, midnight: datetime) -> int:
    return max(round((moment - midnight).total_seconds()), 0)
