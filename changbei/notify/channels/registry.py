"""Which channels this installation offers."""

from __future__ import annotations

from functools import lru_cache

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
    """The channel of a kind that is offered; KeyError for others."""
    if kind == INBOX:
        return Inbox()
    if kind == SMS and settings.SMS_GATEWAY_URL:
        return _sms(settings.SMS_GATEWAY_URL, settings.SMS_GATEWAY_TOKEN)
    if kind == EMAIL and settings.EMAIL_URL:
        return _email(settings.EMAIL_URL, settings.EMAIL_FROM)
    raise KeyError(kind)


@lru_cache(maxsize=4)
def _sms(url: str, token: str) -> Channel:
    return open_gateway(url, token)


@lru_cache(maxsize=4)
def _email(url: str, sender: str) -> Channel:
    return Email(url, sender)
