"""What the parts of a plan are called on its page: icons of families, time limits in words, fragments of addresses."""

from __future__ import annotations

from django.utils.translation import ngettext

from changbei.core.durations import Duration
from changbei.web.templatetags.ui.times import span

FAMILY_ICONS = {
    "network": "server-off",
    "vehicle": "truck-off",
    "weather": "storm",
    "demand": "shopping-cart",
    "supply": "packages",
    "settlement": "alert-circle",
    "safety": "alert-triangle",
    "petition": "messages",
    "routine": "calendar-event",
    "service": "message-report",
}


def length(duration: Duration | None) -> str:
    """A time limit in words: `15 min`, `1 working day`."""
    if duration is None:
        return ""
    if duration.working_days:
        return ngettext("%(days)d working day", "%(days)d working days", duration.working_days) % {
            "days": duration.working_days
        }
    days, hours = duration.seconds // 86400, duration.seconds // 3600
    if duration.seconds and duration.seconds % 86400 == 0:
        return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
    if duration.seconds and duration.seconds % 3600 == 0:
        return ngettext("%(hours)d hour", "%(hours)d hours", hours) % {"hours": hours}
    return str(span(duration.seconds))


def anchor_of(ref: str) -> str:
    """The fragment of something of the pack: `step:vehicle-breakdown/rescue` → `step-vehicle-breakdown-rescue`."""
    return ref.replace(":", "-").replace("/", "-")
