"""Addresses of the pages: each module of views says its own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from changbei.web.views import (
    absence,
    account,
    board,
    calls,
    delivery,
    finding,
    incident,
    maps,
    messages,
    recovery,
    styleguide,
    substitute,
    suspend,
    suspension,
    tasks,
    tour,
)

urlpatterns: list[URLPattern | URLResolver] = [
    *board.urlpatterns,
    *account.urlpatterns,
    *incident.urlpatterns,
    *tasks.urlpatterns,
    *messages.urlpatterns,
    *absence.urlpatterns,
    *delivery.urlpatterns,
    *recovery.urlpatterns,
    *tour.urlpatterns,
    *suspend.urlpatterns,
    *suspension.urlpatterns,
    *calls.urlpatterns,
    *substitute.urlpatterns,
    *maps.urlpatterns,
    *finding.urlpatterns,
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("styleguide/map", styleguide.styleguide_map, name="styleguide-map"),
]
