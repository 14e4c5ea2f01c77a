"""Photos as they are kept: without where and with what they were taken. Pure."""

from __future__ import annotations

_START, _SCAN = b"\xff\xd8", 0xDA
_APP_FIRST, _APP_LAST = 0xE1, 0xEF
_HARMLESS = (0xE2, 0xEE)  # colour profile, colour transform


def without_place(content: bytes) -> bytes:
    """A JPEG without its EXIF, XMP and comments: the place belongs to the visit only where somebody sends it. Other
    pictures, and what cannot be read as segments, stay as they are.
    """
    if not content.startswith(_START):
        return content
    kept, at = [_START], 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        kind, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if kind == _SCAN:
            return b"".join([*kept, content[at:]])
        about_it = _APP_FIRST <= kind <= _APP_LAST and kind not in _HARMLESS
        if not about_it and kind != 0xFE:
            kept.append(content[at : at + 2 + length])
        at += 2 + length
    return content
