"""Pure decisions about tasks and action calls."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from changbei.core.errors import Conflict, Outside, Problem

MOST_ATTEMPTS = 5
PHOTO_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8")
LARGEST_FILE_BYTES = 15 * 1024 * 1024


def missing_evidence(required: Collection[str], attached: Collection[str]) -> list[Problem]:
    """One problem per kind of evidence that the plan asks for and nobody attached."""
    return [Problem("evidence", f"{kind} is missing") for kind in required if kind not in attached]


def is_photo(content: bytes) -> bool:
    """Whether these bytes begin like a JPEG, PNG, GIF, WebP or HEIC picture."""
    if content.startswith(PHOTO_STARTS):
        return True
    webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    heic = content[4:8] == b"ftyp" and content[8:12] in {b"heic", b"heix", b"mif1", b"avif"}
    return webp or heic


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
