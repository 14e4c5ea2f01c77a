"""HEAD at the API: the answer of GET without its body, as every reader of HTTP may ask for."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from changbei.web import errors


class HeadAsGet:
    """Middleware, outside of whatever counts the length of the body. What is no GET address answers 405 as before."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "HEAD" or not errors.of_api(request):
            return self.get_response(request)
        request.method = "GET"
        response = self.get_response(request)
        request.method = "HEAD"
        if response.streaming:
            response.close()
            response.streaming_content = ()  # type: ignore[attr-defined]
        else:
            response.content = b""
        return response
