"""What I was told, and saying that I have read it."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages as flashes
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from changbei.journal import heartbeat
from changbei.notify import selectors, services, standing
from changbei.web import htmx
from changbei.web.entry import actor, next_url, staff
from changbei.web.streams import Hub

SHOWN = 60
hub = Hub(standing.Watch())


@staff
def inbox(request: HttpRequest) -> HttpResponse:
    """The newest messages first."""
    person = actor(request)
    stands = standing.of_one(person)  # before the rows are read: what comes between is told by the stream
    context = {
        "inbox_stands": stands,
        "rows": list(selectors.inbox(person)[:SHOWN]),
        "unanswered": standing.waiting(stands),
        "pushes": bool(settings.PUSH_KEY),
    }
    part = htmx.wants_part(request)
    response = render(request, f"web/messages/{'list' if part else 'page'}.html", context)
    return htmx.stamp(response, engine_still_seconds=heartbeat.still_seconds()) if part else response


@staff
def bell(request: HttpRequest) -> HttpResponse:
    """How many messages wait for my answer. Nothing when all is as it was `seen`; else the inbox asks too."""
    stands = standing.of_one(actor(request))
    if stands == request.GET.get("seen"):
        return HttpResponse(status=204)
    response = render(
        request, "web/messages/bell.html", {"stands": stands, "waiting": standing.waiting(stands)}
    )
    response.headers["HX-Trigger"] = "changbei:told"
    return response


@staff
def live(request: HttpRequest) -> HttpResponse:
    """A stream that says when another word than `seen` stands for my inbox. 204 where there are no streams: the browser
    does not ask for one again.
    """
    person = actor(request)
    seen = request.headers.get("Last-Event-ID") or request.GET.get("seen", "")
    hub.take(request, person.pk, seen)  # taken, this answer goes to nobody
    return HttpResponse(status=204)


@staff
@require_POST
def acknowledge(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """I have read this message; the task that it is about counts as accepted."""
    person = actor(request)
    services.acknowledge(selectors.message_for(person, uuid), person, actor=person)
    flashes.success(request, _("Confirmed."))
    return htmx.go_to(request, next_url(request, reverse("inbox")))


urlpatterns = [
    path("messages/", inbox, name="inbox"),
    path("messages/bell", bell, name="inbox-bell"),
    path("messages/live", live, name="inbox-live"),
    path("messages/<uuid:uuid>/acknowledge", acknowledge, name="message-acknowledge"),
]
