"""The Ollama server: installed, running, reachable, new enough."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal
from urllib.parse import urlsplit

from ingest.messages import Message, message

from ..errors import ModelError, ModelRefused, OllamaUnreachable
from ..llm.background import EventLoop
from ..llm.hardware import Machine
from ..llm.ollama_server import OllamaServer, OllamaStatus
from ..settings import Settings
from ..types import Check
from .ollama_model import examine_model
from .surroundings import DEFAULT_PORT, Surroundings, has_socks, proxies, proxy_for

# "truncate" and "shift" of /api/chat came with ollama/ollama#12582, merged on 2025-10-11, after 0.12.5
_LEAST_VERSION = (0, 12, 6)
_OTHER_PORT = 11435
_NO_HTTP = ("RemoteProtocolError", "LocalProtocolError", "DecodingError")


def examine_ollama(settings: Settings, around: Surroundings, machine: Callable[[], Machine]) -> Iterator[Check]:
    """The server, and if it answers the model in use."""
    loop = EventLoop()
    server = OllamaServer(settings.ollama_url, loop)
    bad: Literal["warn", "fail"] = "fail" if settings.answers == "ollama" else "warn"
    try:
        proxy = _proxy(settings.ollama_url, around, is_local=server.is_local)
        if proxy is not None:
            yield proxy
        if proxy is not None and proxy.status == "fail":
            return  # the request would not even begin
        try:
            status = server.status()
        except ModelError as error:
            finding, remedy = _why_not(error, settings.ollama_url, around, is_local=server.is_local)
            yield Check("ollama", bad, finding, remedy)
            return
        yield from _running(status, settings.ollama_url, around)
        yield from examine_model(settings, server, status, bad, machine)
    finally:
        server.close()
        loop.close()


def _running(status: OllamaStatus, url: str, around: Surroundings) -> Iterator[Check]:
    models = ", ".join(status.models) or "-"
    yield Check("ollama", "ok", message("doctor.ollama", version=status.version, url=url, models=models))
    version = version_of(status.version)
    if version is not None and version < _LEAST_VERSION:
        least = ".".join(map(str, _LEAST_VERSION))
        finding = message("doctor.ollama_old", version=status.version, least=least)
        yield Check("ollama version", "warn", finding, message("doctor.ollama_update", command=around.install))


def version_of(text: str) -> tuple[int, ...] | None:
    """The three numbers of a version; None for a build without one, which calls itself 0.0.0."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", text)
    numbers = tuple(map(int, found.groups())) if found else (0, 0, 0)
    return numbers if any(numbers) else None


def _why_not(error: ModelError, url: str, around: Surroundings, *, is_local: bool) -> tuple[Message, Message]:
    """What is so, and the command that mends it."""
    if isinstance(error, OllamaUnreachable):
        return _nobody(url, around) if is_local else _far(url)
    if isinstance(error, ModelRefused):
        return error.message, message("doctor.let_in", command=around.listening("0.0.0.0"))  # noqa: S104
    said = dict(error.message.values)
    other = ("ollama.not_ollama", "ollama.too_old")
    if error.message.key in other or said.get("cause") in _NO_HTTP:
        cause = str(said.get("cause", ""))
        if not is_local:
            return message("doctor.ollama_other", url=url, cause=cause), message("doctor.ollama_address")
        host = f"127.0.0.1:{_OTHER_PORT}"
        remedy = message(
            "doctor.ollama_other_port",
            command=around.listening(host),
            setting=around.set_variable("RAG_OLLAMA_URL", f"http://{host}"),
        )
        return message("doctor.ollama_other", url=url, cause=cause), remedy
    return error.message, message("doctor.restart", command=around.start(url))


def _nobody(url: str, around: Surroundings) -> tuple[Message, Message]:
    """Nothing listens at an address of this machine."""
    elsewhere = _told(around.environment.get("OLLAMA_HOST", ""))
    if elsewhere and elsewhere != _host_and_port(url):
        finding = message("doctor.ollama_elsewhere", url=url, host=elsewhere)
        return finding, _set_address(around, f"http://{elsewhere}")
    if around.binary is not None:
        finding = message("doctor.ollama_stopped", binary=around.binary, url=url)
        return finding, message("doctor.start", command=around.start(url))
    if around.inside:
        where = "wsl" if around.inside == "wsl" else "container"
        setting = around.set_variable("RAG_OLLAMA_URL", around.outside)
        return message(f"doctor.inside_{where}", url=url), message(f"doctor.outside_{where}", setting=setting)
    finding = message("doctor.ollama_absent", url=url)
    return finding, message("doctor.install", command=around.install)


def _far(url: str) -> tuple[Message, Message]:
    port = urlsplit(url).port or DEFAULT_PORT
    return message("doctor.ollama_far", url=url), message("doctor.far", port=port)


def _set_address(around: Surroundings, url: str) -> Message:
    return message("doctor.set", command=around.set_variable("RAG_OLLAMA_URL", url))


def _told(host: str) -> str:
    """OLLAMA_HOST as an address to call: it may lack the port, and all addresses (0.0.0.0) are no address."""
    if not host:
        return ""
    parts = urlsplit(host if "://" in host else f"http://{host}")
    try:
        port = parts.port or DEFAULT_PORT
    except ValueError:
        return ""
    name = parts.hostname or ""
    return f"127.0.0.1:{port}" if name in ("", "0.0.0.0", "::", "localhost") else f"{name}:{port}"  # noqa: S104


def _host_and_port(url: str) -> str:
    return _told(urlsplit(url).netloc.rpartition("@")[2])


def _proxy(url: str, around: Surroundings, *, is_local: bool) -> Check | None:
    """What the proxy variables do to requests to Ollama; None where they are not set."""
    names = proxies(around.environment)
    if not names:
        return None
    if is_local:
        return Check("proxy", "ok", message("doctor.proxy_passed", variables=", ".join(names)))
    socks = has_socks(around.environment)
    if socks is not None:
        return Check(
            "proxy", "fail", message("doctor.proxy_socks", variable=socks), message("doctor.proxy_socks_remedy")
        )
    caught = proxy_for(url, around.environment)
    if caught is None:
        return Check("proxy", "ok", message("doctor.proxy_excepted", variables=", ".join(names)))
    host = urlsplit(url).hostname or ""
    given = around.environment.get("NO_PROXY") or around.environment.get("no_proxy")
    command = around.set_variable("NO_PROXY", f"{given},{host}" if given else host)
    return Check(
        "proxy",
        "warn",
        message("doctor.proxy_caught", variable=caught, host=host),
        message("doctor.set", command=command),
    )
