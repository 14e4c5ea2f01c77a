"""What the HTTP API offers, as a page that needs nothing from elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from changbei.web.api import api
from changbei.web.entry import staff


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
    context = {"groups": list(found.items()), "root": request.build_absolute_uri("/api/v1/")}
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
