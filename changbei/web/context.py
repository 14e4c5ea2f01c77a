"""What the shell around every page knows: the clock, who is looking, where one can go."""

from __future__ import annotations

from collections.abc import Container
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from changbei.care import access as care
from changbei.core import clock, texts
from changbei.journal import heartbeat
from changbei.notify import standing, steering
from changbei.people import access as people
from changbei.runs.selectors import my_tasks
from changbei.web.components import NavItem

# name of the URL, label, icon; the order is that of the tab bar on a phone
_PLACES = (
    ("board", gettext_lazy("Board"), "layout-dashboard"),
    ("my-tasks", gettext_lazy("My tasks"), "list-check"),
    ("report", gettext_lazy("Report"), "speakerphone"),
    ("delivery", gettext_lazy("Delivery"), "truck-delivery"),
    ("plan", gettext_lazy("Plan"), "book-2"),
)
# further places, shown where there is room for them
_FURTHER = (
    ("calls", gettext_lazy("Calls"), "phone-call"),
    ("broadcasts", gettext_lazy("Notices"), "send"),
    ("warnings", gettext_lazy("Weather warnings"), "storm"),
    ("forecast", gettext_lazy("Forecast"), "sun"),
    ("readiness", gettext_lazy("Readiness"), "shield-check"),
    ("visits", gettext_lazy("Visits"), "map-pin"),
    ("service", gettext_lazy("Everyday service"), "message-report"),
    ("supply-requests", gettext_lazy("Supply requests"), "package"),
    ("early-warnings", gettext_lazy("Supply warnings"), "alert-triangle"),
    ("people", gettext_lazy("Posts and people"), "id-badge-2"),
    ("contacts", gettext_lazy("Contacts"), "users"),
)
# places that are shown to those only who may open them
_NEEDED = {"broadcasts": (steering.PERMISSION,), "visits": (care.RECORD, care.SEE)}
_SHIFT_WORTH_SAYING = timedelta(seconds=5)


def shell(request: HttpRequest) -> dict[str, object]:
    """Context of `web/base.html`. A view may set `drill_banner` and `nav_counts={"my-tasks": 3}`."""
    stands = SimpleLazyObject(lambda: inbox_stands(request))
    permissions = SimpleLazyObject(lambda: people.permissions_of(getattr(request, "user", None)))
    return {
        "server_now": clock.now(),
        "server_clock_rate": clock_rate(),
        "clock_banner": clock_banner(),
        "drill_banner": "",
        "engine_banner": SimpleLazyObject(engine_banner),
        "nav_counts": SimpleLazyObject(lambda: nav_counts(request)),
        "inbox_stands": stands,
        "waiting_messages": SimpleLazyObject(lambda: standing.waiting(str(stands))),
        "demo": settings.DEMO,
        "permissions": permissions,
        "nav": SimpleLazyObject(lambda: navigation(request, permissions)),
        "viewer_line": SimpleLazyObject(lambda: viewer_line(request)),
        "html_lang": HTML_LANG.get(get_language() or "", "zh-Hans"),
    }


HTML_LANG = {"zh-hans": "zh-Hans", "zh-hant": "zh-Hant", "en": "en"}


def clock_rate() -> float:
    """How fast the clock of this process runs, 1.0 for real time, 0.0 for one that stands still."""
    running = clock.current()
    if isinstance(running, clock.VirtualClock):
        return 0.0
    return running.speed if isinstance(running, clock.ShiftedClock) else 1.0


def clock_banner() -> str:
    """A sentence when the clock is not the machine's own, else empty."""
    if isinstance(clock.current(), clock.SystemClock):
        return ""
    ahead = clock.now() - clock.SystemClock().now()
    rate = clock_rate()
    if abs(ahead) < _SHIFT_WORTH_SAYING and rate == 1.0:
        return ""
    shown = clock.local_now().strftime("%Y-%m-%d %H:%M")
    if rate != 1.0:
        return _(
            "The clock is set for a demonstration: it shows %(time)s and runs %(rate)g times as fast."
        ) % {
            "time": shown,
            "rate": rate,
        }
    return _("The clock is set for a demonstration: it shows %(time)s.") % {"time": shown}


def engine_banner() -> str:
    """A sentence when the engine stands still, else empty."""
    still = heartbeat.still_seconds()
    if not still:
        return ""
    return _("The engine has stood still for %(time)s: deadlines and messages are not moving.") % {
        "time": f"{still // 60}:{still % 60:02}"
    }


def navigation(request: HttpRequest, permissions: Container[str]) -> list[NavItem]:
    """The places that exist and that one may open. The longest address that starts the current path is the one we are
    at."""
    places = [one for one in (*_PLACES, *_FURTHER) if _may_open(one[0], permissions)]
    found = [(name, str(label), icon, url) for name, label, icon in places if (url := _address(name))]
    here = max((url for *_rest, url in found if _inside(request.path, url)), key=len, default="")
    further = {name for name, *_rest in _FURTHER}
    if care.RECORD in permissions:
        further.remove("visits")  # whoever goes there needs it on the phone
    return [
        NavItem(name, label, icon, url, here=url == here, further=name in further)
        for name, label, icon, url in found
    ]


def _may_open(place: str, permissions: Container[str]) -> bool:
    return place not in _NEEDED or any(one in permissions for one in _NEEDED[place])


def _inside(path: str, url: str) -> bool:
    return path == url or (url != "/" and path.startswith(url.rstrip("/") + "/"))


def nav_counts(request: HttpRequest) -> dict[str, int]:
    """How many open tasks wait for whoever looks, beside the place in the navigation."""
    person = getattr(getattr(request, "user", None), "person", None)
    return {"my-tasks": my_tasks(person).count()} if person else {}


def inbox_stands(request: HttpRequest) -> str:
    """The word for the inbox of whoever looks."""
    person = getattr(getattr(request, "user", None), "person", None)
    return standing.of_one(person) if person else "0-0"


def viewer_line(request: HttpRequest) -> str:
    """The unit of the person who is logged in, in the reader's language."""
    person = getattr(getattr(request, "user", None), "person", None)
    return texts.pick(person.unit.name, get_language() or "") if person else ""


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
