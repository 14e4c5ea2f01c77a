"""The client of carriers that speak HTTP, driven by the carrier's file."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from xml.sax.saxutils import escape

import httpx

from changbei.core import clock
from changbei.notify.channels import Outcome, Outgoing, Receipt, Stop, wording
from changbei.notify.channels.http.provider import Answer, Provider, load
from changbei.notify.channels.together import Senders

TIMEOUT_SECONDS = 8.0
TRY_AGAIN = {401, 403, 408, 425}  # 401 and 403 are our own settings: the recipient is not to blame
LONGEST_WAIT_SECONDS = 3_600.0
TOO_MANY = 429
_APART = re.compile(r"[ ()\-]")


class Carrier:
    """Sends through one carrier. `callback` is the address, secret and all, at which it calls us back."""

    def __init__(
        self,
        provider: Provider,
        base: str,
        given: Mapping[str, str],
        *,
        callback: str = "",
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        missing = [name for name in provider.settings if not given.get(name)]
        known = set(provider.settings) | set(provider.optional)
        unknown = [name for name in given if name not in known]
        if missing or unknown:
            words = [f"lacks the setting {name!r} ({provider.settings[name]})" for name in missing]
            words += [f"has no setting {name!r}" for name in unknown]
            raise ValueError(f"carrier {provider.id}: " + "; ".join(words))
        self.provider, self.kind, self.callback = provider, provider.kind, callback
        self.given = {**dict.fromkeys(provider.optional, ""), **given}
        self.batch = provider.most_at_once * 8  # at worst 8 * TIMEOUT_SECONDS, well inside the lease
        self.client = httpx.Client(base_url=base.rstrip("/"), timeout=timeout_seconds, trust_env=False)
        self.senders = Senders(self.kind, provider.most_at_once)

    def send(self, outgoing: Sequence[Outgoing], *, stop: Stop) -> list[Outcome | None]:
        return self.senders.send(outgoing, self.hand_over, stop=stop)

    def receipts(self) -> list[Receipt]:
        return []  # these carriers call us

    def close(self) -> None:
        self.senders.close()
        self.client.close()

    def hand_over(self, one: Outgoing) -> Outcome:
        """One message. Whether a carrier that does not answer has taken it nobody knows: try again, same key."""
        try:
            answer = self.client.send(self._request(one))
        except httpx.HTTPError as error:
            return Outcome("retry", detail=f"{type(error).__name__}: {error}"[:300])
        return outcome_of(answer, self.provider.answer)

    def _request(self, one: Outgoing) -> httpx.Request:
        send = self.provider.send
        values = {**self.given, **self._values(one)}
        parts = [name for name in ("path", "query", "headers", "form", "json") if name in send]
        filled = {name: _filled(send[name], values) for name in parts}
        headers = {name: _header(value) for name, value in filled.get("headers", {}).items()}
        request = self.client.build_request(
            "POST",
            filled["path"],
            params={name: value for name, value in filled.get("query", {}).items() if value} or None,
            headers=headers,
            data={name: value for name, value in filled["form"].items() if value}
            if "form" in filled
            else None,
            json=filled.get("json"),
        )
        if "basic" in send:
            user, password = (_filled(part, values) for part in send["basic"])
            word = base64.b64encode(f"{user}:{password}".encode()).decode()
            request.headers["Authorization"] = f"Basic {word}"
        return request

    def _values(self, one: Outgoing) -> dict[str, str]:
        asks = self.provider.keys is not None and self.callback
        text = wording.spoken(one) if asks else wording.text(one)
        to = _APART.sub("", one.address)
        national = to.removeprefix("+86")
        keys = f"{self.callback}keys?reference={one.key}" if self.callback else ""
        now = clock.now()
        seconds, milliseconds = str(int(now.timestamp())), str(int(now.timestamp() * 1000))
        sign = self._sign(seconds, milliseconds)
        return {
            "to": to,
            "to_national": national,
            "to_international": to if to.startswith("+") else f"+86{to}",
            "text": text,
            "title": one.title,
            "body": one.body,
            "text_xml": escape(text),
            "reference": str(one.key),
            "urgency": str(int(one.urgency)),
            "language": one.language,
            "link": one.link,
            "code": one.code,
            "callback": f"{self.callback}receipts" if self.callback else "",
            "keys_callback": keys,
            "keys_callback_xml": escape(keys),
            "sign": sign,
            "sign_quoted": quote(sign, safe=""),
            "now_seconds": seconds,
            "now_milliseconds": milliseconds,
        }

    def _sign(self, seconds: str, milliseconds: str) -> str:
        """The two ways in which robots are signed for: the secret signs, or is signed into, the moment."""
        secret, way = self.given.get("secret", ""), self.provider.send.get("sign")
        if not secret or way is None:
            return ""
        if way == "dingtalk":
            digest = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
        else:
            digest = hmac.new(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256).digest()
        return base64.b64encode(digest).decode()


def open_carrier(address: str, *, folder: Path | None = None, callback: str = "", kind: str = "") -> Carrier:
    """The carrier at `NAME+https://host?setting=value&…`. ValueError when the address or the file is not right."""
    name, plus, url = address.partition("+")
    parts = urlsplit(url)
    if not plus or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"a carrier is NAME+https://host?setting=value, not {address.partition('?')[0]!r}")
    provider = load(name, folder)
    if kind and provider.kind != kind:
        raise ValueError(f"carrier {name} is for {provider.kind}, not for {kind}")
    given = {}
    for pair in parts.query.split("&") if parts.query else []:
        setting, _, value = pair.partition("=")
        given[setting] = unquote(value)  # a + stays a +: numbers begin with it
    return Carrier(provider, f"{parts.scheme}://{parts.netloc}{parts.path}", given, callback=callback)


def outcome_of(answer: httpx.Response, meaning: Answer) -> Outcome:
    """What an answer says of the message; a code inside counts before the status around it."""
    content = _content(answer)
    code = word_at(content, meaning.code) if meaning.code else ""
    message = word_at(content, meaning.message) if meaning.message else ""
    detail = f"HTTP {answer.status_code} {code} {message or answer.text}".strip()[:300]
    if code in meaning.refused:
        return Outcome("refused", detail=detail)
    if answer.status_code == TOO_MANY or code in meaning.limited:
        return Outcome("limited", detail=detail, wait_seconds=wait_seconds(answer, meaning.wait_seconds))
    if code in meaning.failed:
        return Outcome("failed", detail=detail)
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or answer.status_code in TRY_AGAIN:
        return Outcome("retry", detail=detail)
    if answer.status_code >= httpx.codes.BAD_REQUEST:
        return Outcome("failed", detail=detail)
    if answer.is_redirect or (meaning.good and code not in meaning.good):
        return Outcome("retry", detail=detail)
    number = word_at(content, meaning.id) if meaning.id else ""
    if meaning.id and not number:
        return Outcome("retry", detail=detail)
    return Outcome("handed", carrier_id=number[:80])


def wait_seconds(answer: httpx.Response, otherwise: float) -> float:
    """How long a carrier asks us to wait, by Retry-After in seconds or as a date, within an hour."""
    asked = answer.headers.get("Retry-After", "").strip()
    try:
        wait = (
            float(asked) if asked.isdigit() else (parsedate_to_datetime(asked) - clock.now()).total_seconds()
        )
    except (ValueError, TypeError):
        wait = otherwise
    return min(max(wait, 1.0), LONGEST_WAIT_SECONDS)


def word_at(content: Any, path: str) -> str:
    """The word at `a.b.0` of a JSON content, "" where there is none. A whole number is written as one."""
    for part in path.split("."):
        if isinstance(content, Mapping):
            content = content.get(part)
        elif isinstance(content, list) and part.isdigit() and int(part) < len(content):
            content = content[int(part)]
        else:
            return ""
    return "" if content is None or isinstance(content, Mapping | list) else str(content)


def _content(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return value.format_map(values)
    if isinstance(value, Mapping):
        return {name: _filled(inner, values) for name, inner in value.items()}
    return [_filled(inner, values) for inner in value] if isinstance(value, list) else value


def _header(value: str) -> str:
    """Headers carry neither line breaks nor anything beyond Latin: what does is quoted."""
    return value if value.isascii() and value.isprintable() else quote(value)
