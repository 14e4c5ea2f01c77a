"""Server-sent events without a thread for each: a page that is open costs a socket, not one of the few web threads.

The server of the house (gunicorn) answers every request in a thread of a small pool; a stream that lasts would keep one
for good. So the view takes the connection's socket over: a second descriptor of it goes to the one thread that looks
after all streams of this process, and the server, left with a stand-in that is closed at its other end, closes that
and forgets the request. Where the socket cannot be had (another server, or one that speaks TLS itself), `take` says no
and pages ask by the clock.

A stream carries no content, only that there is some: what it is, a page fetches with its session.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from django.db import DatabaseError, connection
from django.http import HttpRequest

from changbei.web.security import HEADERS

LOOK_SECONDS = 1.0
SIGN_SECONDS = 15.0  # a line that says nothing: keeps what lies between from hanging up
LIFE_SECONDS = 600.0  # then the browser comes again, and who it is is asked again
AGAIN_MILLISECONDS = 3_000
MOST = 1_000  # streams of a process; further pages ask by the clock
Look = Callable[[Collection[int]], Mapping[int, str]]
logger = logging.getLogger(__name__)


def _head() -> bytes:
    own = {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
        "Connection": "close",
    }
    lines = [f"{name}: {value}" for name, value in {**HEADERS, **own}.items()]
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", f"retry: {AGAIN_MILLISECONDS}\n\n"]).encode()


@dataclass(eq=False)
class Stream:
    """One open page of one person; `seen` is the last word it was told."""

    person: int
    connection: socket.socket
    seen: str
    begun: float = field(default_factory=time.monotonic)
    said: float = field(default_factory=time.monotonic)

    def say(self, content: bytes) -> bool:
        """False when nobody is there, or reads too slowly for even this: the browser will come again."""
        try:
            whole = self.connection.send(content, socket.MSG_DONTWAIT) == len(content)
        except OSError:
            return False
        self.said = time.monotonic()
        return whole

    def is_left(self) -> bool:
        try:
            return self.connection.recv(1, socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


class Hub:
    """All streams of this process. `look` gives each person's word; it is asked by the hub's own thread."""

    def __init__(self, look: Look, *, every_seconds: float = LOOK_SECONDS) -> None:
        self.look, self.every_seconds = look, every_seconds
        self._streams: list[Stream] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._streams)

    def take(self, request: HttpRequest, person: int, seen: str) -> bool:
        """Keep the request's connection as a stream; False when that cannot be: answer as usual."""
        theirs = request.META.get("gunicorn.socket")
        if type(theirs) is not socket.socket or len(self._streams) >= MOST:
            return False
        ours = _taken_over(theirs)
        try:
            ours.sendall(_head())
        except OSError:
            ours.close()
            return True
        with self._lock:
            self._streams.append(Stream(person, ours, seen))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="streams", daemon=True)
                self._thread.start()
        return True

    def _run(self) -> None:
        while True:
            with self._lock:
                streams = list(self._streams)
                if not streams:
                    self._thread = None
                    return
            self.round(streams)
            time.sleep(self.every_seconds)

    def round(self, streams: Collection[Stream]) -> None:
        """Tell everybody whose word is another one; let go of those who are gone."""
        try:
            words = self.look({one.person for one in streams})
        except DatabaseError as error:  # it comes back, and so do we
            logger.warning("streams: %s", error)
            words = {}
        finally:
            connection.close()
        left = [one for one in streams if not _goes_on(one, words.get(one.person, one.seen))]
        with self._lock:
            self._streams = [one for one in self._streams if one not in left]
        for one in left:
            one.connection.close()


def _goes_on(stream: Stream, word: str) -> bool:
    now = time.monotonic()
    if stream.is_left() or now - stream.begun > LIFE_SECONDS:
        return False
    if word != stream.seen:
        stream.seen = word
        return stream.say(f"event: told\nid: {word}\ndata: {word}\n\n".encode())
    return now - stream.said < SIGN_SECONDS or stream.say(b":\n\n")


def _taken_over(theirs: socket.socket) -> socket.socket:
    """A socket of the same connection; `theirs` becomes one that nobody listens to."""
    ours = theirs.dup()
    stand_in, other_end = socket.socketpair()
    with stand_in, other_end:
        os.dup2(stand_in.fileno(), theirs.fileno())
    return ours
