"""Addresses."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

from changbei.web.api import api

handler400 = "changbei.web.errors.unreadable"
handler404 = "changbei.web.errors.not_there"
handler500 = "changbei.web.errors.failed"

urlpatterns: list[URLPattern | URLResolver] = [
    path("language/", set_language, name="set_language"),
    path("", include("changbei.web.urls")),
    path("api/v1/", api.urls),
]
