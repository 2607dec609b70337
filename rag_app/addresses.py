"""By which names and addresses a server of ours is reached."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from contextlib import suppress

OWN = "127.0.0.1"
_ANY = ("0.0.0.0", "::")  # noqa: S104


def is_own(host: str) -> bool:
    """Whether only this computer reaches it."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def listed(names: str) -> tuple[str, ...]:
    """The names of a setting that separates them by commas."""
    return tuple(name.strip() for name in names.split(",") if name.strip())


def reachable_by(host: str, names: Sequence[str]) -> list[str]:
    """By which names a server that listens on ``host`` may be reached; by no other, or a page elsewhere could."""
    allowed = [OWN, "localhost", *names]
    if is_own(host):
        allowed.append(host.strip("[]"))
    else:
        allowed += [socket.gethostname(), socket.getfqdn()]
        allowed += _addresses() if host in _ANY else [host]
    return list(dict.fromkeys(name for name in allowed if name))


def url(host: str, port: int) -> str:
    """What to open on this computer to reach a server that listens on ``host``."""
    host = OWN if host in (*_ANY, "localhost") else host
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _addresses() -> list[str]:
    """This computer's own in its networks."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        found = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # an address of no one (RFC 5737); nothing is sent
        found.add(str(probe.getsockname()[0]))
    return sorted(found)
