"""The client of push services."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

import httpx

from changbei.notify.channels import Outcome, Outgoing, Receipt, Stop
from changbei.notify.channels.http.carrier import TIMEOUT_SECONDS, wait_seconds
from changbei.notify.channels.push.encryption import MOST_BYTES, decode, encrypt
from changbei.notify.channels.push.vapid import Vapid
from changbei.notify.channels.together import Senders
from changbei.notify.ladders import PUSH
from changbei.notify.models import Device, Urgency

SENDERS = 4
KEPT_SECONDS = 24 * 3_600  # how long a push service keeps a message for a device that is off
GONE = {404, 410}
WAIT_SECONDS = 30.0
URGENCY = {Urgency.IMMEDIATE: "high", Urgency.URGENT: "high", Urgency.ROUTINE: "normal"}


class Push:
    """Tells all browsers that a person has let us push to; one that takes it is enough."""

    kind = PUSH
    batch = SENDERS * 4

    def __init__(self, vapid: Vapid, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.vapid = vapid
        self.client = httpx.Client(timeout=timeout_seconds, trust_env=False)
        self.senders = Senders(self.kind, SENDERS)

    def send(self, outgoing: Sequence[Outgoing], *, stop: Stop) -> list[Outcome | None]:
        """Devices are looked up here, once a batch: the threads that send have no connection to the database."""
        wanted = {int(one.address) for one in outgoing if one.address.isdigit()}
        devices: dict[str, list[Device]] = defaultdict(list)
        for device in Device.objects.filter(person__in=wanted).order_by("pk"):
            devices[str(device.person_id)].append(device)
        gone: list[int] = []
        outcomes = self.senders.send(outgoing, lambda one: self._to_all(one, devices, gone), stop=stop)
        if gone:
            Device.objects.filter(pk__in=gone).delete()
        return outcomes

    def receipts(self) -> list[Receipt]:
        return []

    def close(self) -> None:
        self.senders.close()
        self.client.close()

    def _to_all(self, one: Outgoing, devices: Mapping[str, Sequence[Device]], gone: list[int]) -> Outcome:
        found = []
        for device in devices.get(one.address, ()):
            outcome = self._hand_over(one, device)
            if outcome.state == "refused":
                gone.append(device.pk)
            found.append(outcome)
        best = ("handed", "limited", "retry", "failed")
        left = sorted((one for one in found if one.state in best), key=lambda one: best.index(one.state))
        return (
            left[0] if left else Outcome("failed", detail="no browser of this person takes pushes any more")
        )

    def _hand_over(self, one: Outgoing, device: Device) -> Outcome:
        try:
            body = encrypt(content(one), decode(device.public_key), decode(device.secret))
            answer = self.client.post(
                device.endpoint,
                content=body,
                headers={
                    "Authorization": self.vapid.authorization(device.endpoint),
                    "Content-Encoding": "aes128gcm",
                    "Content-Type": "application/octet-stream",
                    "TTL": str(KEPT_SECONDS),
                    "Urgency": URGENCY.get(Urgency(one.urgency), "low"),
                    # A second copy takes the place of a first that still waits at the push service.
                    "Topic": one.key.hex,
                },
            )
        except ValueError as error:
            return Outcome("refused", detail=f"the browser's keys: {error}"[:300])
        except httpx.HTTPError as error:
            return Outcome("retry", detail=f"{type(error).__name__}: {error}"[:300])
        return _outcome(answer)


def content(one: Outgoing) -> bytes:
    """What the browser shows; a body too long for a push is cut, the page has the whole of it."""
    body = one.body
    while True:
        shown = {"id": str(one.key), "title": one.title, "body": body, "link": one.link}
        packed = json.dumps(shown, ensure_ascii=False).encode()
        if len(packed) <= MOST_BYTES or not body:
            return packed[:MOST_BYTES]
        body = body[: len(body) * 3 // 4]


def _outcome(answer: httpx.Response) -> Outcome:
    code, detail = answer.status_code, f"HTTP {answer.status_code} {answer.text}"[:300]
    if answer.is_success:
        return Outcome("handed", carrier_id=answer.headers.get("Location", "").rpartition("/")[2][:80])
    if code in GONE:
        return Outcome("refused", detail=detail)
    if code == httpx.codes.TOO_MANY_REQUESTS:
        return Outcome("limited", detail=detail, wait_seconds=wait_seconds(answer, WAIT_SECONDS))
    permanent = code in {400, 413}
    return Outcome("failed" if permanent else "retry", detail=detail)
