"""The engine's pulse: a line for probes, figures for graphs, a page for people."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import compare_digest

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from changbei.core.errors import NotAllowed
from changbei.journal import heartbeat
from changbei.web import htmx, pulse
from changbei.web.entry import staff

LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class Line:
    """One figure of the page. `seconds` says whether it is a time."""

    label: str
    value: str
    bad: bool


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """For probes, without a login: 200 and `ok`, else 503 and what is wrong, one thing a line."""
    try:
        troubles = pulse.look().troubles
    except DatabaseError:
        troubles = ["the database does not answer"]
    text = "\n".join(troubles) or "ok"
    return HttpResponse(
        f"{text}\n", status=503 if troubles else 200, content_type="text/plain; charset=utf-8"
    )


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus: with CHANGBEI_METRICS_TOKEN as bearer; without one set, from this machine alone."""
    if not _may_read(request):
        return HttpResponse(status=403)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(pulse.Collector(pulse.look()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return request.META.get("REMOTE_ADDR") in LOOPBACK and not forwarded


@staff
def status(request: HttpRequest) -> HttpResponse:
    """The page for people; with htmx the part that changes."""
    if request.user.is_anonymous or request.user.person is None:
        raise NotAllowed
    seen = pulse.look()
    part = htmx.wants_part(request)
    context = {"works": not seen.troubles, "lines": _lines(seen)}
    response = render(request, f"web/status/{'live' if part else 'page'}.html", context)
    return htmx.stamp(response, engine_still_seconds=seen.still) if part else response


@staff
def beat(_request: HttpRequest) -> HttpResponse:
    """What every page asks for now and then: nothing but whether the engine stands still, in the header."""
    return htmx.stamp(HttpResponse(status=204), engine_still_seconds=heartbeat.still_seconds())


def _lines(seen: pulse.Pulse) -> list[Line]:
    late = pulse.LATE_AFTER_SECONDS
    tick = _("never") if seen.tick_age is None else _seconds(seen.tick_age)
    return [
        Line(_("Last sign of the engine"), tick, seen.still > 0),
        *(Line(_waits(kind), _seconds(age), age > late) for kind, age in seen.oldest_due.items()),
        *(
            Line(_("Messages that are due: %(channel)s") % {"channel": channel}, str(count), False)
            for channel, count in seen.unsent.items()
        ),
        Line(_("Claims that have run out"), str(sum(seen.stalled.values())), False),
        Line(_("Facts not looked at yet"), str(seen.outbox_entries), seen.outbox_age > late),
        Line(_("Reactions that failed"), str(seen.failed_reactions), seen.failed_reactions > 0),
        Line(_("Open incidents"), str(sum(seen.open_incidents.values())), False),
        Line(_("Running procedures"), str(seen.running), False),
    ]


def _waits(kind: str) -> str:
    return {
        "messages": _("Oldest message that is due, since"),
        "timers": _("Oldest deadline that is due, since"),
        "actions": _("Oldest action that is due, since"),
    }[kind]


def _seconds(age: float) -> str:
    return _("%(seconds)d s") % {"seconds": age}


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("status/", status, name="status"),
    path("status/beat", beat, name="status-beat"),
]
