"""Names and passwords at the door: attempts slowed down, and who was let in remembered for some hours."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import get_args

from rag_app import Role, Settings, hash_password, password_matches

SIGNED_IN_SECONDS = 12 * 3600.0
_MOST_WAIT_SECONDS = 60.0
_FREE_ATTEMPTS = 3
_MOST_REMEMBERED = 10_000  # failures


@dataclass(frozen=True, slots=True)
class User:
    """Somebody at the page; the name is empty where nobody is asked for one."""

    name: str
    role: Role


OWNER = User("", "admin")


def role_of(entry: str) -> Role:
    """The role of an entry of ``ui_users``."""
    wanted = entry.partition(":")[0]
    return next((role for role in get_args(Role) if role == wanted), "reader")


@dataclass
class Desk:
    """Where people sign in: one attempt at a time, and after some wrong ones a growing wait; who is in stays in.

    Attempts are counted for a name and an address together, so that a stranger does not keep others out.
    """

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _failed: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    _inside: dict[str, tuple[User, float]] = field(default_factory=dict)
    _nobody: str = field(default_factory=lambda: hash_password(secrets.token_hex()))

    def wait(self, name: str, address: str) -> float:
        """Seconds until the next attempt is looked at."""
        failures, last = self._failed.get((name, address), (0, 0.0))
        pause = min(_MOST_WAIT_SECONDS, 2.0 ** (failures - _FREE_ATTEMPTS + 1)) if failures >= _FREE_ATTEMPTS else 0.0
        return max(0.0, last + pause - time.monotonic())

    def check(self, settings: Settings, name: str, password: str, address: str) -> User | None:
        """Who has this name and password; None, too, while an attempt has to wait."""
        with self._lock:
            if self.wait(name, address) > 0:
                return None
            found = self._check(settings, name, password)
            if found is None:
                failures, _ = self._failed.pop((name, address), (0, 0.0))
                self._failed[name, address] = (failures + 1, time.monotonic())
                while len(self._failed) > _MOST_REMEMBERED:
                    del self._failed[next(iter(self._failed))]
            else:
                self._failed.pop((name, address), None)
            return found

    def _check(self, settings: Settings, name: str, password: str) -> User | None:
        if not settings.ui_users:
            right = password_matches(password, settings.ui_password.get_secret_value())
            return OWNER if right else None
        entry = settings.ui_users.get(name)
        stored = entry.get_secret_value().partition(":") if entry is not None else ("", "", self._nobody)
        right = password_matches(password, stored[2])  # a name that is not there takes as long
        return User(name, role_of(stored[0])) if right and entry is not None else None

    def let_in(self, found: User) -> str:
        """A token by which the browser is known for some hours."""
        token, now = secrets.token_urlsafe(32), time.monotonic()
        with self._lock:
            self._inside = {key: one for key, one in self._inside.items() if one[1] > now}
            self._inside[_digest(token)] = (found, now + SIGNED_IN_SECONDS)
        return token

    def user_of(self, token: str) -> User | None:
        """Who was let in with this token."""
        found, until = self._inside.get(_digest(token), (None, 0.0))
        return found if until > time.monotonic() else None

    def let_out(self, token: str) -> None:
        """The token is worth nothing any more."""
        with self._lock:
            self._inside.pop(_digest(token), None)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
