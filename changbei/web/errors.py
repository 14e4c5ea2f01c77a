"""One place where the errors of the rooms become answers: a page, a part of a page, or JSON."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from changbei.core import errors
from changbei.web import htmx

STATUS: dict[type[errors.ChangbeiError], int] = {
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Invalid: 422,
    errors.Outside: 503,
}


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


class ErrorPages:
    """Middleware: errors that a view lets pass are shown with their status and words."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, errors.ChangbeiError):
            return None
        status = status_of(error)
        if htmx.wants_part(request):
            response = HttpResponse(status=status)
            return htmx.toast(response, f"{headline(error)} {error}", "bad")
        context = {"status": status, "headline": headline(error), "detail": str(error)}
        return render(request, "web/error.html", context, status=status)
