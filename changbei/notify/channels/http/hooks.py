"""Reading what carriers call back with: receipts, replies, keys pressed in a call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, cast
from urllib.parse import parse_qsl

from changbei.notify.channels import Receipt, Reply, Unreadable
from changbei.notify.channels.http.carrier import word_at
from changbei.notify.channels.http.provider import Hook

State = Literal["delivered", "read", "failed", "refused", "expired"]
MOST = 1_000  # records in one call-back


def receipts(hook: Hook, body: bytes) -> list[Receipt]:
    """The receipts in a call-back; states that mean nothing to us (queued, sent) are left out.

    Raises Unreadable.
    """
    found = []
    for one in _records(hook, body):
        detail = word_at(one, hook.detail) if hook.detail else ""
        state = hook.states.get(word_at(one, hook.state))
        if state == "failed":
            state = hook.details.get(detail, state)
        if state:
            found.append(Receipt(cast(State, state), *_names(hook, one), detail=detail[:300]))
    return found


def replies(hook: Hook, body: bytes, reference: str = "") -> list[Reply]:
    """What recipients answered. `reference` names our message when the address called back did. Raises Unreadable."""
    found = []
    for one in _records(hook, body):
        carrier_id, named = _names(hook, one)
        sender = word_at(one, hook.sender) if hook.sender else ""
        text = word_at(one, hook.text) if hook.text else ""
        found.append(Reply(sender[:120], text[:500], carrier_id, named or reference))
    return found


def _names(hook: Hook, one: Any) -> tuple[str, str]:
    carrier_id = word_at(one, hook.id) if hook.id else ""
    return carrier_id[:80], word_at(one, hook.reference) if hook.reference else ""


def _records(hook: Hook, body: bytes) -> list[Any]:
    try:
        content = _content(hook, body)
    except ValueError as error:
        raise Unreadable(str(error)) from error
    if hook.list:
        for part in hook.list.split("."):
            content = content.get(part) if isinstance(content, Mapping) else None
    records = content if isinstance(content, list) else [content]
    if not all(isinstance(one, Mapping) for one in records) or len(records) > MOST:
        raise Unreadable("the content is neither a record nor a list of records")
    return records


def _content(hook: Hook, body: bytes) -> Any:
    text = body.decode("utf-8")
    if hook.content == "json":
        return json.loads(text)
    fields = dict(parse_qsl(text, keep_blank_values=True))
    return json.loads(fields.get(hook.field, "")) if hook.content == "form-json" else fields
