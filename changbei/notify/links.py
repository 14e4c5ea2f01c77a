"""The page on which a message is confirmed without a login: its address is a signed word that says nothing of anybody.

The word is the message's own random id and a signature; whoever has it was sent it.
"""

from __future__ import annotations

import base64
import hmac
import re
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import NotFound, there
from changbei.notify.models import Message

SIGNATURE_BYTES = 12
KEPT = timedelta(days=30)
_WORD = re.compile(r"[A-Za-z0-9_-]{38}(?![A-Za-z0-9_-])")


def word_of(message: UUID) -> str:
    """The last part of the address, 38 letters."""
    word = message.bytes + _signature(message.bytes)
    return base64.urlsafe_b64encode(word).rstrip(b"=").decode()


def address_of(message: UUID) -> str:
    """The whole address, "" when people outside cannot reach us."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/c/{word_of(message)}" if settings.CONFIRM_LINKS else ""


def message_of(word: str) -> Message:
    """The message of an address. NotFound for words we did not sign, and for what is older than 30 days.

    What telephones take along from the text around the address is no part of the word.
    """
    asked = _WORD.match(word)
    found = base64.urlsafe_b64decode(f"{asked.group()}==") if asked else b""
    key, signature = found[:16], found[16:]
    if asked is None or not hmac.compare_digest(signature, _signature(key)):
        raise NotFound(gettext_noop("no such message"))
    message = (
        Message.objects.select_related("notice", "person", "retailer", "contact")
        .filter(uuid=UUID(bytes=key), queued_at__gt=clock.now() - KEPT)
        .first()
    )
    return there(message, gettext_noop("no such message"))


def _signature(key: bytes) -> bytes:
    return salted_hmac("changbei.notify.links", key, algorithm="sha256").digest()[:SIGNATURE_BYTES]
