"""What a view needs to talk to htmx: answer with a part, say something in a toast, send the browser on."""

from __future__ import annotations

import json
from typing import Literal

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from changbei.core import clock
from changbei.web import context

Tone = Literal["good", "info", "warn", "bad"]


def wants_part(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page (a boosted link or a history miss wants the whole page)."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Boosted") != "true"
        and headers.get("HX-History-Restore-Request") != "true"
    )


def toast(response: HttpResponse, text: str, tone: Tone = "good") -> HttpResponse:
    """Have the page show `text` when this htmx answer arrives. Plain pages use django.contrib.messages."""
    events: dict[str, object] = json.loads(response.headers.get("HX-Trigger", "{}"))
    events["changbei:toast"] = {"text": str(text), "tone": tone}
    response.headers["HX-Trigger"] = json.dumps(events)  # escapes beyond ASCII: a header carries nothing else
    return response


def go_to(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect in the way the caller understands: htmx by its header, a plain form by 303."""
    if wants_part(request):
        response = HttpResponse(status=204)
        response.headers["HX-Redirect"] = url
        return response
    redirect = HttpResponseRedirect(url)
    redirect.status_code = 303
    return redirect


def stamp(response: HttpResponse, *, engine_still_seconds: int | None = None) -> HttpResponse:
    """Put the server's clock on a polled answer, and for how long the engine has stood still (0: it moves)."""
    response.headers["X-Server-Now"] = clock.now().isoformat()
    response.headers["X-Clock-Rate"] = str(context.clock_rate())
    if engine_still_seconds is not None:
        response.headers["X-Engine-Still"] = str(engine_still_seconds)
    return response
