"""Files to keep."""

from __future__ import annotations

from django.http import HttpResponse


def download(data: bytes | str, name: str, kind: str, *, shown: bool = False) -> HttpResponse:
    """A file of this name and content type; `shown` by the browser where it can."""
    response = HttpResponse(data, content_type=kind)
    response.headers["Content-Disposition"] = f'{"inline" if shown else "attachment"}; filename="{name}"'
    return response
