"""Text messages through an HTTP gateway.

The protocol, which a carrier's own adapter or a small bridge speaks:

    POST {url}/messages        Authorization: Bearer TOKEN, Idempotency-Key: UUID
         {"to": "…", "text": "…", "reference": "UUID"}
      -> 200 or 202 {"id": "…"}                              taken
      -> 200 {"error": {"message": "…", "permanent": true}}  refused, in the manner of some providers
      -> any   {"error": {"message": "…", "refused": "number"}}  the number is none, or wants nothing from us
      -> 4xx refused for good (401, 403, 408, 425: try again; 429 with Retry-After: later), 5xx try again
    GET  {url}/receipts?after=N
      -> 200 {"receipts": [{"sequence": N, "id": "…", "reference": "UUID", "state": "delivered" | "read" |
      "failed" | "refused" | "expired", "detail": "…"}]}

A gateway that calls us instead posts the same receipts to /callbacks/sms/SECRET/receipts, and what recipients answer to
/callbacks/sms/SECRET/replies as {"replies": [{"id": "…", "from": "…", "text": "…"}]}.

The same idempotency key is handed over twice only after a crash or an unclear answer; a gateway sends once
per key.
"""

from __future__ import annotations

from changbei.notify.channels.sms.gateway import Gateway
from changbei.notify.channels.sms.twin import Twin, shared_twin

TWIN = "twin:"


def open_gateway(url: str, token: str) -> Gateway:
    """The gateway at `url`; `twin:` is the carrier in memory, for demonstrations, drills and tests."""
    if url == TWIN:
        return Gateway("http://twin", token, transport=shared_twin().transport())
    return Gateway(url, token)


__all__ = ["TWIN", "Gateway", "Twin", "open_gateway", "shared_twin"]
