"""The door of every page: who is looking, and where to go afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import NotAllowed, NotFound
from changbei.people import access
from changbei.people.access import Thing, person_of
from changbei.people.models import Person
from changbei.web import htmx

View = Callable[..., HttpResponseBase]
YEARS_SHOWN = 20
LOGGED_OUT = gettext_noop("You are logged out. Nothing was sent; what you have typed is still here.")


def staff(view: View) -> View:
    """Only for people who are logged in. Where a page asks for a part of itself after the session has ended it is told
    so and stays as it is, with whatever is typed in it.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if htmx.wants_part(request):
            return HttpResponse(format_html("<p data-error>{}</p>", _(LOGGED_OUT)), status=401)
        return redirect_to_login(_to_come_back(request))

    return guarded


def _to_come_back(request: HttpRequest) -> str:
    """Where to go after the login: what was asked for, or the page from which something was sent."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return resolve_url("board")
    parts = urlsplit(page)
    return urlunsplit(("", "", parts.path or "/", parts.query, ""))


def actor(request: HttpRequest) -> Person:
    """The person who acts. NotAllowed for an account without one."""
    person = person_of(request.user)
    if person is None:
        raise NotAllowed(gettext_noop("this account belongs to nobody on the staff"))
    return person


def may_act(request: HttpRequest, permission: str, thing: Thing = None) -> bool:
    """Whether the person who is logged in may do something: what buttons ask, as the verb behind them does. An
    administrator's account opens every page, and its person does no more than job and posts permit."""
    return access.may(person_of(request.user), permission, thing)


def require_to_act(request: HttpRequest, permission: str) -> None:
    """Raise NotAllowed unless the person who is logged in may do it."""
    access.require(person_of(request.user), permission)


def is_near(on: date) -> bool:
    """Whether a day is one that plans are made or kept for; of others even the time zones run out."""
    return abs(on.year - clock.local_now().year) <= YEARS_SHOWN


def day(given: str) -> date:
    """The day that an address names, 2026-11-23. NotFound for what is none, or too far away."""
    try:
        found = date.fromisoformat(given)
    except ValueError:
        raise NotFound(given) from None
    if not is_near(found):
        raise NotFound(given)
    return found


def next_url(request: HttpRequest, default: str) -> str:
    """Where the form asks to go afterwards, when that is a page of ours."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if wanted and ours else default
