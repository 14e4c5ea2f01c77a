"""Real servers on loopback for the tests: an SMS gateway over HTTP and a mail server over SMTP."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import httpx

from changbei.notify.channels.sms.twin import Twin


class SmsServer(ThreadingHTTPServer):
    """The twin behind a real socket. While `silent` is set it takes texts and does not answer."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SmsHandler)
        self.twin = Twin()
        self.silent = threading.Event()
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address) -> None:
        """A client that was killed mid-request is what these tests are about."""


class _SmsHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SmsServer

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        self._pass_on(b"")

    def _pass_on(self, content: bytes) -> None:
        request = httpx.Request(
            self.command, f"http://gateway{self.path}", headers=dict(self.headers), content=content
        )
        answer = self.server.twin.answer(request)
        if self.server.silent.is_set():
            self.server.released.wait(30)
        self.send_response(answer.status_code)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_arguments: object) -> None:
        pass


@dataclass(frozen=True)
class Asked:
    """A request that a `Provider` got."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> dict:
        return json.loads(self.body)


class Provider(ThreadingHTTPServer):
    """Some carrier: keeps what it is asked, answers what it is told to, or nothing at all while `silent`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ProviderHandler)
        self.asked: list[Asked] = []
        self.status, self.content, self.headers = 200, b"{}", {}
        self.silent, self.released = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def says(self, content: object, status: int = 200, **headers: str) -> None:
        """Answer so from now on."""
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}
        self.content = content if isinstance(content, bytes) else json.dumps(content).encode()

    def handle_error(self, request, client_address) -> None:
        """Clients that lose patience are what these tests are about."""


class _ProviderHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(parts.path, dict(parse_qsl(parts.query)), dict(self.headers), body)
        self.server.asked.append(asked)
        if self.server.silent.is_set():
            self.server.released.wait(30)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_arguments: object) -> None:
        pass


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail and keeps it. `refusals`: recipient → "550 no such box"; `hangs_up_after_mails`: how many
    it takes first; while `silent` is set it says nothing.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _MailHandler)
        self.mail: list[tuple[str, bytes]] = []  # recipient, content
        self.refusals: dict[str, str] = {}
        self.hangs_up_after_mails: int | None = None
        self.silent, self.released = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _MailHandler(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        if self.server.silent.is_set():
            self.server.released.wait(30)
        self._say("220 ready")
        recipient = ""
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "EHLO":
                self._say("250-here\r\n250 8BITMIME")
            elif verb == "RCPT":
                recipient = line.partition("<")[2].partition(">")[0]
                self._say(self.server.refusals.get(recipient, "250 ok"))
            elif verb == "DATA":
                if self.server.hangs_up_after_mails == len(self.server.mail):
                    return
                self._say("354 go on")
                self.server.mail.append((recipient, self._content()))
                self._say("250 taken")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _content(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        return b"".join(lines)

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Answer on another thread inside the block."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
