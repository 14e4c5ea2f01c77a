"""Moments, lengths of time, and count-downs that run."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from changbei.core import clock
from changbei.web.templatetags.ui.chips import icon

register = template.Library()


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
    today = local.date() == clock.today()
    shown = local.strftime("%H:%M" if form == "time" or (form == "auto" and today) else "%m-%d %H:%M")
    if form == "full":
        shown = full
    return format_html(
        '<time class="cb-moment" datetime="{}" title="{}">{}</time>', at.isoformat(), full, shown
    )


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
