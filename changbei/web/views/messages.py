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
from changbei.notify import selectors, services
from changbei.web import htmx
from changbei.web.entry import actor, next_url, staff

SHOWN = 60


@staff
def inbox(request: HttpRequest) -> HttpResponse:
    """The newest messages first."""
    person = actor(request)
    context = {
        "rows": list(selectors.inbox(person)[:SHOWN]),
        "unanswered": selectors.unanswered(person),
        "pushes": bool(settings.PUSH_KEY),
    }
    part = htmx.wants_part(request)
    response = render(request, f"web/messages/{'list' if part else 'page'}.html", context)
    return htmx.stamp(response, engine_still_seconds=heartbeat.still_seconds()) if part else response


@staff
def bell(request: HttpRequest) -> HttpResponse:
    """How many messages wait for my answer: the bell on every page asks every few seconds."""
    return render(request, "web/messages/bell.html", {"waiting": selectors.unanswered(actor(request))})


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
    path("messages/<uuid:uuid>/acknowledge", acknowledge, name="message-acknowledge"),
]
