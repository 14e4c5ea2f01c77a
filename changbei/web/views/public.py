"""Notices for the public: pages without a login, a feed, and CAP; made to stand under load (E3.2.1).

Every answer carries an ETag and may be kept by caches for half a minute. The rendered page is kept until a bulletin is
added or one runs out; a process looks for that once a second, however many ask, and a page that was shown before is
shown while the database is gone, too. No session is opened and nothing depends on who looks: the language is part of
the address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.feedgenerator import Atom1Feed, Enclosure
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_safe

from changbei.core import clock
from changbei.core.errors import NotFound, Outside
from changbei.core.texts import pick
from changbei.incidents import bulletins
from changbei.incidents.models import Bulletin
from changbei.web.context import HTML_LANG
from changbei.web.kept import Kept, Shelf

FRESH_SECONDS = 30
NAMES = {"zh-hans": "简体中文", "zh-hant": "繁體中文", "en": "English"}
HTML, ATOM, CAP = (
    f"{kind}; charset=utf-8" for kind in ("text/html", "application/atom+xml", "application/cap+xml")
)
LOOK_PATIENCE_SECONDS = 1.0
STATE = b"<!--state-->"  # where a page says that it may be out of date
_TONES = {"suspended": "warn", "changed": "notice", "resumed": "good"}


@dataclass(frozen=True)
class Shown:
    """One bulletin in one language."""

    bulletin: Bulletin
    title: str
    body: str
    area: str
    holds: bool
    tone: str
    url: str
    cap_url: str


VERSION = """
SELECT coalesce(max(id), 0), count(*), count(*) FILTER (WHERE ends_at > %s) FROM incidents_bulletin WHERE NOT drill
"""


def _version() -> str:
    """What a page depends on: the newest bulletin, how many there are, and how many of them have not run out."""
    with _soon() as cursor:
        cursor.execute(VERSION, [clock.now()])
        return "-".join(str(number) for number in cursor.fetchone())


@contextmanager
def _soon() -> Iterator[Any]:
    """A cursor, or an error within a second: nobody waits long for the news that there is no news."""
    pool = connection.pool  # type: ignore[attr-defined]  # of PostgreSQL's
    if connection.connection is not None or pool is None:
        with connection.cursor() as cursor:
            yield cursor
        return
    pool.open()
    with pool.connection(timeout=LOOK_PATIENCE_SECONDS) as own, own.cursor() as cursor:
        yield cursor


SHELF = Shelf(_version, settings.VAR / "public", settings.PUBLIC_LOOK_SECONDS)


def _answer(request: HttpRequest, kind: str, make: Callable[[], str | bytes]) -> HttpResponse:
    """The page of this address, from memory while nothing has changed."""
    try:
        kept = SHELF.get(request.path, make)
    except Outside:
        return HttpResponse(_page("away", "zh-hans"), status=503, headers={"Retry-After": str(FRESH_SECONDS)})
    asked = parse_etags(request.headers.get("If-None-Match", ""))
    if kept.etag in asked or f"W/{kept.etag}" in asked or "*" in asked:
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(_body(kept), content_type=kind)
    response.headers["ETag"] = kept.etag
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}, stale-if-error=86400"
    if kept.stale_since is not None:
        response.headers["Cache-Control"] = "no-store"
    return response


def _body(kept: Kept) -> bytes:
    """A page that nobody could look after says so, and from when it is."""
    if kept.stale_since is None or STATE not in kept.body:
        return kept.body
    head = kept.body[: kept.body.index(STATE)].decode()
    language = next((code for code, words in HTML_LANG.items() if f'<html lang="{words}"' in head), "zh-hans")
    with override(language):
        note = render_to_string("web/public/stale.html", {"since": kept.stale_since})
    return kept.body.replace(STATE, note.encode(), 1)


def _shown(bulletin: Bulletin, language: str) -> Shown:
    words = HTML_LANG[language]
    return Shown(
        bulletin,
        pick(bulletin.title, words),
        pick(bulletin.body, words),
        pick(bulletin.area_name, words),
        bulletins.in_force(bulletin, clock.now()),
        _TONES[bulletin.kind],
        reverse("public-notice", args=[bulletin.uuid, language]),
        reverse("public-notice-cap", args=[bulletin.uuid]),
    )


def _page(template: str, language: str, **context: object) -> str:
    with override(language):
        context |= {
            "html_lang": HTML_LANG[language],
            "language": language,
            "feed_url": reverse("public-notices-feed", args=[language]),
            "list_url": reverse("public-notices-in", args=[language]),
        }
        return render_to_string(f"web/public/{template}.html", context)


def _known(language: str) -> str:
    if language not in HTML_LANG:
        raise Http404(language)
    return language


@require_safe
def listing(request: HttpRequest, language: str = "zh-hans") -> HttpResponse:
    """What holds now, and what held before."""
    language = _known(language)

    def make() -> str:
        every = [_shown(one, language) for one in bulletins.public()[: bulletins.SHOWN]]
        others = [(code, name, reverse("public-notices-in", args=[code])) for code, name in NAMES.items()]
        now, before = [one for one in every if one.holds], [one for one in every if not one.holds]
        return _page("list", language, now=now, before=before, languages=others)

    return _answer(request, HTML, make)


@require_safe
def one(request: HttpRequest, uuid: UUID, language: str = "zh-hans") -> HttpResponse:
    """One bulletin, under its own address for good."""
    language = _known(language)

    def make() -> str:
        found = _found(uuid)
        chain = bulletins.public().filter(suspension=found.suspension_id).exclude(pk=found.pk)
        others = [(code, name, reverse("public-notice", args=[uuid, code])) for code, name in NAMES.items()]
        return _page(
            "one",
            language,
            one=_shown(found, language),
            chain=[_shown(other, language) for other in chain],
            languages=others,
        )

    return _answer(request, HTML, make)


def _found(uuid: UUID) -> Bulletin:
    try:
        return bulletins.get(uuid)
    except NotFound as error:
        raise Http404(str(error)) from None


@require_safe
def one_as_usual(_request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The address without a language leads to Chinese."""
    return HttpResponseRedirect(reverse("public-notice", args=[uuid, "zh-hans"]))


@require_safe
def cap(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The bulletin as CAP 1.2."""
    return _answer(request, CAP, lambda: bulletins.cap(_found(uuid), sender=sender(), address=_full(uuid)))


@require_safe
def feed(request: HttpRequest, language: str = "zh-hans") -> HttpResponse:
    """All bulletins as an Atom feed; each entry leads to its page and to its CAP message."""
    language = _known(language)
    return _answer(request, ATOM, lambda: _feed(language))


def _feed(language: str) -> str:
    root = settings.PUBLIC_URL.rstrip("/")
    rows = list(bulletins.public()[: bulletins.SHOWN])
    with override(language):
        made = Atom1Feed(
            title=_("Public notices of the delivery service"),
            link=root + reverse("public-notices-in", args=[language]),
            description="",
            language=HTML_LANG[language],
            feed_url=root + reverse("public-notices-feed", args=[language]),
            feed_guid=root + reverse("public-notices"),
            author_name=_("Delivery service"),
        )
        for row in rows:
            shown = _shown(row, language)
            enclosure = Enclosure(root + shown.cap_url, "0", "application/cap+xml")
            made.add_item(
                title=shown.title,
                link=root + shown.url,
                description=shown.body,
                unique_id=bulletins.identifier(row),
                pubdate=row.published_at,
                updateddate=row.published_at,
                categories=(row.kind,),
                enclosures=[enclosure],
            )
    return made.writeString("utf-8")


def sender() -> str:
    """Under which name this house publishes CAP messages."""
    return f"notices@{urlsplit(settings.PUBLIC_URL).hostname or 'localhost'}"


def _full(uuid: UUID) -> str:
    return settings.PUBLIC_URL.rstrip("/") + reverse("public-notice", args=[uuid, "zh-hans"])


urlpatterns = [
    path("notices/", listing, name="public-notices"),
    path("notices/in/<slug:language>/", listing, name="public-notices-in"),
    path("notices/feed.atom", feed, name="public-notices-feed-usual"),
    path("notices/<slug:language>/feed.atom", feed, name="public-notices-feed"),
    path("notices/<uuid:uuid>/", one_as_usual, name="public-notice-usual"),
    path("notices/<uuid:uuid>.cap.xml", cap, name="public-notice-cap"),
    path("notices/<uuid:uuid>/<slug:language>/", one, name="public-notice"),
]
