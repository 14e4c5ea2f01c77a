"""Web push to the browsers of members of staff: encrypted by RFC 8291, signed for by RFC 8292 (VAPID)."""
