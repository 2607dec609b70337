"""Passwords of the web UI: kept as scrypt hashes (RFC 7914), never in clear."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

_KIND = "scrypt"
_COST, _BLOCK, _LANES = 15, 8, 3  # OWASP's password storage cheat sheet: N = 2^15, r = 8, p = 3
_MOST_COST, _MOST_WORK = 17, 64  # of a hash from elsewhere; beyond, one attempt would keep the machine busy
_SALT_BYTES = 16
_KEY_BYTES = 32


def hash_password(password: str) -> str:
    """What to store for a password: ``scrypt:log2(N):r:p:salt:key``, with a salt of its own."""
    salt = secrets.token_bytes(_SALT_BYTES)
    key = _key(password, salt, _COST, _BLOCK, _LANES)
    return ":".join((_KIND, str(_COST), str(_BLOCK), str(_LANES), _written(salt), _written(key)))


def password_matches(password: str, stored: str) -> bool:
    """Whether ``stored`` is the hash of this password; takes as long for a wrong one as for the right one."""
    parts = _parts(stored)
    if parts is None:
        return False
    cost, block, lanes, salt, key = parts
    return hmac.compare_digest(_key(password, salt, cost, block, lanes), key)


def is_password_hash(stored: str) -> bool:
    """Whether :func:`hash_password` could have made it."""
    return _parts(stored) is not None


def _key(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    most = 128 * block * ((1 << cost) + lanes + 2)  # bytes, as OpenSSL counts them
    secret = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=1 << cost, r=block, p=lanes, maxmem=most, dklen=_KEY_BYTES)


def _parts(stored: str) -> tuple[int, int, int, bytes, bytes] | None:
    try:
        kind, cost, block, lanes, salt, key = stored.split(":")
        numbers = int(cost), int(block), int(lanes)
        salt_bytes, key_bytes = _read(salt), _read(key)
    except (ValueError, binascii.Error):
        return None
    right = kind == _KIND and len(salt_bytes) >= _SALT_BYTES and len(key_bytes) == _KEY_BYTES
    right = right and 1 < numbers[0] <= _MOST_COST and min(numbers) > 0 and numbers[1] * numbers[2] <= _MOST_WORK
    return (*numbers, salt_bytes, key_bytes) if right else None


def _written(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _read(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
