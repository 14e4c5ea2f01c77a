"""Parts of forms that come while somebody types: hits of a search, another row."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import get_language

from changbei.core import texts
from changbei.network import selectors as network
from changbei.people import access as people
from changbei.web import forms, widgets


def _field(request: HttpRequest) -> str:
    return request.GET.get("field", "")[:80]


def _words(request: HttpRequest) -> str:
    return request.GET.get(f"{_field(request)}_search", "")[:80]


def _hits(request: HttpRequest, hits: list[widgets.Hit]) -> HttpResponse:
    context = {"name": _field(request), "hits": hits, "asked": bool(_words(request).strip())}
    return render(request, "web/finding/hits.html", context)


@login_required
def retailers(request: HttpRequest) -> HttpResponse:
    """Retailers by licence, telephone, name or address, as radio buttons."""
    people.require(request.user, "network.see")
    return _hits(request, [widgets.retailer_hit(one) for one in network.find_retailers(_words(request))])


@login_required
def colleagues(request: HttpRequest) -> HttpResponse:
    """Colleagues by staff number, telephone or name, as radio buttons."""
    people.require(request.user, "people.see")
    language = get_language() or ""
    found = widgets.find_people(_words(request))
    return _hits(request, [widgets.person_hit(one, texts.pick(one.unit.name, language)) for one in found])


@login_required
def line(request: HttpRequest) -> HttpResponse:
    """Another empty row of products."""
    people.require(request.user, "network.see")
    context = {"name": _field(request), "products": forms.products(get_language() or ""), "row": {}}
    return render(request, "web/widgets/line.html", context)


@login_required
def near(request: HttpRequest) -> HttpResponse:
    """A picked place in words, as the text control of a place; nothing when the reporter has written something."""
    people.require(request.user, "network.see")
    field = _field(request)
    try:
        longitude, latitude = (float(request.GET[f"{field}_{part}"]) for part in ("longitude", "latitude"))
    except (KeyError, ValueError):
        return HttpResponse(status=204)
    words = widgets.place_words(longitude, latitude)
    if request.GET.get(f"{field}_text", "").strip() or not words:
        return HttpResponse(status=204)
    return render(request, "web/widgets/place_text.html", {"name": field, "id": f"id_{field}", "text": words})


urlpatterns = [
    path("find/near", near, name="find-near"),
    path("find/retailers", retailers, name="find-retailers"),
    path("find/people", colleagues, name="find-people"),
    path("find/line", line, name="form-line"),
]
