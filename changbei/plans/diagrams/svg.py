"""A drawing as SVG. Colours stand in attributes, so that a printer has them; pages override them by class.

What a step is, and how far it has come, is said by shape and sign as well as by colour, and once more in words:
`title` and `desc` for those who cannot see it, and `as_list` as a text beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from changbei.plans.diagrams.flow import Band, Flow, Node
from changbei.plans.diagrams.layout import (
    HEAD,
    ICON,
    LINE,
    PAD,
    SMALL_LINE,
    SMALL_SIZE,
    TITLE_SIZE,
    Box,
    Drawing,
    Edge,
    PlacedBand,
    PlacedNode,
)
from changbei.plans.rendering.words import Words

FONT = "Noto Sans SC, Noto Sans CJK SC, Microsoft YaHei, PingFang SC, sans-serif"
STATES = ("done", "open", "overdue", "failed", "skipped", "waiting")
Link = Callable[[str], str]

_INK, _QUIET, _LINE = "#14212b", "#546471", "#8a99a5"
_FILL = {
    "": "#ffffff",
    "done": "#dcf2e4",
    "open": "#e1edfb",
    "overdue": "#fde3e0",
    "failed": "#ffeed1",
    "skipped": "#f2f5f7",
    "waiting": "#ffffff",
}
_STROKE = {
    "": "#546471",
    "done": "#0f5d36",
    "open": "#134f92",
    "overdue": "#9f1810",
    "failed": "#7a4500",
    "skipped": "#8a99a5",
    "waiting": "#8a99a5",
}
# Signs of 16 × 16, one a kind of step.
_ICONS = {
    "task": '<circle cx="8" cy="5" r="3"/><path d="M2 15c0-4 3-5 6-5s6 1 6 5"/>',
    "decide": '<path d="M8 1l7 7-7 7-7-7z"/><path d="M6 6.5c0-3 4-3 4 0 0 1.5-2 1.5-2 3M8 11.5v.5"/>',
    "approve": (
        '<path d="M3 13h10M3 15.5h10M8 10V7.5M5.5 10h5M6 3a2 2 0 1 1 4 0c0 2-.7 2.5-.7 4.5h-2.6C6.7 5.5 6 5 6 3z"/>'
    ),
    "await": '<circle cx="8" cy="8" r="7"/><path d="M5 8.5l2 2 4-4.5"/>',
    "do": '<path d="M9 1L3 9h4l-1 6 7-9H8.5z"/>',
    "call": '<rect x="1" y="1" width="14" height="14" rx="2"/><path d="M8 4.5v7M4.5 8h7"/>',
    "notify": '<rect x="1" y="3" width="14" height="10" rx="1"/><path d="M1 4l7 5 7-5"/>',
    "wait": '<path d="M4 1h8M4 15h8M5 1c0 5 6 4 6 7s-6 2-6 7M11 1c0 5-6 4-6 7s6 2 6 7"/>',
    "countdown": '<circle cx="8" cy="9" r="6"/><path d="M8 5.5V9l2.5 1.5M6 1h4"/>',
}
# Signs of 14 × 14 on a disc, one a state.
_BADGES = {
    "done": '<path d="M3.5 7.5l2.5 2.5 4.5-5"/>',
    "open": '<path d="M5 3.5l5 3.5-5 3.5z" fill="#fff"/>',
    "overdue": '<path d="M7 3v5M7 10.3v.4"/>',
    "failed": '<path d="M4 4l6 6M10 4l-6 6"/>',
    "skipped": '<path d="M3.5 7h7"/>',
    "waiting": "",
}


def svg(
    drawing: Drawing,
    say: Words,
    *,
    states: Mapping[str, str] | None = None,
    link: Link | None = None,
    name: str = "",
) -> str:
    """One self-contained `<svg>`. `states`: step → one of STATES. `name` makes its ids unique on a page."""
    ident = name or f"flow-{drawing.flow.id}-{drawing.part}"
    width, height = _n(drawing.width), _n(drawing.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cb-flow" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="{ident}-t {ident}-d" '
        f'font-family="{FONT}">',
        f'<title id="{ident}-t">{escape(_title(drawing, say))}</title>',
        f'<desc id="{ident}-d">{escape(_described(drawing, say, states))}</desc>',
        f'<defs><marker id="{ident}-a" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto-start-reverse"><path class="cb-flow-arrow" d="M0 0.5L8 4 0 7.5z" fill="{_QUIET}"/>'
        "</marker></defs>",
    ]
    parts += [_band(one, say) for one in drawing.bands]
    parts += [_edge(one, ident) for one in drawing.edges]
    for band in drawing.bands:
        for one in band.nodes:
            drawn = _node(one, say, (states or {}).get(one.node.id, ""))
            where = link(one.node.id) if link else ""
            parts.append(f'<a href="{escape(where)}">{drawn}</a>' if where else drawn)
    return "".join([*parts, "</svg>"])


def as_list(flow: Flow, say: Words, states: Mapping[str, str] | None = None) -> list[tuple[str, list[str]]]:
    """The same in words: for each stage a line for each step, with what it follows and how far it has come."""
    return [
        (_band_words(flow, band, say), [_sentence(band, node, say, states) for node in band.nodes])
        for band in flow.bands
    ]


def _title(drawing: Drawing, say: Words) -> str:
    part = f" ({say('part', n=drawing.part)})" if drawing.parts > 1 else ""
    return f"{say('diagram_of')}{say('colon')}{drawing.flow.title}{part}"


def _described(drawing: Drawing, say: Words, states: Mapping[str, str] | None) -> str:
    shown = [band.band.id for band in drawing.bands]
    lines = []
    for band, (head, steps) in zip(drawing.flow.bands, as_list(drawing.flow, say, states)):
        if band.id in shown:
            lines.append(f"{head}{say('colon')}{'; '.join(steps)}")
    return " | ".join(lines)


def _band_words(flow: Flow, band: Band, say: Words) -> str:
    titles = {one.id: one.title for one in flow.bands}
    after = say.joined([titles[name] for name in band.after])
    return f"{band.title} ({say('after')} {after})" if after else f"{band.title} ({say('at_once')})"


def _sentence(band: Band, node: Node, say: Words, states: Mapping[str, str] | None) -> str:
    titles = {one.id: one.title for one in band.nodes}
    parts = [f"{node.kind_title}{say('colon')}{node.title}"]
    parts += [part for part in (node.who, node.limit, node.clause) if part]
    if node.conditional:
        parts.append(say("condition"))
    if node.after:
        parts.append(f"{say('after')} {say.joined([titles[name] for name in node.after])}")
    if states is not None:
        parts.append(say(f"state_{states.get(node.id, 'waiting')}"))
    return " · ".join(parts)


# --- parts of the picture


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _text(x: float, y: float, words: str, size: float, style: str, fill: str, *, weight: str = "") -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    return (
        f'<text class="{style}" x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{fill}"{bold}>'
        f"{escape(words)}</text>"
    )


def _rect(box: Box, style: str, fill: str, stroke: str, *, radius: float, more: str = "") -> str:
    return (
        f'<rect class="{style}" x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" '
        f'height="{_n(box.height)}" rx="{_n(radius)}" fill="{fill}" stroke="{stroke}"{more}/>'
    )


def _band(one: PlacedBand, say: Words) -> str:
    box = one.box
    dash = ' stroke-dasharray="5 3"' if one.band.conditional else ""
    note = say("condition") if one.band.conditional else ""
    head = _text(box.x + 10, box.y + 20, one.title, 13.5, "cb-flow-band-title", _INK, weight="700")
    right = (
        f'<text class="cb-flow-small" x="{_n(box.x + box.width - 10)}" y="{_n(box.y + 20)}" text-anchor="end" '
        f'font-size="{_n(SMALL_SIZE)}" fill="{_QUIET}">◇ {escape(note)}</text>'
        if note
        else ""
    )
    line = (
        f'<path class="cb-flow-rule" d="M{_n(box.x)} {_n(box.y + HEAD)}H{_n(box.x + box.width)}" '
        f'stroke="#dde4e9" fill="none"/>'
    )
    return _rect(box, "cb-flow-band", "#f7f9fa", "#8a99a5", radius=8, more=dash) + head + right + line


def _edge(one: Edge, ident: str) -> str:
    way = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in one.points)
    return (
        f'<path class="cb-flow-edge" d="{way}" fill="none" stroke="{_QUIET}" stroke-width="1.3" '
        f'stroke-linejoin="round" marker-end="url(#{ident}-a)"/>'
    )


def _node(one: PlacedNode, say: Words, state: str) -> str:
    node, box = one.node, one.box
    fill, stroke = _FILL.get(state, "#ffffff"), _STROKE.get(state, _QUIET)
    dash = ' stroke-dasharray="4 3"' if node.conditional or state == "skipped" else ""
    thick = (
        ' stroke-width="2.5"'
        if state in ("open", "overdue") or node.kind == "call"
        else ' stroke-width="1.2"'
    )
    parts = [
        _rect(box, "cb-flow-node", fill, stroke, radius=_radius(node, box), more=dash + thick),
    ]
    if node.many:
        behind = Box(box.x + 4, box.y - 4, box.width, box.height)
        parts.insert(0, _rect(behind, "cb-flow-node", fill, stroke, radius=_radius(node, box), more=dash))
    if node.kind == "approve":
        inner = Box(box.x + 3, box.y + 3, box.width - 6, box.height - 6)
        parts.append(_rect(inner, "cb-flow-inner", "none", stroke, radius=4))
    parts.append(
        f'<g class="cb-flow-icon" transform="translate({_n(box.x + PAD)} {_n(box.y + PAD - 0.5)})" fill="none" '
        f'stroke="{stroke if state else "#0b6e78"}" stroke-width="1.4" stroke-linecap="round" '
        f'stroke-linejoin="round">{_ICONS.get(node.kind, _ICONS["task"])}</g>'
    )
    y = box.y + PAD + 12.5
    for line in one.title:
        parts.append(_text(box.x + PAD + ICON, y, line, TITLE_SIZE, "cb-flow-title", _INK, weight="700"))
        y += LINE
    y += 1.0
    for line in one.small:
        parts.append(_text(box.x + PAD, y, line, SMALL_SIZE, "cb-flow-small", _QUIET))
        y += SMALL_LINE
    if state in _BADGES and state != "waiting":
        parts.append(_badge(box, state, stroke))
    words = say(f"state_{state}") if state else ""
    label = " · ".join(part for part in (node.kind_title, node.title, words) if part)
    return (
        f'<g class="cb-flow-step" data-kind="{node.kind}" data-state="{state}">'
        f"<title>{escape(label)}</title>{''.join(parts)}</g>"
    )


def _radius(node: Node, box: Box) -> float:
    """Square corners: the system does it; round ends: time passes; otherwise people."""
    if node.kind in ("wait", "countdown"):
        return min(18.0, box.height / 2)
    return 1.0 if node.kind in ("do", "notify") else 7.0


def _badge(box: Box, state: str, colour: str) -> str:
    """A disc at the upper right corner; an octagon for what is overdue."""
    x, y = box.x + box.width - 10, box.y - 6
    ground = (
        f'<path d="M4 0h6l4 4v6l-4 4H4l-4-4V4z" fill="{colour}"/>'
        if state == "overdue"
        else f'<circle cx="7" cy="7" r="7.5" fill="{colour}"/>'
    )
    return (
        f'<g class="cb-flow-badge" transform="translate({_n(x)} {_n(y)})">{ground}'
        f'<g fill="none" stroke="#fff" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">'
        f"{_BADGES[state]}</g></g>"
    )
