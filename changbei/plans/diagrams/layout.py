"""Where everything of a diagram goes. Pure arithmetic in units of a CSS pixel; the same flow gives the same picture.

General graph layouters know no width: a stage with six parallel steps becomes six columns, unreadable on a phone.
Here the width is given and the height follows. Stages lie below each other; inside a stage, steps stand in rows by
the number of steps before them, broken where a row is full. An edge to the next row runs through the gutter
between; a longer one goes round by a lane at the side of the stage.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from changbei.plans.diagrams.flow import Band, Flow, Node

TITLE_SIZE = 12.5
SMALL_SIZE = 11.0
LINE = 16.0
SMALL_LINE = 14.0
PAD = 8.0
ICON = 20.0  # what a node's icon takes at the left
GAP = 12.0  # between nodes of a row
GUTTER = 26.0  # between rows
HEAD = 30.0  # of a band
BETWEEN = 24.0  # bands
LANE = 6.0
MOST_LANES = 5
WIDEST_NODE = 250.0
MOST_TITLE_LINES = 4
NARROW, WIDE = 358.0, 760.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class PlacedNode:
    node: Node
    box: Box
    title: tuple[str, ...]  # lines
    small: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlacedBand:
    band: Band
    number: int  # from 1, in the order of the procedure
    box: Box
    title: str
    nodes: tuple[PlacedNode, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` and `target` are ids of nodes, or of bands for an edge between bands."""

    source: str
    target: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One picture; a long procedure on paper needs several, `part` counts them from 1."""

    flow: Flow
    width: float
    height: float
    bands: tuple[PlacedBand, ...]
    edges: tuple[Edge, ...]
    part: int
    parts: int


def draw(flow: Flow, width: float) -> Drawing:
    """The whole flow in one picture of this width: two columns on a phone, four on paper and on a desk."""
    return _draw(flow, flow.bands, width, 1, 1)


def pages(flow: Flow, width: float, height: float) -> list[Drawing]:
    """The flow in pictures none of which is higher than `height` unless a single stage is."""
    groups: list[list[Band]] = []
    used = 0.0
    for band in flow.bands:
        own = _Stack(width, 1).height_of(band) + BETWEEN
        if not groups or used + own > height:
            groups.append([])
            used = 0.0
        groups[-1].append(band)
        used += own
    return [_draw(flow, group, width, n, len(groups)) for n, group in enumerate(groups, start=1)]


def text_width(text: str, size: float) -> float:
    """About how wide `text` is: an em for a Chinese character, a good half for a Latin one."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    capitals = sum(letter.isupper() for letter in text)
    return size * (wide + 0.56 * (len(text) - wide) + 0.12 * capitals)


def wrap(text: str, width: float, size: float, most: int = MOST_TITLE_LINES) -> tuple[str, ...]:
    """`text` in lines that fit; Chinese breaks anywhere, other words at spaces. What is too long ends in …"""
    lines: list[str] = []
    line = ""
    for word in _words(text):
        if line and text_width(line + word.rstrip(), size) > width:
            lines.append(line.rstrip())
            line = ""
        line += word if line or word.strip() else ""
    lines += [line.rstrip()] if line.strip() else []
    if len(lines) <= most:
        return tuple(lines)
    last = lines[most - 1]
    while last and text_width(last + "…", size) > width:
        last = last[:-1]
    return (*lines[: most - 1], last + "…")


_NEVER_FIRST = "，。、；：！？）”’』」》·%"


def _words(text: str) -> list[str]:
    """Pieces between which a line may break; a closing mark stays with what it closes."""
    found: list[str] = []
    for letter in text:
        wide = unicodedata.east_asian_width(letter) in "WF"
        joins = found and not found[-1].endswith(" ") and not wide and not _ends_wide(found[-1])
        if found and (letter in _NEVER_FIRST or letter == " " or joins):
            found[-1] += letter
        else:
            found.append(letter)
    return found


def _ends_wide(word: str) -> bool:
    return unicodedata.east_asian_width(word[-1]) in "WF"


# --- rows of a band


def rows(band: Band, columns: int) -> list[list[Node]]:
    """The nodes by the number of steps before them, each row as near as can be below what it follows."""
    inside = {node.id: node for node in band.nodes}
    depths: dict[str, int] = {}

    def depth(node: Node, trail: frozenset[str]) -> int:
        if node.id not in depths:
            before = [inside[name] for name in node.after if name in inside and name not in trail]
            depths[node.id] = max((depth(one, trail | {node.id}) + 1 for one in before), default=0)
        return depths[node.id]

    layers: dict[int, list[Node]] = {}
    for node in band.nodes:
        layers.setdefault(depth(node, frozenset()), []).append(node)
    found: list[list[Node]] = []
    column: dict[str, float] = {}
    for level in sorted(layers):
        layer = sorted(layers[level], key=lambda node: _barycentre(node, column))
        for start in range(0, len(layer), columns):
            row = layer[start : start + columns]
            for place, node in enumerate(row):
                column[node.id] = (place + 0.5) / len(row)
            found.append(row)
    return found


def _barycentre(node: Node, column: dict[str, float]) -> float:
    before = [column[name] for name in node.after if name in column]
    return sum(before) / len(before) if before else 0.5


# --- placing


class _Stack:
    """Puts bands below each other; `lanes` are kept free at the left for edges between bands."""

    def __init__(self, width: float, lanes: int) -> None:
        self.left = 4.0 + LANE * lanes
        self.width = width - self.left - 4.0
        self.columns = 2 if width < 520 else 4
        self.y = 4.0
        self.bands: list[PlacedBand] = []
        self.edges: list[Edge] = []

    def height_of(self, band: Band) -> float:
        other = _Stack(self.width + self.left + 4.0, 1)
        other.add(band, 1)
        return other.bands[0].box.height

    def add(self, band: Band, number: int) -> None:
        layout = rows(band, self.columns)
        row_of = {node.id: n for n, row in enumerate(layout) for node in row}
        long = _long_edges(band, row_of)
        side = 10.0 + LANE * min(MOST_LANES, (len(long) + 1) // 2)
        room = self.width - 2 * side
        top = self.y
        y = top + HEAD + 8.0
        placed: dict[str, PlacedNode] = {}
        row_tops: list[float] = []
        for row in layout:
            row_tops.append(y)
            own = self._row(row, self.left + side, y, room)
            placed.update({one.node.id: one for one in own})
            y = max(one.box.bottom for one in own) + GUTTER
        bottom = y - GUTTER + 10.0 if layout else y
        box = Box(self.left, top, self.width, bottom - top)
        self.edges += _inner_edges(band, placed, row_of, row_tops, box, side)
        self.bands.append(PlacedBand(band, number, box, f"{number}  {band.title}", tuple(placed.values())))
        self.y = bottom + BETWEEN

    def _row(self, row: Sequence[Node], left: float, y: float, room: float) -> list[PlacedNode]:
        width = min(WIDEST_NODE, (room - GAP * (len(row) - 1)) / len(row))
        x = left + (room - width * len(row) - GAP * (len(row) - 1)) / 2
        texts = [_texts(node, width) for node in row]
        height = max(_height(title, small) for title, small in texts)
        return [
            PlacedNode(node, Box(x + n * (width + GAP), y, width, height), *texts[n])
            for n, node in enumerate(row)
        ]


def _texts(node: Node, width: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    title = wrap(node.title, width - 2 * PAD - ICON, TITLE_SIZE)
    who = wrap(node.who, width - 2 * PAD, SMALL_SIZE, most=2) if node.who else ()
    facts = " · ".join(part for part in (node.limit, node.clause) if part)
    return title, (*who, *(wrap(facts, width - 2 * PAD, SMALL_SIZE, most=2) if facts else ()))


def _height(title: Sequence[str], small: Sequence[str]) -> float:
    return 2 * PAD + max(1, len(title)) * LINE + len(small) * SMALL_LINE + (3.0 if small else 0.0)


def _long_edges(band: Band, row_of: dict[str, int]) -> list[tuple[str, str]]:
    return [
        (source, node.id)
        for node in band.nodes
        for source in node.after
        if source in row_of and row_of[node.id] - row_of[source] != 1
    ]


def _inner_edges(
    band: Band,
    placed: dict[str, PlacedNode],
    row_of: dict[str, int],
    row_tops: list[float],
    box: Box,
    side: float,
) -> list[Edge]:
    """Arrows between the steps of a band. Those that share a gutter lie a few units apart."""
    found: list[Edge] = []
    used = [0] * (len(row_tops) + 1)
    lanes: dict[str, dict[str, int]] = {"left": {}, "right": {}}  # one for each step that edges go round to
    for node in band.nodes:
        for source in node.after:
            if source not in placed:
                continue
            start, end = placed[source].box, placed[node.id].box
            leave = start.bottom + 8.0 + 3.0 * (row_of[source] % 3)
            arrive = row_tops[row_of[node.id]] - 8.0 - 3.0 * (used[row_of[node.id]] % 3)
            used[row_of[node.id]] += 1
            if row_of[node.id] - row_of[source] == 1:
                turn = (start.bottom + end.y) / 2 + 2.5 * ((row_of[source] + used[row_of[node.id]]) % 3 - 1)
                found.append(_edge(source, node.id, start, end, [(start.middle, turn), (end.middle, turn)]))
                continue
            where = "left" if (start.middle + end.middle) / 2 <= box.middle else "right"
            lane = side - 4.0 - LANE * (lanes[where].setdefault(node.id, len(lanes[where])) % MOST_LANES)
            x = box.x + lane if where == "left" else box.x + box.width - lane
            way = [(start.middle, leave), (x, leave), (x, arrive), (end.middle, arrive)]
            found.append(_edge(source, node.id, start, end, way))
    return found


def _edge(source: str, target: str, start: Box, end: Box, way: list[Point]) -> Edge:
    points = [(start.middle, start.bottom), *way, (end.middle, end.y)]
    return Edge(source, target, _straightened(points))


def _straightened(points: list[Point]) -> tuple[Point, ...]:
    """Without points that lie on the line between their neighbours."""
    kept: list[Point] = []
    for point in points:
        if len(kept) > 1 and (
            (kept[-2][0] == kept[-1][0] == point[0]) or (kept[-2][1] == kept[-1][1] == point[1])
        ):
            kept[-1] = point
        elif not kept or kept[-1] != point:
            kept.append(point)
    return tuple(kept)


def _draw(flow: Flow, bands: Sequence[Band], width: float, part: int, parts: int) -> Drawing:
    number = {band.id: n for n, band in enumerate(flow.bands, start=1)}
    order = [band.id for band in bands]
    around = [
        (source, band.id)
        for n, band in enumerate(bands)
        for source in band.after
        if source in order and (n == 0 or order[n - 1] != source)
    ]
    stack = _Stack(width, min(MOST_LANES, len(around)) + 1 if around else 1)
    for band in bands:
        stack.add(band, number[band.id])
    placed = {one.band.id: one.box for one in stack.bands}
    for n, band in enumerate(bands):
        if n and order[n - 1] in band.after:
            above, below = placed[order[n - 1]], placed[band.id]
            straight = ((above.middle, above.bottom), (below.middle, below.y))
            stack.edges.append(Edge(order[n - 1], band.id, straight))
    for n, (source, target) in enumerate(around):
        start, end = placed[source], placed[target]
        x = stack.left - 4.0 - LANE * (n % MOST_LANES)
        leave, arrive = start.bottom - 12.0, end.y + HEAD / 2
        points = ((start.x, leave), (x, leave), (x, arrive), (end.x, arrive))
        stack.edges.append(Edge(source, target, points))
    height = stack.y - BETWEEN + 4.0
    return Drawing(flow, width, height, tuple(stack.bands), tuple(stack.edges), part, parts)
