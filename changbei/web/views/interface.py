"""What the HTTP API offers, as a page that needs nothing from elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy

from changbei.web.api import api
from changbei.web.entry import staff
from changbei.web.errors import CODES

MEANINGS = {
    400: gettext_lazy("The request cannot be read: JSON is needed, whatever Content-Type says."),
    401: gettext_lazy("The key is missing, unknown or revoked."),
    403: gettext_lazy("The person of the key may not do this; the message names the permission."),
    404: gettext_lazy("There is no such address, or nothing that the person may see."),
    405: gettext_lazy("The address does not take this method; the header Allow names those it takes."),
    409: gettext_lazy("It has changed in the meantime, or its state does not permit this."),
    422: gettext_lazy("Something is missing or wrong; problems names each field."),
    500: gettext_lazy("It failed, and nothing was changed; the server's log says why."),
    503: gettext_lazy("The database or something outside did not answer; try again later."),
}


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    summary: str
    description: str
    takes: str
    statuses: list[str]


@staff
def interface(request: HttpRequest) -> HttpResponse:
    """The operations by what they are about, from the OpenAPI description."""
    found: dict[str, list[Operation]] = defaultdict(list)
    for tag, operation in _operations(api.get_openapi_schema()):
        found[tag].append(operation)
    context = {
        "groups": list(found.items()),
        "root": request.build_absolute_uri("/api/v1/"),
        "refusals": [(status, CODES[status], words) for status, words in MEANINGS.items()],
    }
    return render(request, "web/api/page.html", context)


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for url, methods in schema["paths"].items():
        for method, one in methods.items():
            content = one.get("requestBody", {}).get("content", {})
            yield (
                str((one.get("tags") or ["other"])[0]),
                Operation(
                    method.upper(),
                    url,
                    one.get("summary", ""),
                    one.get("description", ""),
                    ", ".join(content),
                    [str(status) for status in one.get("responses", {})],
                ),
            )


urlpatterns = [path("api/v1/docs", interface, name="api-docs")]
