"""Message encryption for web push (RFC 8291), one record of aes128gcm (RFC 8188)."""

from __future__ import annotations

import base64
import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_BYTES = 4_096
OVERHEAD_BYTES = 86 + 16 + 1  # header, tag, delimiter
MOST_BYTES = RECORD_BYTES - OVERHEAD_BYTES  # of what a push service has to take
LAST_RECORD = b"\x02"


def encode(content: bytes) -> str:
    """base64url without padding, as the web writes keys."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(word: str) -> bytes:
    """Raises ValueError."""
    return base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """The 65 bytes of a public key."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encrypt(
    content: bytes,
    public_key: bytes,
    secret: bytes,
    *,
    own: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """The body of a push. `own` and `salt` are made anew for each, and given only where a known result is checked.

    Raises ValueError for keys that are none, and for more than MOST_BYTES.
    """
    if len(content) > MOST_BYTES:
        raise ValueError(f"a push carries at most {MOST_BYTES} bytes")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    own = own or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(16)
    ours = point(own.public_key())
    shared = own.exchange(ec.ECDH(), theirs)
    material = _derive(shared, secret, b"WebPush: info\x00" + public_key + ours, 32)
    key = _derive(material, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derive(material, salt, b"Content-Encoding: nonce\x00", 12)
    header = salt + RECORD_BYTES.to_bytes(4, "big") + len(ours).to_bytes(1, "big") + ours
    return header + AESGCM(key).encrypt(nonce, content + LAST_RECORD, None)


def _derive(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(material)
