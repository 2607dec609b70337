"""API keys: made once, kept as hashes only, told apart in constant time."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import get_args

from ..passwords import hash_password, password_matches
from ..settings import Role, Settings

KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._]{0,63}")
_KEY = re.compile(r"sk-(?P<name>[A-Za-z0-9][A-Za-z0-9._]{0,63})-[0-9a-f]{48}")  # clients look for "sk-"
_BYTES = 24
_MOST_REMEMBERED = 4096
_LEVEL: dict[Role, int] = {"reader": 0, "editor": 1, "admin": 2}


def new_key(name: str) -> str:
    """A key of 192 random bits; its name, which is no secret, says which hash it has to fit."""
    return f"sk-{name}-{secrets.token_hex(_BYTES)}"


def covers(role: Role, wanted: Role) -> bool:
    """Whether who has one role may do what another one may."""
    return _LEVEL[role] >= _LEVEL[wanted]


class Keeper:
    """Who a key belongs to.

    A hash takes a tenth of a second by intent, so what a key turned out to be is remembered, under a digest that is
    of this process alone; wrong keys too, or a client with an old one would keep the machine busy. One is looked at
    at a time.
    """

    def __init__(self, settings: Settings) -> None:
        self._hashes: Mapping[str, tuple[Role, str]] = {
            name: _entry(entry.get_secret_value()) for name, entry in settings.api_keys.items()
        }
        self._pepper = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, Role | None] = OrderedDict()
        self._lock = threading.Lock()
        self._nobody = hash_password(secrets.token_hex()) if self._hashes else ""

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked for a key."""
        return not self._hashes

    def role(self, key: str) -> Role | None:
        """What the owner of a key may do; None for a wrong one. Takes a while, so call it in a thread."""
        digest = hashlib.blake2b(key.encode("utf-8", "replace"), key=self._pepper).digest()
        with self._lock:
            if digest in self._known:
                self._known.move_to_end(digest)
                return self._known[digest]
            found = self._look(key)
            self._known[digest] = found
            if len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
            return found

    def _look(self, key: str) -> Role | None:
        match = _KEY.fullmatch(key)
        if match is None:
            return None  # it says nothing of our keys, so it need not take as long
        entry = self._hashes.get(match["name"])
        right = password_matches(key, entry[1] if entry else self._nobody)  # an unknown name takes as long
        return entry[0] if entry and right else None


def _entry(entry: str) -> tuple[Role, str]:
    role, _, stored = entry.partition(":")
    return next(one for one in get_args(Role) if one == role), stored
