"""Browsers that want to be pushed to: saying so, and not any more. The script that shows pushes."""

from __future__ import annotations

import json
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.urls import path
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from changbei.core.errors import NotFound
from changbei.notify import devices
from changbei.notify.channels.push.vapid import public_key_of
from changbei.web.entry import actor, staff

SCRIPT = Path(__file__).resolve().parents[1] / "static" / "web" / "push-worker.js"


@staff
@require_GET
def key(request: HttpRequest) -> HttpResponse:
    """What a browser subscribes with."""
    if not settings.PUSH_KEY:
        raise NotFound(gettext_noop("this installation does not push to browsers"))
    return JsonResponse({"key": public_key_of(Path(settings.PUSH_KEY))})


@staff
@require_POST
def device(request: HttpRequest) -> HttpResponse:
    """Keep the subscription that the browser made, or forget it (`{"endpoint": …, "forget": true}`)."""
    person = actor(request)
    try:
        given = json.loads(request.body)
        endpoint = str(given["endpoint"])
        if given.get("forget"):
            devices.forget(endpoint, actor=person)
        else:
            keys = given["keys"]
            devices.remember(endpoint, str(keys["p256dh"]), str(keys["auth"]), actor=person)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return HttpResponseBadRequest(f"no subscription: {error}")
    return HttpResponse(status=204)


@require_GET
def worker(_request: HttpRequest) -> HttpResponse:
    """The script from the root of its scope."""
    return HttpResponse(SCRIPT.read_bytes(), content_type="text/javascript; charset=utf-8")


urlpatterns = [
    path("push/key", key, name="push-key"),
    path("push/device", device, name="push-device"),
    path("push/worker.js", worker, name="push-worker"),
]
