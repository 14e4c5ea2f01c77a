"""Where the elements of a BPMN drawing stand: steps from left to right, stages below each other. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field

from changbei.plans.bpmn.graph import Scope, Unit

TASK = (130.0, 80.0)
GATEWAY = 50.0
EVENT = 36.0
SPACE = 34.0  # between elements of a unit
CHOICES = 130.0  # between a decision and where its ways meet
COLUMN = 70.0  # between columns of units
ROW = 46.0  # between units of a column
BYPASS = 34.0  # above a unit, for the way round
BELOW = 62.0  # from the edge of a task to what its timers lead to
MARGIN = 46.0
LANE = 12.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rect:
    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def left(self) -> Point:
        return self.x, self.y + self.height / 2

    @property
    def right(self) -> Point:
        return self.x + self.width, self.y + self.height / 2

    @property
    def top(self) -> Point:
        return self.x + self.width / 2, self.y

    @property
    def bottom(self) -> Point:
        return self.x + self.width / 2, self.y + self.height


@dataclass(frozen=True, slots=True)
class Flow:
    """A sequence flow with its way; `title` and `condition` where paths part."""

    id: str
    source: str
    target: str
    way: tuple[Point, ...]
    title: str = ""
    condition: str = ""
    default: bool = False


@dataclass(slots=True)
class Placed:
    """A scope with the boxes of its elements by id and its flows, beginning at (0, 0) before it is moved."""

    scope: Scope
    width: float = 0.0
    height: float = 0.0
    boxes: dict[str, Rect] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)
    inner: dict[str, Placed] = field(default_factory=dict)  # by the key of the stage

    def moved(self, x: float, y: float) -> Placed:
        boxes = {name: Rect(b.x + x, b.y + y, b.width, b.height) for name, b in self.boxes.items()}
        flows = [
            Flow(
                f.id,
                f.source,
                f.target,
                tuple((a + x, b + y) for a, b in f.way),
                f.title,
                f.condition,
                f.default,
            )
            for f in self.flows
        ]
        inner = {name: one.moved(x, y) for name, one in self.inner.items()}
        return Placed(self.scope, self.width, self.height, boxes, flows, inner)


@dataclass(slots=True)
class _Row:
    """A unit placed by itself: its elements with the middle line at y = 0."""

    unit: Unit
    boxes: dict[str, Rect]
    flows: list[Flow]
    above: float
    below: float
    width: float
    first: str
    last: str


def ident(scope: Scope, unit: Unit, part: str = "") -> str:
    """The id of an element: `severe-weather_stage-decide_step` … All letters that XML ids take."""
    return "_".join(piece for piece in (scope.id, unit.key, part) if piece).replace("@", "-")


def place(scope: Scope) -> Placed:
    """The whole procedure: stages below each other, ways between them in lanes at both sides."""
    inner = {unit.key: _stage(unit.inside) for unit in scope.units if unit.inside is not None}
    rows = [_row(scope, unit, inner.get(unit.key)) for unit in scope.units]
    placed = Placed(scope)
    edges = [(name, unit.key) for unit in scope.units for name in unit.after]
    left = MARGIN + LANE * (len(edges) + 1)
    y = MARGIN
    tops: dict[str, float] = {}
    ends: dict[str, tuple[str, str]] = {}
    before: dict[str, str] = {}  # the unit whose row is just above
    for n, row in enumerate(rows):
        before[row.unit.key] = rows[n - 1].unit.key if n else ""
        tops[row.unit.key] = y
        middle = y + row.above
        _put(placed, row, left, middle)
        if row.unit.key in inner:
            box = placed.boxes[ident(scope, row.unit)]
            placed.inner[row.unit.key] = inner[row.unit.key].moved(box.x, box.y)
        ends[row.unit.key] = (row.first, row.last)
        placed.width = max(placed.width, left + row.width)
        y = middle + row.below + ROW + LANE * 2
    right = placed.width + MARGIN
    for n, (source, target) in enumerate(edges):
        start = placed.boxes[ends[source][1]].right
        end = placed.boxes[ends[target][0]].left
        near = before[target] == source  # no row lies between
        out = start[0] + SPACE if near else right + LANE * n
        back = left - LANE * (n + 1)
        gap = tops[target] - LANE * (1 + n % 3)
        way = (start, (out, start[1]), (out, gap), (back, gap), (back, end[1]), end)
        placed.flows.append(_between(scope, source, target, ends, way))
    placed.width = right + LANE * len(edges) + MARGIN
    placed.height = y
    return placed


def _stage(scope: Scope) -> Placed:
    """The inside of a stage: units in columns by how many come before."""
    depths = scope.depths()
    rows = {unit.key: _row(scope, unit, None) for unit in scope.units}
    placed = Placed(scope)
    edges = [(name, unit.key) for unit in scope.units for name in unit.after]
    long = [edge for edge in edges if depths[edge[1]] - depths[edge[0]] > 1]
    top = MARGIN + LANE * len(long)
    x = MARGIN
    columns: dict[int, list[_Row]] = {}
    for unit in scope.units:
        columns.setdefault(depths[unit.key], []).append(rows[unit.key])
    heights = [sum(row.above + row.below + ROW for row in column) for column in columns.values()]
    lefts: dict[str, float] = {}
    rights: dict[int, float] = {}
    for depth in sorted(columns):
        column = columns[depth]
        y = top + (max(heights) - sum(row.above + row.below + ROW for row in column)) / 2
        width = max(row.width for row in column)
        for row in column:
            _put(placed, row, x, y + row.above)
            lefts[row.unit.key] = x
            y += row.above + row.below + ROW
        rights[depth] = x + width
        x += width + COLUMN
    ends = {key: (row.first, row.last) for key, row in rows.items()}
    for n, (source, target) in enumerate(edges):
        start = placed.boxes[ends[source][1]].right
        end = placed.boxes[ends[target][0]].left
        out = rights[depths[source]] + 14.0 + 6.0 * (n % 6)
        if (source, target) in long:
            lane = MARGIN / 2 + LANE * (long.index((source, target)) + 1)
            back = lefts[target] - 12.0 - 4.0 * (n % 4)
            way: tuple[Point, ...] = (start, (out, start[1]), (out, lane), (back, lane), (back, end[1]), end)
        else:
            way = (start, (out, start[1]), (out, end[1]), end)
        placed.flows.append(_between(scope, source, target, ends, _straight(way)))
    placed.width = x - COLUMN + MARGIN
    placed.height = top + max(heights) + MARGIN / 2
    return placed


def _straight(way: tuple[Point, ...]) -> tuple[Point, ...]:
    """Without a bend that is none."""
    return (way[0], way[-1]) if len({y for _, y in way}) == 1 else way


def _between(
    scope: Scope, source: str, target: str, ends: dict[str, tuple[str, str]], way: tuple[Point, ...]
) -> Flow:
    return Flow(f"flow_{scope.id}_{source}_{target}", ends[source][1], ends[target][0], way)


def _put(placed: Placed, row: _Row, x: float, y: float) -> None:
    for name, box in row.boxes.items():
        placed.boxes[name] = Rect(box.x + x, box.y + y, box.width, box.height)
    placed.flows += [
        Flow(
            f.id, f.source, f.target, tuple((a + x, b + y) for a, b in f.way), f.title, f.condition, f.default
        )
        for f in row.flows
    ]


# --- one unit


class _Line:
    """Elements of a unit one after the other on its middle line, each joined to the one before."""

    def __init__(self, scope: Scope, unit: Unit) -> None:
        self.scope, self.unit = scope, unit
        self.boxes: dict[str, Rect] = {}
        self.flows: list[Flow] = []
        self.x = 0.0
        self.first = self.last = ""

    def add(
        self, part: str, width: float, height: float, *, space: float = SPACE, joined: bool = True
    ) -> str:
        name = ident(self.scope, self.unit, part)
        if self.last:
            self.x += space
        self.boxes[name] = Rect(self.x, -height / 2, width, height)
        self.x += width
        if self.last and joined:
            self.join(self.last, name)
        self.first = self.first or name
        self.last = name
        return name

    def join(self, source: str, target: str) -> None:
        self.flow(source, target, (self.boxes[source].right, self.boxes[target].left))

    def flow(
        self,
        source: str,
        target: str,
        way: tuple[Point, ...],
        suffix: str = "",
        *,
        title: str = "",
        condition: str = "",
        default: bool = False,
    ) -> None:
        name = f"flow_{source}_{target}{suffix}"
        self.flows.append(Flow(name, source, target, way, title, condition, default))


def _row(scope: Scope, unit: Unit, inside: Placed | None) -> _Row:
    line = _Line(scope, unit)
    above = 0.0
    if unit.joins:
        line.add("join", GATEWAY, GATEWAY)
    if unit.hold:
        line.add("hold", EVENT, EVENT)
    split = line.add("when", GATEWAY, GATEWAY) if unit.when else ""
    name = _activity(line, unit, inside)
    if split:
        _conditioned(line, split, name, unit)
    if unit.kind == "await" and unit.step is not None and unit.step.task is not None:
        line.add("event", EVENT, EVENT)
    decision = line.add("choice", GATEWAY, GATEWAY) if unit.choices else ""
    meet = ""
    if unit.meets:
        meet = line.add("meet", GATEWAY, GATEWAY, space=CHOICES if decision else SPACE, joined=not decision)
    if decision:
        _chosen(line, decision, meet, unit)
    if split:
        above = BYPASS
        top = line.boxes[name].y - BYPASS / 2
        start, end = line.boxes[split].top, line.boxes[meet].top
        way = (start, (start[0], top), (end[0], top), end)
        line.flow(split, meet, way, "_skip", default=True)
    _timers(line, unit, name, meet)
    if unit.forks:
        line.add("fork", GATEWAY, GATEWAY)
    lowest = max(box.y + box.height for box in line.boxes.values())
    highest = min(box.y for box in line.boxes.values())
    below = max(lowest, 25.0 + 45.0 * max(0, len(unit.choices) - 1)) + 18.0
    return _Row(unit, line.boxes, line.flows, above - highest, below, line.x, line.first, line.last)


def _activity(line: _Line, unit: Unit, inside: Placed | None) -> str:
    if inside is not None:
        return line.add("", inside.width, inside.height)
    if unit.kind in ("start", "end", "wait"):
        return line.add("", EVENT, EVENT)
    if unit.kind == "await" and unit.step is not None and unit.step.task is None:
        return line.add("", EVENT, EVENT)
    return line.add("", *TASK)


def _conditioned(line: _Line, split: str, name: str, unit: Unit) -> None:
    """The flow into the activity carries the condition under which it is needed."""
    for n, flow in enumerate(line.flows):
        if flow.source == split and flow.target == name:
            line.flows[n] = Flow(flow.id, split, name, flow.way, "", unit.when)


def _chosen(line: _Line, decision: str, meet: str, unit: Unit) -> None:
    start, end = line.boxes[decision], line.boxes[meet]
    for n, choice in enumerate(unit.choices):
        if n == 0:
            way: tuple[Point, ...] = (start.right, end.left)
        else:
            y = start.bottom[1] + 45.0 * n - 10.0
            way = (start.bottom, (start.bottom[0], y), (end.bottom[0], y), end.bottom)
        line.flow(decision, meet, way, f"_{choice.id}", title=choice.title, condition=choice.condition)


def _timers(line: _Line, unit: Unit, name: str, meet: str) -> None:
    """Boundary events at the lower edge, what they lead to, and the task by hand when the product fails."""
    task = line.boxes[name]
    step = unit.step
    if step is not None and step.kind in ("do", "call") and step.task is not None:
        failed, manual = ident(line.scope, unit, "failed"), ident(line.scope, unit, "by-hand")
        line.boxes[failed] = Rect(task.right[0] - EVENT - 6, task.bottom[1] - EVENT / 2, EVENT, EVENT)
        line.boxes[manual] = Rect(task.x, task.bottom[1] + BELOW, *TASK)
        event, hand = line.boxes[failed], line.boxes[manual]
        line.flow(failed, manual, (event.bottom, (event.bottom[0], hand.y)))
        end = line.boxes[meet].bottom
        line.flow(manual, meet, (hand.right, (end[0], hand.right[1]), end))
        late, told = ident(line.scope, unit, "late"), ident(line.scope, unit, "told")
        line.boxes[late] = Rect(hand.x + 12, hand.bottom[1] - EVENT / 2, EVENT, EVENT)
        line.boxes[told] = Rect(hand.x + 12, hand.bottom[1] + BELOW - 16, EVENT, EVENT)
        line.flow(late, told, (line.boxes[late].bottom, line.boxes[told].top))
        return
    for n, one in enumerate(unit.boundaries):
        timer = ident(line.scope, unit, f"timer-{n}")
        room = (
            (task.width - 12 - EVENT) / max(1, len(unit.boundaries) - 1) if len(unit.boundaries) > 1 else 0.0
        )
        line.boxes[timer] = Rect(task.x + 6 + n * room, task.bottom[1] - EVENT / 2, EVENT, EVENT)
        box = line.boxes[timer]
        if one.stops:
            end, y = line.boxes[meet].bottom, box.bottom[1] + 24.0 + 45.0 * len(unit.choices)
            line.flow(timer, meet, (box.bottom, (box.bottom[0], y), (end[0], y), end))
        else:
            told = ident(line.scope, unit, f"told-{n}")
            line.boxes[told] = Rect(box.x, task.bottom[1] + BELOW - 16, EVENT, EVENT)
            line.flow(timer, told, (box.bottom, line.boxes[told].top))
