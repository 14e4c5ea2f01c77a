"""Who we are, to a push service: a token signed with the house's own key (RFC 8292)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from changbei.core import clock
from changbei.notify.channels.push.encryption import encode, point

VALID_SECONDS = 12 * 3_600


def make_key(path: Path) -> None:
    """Write a new key that only this user can read. Raises FileExistsError rather than replacing one."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)


def read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Raises ValueError when there is no key of the right kind."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ValueError(f"CHANGBEI_PUSH_KEY: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("CHANGBEI_PUSH_KEY: the file holds no key on the curve P-256")
    return key


def public_key_of(path: Path) -> str:
    """What browsers subscribe with."""
    return encode(point(read_key(path).public_key()))


class Vapid:
    """Signs for one installation; `contact` is a mailto: or https: at which a push service reaches its people."""

    def __init__(self, path: Path, contact: str) -> None:
        if not contact.startswith(("mailto:", "https://")):
            raise ValueError("CHANGBEI_PUSH_CONTACT: give mailto:somebody@… or https://…")
        self.key, self.contact = read_key(path), contact
        self.public_key = encode(point(self.key.public_key()))

    def authorization(self, endpoint: str) -> str:
        """The header for a push to this endpoint."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int(clock.now().timestamp()) + VALID_SECONDS,
            "sub": self.contact,
        }
        signed = ".".join(
            encode(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, claims)
        )
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(SHA256())))
        signature = encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        return f"vapid t={signed}.{signature}, k={self.public_key}"
