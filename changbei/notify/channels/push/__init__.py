"""Web push to the browsers of members of staff: encrypted by RFC 8291, signed for by RFC 8292 (VAPID)."""

from __future__ import annotations

from changbei.notify.channels.push.channel import Push
from changbei.notify.channels.push.vapid import Vapid, public_key_of

__all__ = ["Push", "Vapid", "public_key_of"]
