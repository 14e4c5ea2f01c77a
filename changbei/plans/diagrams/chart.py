"""An organisation chart as SVG: the head on top, below it groups as boxes with their roles as lines. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from changbei.plans.diagrams.layout import LINE, SMALL_LINE, SMALL_SIZE, TITLE_SIZE, wrap
from changbei.plans.diagrams.svg import FONT

_PAD = 9.0
_GAP = 14.0
_DROP = 30.0


@dataclass(frozen=True, slots=True)
class Group:
    """A box: its title, and a line for each member."""

    title: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """`chain` stands on top, each below the one before; `groups` hang below the last of it."""

    title: str
    chain: tuple[Group, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    width: float
    height: float
    title: tuple[str, ...]
    lines: tuple[str, ...]


def svg(chart: Chart, width: float, name: str = "chart") -> tuple[str, float]:
    """The picture at this width, and its height."""
    boxes: list[_Box] = []
    lines: list[str] = []
    middle = width / 2
    y = 6.0
    for n, group in enumerate(chart.chain):
        box = _box(group, middle - min(300.0, width - 12) / 2, y, min(300.0, width - 12))
        if n:
            lines.append(f"M{middle:.0f} {y - _DROP:.0f}V{y:.0f}")
        boxes.append(box)
        y = box.y + box.height + _DROP
    columns = 2 if width < 520 else 4
    bus_from = y - _DROP
    row_top = y
    for start in range(0, len(chart.groups), columns):
        row = chart.groups[start : start + columns]
        own = (width - 12 - _GAP * (columns - 1)) / columns
        left = (width - own * len(row) - _GAP * (len(row) - 1)) / 2
        placed = [_box(group, left + n * (own + _GAP), row_top, own) for n, group in enumerate(row)]
        height = max(box.height for box in placed)
        bus = row_top - _DROP / 2
        lines.append(f"M{middle:.0f} {bus_from:.0f}V{bus:.0f}")
        for box in placed:
            centre = box.x + box.width / 2
            lines.append(f"M{middle:.0f} {bus:.0f}H{centre:.0f}V{row_top:.0f}")
        boxes += [_Box(b.x, b.y, b.width, height, b.title, b.lines) for b in placed]
        bus_from = bus
        row_top += height + _DROP
    height = row_top - _DROP + 6.0
    words = "; ".join(
        f"{group.title}: {', '.join(group.members)}" if group.members else group.title
        for group in (*chart.chain, *chart.groups)
    )
    drawn = "".join(f'<path class="cb-flow-edge" d="{one}" fill="none" stroke="#8a99a5"/>' for one in lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cb-flow" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-labelledby="{name}-t {name}-d" '
        f'font-family="{FONT}"><title id="{name}-t">{escape(chart.title)}</title>'
        f'<desc id="{name}-d">{escape(words)}</desc>{drawn}{"".join(_drawn(box) for box in boxes)}</svg>',
        height,
    )


def _box(group: Group, x: float, y: float, width: float) -> _Box:
    title = wrap(group.title, width - 2 * _PAD, TITLE_SIZE)
    lines = tuple(
        line for member in group.members for line in wrap(member, width - 2 * _PAD, SMALL_SIZE, most=3)
    )
    height = 2 * _PAD + len(title) * LINE + len(lines) * SMALL_LINE + (4.0 if lines else 0.0)
    return _Box(x, y, width, height, title, lines)


def _drawn(box: _Box) -> str:
    parts = [
        f'<rect class="cb-flow-node" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="6" fill="#fff" stroke="#546471"/>'
    ]
    y = box.y + _PAD + 12.0
    middle = box.x + box.width / 2
    for line in box.title:
        parts.append(_line(middle, y, line, TITLE_SIZE, "cb-flow-title", "#14212b", bold=True))
        y += LINE
    y += 3.0
    for line in box.lines:
        parts.append(_line(middle, y, line, SMALL_SIZE, "cb-flow-small", "#546471", bold=False))
        y += SMALL_LINE
    return "".join(parts)


def _line(x: float, y: float, words: str, size: float, style: str, fill: str, *, bold: bool) -> str:
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-size="{size:g}" '
        f'fill="{fill}"{weight}>{escape(words)}</text>'
    )
