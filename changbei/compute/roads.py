"""Driving times from a road network: OpenStreetMap extracts, read in this process by Valhalla (the extra `roads`).

A network is a folder: Valhalla's tiles and `network.json`, which says what they were made from. Everything in and out
is WGS-84 degrees and whole seconds. Valhalla walks the network once from each source (or target, whichever are fewer),
so a matrix costs as much as its shorter side, and answers come in pieces of bounded size.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from changbei.core import clock
from changbei.core.errors import Invalid, Outside

Seconds = npt.NDArray[np.int32]
Point = tuple[float, float]

UNREACHABLE_SECONDS = 1_000_000
"""Eleven days: later than any shift ends, and small enough to be added up."""
PAIRS_AT_ONCE = 50_000
"""Pairs per question: keeps the answer of Valhalla, which is text, at a few megabytes."""
NO_WAY = "No path could be found"
"""What Valhalla says instead of an answer when no pair of the question is connected."""
MANIFEST, TILES, CONFIGURATION = "network.json", "tiles", "valhalla.json"
FAR_METRES = 10_000_000
LOG_KEPT = 2_000
"""Characters of the builder's last words that are shown when it fails."""


def is_installed() -> bool:
    """Whether the extra `roads` is there."""
    return importlib.util.find_spec("valhalla") is not None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a network was made from. `digest` of the extract stands for the network as a whole."""

    extract: str  # name of the file
    digest: str
    made_at: str  # of the extract, as far as the file says: ISO 8601
    built_at: str


class RoadNetwork:
    """A built network, ready to be asked. Loading takes milliseconds, the first question opens the tiles."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest

    @property
    def date(self) -> str:
        """The day of the map data, as people say it."""
        return self.manifest.made_at[:10]

    @cached_property
    def _actor(self) -> Any:
        if not is_installed():
            raise Outside("the road network needs the extra: pip install 'changbei[roads]'", permanent=True)
        return import_module("valhalla").Actor(str(self.folder / CONFIGURATION))

    def seconds(
        self,
        sources: Sequence[Point],
        targets: Sequence[Point],
        *,
        avoid: Sequence[shapely.Geometry] = (),
        step: Callable[[], None] | None = None,
    ) -> Seconds:
        """(n, m) driving seconds from each source to each target, longitude and latitude in degrees.

        No road inside an `avoid` polygon is used; what cannot be reached then has UNREACHABLE_SECONDS. `step` is
        called after each piece. Raises Outside when a point is nowhere near a road.
        """
        found = np.zeros((len(sources), len(targets)), dtype=np.int32)
        if not len(sources) or not len(targets):
            return found
        rings = [ring for area in avoid for ring in _rings(area)]
        long_side = max(len(sources), len(targets))
        width = max(PAIRS_AT_ONCE // long_side, 1)
        for first in range(0, min(len(sources), len(targets)), width):
            part = slice(first, first + width)
            if len(sources) <= len(targets):
                found[part] = self._ask(sources[part], targets, rings)
            else:
                found[:, part] = self._ask(sources, targets[part], rings)
            if step is not None:
                step()
        return found

    def _ask(
        self, sources: Sequence[Point], targets: Sequence[Point], rings: Sequence[list[list[float]]]
    ) -> Seconds:
        question: dict[str, Any] = {
            "sources": [{"lon": lon, "lat": lat} for lon, lat in sources],
            "targets": [{"lon": lon, "lat": lat} for lon, lat in targets],
            "costing": "auto",
            "verbose": False,
        }
        if rings:
            question["exclude_polygons"] = list(rings)
        try:
            answer = json.loads(self._actor.matrix(json.dumps(question)))
        except RuntimeError as error:
            if NO_WAY in str(error):
                return np.full((len(sources), len(targets)), UNREACHABLE_SECONDS, dtype=np.int32)
            raise Outside(f"the road network has no answer: {error}", permanent=True) from error
        rows = answer["sources_to_targets"]["durations"]
        seconds = [[UNREACHABLE_SECONDS if one is None else one for one in row] for row in rows]
        return np.array(seconds, dtype=np.int32)


def _rings(area: shapely.Geometry) -> list[list[list[float]]]:
    """Outlines as Valhalla takes them; holes count as closed too."""
    return [[[x, y] for x, y in part.exterior.coords] for part in shapely.get_parts(area)]


def load(folder: Path) -> RoadNetwork | None:
    """The network in this folder; None when there is none that is complete."""
    with suppress(OSError, ValueError, TypeError):
        manifest = Manifest(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
        return RoadNetwork(folder, manifest)
    return None


def build(extract: Path, folder: Path, *, made_at: datetime | None = None) -> Manifest:
    """Make the tiles from an extract (`.osm.pbf`) and put them in the place of the folder's earlier ones.

    Until the last moment the earlier network stays usable. Raises Invalid when the file is no extract.
    """
    if not is_installed():
        raise Outside(
            "building a road network needs the extra: pip install 'changbei[roads]'", permanent=True
        )
    if not extract.name.endswith(".pbf"):
        raise Invalid(
            "file", f"{extract.name} is no OpenStreetMap extract; give a file that ends in .osm.pbf"
        )
    digest = _digest(extract)
    fresh = folder.with_name(f"{folder.name}-{digest[:12]}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / TILES).mkdir(parents=True)
    made = made_at or datetime.fromtimestamp(extract.stat().st_mtime, tz=clock.LOCAL)
    manifest = Manifest(extract.name, digest, made.isoformat(), clock.now().isoformat())
    try:
        _configure(fresh, fresh)
        _run_builder(fresh, extract)
        _configure(fresh, folder)
        (fresh / MANIFEST).write_text(json.dumps(asdict(manifest)), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return manifest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _configure(here: Path, final: Path) -> None:
    """Valhalla's settings for tiles that will lie in `final`; written into `here`."""
    settings = import_module("valhalla").get_config(tile_extract="", tile_dir=str(here / TILES))
    mjolnir = settings["mjolnir"]
    mjolnir["tile_dir"] = str((final / TILES).absolute())
    for unused in ("traffic_extract", "admin", "landmarks", "timezone", "transit_dir"):
        mjolnir.pop(unused, None)
    mjolnir["tile_extract"] = ""
    mjolnir["logging"] = {"type": "file", "file_name": "/dev/null"}
    settings["thor"]["source_to_target_algorithm"] = "timedistancematrix"
    settings["thor"]["logging"] = settings["loki"]["logging"] = mjolnir["logging"]
    limits = settings["service_limits"]
    limits["auto"]["max_matrix_distance"] = FAR_METRES
    limits["auto"]["max_matrix_location_pairs"] = 4 * PAIRS_AT_ONCE + 20_000
    limits["max_exclude_polygons_length"] = FAR_METRES
    (here / CONFIGURATION).write_text(json.dumps(settings), encoding="utf-8")


def _run_builder(folder: Path, extract: Path) -> None:
    program = Path(import_module("valhalla").__file__ or "").parent / "bin" / "valhalla_build_tiles"
    if not program.exists():
        raise Outside("this build of pyvalhalla cannot make tiles", permanent=True)
    done = subprocess.run(
        [program, "-c", (folder / CONFIGURATION).absolute(), extract.absolute()],
        cwd=folder,  # where it leaves its notes
        capture_output=True,
        text=True,
        check=False,
        errors="replace",
    )
    if done.returncode or not any((folder / TILES).rglob("*.gph")):
        words = (done.stdout + done.stderr)[-LOG_KEPT:].strip()
        raise Invalid("file", f"no roads could be read from {extract.name}: {words or 'it has none'}")
