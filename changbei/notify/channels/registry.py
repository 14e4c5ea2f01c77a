"""Which channels this installation offers."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.conf import settings

from changbei.notify.channels import Channel
from changbei.notify.channels.email import Email
from changbei.notify.channels.inbox import Inbox
from changbei.notify.channels.sms import open_gateway
from changbei.notify.ladders import EMAIL, INBOX, SMS


def offered() -> tuple[str, ...]:
    """The kinds of channel that are set up here."""
    return (INBOX, *((SMS,) if settings.SMS_GATEWAY_URL else ()), *((EMAIL,) if settings.EMAIL_URL else ()))


def channel(kind: str) -> Channel:
    """The channel of a kind that is offered, opened once per process; KeyError for others."""
    if kind == INBOX:
        return Inbox()
    if kind == SMS and settings.SMS_GATEWAY_URL:
        url, token = settings.SMS_GATEWAY_URL, settings.SMS_GATEWAY_TOKEN
        return _opened((SMS, url, token), lambda: open_gateway(url, token))
    if kind == EMAIL and settings.EMAIL_URL:
        server, sender = settings.EMAIL_URL, settings.EMAIL_FROM
        return _opened((EMAIL, server, sender), lambda: Email(server, sender))
    raise KeyError(kind)


def close_all() -> None:
    """Let go of all connections; the next use opens them again."""
    with _lock:
        while _open:
            _open.popitem()[1].close()


_open: dict[tuple[str, str, str], Channel] = {}
_lock = threading.Lock()


def _opened(key: tuple[str, str, str], make: Callable[[], Channel]) -> Channel:
    with _lock:
        if key not in _open:
            _open[key] = make()
        return _open[key]
