"""The client of the SMS gateway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import httpx

from changbei.core import faults
from changbei.notify.channels import Outcome, Outgoing, Receipt, Stop, wording
from changbei.notify.channels.http.carrier import TRY_AGAIN, wait_seconds
from changbei.notify.channels.http.hooks import State
from changbei.notify.channels.http.provider import Hook
from changbei.notify.channels.together import Senders
from changbei.notify.ladders import SMS

TOO_MANY = 429
WAIT_SECONDS = 30.0  # when the gateway says only that it is too much
STATES = {word: word for word in get_args(State)}
RECEIPTS = Hook(
    "json", list="receipts", id="id", reference="reference", state="state", states=STATES, detail="detail"
)
REPLIES = Hook("json", list="replies", id="id", reference="reference", sender="from", text="text")
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
            # One for each sender and one for receipts: who has begun to hand over never waits for a connection.
            # A worker that is stopped in such a wait would send long after its claim has ended.
            limits=httpx.Limits(max_connections=SENDERS + 1),
        )
        self.senders = Senders(self.kind, SENDERS)
        self.heard_upto = 0

    def send(self, outgoing: Sequence[Outgoing], *, stop: Stop) -> list[Outcome | None]:
        return self.senders.send(outgoing, self.hand_over, stop=stop)

    def close(self) -> None:
        self.senders.close()
        self.client.close()

    def hand_over(self, one: Outgoing) -> Outcome:
        """One text. Whether a carrier that does not answer has taken it nobody knows: try again, same key."""
        try:
            answer = self.client.post(
                "messages",
                json={"to": one.address, "text": wording.text(one), "reference": str(one.key)},
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


def _read(answer: httpx.Response) -> Outcome:
    code = answer.status_code
    if code == TOO_MANY:
        wait = wait_seconds(answer, WAIT_SECONDS)
        return Outcome("limited", detail=f"HTTP {code}: {answer.text}"[:300], wait_seconds=wait)
    try:
        content = answer.json()
    except ValueError:
        content = None
    if isinstance(content, dict) and _names_number(content.get("error")):
        return Outcome("refused", detail=f"HTTP {code}: {answer.text}"[:300])
    if code >= httpx.codes.BAD_REQUEST:
        again = code in TRY_AGAIN or code >= httpx.codes.INTERNAL_SERVER_ERROR
        return Outcome("retry" if again else "failed", detail=f"HTTP {code}: {answer.text}"[:300])
    if not isinstance(content, dict):
        return Outcome(
            "retry", detail=f"HTTP {code} with something that is not a JSON object: {answer.text}"[:300]
        )
    if error := content.get("error"):
        return _refused(error)
    if not content.get("id"):
        return Outcome("retry", detail=f"HTTP {code} without an id: {answer.text}"[:300])
    return Outcome("handed", carrier_id=str(content["id"])[:80])


def _names_number(error: Any) -> bool:
    return isinstance(error, dict) and error.get("refused") == "number"


def _refused(error: Any) -> Outcome:
    words = error if isinstance(error, dict) else {"message": error}
    return Outcome(
        "failed" if words.get("permanent") else "retry", detail=str(words.get("message", ""))[:300]
    )


def _receipt(one: dict[str, Any]) -> Receipt | None:
    if one.get("state") not in STATES:
        return None
    return Receipt(
        one["state"],
        carrier_id=str(one.get("id", "")),
        reference=str(one.get("reference", "")),
        detail=str(one.get("detail", ""))[:300],
    )
