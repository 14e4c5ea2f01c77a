"""Which channels this installation offers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from changbei.notify.channels import Channel
from changbei.notify.channels.email import Email
from changbei.notify.channels.http import open_carrier
from changbei.notify.channels.http.provider import Hook, load
from changbei.notify.channels.inbox import Inbox
from changbei.notify.channels.push.channel import Push
from changbei.notify.channels.push.vapid import Vapid
from changbei.notify.channels.sms import gateway, open_gateway
from changbei.notify.channels.webhook import Webhook
from changbei.notify.ladders import (
    CHAT,
    DINGTALK,
    EMAIL,
    FEISHU,
    INBOX,
    KINDS,
    PUSH,
    SMS,
    VOICE,
    WEBHOOK,
    WECOM,
)

BY_FILE = (SMS, VOICE, WECOM, DINGTALK, FEISHU)  # carriers described by a file
RECEIPTS, REPLIES, KEYS = "receipts", "replies", "keys"


def offered() -> tuple[str, ...]:
    """The kinds of channel that are set up here."""
    return tuple(kind for kind in KINDS if kind == INBOX or _address(kind))


def channel(kind: str) -> Channel:
    """The channel of a kind that is offered, opened once per process. KeyError for others, ValueError for one
    that is not set up rightly.
    """
    if kind == INBOX:
        return Inbox()
    address = _address(kind)
    if not address:
        raise KeyError(kind)
    return _opened((kind, address, _secrets(kind)), lambda: _open(kind, address))


def hook(kind: str, purpose: str) -> Hook | None:
    """How what a channel's carrier calls back with is read, None when it does not call back for this purpose."""
    address = _address(kind)
    if kind not in BY_FILE or not address:
        return None
    if _is_plain(kind, address):
        return {RECEIPTS: gateway.RECEIPTS, REPLIES: gateway.REPLIES}.get(purpose)
    provider = load(address.partition("+")[0], _folder())
    return {RECEIPTS: provider.receipts, REPLIES: provider.replies, KEYS: provider.keys}.get(purpose)


def takes_replies(kind: str) -> bool:
    """Whether an answer to a text of ours reaches us."""
    return bool(settings.CALLBACK_SECRET) and hook(kind, REPLIES) is not None


def callback(kind: str) -> str:
    """The address at which a carrier calls us back, to be completed by the purpose; "" when it cannot."""
    if not settings.CALLBACK_SECRET or not settings.CONFIRM_LINKS:
        return ""
    return f"{settings.PUBLIC_URL.rstrip('/')}/callbacks/{kind}/{settings.CALLBACK_SECRET}/"


def close_all() -> None:
    """Let go of all connections; the next use opens them again."""
    with _lock:
        while _open_channels:
            _open_channels.popitem()[1].close()


_open_channels: dict[tuple[str, str, str], Channel] = {}
_lock = threading.Lock()


def _address(kind: str) -> str:
    addresses: dict[str, str] = {
        SMS: settings.SMS_GATEWAY_URL,
        EMAIL: settings.EMAIL_URL,
        VOICE: settings.VOICE_GATEWAY_URL,
        PUSH: settings.PUSH_KEY,
        WEBHOOK: settings.WEBHOOK_URL,
        CHAT: settings.CHATS,
        WECOM: settings.WECOM_ROBOT,
        DINGTALK: settings.DINGTALK_ROBOT,
        FEISHU: settings.FEISHU_ROBOT,
    }
    return addresses.get(kind, "")


def _secrets(kind: str) -> str:
    """What else an opened channel depends on."""
    also = {
        SMS: (settings.SMS_GATEWAY_TOKEN,),
        EMAIL: (settings.EMAIL_FROM,),
        PUSH: (settings.PUSH_CONTACT,),
        WEBHOOK: (settings.WEBHOOK_SECRET,),
    }
    return "\n".join((*also.get(kind, ()), callback(kind)))


def _open(kind: str, address: str) -> Channel:
    if kind == EMAIL:
        return Email(address, settings.EMAIL_FROM)
    if kind == PUSH:
        return Push(Vapid(Path(address), settings.PUSH_CONTACT))
    if kind == WEBHOOK:
        return Webhook(address, settings.WEBHOOK_SECRET)
    if kind == CHAT:
        from changbei.notify.channels.chat import Chat  # noqa: PLC0415 - apprise takes a second to import

        return Chat(address)
    if _is_plain(kind, address):
        return open_gateway(address, settings.SMS_GATEWAY_TOKEN)
    return open_carrier(address, folder=_folder(), callback=callback(kind), kind=kind)


def _is_plain(kind: str, address: str) -> bool:
    """Our own protocol of text messages, which needs no file."""
    return kind == SMS and "+" not in address.partition("://")[0]


def _folder() -> Path | None:
    return Path(settings.PROVIDERS) if settings.PROVIDERS else None


def _opened(key: tuple[str, str, str], make: Callable[[], Channel]) -> Channel:
    with _lock:
        if key not in _open_channels:
            _open_channels[key] = make()
        return _open_channels[key]
