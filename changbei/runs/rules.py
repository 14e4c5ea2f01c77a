"""Pure decisions about tasks and action calls."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from changbei.core.errors import Conflict, Outside, Problem

MOST_ATTEMPTS = 5
PICTURES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "avif": "image/avif",
}
"""Each kind of picture that counts as a photo, by its ending, and its media type."""
_STARTS = {b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png", b"GIF87a": "gif", b"GIF89a": "gif"}
_BRANDS = {b"heic": "heic", b"heix": "heic", b"mif1": "heic", b"avif": "avif"}
LARGEST_FILE_BYTES = 15 * 1024 * 1024


def missing_evidence(required: Collection[str], attached: Collection[str]) -> list[Problem]:
    """One problem per kind of evidence that the plan asks for and nobody attached."""
    return [Problem("evidence", f"{kind} is missing") for kind in required if kind not in attached]


def picture(content: bytes) -> str:
    """Which of `PICTURES` these bytes begin like; empty for anything else. The first twelve bytes are enough."""
    for start, kind in _STARTS.items():
        if content.startswith(start):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    return _BRANDS.get(content[8:12], "") if content[4:8] == b"ftyp" else ""


def is_worth_trying_again(error: Exception) -> bool:
    """A conflict, or trouble outside that may pass, or an error nobody foresaw: a lost connection, say."""
    if isinstance(error, Outside):
        return not error.permanent
    from_us = type(error).__module__.startswith("changbei.")
    return isinstance(error, Conflict) or not from_us


def retry_at(attempts: int, now: datetime) -> datetime | None:
    """2 s after the first attempt, then 8, 32 … at most two minutes; None when it is time to give up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return now + timedelta(seconds=min(2 * 4 ** (attempts - 1), 120))
