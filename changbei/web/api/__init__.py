"""The HTTP API: the same verbs as the pages, with a key instead of a login."""

from changbei.web.api.house import api

__all__ = ["api"]
