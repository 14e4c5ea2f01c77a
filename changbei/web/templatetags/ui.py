"""The parts pages are made of. `{% load ui %}`; docs/frontend.md lists them with their parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.forms import (
    BaseForm,
    BoundField,
    CheckboxInput,
    CheckboxSelectMultiple,
    FileInput,
    RadioSelect,
    Select,
    SelectMultiple,
)
from django.templatetags.static import static
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from changbei.core import clock, texts
from changbei.incidents.models import Suspension, Warning
from changbei.incidents.translated import reason_text, words_for
from changbei.web.components import Clause, PersonCard, Step, TaskCard, TimelineEntry

register = template.Library()

# ---------------------------------------------------------------- words, moments, lookups


@register.filter
def words(value: Mapping[str, str] | str | None) -> str:
    """A text in three languages as the reader's one: `{{ unit.name|words }}`."""
    return texts.pick(value, get_language() or "")


@register.filter
def lookup(mapping: Mapping[str, object] | None, key: str) -> object:
    """`mapping[key]`, or empty."""
    return (mapping or {}).get(key, "")


@register.filter
def warned(warning: Warning, name: str) -> str:
    """A warning's event, headline, description or instruction for the reader: `{{ one|warned:"event" }}`."""
    return words_for(warning, get_language() or "")[name]


@register.filter
def reason_of(suspension: Suspension) -> str:
    """Why service is suspended, in the reader's language where the weather service says it in that."""
    return texts.pick(reason_text(suspension.incident, suspension.reason), get_language() or "")


@register.filter
def tel(phone: str) -> str:
    """The phone as the address of a tel: link."""
    return "tel:" + "".join(sign for sign in phone if sign.isdigit() or sign == "+")


@register.filter
def span(value: timedelta | float | None) -> str:
    """A length of time (timedelta or seconds) in at most two units: `2 h 05 min`."""
    if value is None:
        return "—"
    seconds = int(value.total_seconds() if isinstance(value, timedelta) else value)
    if seconds < 60:
        return _("%(seconds)d s") % {"seconds": seconds}
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 60:
        return _("%(minutes)d min") % {"minutes": minutes}
    if hours < 24:
        return _("%(hours)d h %(minutes)02d min") % {"hours": hours, "minutes": minutes % 60}
    return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours % 24}


@register.simple_tag
def moment(at: datetime | None, form: str = "auto") -> SafeString:
    """A moment on the city's wall clock. form: auto (time alone when it is today), time, full."""
    if at is None:
        return SafeString("—")
    local = at.astimezone(clock.LOCAL)
    full = local.strftime("%Y-%m-%d %H:%M:%S")
    today = local.date() == clock.local_now().date()
    shown = local.strftime("%H:%M" if form == "time" or (form == "auto" and today) else "%m-%d %H:%M")
    if form == "full":
        shown = full
    return format_html(
        '<time class="cb-moment" datetime="{}" title="{}">{}</time>', at.isoformat(), full, shown
    )


# ---------------------------------------------------------------- icons and chips


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
}


@register.simple_tag
def level_chip(level: str, size: str = "") -> SafeString:
    """The response level of an incident: MAJOR, LOCAL or DEMAND; anything else is not classified yet."""
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


# ---------------------------------------------------------------- time that runs


@register.simple_tag
def countdown(
    due: datetime | None, opened: datetime | None = None, done: datetime | None = None
) -> SafeString:
    """Time left to `due`, ticking in the browser against the server's clock; with `done` it stands still.

    `opened` tells it the whole span: under a quarter of that (else under five minutes) it looks urgent.
    """
    if due is None:
        return SafeString("")
    against = done or clock.now()
    left = int((due - against).total_seconds())
    whole = int((due - opened).total_seconds()) if opened else 0
    state = "late" if left < 0 else "soon" if left < (whole / 4 if whole else 300) else "ok"
    pattern = _("%(time)s over") if left < 0 else _("%(time)s left")
    standing = SafeString(" data-standing") if done else SafeString("")
    return format_html(
        '<time class="cb-countdown" role="timer" datetime="{0}" data-due="{0}" data-whole="{1}"'
        ' data-state="{2}"{3} title="{4}">{5}<span data-text>{6}</span></time>',
        due.isoformat(),
        whole,
        state,
        standing,
        _("Due %(moment)s") % {"moment": due.astimezone(clock.LOCAL).strftime("%Y-%m-%d %H:%M")},
        icon("clock-exclamation" if left < 0 else "clock"),
        pattern % {"time": clock_face(abs(left))},
    )


def clock_face(seconds: int) -> str:
    """`mm:ss`, `h:mm:ss`, or days and hours; the browser's script writes the same."""
    if seconds >= 86400:
        return _("%(days)d d %(hours)d h") % {"days": seconds // 86400, "hours": seconds % 86400 // 3600}
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60:02d}:{rest % 60:02d}"


@register.simple_tag
def script_texts() -> SafeString:
    """The words that scripts show, in the reader's language, as a data block."""
    return json_script(
        {
            "left": _("%(time)s left"),
            "over": _("%(time)s over"),
            "days": _("%(days)d d %(hours)d h"),
            "failed": _("That did not work (%(status)s). Nothing was changed."),
            "offline": _("No connection to the server. What you see may be old."),
            "away": _("The database does not answer. What you see may be old; what you send now is not recorded."),
            "sent": _("Everything is sent. The list is of %(time)s."),
            "toSend": _("%(count)d waiting to be sent."),
            "noCoverage": _("No coverage: %(count)d waiting to be sent. Go on; it is kept on this phone."),
            "noCoverageList": _("No coverage. The list is of %(time)s."),
            "placeOfNext": _("No position: the place of your next customer is reported."),
            "sharing": _("The dispatchers see this van's place."),
            "notSharing": _("Nobody sees where this phone is."),
            "driven": _("%(done)d of %(total)d stops done"),
            "engine": _("The engine has stood still for %(time)s: deadlines and messages are not moving."),
            "close": _("Close"),
            "copied": _("Copied."),
            "notCopied": _("Marked; copy it with the keyboard or the menu."),
            "locating": _("Finding your position…"),
            "located": _("Position taken, accurate to %(metres)d m."),
            "locationDenied": _(
                "The phone does not give its position. Pick the place on the map, or describe it."
            ),
            "photoRemove": _("Remove this photo"),
            "photoUnreadable": _("%(name)s is not a picture that can be read."),
            "pickHint": _("Tap the map where it happened."),
            "picked": _("Place picked: %(latitude)s, %(longitude)s"),
            "drawHint": _("Tap the corners of the area one after another."),
            "drawn": _("Area with %(corners)d corners."),
            "addCorner": _("Corner at the middle of the map"),
            "pickMiddle": _("Take the middle of the map"),
            "undo": _("Undo"),
            "clear": _("Clear"),
            "layers": _("Layers"),
            "wholeCity": _("Whole city"),
            "mapFailed": _("The map cannot be drawn in this browser. The list beside it shows the same."),
            "sourceFailed": _("Part of the map could not be loaded: %(name)s"),
            "zoomIn": _("Zoom in"),
            "zoomOut": _("Zoom out"),
            "open": _("Open"),
            "map_districts": _("Districts"),
            "map_warnings": _("Weather warnings"),
            "map_suspensions": _("Service suspended"),
            "map_streets": _("Streets"),
            "map_lines": _("Delivery lines"),
            "map_retailers": _("Retailers"),
            "map_before": _("Before"),
            "map_after": _("After"),
            "map_stops": _("Stops concerned"),
            "map_sites": _("Sites"),
            "map_vans": _("Vans"),
            "map_incidents": _("Incidents"),
            "map_places": _("Places"),
        },
        "script-texts",
    )


# ---------------------------------------------------------------- larger parts


@register.inclusion_tag("web/parts/task_card.html")
def task_card(task: TaskCard, compact: bool = False) -> dict[str, object]:
    """A task with its deadline and buttons that a thumb reaches."""
    return {"task": task, "compact": compact}


@register.inclusion_tag("web/parts/person_card.html")
def person_card(person: PersonCard) -> dict[str, object]:
    """Somebody with buttons that call."""
    return {"person": person}


@register.inclusion_tag("web/parts/timeline.html")
def timeline(entries: Sequence[TimelineEntry], label: str = "") -> dict[str, object]:
    """What was observed, in the order given."""
    return {"entries": entries, "label": label or _("Timeline")}


@register.inclusion_tag("web/parts/stepper.html")
def stepper(steps: Sequence[Step], label: str = "") -> dict[str, object]:
    """The stages of a procedure and which one it is in."""
    return {"steps": steps, "label": label or _("Stages")}


@register.inclusion_tag("web/parts/empty.html")
def empty_state(
    title: str, text: str = "", name: str = "inbox", url: str = "", action: str = ""
) -> dict[str, object]:
    """What a list says when there is nothing in it, and what one can do then."""
    return {"title": title, "text": text, "name": name, "url": url, "action": action}


@register.inclusion_tag("web/parts/progress.html")
def progress(value: float, total: float, label: str, tone: str = "info", unit: str = "") -> dict[str, object]:
    """How much of a whole is done, as a bar and in figures."""
    return {"value": value, "total": total, "label": label, "tone": tone, "unit": unit}


@register.inclusion_tag("web/parts/figure.html")
def figure(
    label: str, value: object, unit: str = "", tone: str = "neutral", name: str = "", hint: str = ""
) -> dict[str, object]:
    """One number that matters, with its unit."""
    return {"label": label, "value": value, "unit": unit, "tone": tone, "name": name, "hint": hint}


@register.inclusion_tag("web/parts/banner.html")
def banner(text: str, tone: str = "info", name: str = "info-circle", title: str = "") -> dict[str, object]:
    """A sentence across the page that stays."""
    return {"text": text, "tone": tone, "name": name, "title": title}


@register.simple_block_tag
def panel(
    content: str, title: str = "", name: str = "", count: object = "", id: str = "", flush: bool = False
) -> SafeString:
    """`{% panel "Tasks" name="list-check" count=3 %}…{% endpanel %}`: a box; `flush` for lists and tables."""
    anchor = format_html(' id="{}"', id) if id else SafeString("")
    badge = format_html('<span class="cb-count">{}</span>', count) if count != "" else SafeString("")
    head = (
        format_html(
            '<div class="cb-panel-head"><h2>{}{}</h2>{}</div>', icon(name) if name else "", title, badge
        )
        if title
        else SafeString("")
    )
    kind = "cb-panel cb-panel-flush" if flush else "cb-panel"
    return format_html(
        '<section class="{}"{}>{}<div class="cb-panel-body">{}</div></section>', kind, anchor, head, content
    )


@register.simple_block_tag
def table_box(content: str, label: str) -> SafeString:
    """`{% table_box "Vans" %}<table class="cb-table">…</table>{% endtable_box %}`: scrolls sideways."""
    return format_html(
        '<div class="cb-table-box" role="region" tabindex="0" aria-label="{}">{}</div>', label, content
    )


# ---------------------------------------------------------------- forms


@register.inclusion_tag("web/parts/field.html")
def field(bound: BoundField, name: str = "") -> dict[str, object]:
    """One field of a form: label, control, help, errors; `name` is an icon before the label."""
    return {"field": bound, "kind": _control(bound), "name": name, "control": _render(bound)}


@register.inclusion_tag("web/parts/form_errors.html")
def form_errors(form: BaseForm) -> dict[str, object]:
    """What is wrong with the form as a whole, and links to the fields that need another look."""
    wrong = [(bound, list(bound.errors)) for bound in form if bound.errors]
    return {"general": list(form.non_field_errors()), "wrong": wrong}


_CONTROL_CLASSES = {
    "select": "form-select",
    "text": "form-control",
    "check": "form-check-input",
    "choices": "",
    "photos": "",
}


def _control(bound: BoundField) -> str:
    widget = bound.field.widget
    if isinstance(widget, RadioSelect | CheckboxSelectMultiple):
        return "choices"
    if isinstance(widget, Select | SelectMultiple):
        return "select"
    if isinstance(widget, FileInput) and str(widget.attrs.get("accept", "")).startswith("image"):
        return "photos"
    return "check" if isinstance(widget, CheckboxInput) else "text"


def _render(bound: BoundField) -> SafeString:
    classes = [bound.field.widget.attrs.get("class", ""), _CONTROL_CLASSES[_control(bound)]]
    if bound.errors:
        classes.append("is-invalid")
    attrs: dict[str, str | bool] = {"class": " ".join(filter(None, classes))}
    told = [
        part
        for part in (
            bound.help_text and f"{bound.auto_id}_helptext",
            bound.errors and f"{bound.auto_id}_error",
        )
        if part
    ]
    if _control(bound) == "photos":
        attrs["data-photos"] = f"#{bound.id_for_label}_photos"
    if told and _control(bound) != "choices":
        attrs["aria-describedby"] = " ".join(map(str, told))
    return bound.as_widget(attrs=attrs)


# ---------------------------------------------------------------- the map


@register.inclusion_tag("web/parts/map.html")
def map_box(
    url: str,
    label: str,
    id: str = "map",
    pick: str = "",
    draw: str = "",
    focus: str = "",
    size: str = "",
    off: str = "",
    latitude: str = "",
    longitude: str = "",
) -> dict[str, object]:
    """The map: `url` answers with the layers (docs/frontend.md).

    `pick` and `draw` select the hidden input that gets a GeoJSON point or polygon; `latitude` and `longitude`
    select inputs for a picked place in degrees. `off` names layers hidden at first, `focus` is
    "longitude,latitude,zoom".
    """
    return {
        "url": url,
        "label": label,
        "id": id,
        "data": {
            "pick": pick,
            "draw": draw,
            "latitude": latitude,
            "longitude": longitude,
            "focus": focus,
            "size": size,
            "off": off,
        },
    }


@register.simple_tag
def map_assets() -> SafeString:
    """Style and script of the map; once, in the block `head` of pages that show one."""
    return format_html(
        '<link rel="stylesheet" href="{}"><meta name="map-worker" content="{}">'
        '<script type="module" src="{}"></script>',
        static("built/map.css"),
        static("built/map-worker.js"),
        static("built/map.js"),
    )


def every_icon_used() -> Iterable[str]:
    """Icons that the tables of this file name; a test compares them with the sprite."""
    yield from (name for _text, name in _LEVELS.values())
    yield from (name for _text, _tone, name in _STATES.values())
