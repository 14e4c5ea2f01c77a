"""Small OpenStreetMap extracts for tests: a town on two banks of a river."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

WEST, SOUTH, STEP = 113.0, 23.0, 0.01
COLUMNS, ROWS, RIVER_AFTER = 5, 6, 2
"""Streets run every hundredth of a degree; between rows 2 and 3 flows the river."""
BRIDGES = (0, 4)


def corner(column: float, row: float) -> tuple[float, float]:
    """Longitude and latitude of a crossing."""
    return WEST + column * STEP, SOUTH + row * STEP


def write_town(path: Path, bridges: Sequence[int] = BRIDGES) -> Path:
    """An extract of the town with bridges in these columns. All streets are driven at 36 km/h."""
    nodes = {_node(c, r): corner(c, r) for r in range(ROWS) for c in range(COLUMNS)}
    streets = [[_node(c, r) for c in range(COLUMNS)] for r in range(ROWS)]
    for column in range(COLUMNS):
        streets.append([_node(column, r) for r in range(RIVER_AFTER + 1)])
        streets.append([_node(column, r) for r in range(RIVER_AFTER + 1, ROWS)])
    ways: list[tuple[list[int], dict[str, str]]] = [(street, {}) for street in streets]
    ways += [([_node(c, RIVER_AFTER), _node(c, RIVER_AFTER + 1)], {"bridge": "yes"}) for c in bridges]
    _write(path, nodes, ways)
    return path


def _node(column: int, row: int) -> int:
    return 1 + row * 10 + column


def _write(
    path: Path,
    nodes: Mapping[int, tuple[float, float]],
    ways: Sequence[tuple[Sequence[int], Mapping[str, str]]],
) -> None:
    osmium = import_module("osmium")
    writer = osmium.SimpleWriter(str(path))
    for number, place in nodes.items():
        writer.add_node(osmium.osm.mutable.Node(id=number, location=place, version=1))
    for number, (refs, tags) in enumerate(ways, start=1):
        road = {"highway": "secondary", "maxspeed": "36", **tags}
        writer.add_way(osmium.osm.mutable.Way(id=number, nodes=list(refs), tags=road, version=1))
    writer.close()
