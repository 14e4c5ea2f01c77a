"""Icons, and chips that say a state in words, colour and shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from changbei.web.components import Clause

register = template.Library()


@register.simple_tag
def icon(name: str, label: str = "", classes: str = "") -> SafeString:
    """An icon of the built sprite (names: frontend/icons.json). Without a label it is decoration."""
    meaning = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="icon {}" {}><use href="{}#{}"></use></svg>',
        classes,
        meaning,
        static("built/icons.svg"),
        name,
    )


@register.simple_tag
def chip(text: str, tone: str = "neutral", name: str = "", title: str = "") -> SafeString:
    """A small labelled state; tone: neutral info good notice warn bad. Icon and text say what colour says."""
    drawn = icon(name) if name else SafeString("")
    tip = format_html(' title="{}"', title) if title else SafeString("")
    return format_html(
        '<span class="cb-chip" data-tone="{}"{}>{}<span>{}</span></span>', tone, tip, drawn, text
    )


_LEVELS = {
    "MAJOR": (pgettext_lazy("level", "Major"), "alert-octagon-filled"),
    "LOCAL": (pgettext_lazy("level", "Local"), "alert-triangle-filled"),
    "DEMAND": (pgettext_lazy("level", "Demand"), "shopping-cart"),
    "SERVICE": (pgettext_lazy("level", "Service"), "message-report"),
}


@register.simple_tag
def level_chip(level: str, size: str = "") -> SafeString:
    """The response level of an incident: MAJOR, LOCAL, DEMAND or SERVICE; anything else is not classified yet."""
    text, name = _LEVELS.get(level.upper(), (gettext_lazy("Not classified"), "help-circle"))
    return format_html(
        '<span class="cb-level" data-level="{}" data-size="{}">{}<span>{}</span></span>',
        level.upper(),
        size,
        icon(name),
        text,
    )


_WARNING_COLOURS = {
    "blue": (gettext_lazy("Blue warning"), '<circle cx="12" cy="12" r="9.5"/>'),
    "yellow": (gettext_lazy("Yellow warning"), '<path d="M12 2.2 22.6 21H1.4Z"/>'),
    "orange": (gettext_lazy("Orange warning"), '<path d="M12 .8 23.2 12 12 23.2.8 12Z"/>'),
    "red": (gettext_lazy("Red warning"), '<path d="M7.5 1.5h9l6 6v9l-6 6h-9l-6-6v-9Z"/>'),
}


@register.simple_tag
def warning_chip(colour: str, text: str = "") -> SafeString:
    """A weather warning: blue circle, yellow triangle, orange diamond, red octagon; `text`: the hazard."""
    label, shape = _WARNING_COLOURS.get(
        colour.lower(), (gettext_lazy("Warning of unknown colour"), '<path d="M3 3h18v18H3Z"/>')
    )
    more = format_html(" · {}", text) if text else SafeString("")
    return format_html(
        '<span class="cb-warning" data-colour="{}">'
        '<svg class="cb-warning-shape" viewBox="0 0 24 24" aria-hidden="true">'
        '{}<path class="cb-warning-mark" d="M12 7.5v6M12 17v.4"/></svg><span>{}{}</span></span>',
        colour.lower(),
        SafeString(shape),
        label,
        more,
    )


# state of a task, incident, message or van -> words, tone, icon; a state not listed here shows its own name
_STATES: dict[str, tuple[Any, str, str]] = {
    "open": (pgettext_lazy("state", "To accept"), "notice", "bell-ringing"),
    "acknowledged": (pgettext_lazy("state", "Accepted"), "info", "player-play"),
    "waiting": (pgettext_lazy("state", "Waiting"), "neutral", "hourglass"),
    "done": (pgettext_lazy("state", "Done"), "good", "circle-check"),
    "late": (pgettext_lazy("state", "Late"), "bad", "clock-exclamation"),
    "cancelled": (pgettext_lazy("state", "Dropped"), "neutral", "ban"),
    "escalated": (pgettext_lazy("state", "Escalated"), "warn", "arrow-up"),
    "reported": (pgettext_lazy("state", "Reported"), "notice", "message-report"),
    "active": (pgettext_lazy("state", "Running"), "info", "activity"),
    "suspended": (pgettext_lazy("state", "Service suspended"), "warn", "player-pause"),
    "resumed": (pgettext_lazy("state", "Service resumed"), "good", "player-play"),
    "closed": (pgettext_lazy("state", "Closed"), "neutral", "lock"),
    "reviewed": (pgettext_lazy("state", "Reviewed"), "neutral", "clipboard-check"),
    "queued": (pgettext_lazy("state", "Queued"), "neutral", "clock"),
    "sent": (pgettext_lazy("state", "Handed over"), "info", "send"),
    "delivered": (pgettext_lazy("state", "Delivered"), "good", "check"),
    "read": (pgettext_lazy("state", "Read"), "good", "checks"),
    "answered": (pgettext_lazy("state", "Answered"), "good", "checks"),
    "failed": (pgettext_lazy("state", "Failed"), "bad", "circle-x"),
    "driving": (pgettext_lazy("state", "On its line"), "good", "truck-delivery"),
    "broken": (pgettext_lazy("state", "Broken down"), "bad", "truck-off"),
    "reserve": (pgettext_lazy("state", "Reserve"), "info", "truck"),
    "taking-over": (pgettext_lazy("state", "Taking over"), "notice", "truck-return"),
}


@register.simple_tag
def state_chip(state: str, text: str = "") -> SafeString:
    """The state of a task, incident, message or van, with its usual words, colour and icon."""
    usual, tone, name = _STATES.get(state.lower(), (state, "neutral", "point"))
    return chip(text or str(usual), tone, name)


@register.simple_tag
def clause_link(number: str | Clause, url: str = "", title: str = "") -> SafeString:
    """A clause of a plan: `{% clause_link task.clause %}` or `{% clause_link "E3.3.1" url title %}`."""
    clause = number if isinstance(number, Clause) else Clause(number, url, title)
    label = _("Clause %(number)s") % {"number": clause.number} + (f" {clause.title}" if clause.title else "")
    tag = format_html('a href="{}"', clause.url) if clause.url else SafeString("span")
    end = SafeString("a" if clause.url else "span")
    return format_html('<{} class="cb-clause" title="{}">§&#8239;{}</{}>', tag, label, clause.number, end)


def every_icon_used() -> Iterable[str]:
    """Icons that the tables of this file name; a test compares them with the sprite."""
    yield from (name for _text, name in _LEVELS.values())
    yield from (name for _text, _tone, name in _STATES.values())
