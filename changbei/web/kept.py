"""Pages for everybody that stand under load, and while the database is gone.

A page is rendered once for each state of what it shows. One request of a process looks now and then whether that has
changed; all others are answered from memory meanwhile. Each page is kept in a file, too: another process, or one that
has just been started, shows it while nobody can ask the database, and says from when it is.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import psycopg
from django.db import Error as DjangoError

from changbei.core import clock
from changbei.core.errors import Outside

DatabaseError = (DjangoError, psycopg.Error)
MOST_KEPT = 500
AWAY_SECONDS = 5.0  # a database that did not answer is asked again after this
UNKNOWN = ""


@dataclass(frozen=True)
class Kept:
    """A rendered page, and the state of what it shows. `stale_since`: nobody could look since then."""

    version: str
    etag: str
    body: bytes
    stale_since: datetime | None = None


class Shelf:
    """Pages by address. `version` asks the database for the state of what they show; `look_seconds` apart."""

    def __init__(self, version: Callable[[], str], folder: Path, look_seconds: float) -> None:
        self.look_seconds = look_seconds
        self._ask, self._folder = version, folder
        self._kept: dict[str, Kept] = {}
        self._version = UNKNOWN
        self._looks_again = 0.0  # on the monotonic clock
        self._seen_at: datetime | None = None
        self._away = False
        self._changing, self._asking = threading.Lock(), threading.Lock()

    def get(self, address: str, make: Callable[[], str | bytes]) -> Kept:
        """The page as it is now, made when there is none of this state; as it was when the database is gone.

        Raises Outside when that has never been asked for.
        """
        self._look()
        version, kept = self._version, self._kept.get(address)
        if not self._away:
            if kept is not None and kept.version == version:
                return kept
            try:
                return self._keep(address, version, make())
            except DatabaseError:
                self._gone()
        return self._as_it_was(address, kept)

    def _look(self) -> None:
        """Whether anything has changed: one thread asks, who comes meanwhile does not wait for it."""
        if time.monotonic() < self._looks_again:
            return
        nothing_known = self._version == UNKNOWN and not self._away
        if not self._asking.acquire(blocking=nothing_known):
            return
        try:
            if time.monotonic() >= self._looks_again:
                self._version, self._away = self._ask(), False
                self._seen_at = clock.now()
                self._looks_again = time.monotonic() + self.look_seconds
        except DatabaseError:
            self._gone()
        finally:
            self._asking.release()

    def _gone(self) -> None:
        self._away = True
        self._looks_again = time.monotonic() + AWAY_SECONDS

    def _keep(self, address: str, version: str, words: str | bytes) -> Kept:
        body = words.encode() if isinstance(words, str) else words
        kept = Kept(version, _tag(body), body)
        with self._changing:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[address] = kept
        with contextlib.suppress(OSError):  # a full disk is no reason to keep the page from anybody
            self._write(address, kept)
        return kept

    def _as_it_was(self, address: str, kept: Kept | None) -> Kept:
        if kept is not None and self._seen_at is not None:
            return Kept(kept.version, kept.etag, kept.body, stale_since=self._seen_at)
        try:
            text = self._file(address).read_text()
        except OSError:
            raise Outside("the database does not answer", permanent=False) from None
        written = json.loads(text)
        body = written["body"].encode()
        return Kept(written["version"], _tag(body), body, datetime.fromisoformat(written["at"]))

    def _write(self, address: str, kept: Kept) -> None:
        path = self._file(address)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{threading.get_native_id()}")
        at = clock.now().isoformat()
        fresh.write_text(json.dumps({"at": at, "version": kept.version, "body": kept.body.decode()}))
        fresh.rename(path)

    def _file(self, address: str) -> Path:
        return self._folder / f"{sha256(address.encode()).hexdigest()[:24]}.json"


def _tag(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()[:24]}"'
