"""Doors for those who have no login: a signed link confirms a message, carriers call back with receipts and replies."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from changbei.core.errors import there
from changbei.notify import answers, links, selectors, services
from changbei.notify.channels import Unreadable
from changbei.notify.channels.http import hooks
from changbei.notify.channels.http.provider import Hook
from changbei.notify.channels.registry import KEYS, RECEIPTS, REPLIES, hook
from changbei.notify.ladders import KINDS
from changbei.notify.models import Message

MOST_BYTES = 1_000_000


@csrf_exempt  # the word in the address is the permission; a page elsewhere that knows it needs no trick
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, word: str) -> HttpResponse:
    """Programs that look at links in messages ask with GET: only the button confirms, and only once."""
    message = links.message_of(word)
    if request.method == "POST":
        if not _over(message):
            services.acknowledge_from_outside(message, by="link")
        return redirect("confirm-message", word=word)
    done_at = selectors.acknowledged_at(message)
    context = {
        "title": message.notice.title,
        "drill": message.notice.drill,
        "sent_at": message.queued_at,
        "done_at": done_at,
        "over": _over(message),
        "nav": [],
    }
    return render(request, "web/outside/confirm.html", context)


def _over(message: Message) -> bool:
    return message.notice.stopped_at is not None


@csrf_exempt
@require_POST
def called_back(request: HttpRequest, kind: str, secret: str, purpose: str) -> HttpResponse:
    """A carrier tells. What cannot be read is answered 400, so that the carrier's own records show it."""
    reading = _hook(kind, secret, purpose)
    body = request.body
    if len(body) > MOST_BYTES:
        return HttpResponseBadRequest("too long")
    try:
        if purpose == RECEIPTS:
            services.take_receipts(hooks.receipts(reading, body))
        else:
            for reply in hooks.replies(reading, body, request.GET.get("reference", "")):
                answers.take(kind, reply)
    except Unreadable as error:
        return HttpResponseBadRequest(str(error))
    return HttpResponse(reading.answer, content_type=f"{reading.answer_type}; charset=utf-8")


def _hook(kind: str, secret: str, purpose: str) -> Hook:
    """NotFound for everything that is not exactly ours, the same for all reasons."""
    known = settings.CALLBACK_SECRET and hmac.compare_digest(
        secret.encode(), settings.CALLBACK_SECRET.encode()
    )
    found = hook(kind, purpose) if known and kind in KINDS and purpose in {RECEIPTS, REPLIES, KEYS} else None
    return there(found, gettext_noop("no such page"))


urlpatterns = [
    path("c/<str:word>", confirm, name="confirm-message"),
    path("callbacks/<str:kind>/<str:secret>/<str:purpose>", called_back, name="called-back"),
]
