"""One GET, guarded: size, time, redirects, and no address inside our own walls that an outsider's feed names."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from changbei.core.errors import Outside
from changbei.incidents.cap.trees import LARGEST_BYTES

TIMEOUT_SECONDS = 10.0
LONGEST_SECONDS = 30.0  # for the whole answer, however slowly it drips
MOST_REDIRECTS = 3


@dataclass(frozen=True)
class Answer:
    """`fresh` is False for "not modified"; then there is no data."""

    data: bytes
    fresh: bool
    etag: str = ""
    modified: str = ""


def get(url: str, *, home: str, etag: str = "", modified: str = "") -> Answer:
    """Fetch `url`. `home` is the address that the operator has set: its host is trusted wherever it is.

    Raises Outside: no answer, too slow, too large, an error, or a forbidden address.
    """
    headers = {"Accept": "application/cap+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"}
    if etag:
        headers["If-None-Match"] = etag
    if modified:
        headers["If-Modified-Since"] = modified
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            for _ in range(MOST_REDIRECTS + 1):
                check_address(url, home=home)
                found = _once(client, url, headers)
                if isinstance(found, Answer):
                    return found
                url = urljoin(url, found)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        words = str(error).partition("\n")[0] or type(error).__name__
        raise Outside(f"{urlsplit(url).hostname}: {words}", permanent=False) from error
    raise Outside(f"{urlsplit(url).hostname}: more than {MOST_REDIRECTS} redirects", permanent=False)


def _once(client: httpx.Client, url: str, headers: Mapping[str, str]) -> Answer | str:
    """The answer, or where it redirects to."""
    end = time.monotonic() + LONGEST_SECONDS
    with client.stream("GET", url, headers=headers) as answer:
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return Answer(b"", fresh=False)
        if answer.is_redirect:
            return answer.headers["Location"]
        answer.raise_for_status()
        data = bytearray()
        for chunk in answer.iter_bytes():
            data += chunk
            if len(data) > LARGEST_BYTES:
                raise Outside(f"more than {LARGEST_BYTES} bytes", permanent=False)
            if time.monotonic() > end:
                raise Outside(f"not finished after {LONGEST_SECONDS:.0f} seconds", permanent=False)
        etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
        return Answer(bytes(data), True, etag[:200], modified[:100])


def check_address(url: str, *, home: str) -> None:
    """Only HTTP, and beyond the operator's own host only public addresses. Raises Outside."""
    wanted, trusted = urlsplit(url), urlsplit(home)
    if wanted.scheme not in ("http", "https") or not wanted.hostname:
        raise Outside(f"not an address that is fetched: {url[:100]}", permanent=True)
    if (wanted.hostname, wanted.port) == (trusted.hostname, trusted.port):
        return
    try:
        found = socket.getaddrinfo(wanted.hostname, None)
    except (OSError, UnicodeError) as error:
        raise Outside(f"{wanted.hostname}: {error}", permanent=False) from error
    if not all(ipaddress.ip_address(one[4][0]).is_global for one in found):
        raise Outside(f"{wanted.hostname} is not a public address", permanent=True)
