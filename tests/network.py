"""An audit hook that lets a process connect to nothing but this machine's own addresses."""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any


class Forbidden(BaseException):
    """A connection to an address that nobody set; no code may catch it by accident."""


def stay_home() -> None:
    """From now on, any attempt to reach or to look up another machine ends the test that made it."""
    sys.addaudithook(_refuse)


def only(address: str) -> None:
    """From now on, this process may connect to one address alone.

    Args:
        address: "127.0.0.1:11434".
    """

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        _refuse(event, arguments)
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            host, port = arguments[1][:2]
            if f"{host}:{port}" != address:
                raise Forbidden(f"{event}: {host}:{port}")

    sys.addaudithook(refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not _is_home(host):
        raise Forbidden(f"{event}: {host!r}")


def _is_home(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return name in ("localhost", socket.gethostname())
