"""Addresses of the pages: each module of views says its own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from changbei.web.views import finding, maps, styleguide

urlpatterns: list[URLPattern | URLResolver] = [
    *maps.urlpatterns,
    *finding.urlpatterns,
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("styleguide/map", styleguide.styleguide_map, name="styleguide-map"),
]
