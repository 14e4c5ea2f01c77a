"""A site's delivery day for solvers and back: VRPLIB instances with time windows, and solutions.

Node 1 is the site, the customers follow by licence number; times are whole seconds from local midnight. VRPLIB knows
one capacity for all vans: it is that of the smallest, so that every solution can be driven.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

import vrplib
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from changbei.core.clock import LOCAL
from changbei.core.errors import Conflict, Invalid, Problem
from changbei.delivery import bulk, changing, expecting, travel
from changbei.delivery.exchange.taking import imported
from changbei.delivery.models import DeliveryDay, Stop, Tour
from changbei.network.models import Site
from changbei.people.models import Person


@dataclass(frozen=True)
class _Part:
    """The tours of one site that have not left and have customers, by the number of their van, and their stops by
    licence."""

    site: Site
    tours: tuple[Tour, ...]
    stops: tuple[Stop, ...]


def _part(day: DeliveryDay, site: Site) -> _Part:
    tours = Tour.objects.filter(~changing.left(), day=day, site=site).select_related("vehicle", "site")
    stops = Stop.objects.filter(tour__in=tours, status=Stop.Status.PLANNED, goods_at=None, goods_site=None)
    driven = tours.filter(pk__in=stops.values("tour"))
    ordered = sorted(driven, key=lambda tour: (len(tour.vehicle.number), tour.vehicle.number))
    return _Part(
        site, tuple(ordered), tuple(stops.select_related("retailer").order_by("retailer__licence_no", "pk"))
    )


def write_instance(day: DeliveryDay, site: Site) -> bytes:
    """The instance of one site. Raises Conflict when none of its tours is still to leave."""
    part = _part(day, site)
    if not part.stops:
        raise Conflict(gettext_noop("no tour of this site is still to leave"))
    midnight = datetime.combine(day.date, time.min, LOCAL)

    def seconds(moment: datetime) -> int:
        return int((moment - midnight).total_seconds())

    spots = [(site.longitude, site.latitude)]
    spots += [(stop.retailer.longitude, stop.retailer.latitude) for stop in part.stops]
    matrix = travel.times(day.date, [lon for lon, _lat in spots], [lat for _lon, lat in spots])
    leaves = min(seconds(tour.departs_at) for tour in part.tours)
    back = max(seconds(tour.shift_ends_at) for tour in part.tours)
    windows = [[leaves, back]]
    windows += [
        [
            seconds(stop.window_start) if stop.window_start else leaves,
            seconds(stop.window_end) if stop.window_end else back,
        ]
        for stop in part.stops
    ]
    data = {
        "NAME": f"{day.date.isoformat()}-{site.code}",
        "COMMENT": f"times in seconds: {matrix.basis.kind}; version {day.version}",
        "TYPE": "VRPTW",
        "DIMENSION": len(spots),
        "VEHICLES": len(part.tours),
        "CAPACITY": min(tour.vehicle.capacity_cartons for tour in part.tours),
        "EDGE_WEIGHT_TYPE": "EXPLICIT",
        "EDGE_WEIGHT_FORMAT": "FULL_MATRIX",
        "NODE_COORD_SECTION": [list(spot) for spot in spots],
        "DEMAND_SECTION": [0, *(stop.cartons for stop in part.stops)],
        "TIME_WINDOW_SECTION": windows,
        "SERVICE_TIME_SECTION": [0, *(stop.service_seconds for stop in part.stops)],
        "EDGE_WEIGHT_SECTION": matrix.seconds.tolist(),
        "DEPOT_SECTION": [1, -1],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "day.vrp"
        vrplib.write_instance(path, data)
        return path.read_bytes()


def write_solution(day: DeliveryDay, site: Site) -> bytes:
    """The tours as they are planned, as a solution of `write_instance`: routes by van, customers from 1."""
    part = _part(day, site)
    number = {stop.pk: index for index, stop in enumerate(part.stops, start=1)}
    by_tour: dict[int, list[Stop]] = {tour.pk: [] for tour in part.tours}
    for stop in sorted(part.stops, key=lambda stop: (stop.sequence, stop.pk)):
        by_tour[stop.tour_id or 0].append(stop)
    routes = [[number[stop.pk] for stop in by_tour[tour.pk]] for tour in part.tours]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "day.sol"
        vrplib.write_solution(path, routes, {"Version": day.version})
        return path.read_bytes()


@transaction.atomic
def read_solution(path: Path, day: DeliveryDay, site: Site, *, actor: Person | None) -> int:
    """Drive the site's tours as the solution says; its k-th route is the van with the k-th number. How many stops.

    All or nothing: raises Invalid when a customer is missing, there twice or unknown, or a van is overloaded; Conflict
    when none of its tours is still to leave.
    """
    day = changing.locked_day(day.pk)
    part = _part(day, site)
    if not part.stops:
        raise Conflict(gettext_noop("no tour of this site is still to leave"))
    try:
        routes: list[list[int]] = vrplib.read_solution(path)["routes"]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise Invalid(
            "file", _("%(file)s is no VRPLIB solution: %(why)s") % {"file": path.name, "why": error}
        ) from None
    if problems := _problems(path.name, part, routes):
        raise Invalid(problems=problems)
    for tour, route in zip(part.tours, routes, strict=False):
        for sequence, customer in enumerate(route, start=1):
            stop = part.stops[customer - 1]
            stop.tour, stop.sequence = tour, sequence
    bulk.update(part.stops, ["tour", "sequence"])
    expecting.timetable(part.tours)
    imported(day, path.name, len(part.tours), len(part.stops), replaced=True, actor=actor)
    return len(part.stops)


def _problems(file: str, part: _Part, routes: list[list[int]]) -> list[Problem]:
    found: list[Problem] = []

    def say(where: str, words: str) -> None:
        found.append(Problem("file", f"{file}, {where}: {words}"))

    if len(routes) > len(part.tours):
        say(
            _("routes"),
            _("there are %(routes)d, but only %(vans)d vans")
            % {"routes": len(routes), "vans": len(part.tours)},
        )
    seen: dict[int, int] = {}
    for number, route in enumerate(routes, start=1):
        where = _("route %(number)d") % {"number": number}
        for customer in route:
            if not 1 <= customer <= len(part.stops):
                say(
                    where,
                    _("customer %(customer)d is not one of 1 to %(last)d")
                    % {"customer": customer, "last": len(part.stops)},
                )
            elif customer in seen:
                say(
                    where,
                    _("customer %(customer)d is on route %(route)d already")
                    % {"customer": customer, "route": seen[customer]},
                )
            seen.setdefault(customer, number)
        if number <= len(part.tours):
            van = part.tours[number - 1].vehicle
            load = sum(part.stops[one - 1].cartons for one in route if 1 <= one <= len(part.stops))
            if load > van.capacity_cartons:
                say(
                    where,
                    _("van %(van)s takes %(most)d cartons, not %(load)d")
                    % {"van": van.number, "most": van.capacity_cartons, "load": load},
                )
    missing = sorted(set(range(1, len(part.stops) + 1)) - seen.keys())
    if missing:
        say(
            _("routes"),
            _("customers are missing: %(missing)s") % {"missing": ", ".join(map(str, missing[:10]))},
        )
    return found
