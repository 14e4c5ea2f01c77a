"""The client of the SMS gateway."""

from __future__ import annotations

import contextvars
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from changbei.core import faults
from changbei.notify.channels import Outcome, Outgoing, Receipt, Stop
from changbei.notify.ladders import SMS

TRY_AGAIN = {401, 403, 408, 425, 429}  # 401 and 403 are our own settings: the recipient is not to blame
SENDERS = 8
TIMEOUT_SECONDS = 8.0


class Gateway:
    """Sends several texts at a time over kept-alive connections."""

    kind = SMS
    batch = 64  # at worst 64 / SENDERS * TIMEOUT_SECONDS = 64 s, well inside the lease

    def __init__(
        self,
        url: str,
        token: str,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(
            base_url=url.rstrip("/") + "/",
            headers=headers,
            timeout=timeout_seconds,
            transport=transport,
            trust_env=False,
            limits=httpx.Limits(max_connections=SENDERS),
        )
        self.senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="sms")
        self.heard_upto = 0

    def send(self, outgoing: Sequence[Outgoing], *, stop: Stop) -> list[Outcome | None]:
        tries = [
            self.senders.submit(contextvars.copy_context().run, self._unless_stopped, one, stop)
            for one in outgoing
        ]
        return [attempt.result() for attempt in tries]

    def _unless_stopped(self, one: Outgoing, stop: Stop) -> Outcome | None:
        return None if stop() else self.hand_over(one)

    def close(self) -> None:
        self.senders.shutdown()
        self.client.close()

    def hand_over(self, one: Outgoing) -> Outcome:
        """One text. Whether a carrier that does not answer has taken it nobody knows: try again, same key."""
        try:
            answer = self.client.post(
                "messages",
                json={"to": one.address, "text": wording(one), "reference": str(one.key)},
                headers={"Idempotency-Key": str(one.key)},
            )
        except httpx.HTTPError as error:
            return Outcome("retry", detail=f"{type(error).__name__}: {error}"[:300])
        faults.point("notify.handing_over")
        return _read(answer)

    def receipts(self) -> list[Receipt]:
        try:
            answer = self.client.get("receipts", params={"after": self.heard_upto})
            if answer.status_code != httpx.codes.OK:
                return []
            found = answer.json()["receipts"]
            receipts = [_receipt(one) for one in found]
            self.heard_upto = max([self.heard_upto, *(int(one["sequence"]) for one in found)])
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            return []  # a gateway without receipts, or one out of order: asked again with the next round
        return [receipt for receipt in receipts if receipt is not None]


def wording(one: Outgoing) -> str:
    return f"{one.title}：{one.body}" if one.title and one.body else one.title or one.body


def _read(answer: httpx.Response) -> Outcome:
    code = answer.status_code
    if code >= httpx.codes.BAD_REQUEST:
        again = code in TRY_AGAIN or code >= httpx.codes.INTERNAL_SERVER_ERROR
        return Outcome("retry" if again else "failed", detail=f"HTTP {code}: {answer.text}"[:300])
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return Outcome(
            "retry", detail=f"HTTP {code} with something that is not a JSON object: {answer.text}"[:300]
        )
    if error := content.get("error"):
        return _refused(error)
    if not content.get("id"):
        return Outcome("retry", detail=f"HTTP {code} without an id: {answer.text}"[:300])
    return Outcome("handed", carrier_id=str(content["id"])[:80])


def _refused(error: Any) -> Outcome:
    words = error if isinstance(error, dict) else {"message": error}
    return Outcome(
        "failed" if words.get("permanent") else "retry", detail=str(words.get("message", ""))[:300]
    )


def _receipt(one: dict[str, Any]) -> Receipt | None:
    if one.get("state") not in {"delivered", "failed"}:
        return None
    return Receipt(
        one["state"],
        carrier_id=str(one.get("id", "")),
        reference=str(one.get("reference", "")),
        detail=str(one.get("detail", ""))[:300],
    )
