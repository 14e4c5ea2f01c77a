"""One place where the errors of the rooms become answers: a page, a part of a page, or JSON.

So do a database that does not answer, and what nobody thought of: with a page that looks nothing up.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.db import DataError, InterfaceError, OperationalError, connection
from django.forms import Form
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _
from psycopg_pool import PoolTimeout

from changbei.core import errors
from changbei.web import context, htmx

logger = logging.getLogger(__name__)

STATUS: dict[type[errors.ChangbeiError], int] = {
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Invalid: 422,
    errors.Outside: 503,
}


CODES = {
    400: "invalid",
    401: "not_known",
    403: "not_allowed",
    404: "not_found",
    405: "not_offered",
    409: "conflict",
    422: "invalid",
    500: "failed",
    503: "outside",
}
"""The word for a status that refusals of the API begin with."""
UNFIT = gettext_noop("a number is too large, or a character is none that can be kept")


def as_ours(error: Exception) -> Exception:
    """What the database cannot take of what was sent (NUL, half a character, a number without end) is invalid; other
    errors stay as they are.
    """
    half = isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason
    if not (half or isinstance(error, DataError)):
        return error
    logger.warning("what was sent does not fit: %s", error)
    return errors.Invalid("value", UNFIT)


def status_of(error: errors.ChangbeiError) -> int:
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def headline(error: errors.ChangbeiError) -> str:
    """What happened, in the reader's language; the error's own words are the detail."""
    return {
        403: _("You may not do this."),
        404: _("There is nothing here that you can see."),
        409: _("This has changed in the meantime."),
        422: _("Something is missing or wrong."),
        503: _("Something outside did not answer."),
    }.get(status_of(error), _("This did not work."))


PURE = (
    gettext_noop("a reason is needed"),
    gettext_noop("at least one product is needed"),
    gettext_noop("a whole number of cartons from 1 is needed"),
    gettext_noop("must be after the beginning"),
    gettext_noop("this time is over already"),
    gettext_noop("no customer lies in this area"),
    gettext_noop("note is missing"),
    gettext_noop("photo is missing"),
    gettext_noop("file is missing"),
)
"""What rules without Django say; other rooms mark their words where they raise them."""
_NAME = re.compile(r"[\w.:-]+", re.ASCII)


STAND_ALONE = ("/notices/", "/healthz")
"""Addresses that look after themselves while the database is gone."""
AWAY = (OperationalError, InterfaceError)
"""What the database's absence looks like, its full disk included."""


def away_headline() -> str:
    return _("The database does not answer.")


def away_detail(request: HttpRequest) -> str:
    if request.method in ("GET", "HEAD"):
        return _("Try again in a minute. When it cannot wait, phone.")
    return _(
        "What you have just sent counts only if you were given its number. Send it again in a minute: "
        "a report that comes twice is joined to the first. When it cannot wait, phone."
    )


def failed(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`, also for what fails after the view: when a session is saved, say."""
    error = sys.exc_info()[1]
    if isinstance(error, AWAY):
        return away(request, error)
    return _stands_alone(
        request,
        500,
        _("This did not work."),
        _("Nothing was changed. What went wrong is in the server's log."),
    )


def not_there(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler404`: an address that leads nowhere."""
    words = _("There is no such page.")
    if of_api(request):
        return as_json(404, words)
    if htmx.wants_part(request):
        return htmx.toast(HttpResponse(status=404), words, "bad")
    return render(request, "web/error.html", {"status": 404, "headline": words, "detail": ""}, status=404)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler400`: a request that cannot be read, or for a host that is not ours; nothing is looked up."""
    return _stands_alone(request, 400, _("This cannot be read."), _("Nothing was changed."))


def refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's `CSRF_FAILURE_VIEW`: what was sent came from a page of before a login or logout in another tab."""
    if of_api(request):  # its verbs ask for a key, not for a token: what comes here is none of them
        return _not_offered(request, ["GET"])
    logger.warning("a form without its token: %s", reason)
    words = _("This page is out of date: somebody has logged in or out in this browser since it was opened.")
    todo = _("Nothing was changed. Go back, load the page anew, and send it once more.")
    if htmx.wants_part(request):
        return htmx.toast(HttpResponse(status=403), f"{words} {todo}", "bad")
    return render(request, "web/error.html", {"status": 403, "headline": words, "detail": todo}, status=403)


def _away(request: HttpRequest) -> HttpResponse:
    response = _stands_alone(request, 503, away_headline(), away_detail(request))
    response.headers["Retry-After"] = "30"
    return response


class _Absence:
    """While there is no connection to be had one request at a time tries for one; the others are told at once, so
    that they do not keep all threads waiting, and with them the pages that need no database.
    """

    def __init__(self) -> None:
        self.lasts = False
        self._failures = 0
        self._trying = threading.Lock()

    @contextmanager
    def attempt(self) -> Iterator[bool]:
        """Around a request: whether it may ask the database. When it ends with a connection the absence is over."""
        alone, failures = self.lasts, self._failures
        if alone and not self._trying.acquire(blocking=False):
            yield False
            return
        try:
            yield True
        finally:
            if connection.connection is not None and self._failures == failures:
                self.lasts = False
            if alone:
                self._trying.release()

    def noticed(self, error: Exception) -> None:
        if isinstance(error.__cause__, PoolTimeout):
            self.lasts, self._failures = True, self._failures + 1


_absence = _Absence()


def away(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer to whom the database failed."""
    logger.error("the database does not answer: %s", error)
    _absence.noticed(error)
    return _away(request)


def _stands_alone(request: HttpRequest, status: int, words: str, more: str) -> HttpResponse:
    """An answer for which nothing is looked up: no session, no navigation."""
    if of_api(request):
        return as_json(status, f"{words} {more}")
    if htmx.wants_part(request):
        part = HttpResponse(status=status)
        return part if request.method == "GET" else htmx.toast(part, f"{words} {more}", "bad")
    language = context.HTML_LANG.get(get_language() or "", "zh-Hans")
    page = render_to_string("web/away.html", {"html_lang": language, "headline": words, "detail": more})
    return HttpResponse(page, status=status)


def of_api(request: HttpRequest) -> bool:
    return f"{request.path}/".startswith("/api/")


def as_json(status: int, words: str, problems: Sequence[Mapping[str, str]] = ()) -> JsonResponse:
    """The body of every refusal of the API."""
    body = {"error": CODES.get(status, "failed"), "message": words, "problems": list(problems)}
    return JsonResponse(body, status=status)


def _not_offered(request: HttpRequest, methods: Sequence[str]) -> JsonResponse:
    """A method that an address of the API does not take. Whatever answers GET answers HEAD (`changbei.web.heads`)."""
    allowed = ", ".join(sorted({*methods, *({"HEAD"} if "GET" in methods else ())}))
    words = _("%(method)s is not offered here, but %(allowed)s.")
    response = as_json(405, words % {"method": request.method, "allowed": allowed})
    response.headers["Allow"] = allowed
    return response


def said(text: str) -> str:
    """The words of an error in the reader's language, as far as the catalogue knows them."""
    if isinstance(text, errors.Words):
        return _(text.text) % text.values
    return _(text) if text else ""


def refuse(form: Form, error: errors.ChangbeiError, *, at: Callable[[str], str] = str) -> None:
    """Show why a verb refused: each problem at its field, else above the form. `at`: what the form calls a field."""
    if not isinstance(error, errors.Invalid):
        form.add_error(None, said(str(error)))
        return
    for problem in error.problems:
        name = at(problem.field)
        form.add_error(name if name in form.fields else None, said(problem.message))


def detail(error: errors.ChangbeiError) -> str:
    """The error's own words; nothing when they are only the name or number of something."""
    texts = (
        [problem.message for problem in error.problems] if isinstance(error, errors.Invalid) else [str(error)]
    )
    return "; ".join(said(text) for text in texts if not _NAME.fullmatch(text))


def in_words(error: errors.ChangbeiError) -> str:
    """All of an error in one line for whoever reads JSON: what is wrong, or what happened and to which name."""
    if isinstance(error, errors.Invalid):
        return "; ".join(f"{one.field}: {said(one.message)}".removeprefix(": ") for one in error.problems)
    words = detail(error)
    return words or f"{headline(error)} ({error})".removesuffix(" ()")


class ErrorPages:
    """Middleware: errors that a view lets pass are shown with their status and words."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(STAND_ALONE):
            return self.get_response(request)
        with _absence.attempt() as may:
            response = self.get_response(request) if may else _away(request)
        if response.status_code == 405 and of_api(request):
            return _not_offered(request, response.headers["Allow"].split(", "))
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, AWAY):
            return away(request, error)
        error = as_ours(error)
        if not isinstance(error, errors.ChangbeiError):
            return None
        status = status_of(error)
        if htmx.wants_part(request):
            response = HttpResponse(status=status)
            return htmx.toast(response, f"{headline(error)} {detail(error)}".strip(), "bad")
        words = {"status": status, "headline": headline(error), "detail": detail(error)}
        return render(request, "web/error.html", words, status=status)
