"""What the maps draw: their layers, and where each is to be had."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.cache import patch_cache_control
from django.utils.translation import get_language
from django.views.decorators.gzip import gzip_page

from changbei.core.errors import NotFound
from changbei.people import access as people
from changbei.web import mapping

KEPT_SECONDS = 3600
BOARD = ("warnings", "suspensions", "retailers", "vans", "incidents")


def _language(request: HttpRequest) -> str:
    return request.GET.get("language") or get_language() or ""


@login_required
def city(request: HttpRequest) -> HttpResponse:
    """The bare city, for picking places and drawing areas."""
    people.require(request.user, "network.see")
    return mapping.drawn({}, _language(request))


@login_required
def board(request: HttpRequest) -> HttpResponse:
    """The city with everything that is going on."""
    people.require(request.user, "network.see")
    language = _language(request)
    return mapping.drawn({name: mapping.renewed(name, language) for name in BOARD}, language)


@login_required
@gzip_page
def layer(request: HttpRequest, name: str) -> HttpResponse:
    """One layer. What rarely changes may be kept by the browser for an hour."""
    people.require(request.user, "network.see")
    try:
        response = JsonResponse(mapping.layer(name, _language(request), request.user))
    except LookupError:
        raise NotFound(name) from None
    if name in mapping.LASTING:
        patch_cache_control(response, private=True, max_age=KEPT_SECONDS)
    return response


urlpatterns = [
    path("map/city.json", city, name="map-city"),
    path("map/board.json", board, name="map-board"),
    path("map/<slug:name>.json", layer, name="map-layer"),
]
