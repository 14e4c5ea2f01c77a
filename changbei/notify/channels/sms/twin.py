"""A carrier in memory that speaks the gateway's protocol, through the same HTTP client as a real one.

It sends nothing. What it was given can be read; whom it refuses, and how, can be set.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import lru_cache

import httpx


@dataclass(frozen=True)
class Text:
    """A text the carrier took, as the `number`-th of its life."""

    number: int
    key: str
    to: str
    text: str


class Twin:
    """Takes texts once per key, remembers how often each key came, and delivers at once."""

    def __init__(self) -> None:
        self.texts: list[Text] = []
        self.handed_over: list[str] = []  # every key, as often as it came
        self.refusals: dict[str, httpx.Response] = {}
        self.undelivered: dict[str, str] = {}  # number -> what the receipt says
        self._taken = 0  # goes on when the rest is forgotten: whoever asks for receipts has counted with us
        self._lock = threading.Lock()

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    def refuse(self, number: str, status: int = 400, *, content: dict[str, object] | None = None) -> None:
        """Answer every text to this number so from now on."""
        self.refusals[number] = httpx.Response(
            status, json=content if content is not None else {"error": "refused"}
        )

    def accept(self, number: str) -> None:
        self.refusals.pop(number, None)

    def lose(self, number: str, detail: str = "absent subscriber") -> None:
        """Take texts to this number, and report that they did not arrive."""
        self.undelivered[number] = detail

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self.texts.clear()
            self.handed_over.clear()
            self.refusals.clear()
            self.undelivered.clear()

    def to(self, number: str) -> list[str]:
        """The wording of all texts to a number, in order."""
        return [text.text for text in self.texts if text.to == number]

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.path.endswith("/messages"):
            return self._take(request)
        if request.method == "GET" and request.url.path.endswith("/receipts"):
            return self._tell(int(request.url.params.get("after", "0")))
        return httpx.Response(404, json={"error": "no such address"})

    def _take(self, request: httpx.Request) -> httpx.Response:
        content, key = json.loads(request.content), request.headers.get("Idempotency-Key", "")
        with self._lock:
            self.handed_over.append(key)
            if refusal := self.refusals.get(content["to"]):
                return httpx.Response(refusal.status_code, content=refusal.content)
            known = next((text for text in self.texts if text.key == key), None)
            if known is None:
                self._taken += 1
                known = Text(self._taken, key, content["to"], content["text"])
                self.texts.append(known)
            return httpx.Response(202, json={"id": f"T{known.number}"})

    def _tell(self, after: int) -> httpx.Response:
        with self._lock:
            receipts = [
                {
                    "sequence": text.number,
                    "id": f"T{text.number}",
                    "reference": text.key,
                    "state": "failed" if text.to in self.undelivered else "delivered",
                    "detail": self.undelivered.get(text.to, ""),
                }
                for text in self.texts
                if text.number > after
            ]
        return httpx.Response(200, json={"receipts": receipts})


@lru_cache(maxsize=1)
def shared_twin() -> Twin:
    """The twin of this process."""
    return Twin()
