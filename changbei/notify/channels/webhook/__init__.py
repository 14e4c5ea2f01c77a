"""Messages as signed POSTs to a system of the house.

    POST {url}
    Webhook-Id: UUID            the same for every attempt at one message: take it once
    Webhook-Timestamp: 1790000000
    Webhook-Signature: v1,BASE64 of HMAC-SHA256(secret, "ID.TIMESTAMP.BODY")
    {"id", "title", "body", "urgency", "drill", "language", "address", "confirm"}

Any 2xx is a yes. 410 says that the address is no longer; 429 and 503 may name a wait by Retry-After; other 4xx are a no
for good; whatever else is tried again. A receiver refuses what is older than five minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime

import httpx

from changbei.core import clock
from changbei.notify.channels import Outcome, Outgoing, Receipt, Stop
from changbei.notify.channels.http.carrier import TIMEOUT_SECONDS, TRY_AGAIN, wait_seconds
from changbei.notify.channels.together import Senders
from changbei.notify.ladders import WEBHOOK

SENDERS = 4
MAY_NAME_A_WAIT = {429, 503}
WAIT_SECONDS = 30.0


class Webhook:
    kind = WEBHOOK
    batch = SENDERS * 8

    def __init__(self, url: str, secret: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        if not url.startswith(("http://", "https://")) or not secret:
            raise ValueError("a webhook needs an http(s) address, and CHANGBEI_WEBHOOK_SECRET to sign with")
        self.url, self.secret = url, secret.encode()
        self.client = httpx.Client(timeout=timeout_seconds, trust_env=False)
        self.senders = Senders(self.kind, SENDERS)

    def send(self, outgoing: Sequence[Outgoing], *, stop: Stop) -> list[Outcome | None]:
        return self.senders.send(outgoing, self.hand_over, stop=stop)

    def receipts(self) -> list[Receipt]:
        return []

    def close(self) -> None:
        self.senders.close()
        self.client.close()

    def hand_over(self, one: Outgoing) -> Outcome:
        body = content(one)
        try:
            answer = self.client.post(
                self.url, content=body, headers=signed(str(one.key), clock.now(), body, self.secret)
            )
        except httpx.HTTPError as error:
            return Outcome("retry", detail=f"{type(error).__name__}: {error}"[:300])
        return _outcome(answer)


def content(one: Outgoing) -> bytes:
    return json.dumps(
        {
            "id": str(one.key),
            "title": one.title,
            "body": one.body,
            "urgency": int(one.urgency),
            "drill": one.drill,
            "language": one.language,
            "address": one.address,
            "confirm": one.link,
        },
        ensure_ascii=False,
    ).encode()


def signed(key: str, at: datetime, body: bytes, secret: bytes) -> dict[str, str]:
    """The headers of a POST; the signature covers id, moment and body."""
    seconds = str(int(at.timestamp()))
    digest = hmac.new(secret, f"{key}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "Webhook-Id": key,
        "Webhook-Timestamp": seconds,
        "Webhook-Signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _outcome(answer: httpx.Response) -> Outcome:
    code, detail = answer.status_code, f"HTTP {answer.status_code} {answer.text}"[:300]
    if answer.is_success:
        return Outcome("handed")
    if code == httpx.codes.GONE:
        return Outcome("refused", detail=detail)
    if code in MAY_NAME_A_WAIT and (
        code != httpx.codes.SERVICE_UNAVAILABLE or "Retry-After" in answer.headers
    ):
        return Outcome("limited", detail=detail, wait_seconds=wait_seconds(answer, WAIT_SECONDS))
    permanent = httpx.codes.BAD_REQUEST <= code < httpx.codes.INTERNAL_SERVER_ERROR and code not in TRY_AGAIN
    return Outcome("failed" if permanent else "retry", detail=detail)
