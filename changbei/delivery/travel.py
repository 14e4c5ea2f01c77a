"""How long a van drives between the places of a day: by the road network where there is one, else estimated.

Times by road are kept on disk per day, and only what is new is computed. What would take longer than a dispatcher waits
is estimated, and `Basis` says so wherever the times are shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from django.conf import settings

from changbei.compute import closures, geo, roads
from changbei.compute.roads import Point, RoadNetwork, Seconds
from changbei.core.errors import Outside
from changbei.delivery import timesheets

GREAT_CIRCLE, ROADS, MIXED = "great_circle", "roads", "mixed"
WALKS_AT_ONCE = 60
"""How many walks through the network somebody may wait for: a couple of seconds in a city."""


@dataclass(frozen=True)
class Basis:
    """Where times come from. `kind`: `roads`; `great_circle`: estimated; `mixed`: by road, but the ways around closed
    areas estimated. `date` of the map data, `why` they are not by road altogether."""

    kind: str
    date: str = ""
    why: str = ""


@dataclass(frozen=True)
class Times:
    """(n, n) seconds from each place to each. `open_seconds`: as if nothing were closed; None when nothing is."""

    seconds: Seconds
    basis: Basis
    open_seconds: Seconds | None = None


def times(
    on: date, longitudes: Sequence[float], latitudes: Sequence[float], closed: Sequence[shapely.Geometry] = ()
) -> Times:
    """The driving times of the day between these places, not through what is closed."""
    network = current()
    if network is not None and roads.is_installed():
        try:
            found = _by_road(network, on, list(zip(longitudes, latitudes, strict=True)), closed)
        except Outside as error:
            return _estimated(longitudes, latitudes, closed, network.date, str(error))
        if found is not None:
            return found
        return _estimated(longitudes, latitudes, closed, network.date, "not_computed")
    return _estimated(longitudes, latitudes, closed, "", "not_installed" if network else "no_network")


def basis_of_day(on: date) -> Basis:
    """Where the times of a day come from once they are asked for, without computing any."""
    network = current()
    if network is None or not roads.is_installed():
        return Basis(GREAT_CIRCLE, "", "not_installed" if network else "no_network")
    if not timesheets.exists(_folder(), on, network.manifest.digest):
        return Basis(GREAT_CIRCLE, network.date, "not_computed")
    return Basis(ROADS, network.date)


def prepare(
    on: date,
    longitudes: Sequence[float],
    latitudes: Sequence[float],
    closed: Sequence[shapely.Geometry] = (),
) -> int:
    """Compute the times of a day ahead, however long it takes; the number of places. Raises Outside."""
    network = current()
    if network is None:
        raise Outside("no road network has been built: changbei roads build FILE.osm.pbf", permanent=True)
    points = list(zip(longitudes, latitudes, strict=True))
    _sheet(network, on, points, ())
    if closed:
        _sheet(network, on, points, closed)
    return len(points)


def lacking(
    on: date,
    longitudes: Sequence[float],
    latitudes: Sequence[float],
    closed: Sequence[shapely.Geometry] = (),
) -> int:
    """How many of these places have no times by road yet; 0 without a network."""
    network = current()
    if network is None:
        return 0
    points = list(zip(longitudes, latitudes, strict=True))
    names = {_name(network.manifest.digest, ()), _name(network.manifest.digest, closed)}
    return max(timesheets.missing(_folder(), on, name, points) for name in names)


def current() -> RoadNetwork | None:
    """The road network of this installation."""
    path = _folder() / "network"
    manifest = path / roads.MANIFEST
    return _loaded(path, manifest.stat().st_mtime_ns) if manifest.exists() else None


@lru_cache(maxsize=1)
def _loaded(path: Path, _changed: int) -> RoadNetwork | None:
    return roads.load(path)


def _folder() -> Path:
    return Path(settings.ROADS)


def _by_road(
    network: RoadNetwork, on: date, points: Sequence[Point], closed: Sequence[shapely.Geometry]
) -> Times | None:
    """None when more would have to be computed than somebody waits for."""
    digest = network.manifest.digest
    if timesheets.missing(_folder(), on, digest, points) > WALKS_AT_ONCE:
        return None
    open_seconds = _sheet(network, on, points, ())
    if not closed:
        return Times(open_seconds, Basis(ROADS, network.date))
    lon, lat = [one[0] for one in points], [one[1] for one in points]
    name = _name(digest, closed)
    if timesheets.missing(_folder(), on, name, points) > WALKS_AT_ONCE:
        estimate = _added(open_seconds, closures.around_metres(closed, lon, lat))
        return Times(estimate, Basis(MIXED, network.date, "not_computed"), open_seconds)
    around = _sheet(network, on, points, closed)
    within = closures.inside(closed, lon, lat)
    seconds = np.where(within[:, None] | within[None, :], open_seconds, around)
    return Times(seconds, Basis(ROADS, network.date), open_seconds)


def _sheet(
    network: RoadNetwork, on: date, points: Sequence[Point], closed: Sequence[shapely.Geometry]
) -> Seconds:
    def ask(sources: Sequence[Point], targets: Sequence[Point]) -> Seconds:
        return network.seconds(sources, targets, avoid=closed)

    name = _name(network.manifest.digest, closed)
    return timesheets.between(_folder(), on, name, points, ask)


def _name(digest: str, closed: Sequence[shapely.Geometry]) -> str:
    if not closed:
        return digest
    return hashlib.sha256((digest + "".join(sorted(one.wkt for one in closed))).encode()).hexdigest()


def _added(seconds: Seconds, metres: npt.NDArray[np.floating]) -> Seconds:
    """Driving times and the estimated time for so many straight metres more."""
    extra = geo.CITY_ROADS.seconds(metres.astype(np.float64))
    return (seconds + np.rint(extra)).astype(np.int32)


def _estimated(
    longitudes: Sequence[float],
    latitudes: Sequence[float],
    closed: Sequence[shapely.Geometry],
    on: str,
    why: str,
) -> Times:
    plain = geo.travel_seconds(longitudes, latitudes)
    if not closed:
        return Times(plain, Basis(GREAT_CIRCLE, on, why))
    around = closures.around_metres(closed, longitudes, latitudes)
    seconds = geo.travel_seconds(longitudes, latitudes, detour_metres=around)
    return Times(seconds, Basis(GREAT_CIRCLE, on, why), plain)
