"""The carrier of a chaos run: a gateway on loopback that outlives everything and forgets nothing."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class HandOver:
    """One text as it came, perhaps again with the same key. `at` is of the monotonic clock, in seconds."""

    key: str
    to: str
    text: str
    at: float


class Sink(ThreadingHTTPServer):
    """Speaks the protocol of `notify.channels.sms`; its receipts say that everything arrived, and repeat."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.handed: list[HandOver] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, name="sink", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def open(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def take(self, key: str, to: str, text: str) -> None:
        with self._lock:
            self.handed.append(HandOver(key, to, text, time.monotonic()))

    def since(self, number: int) -> list[HandOver]:
        """What came after the first `number` ones."""
        with self._lock:
            return self.handed[number:]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is killed while it talks to us is what this is about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Sink

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        self.server.take(key, content["to"], content["text"])
        self._answer({"id": key})

    def do_GET(self) -> None:
        after = int(parse_qs(urlsplit(self.path).query).get("after", ["0"])[0])
        texts = self.server.since(after)
        self._answer(
            {
                "receipts": [
                    {"sequence": after + number, "id": one.key, "reference": one.key, "state": "delivered"}
                    for number, one in enumerate(texts, 1)
                ]
            }
        )

    def _answer(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass
