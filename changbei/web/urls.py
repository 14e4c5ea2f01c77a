"""Addresses of the pages: each module of views says its own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from changbei.web.views import (
    absence,
    account,
    board,
    calls,
    contacts,
    delivery,
    finding,
    incident,
    interface,
    maps,
    messages,
    plan,
    recovery,
    report,
    review,
    styleguide,
    substitute,
    supply,
    suspend,
    suspension,
    tasks,
    tour,
    warnings,
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
    *report.urlpatterns,
    *review.urlpatterns,
    *plan.urlpatterns,
    *warnings.urlpatterns,
    *supply.urlpatterns,
    *contacts.urlpatterns,
    *interface.urlpatterns,
    *maps.urlpatterns,
    *finding.urlpatterns,
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("styleguide/map", styleguide.styleguide_map, name="styleguide-map"),
]
