"""All findings, in the order of what needs what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from urllib.parse import urlsplit

from ingest.messages import Message, message

from ..llm.hardware import Machine, look
from ..llm.select import provider_of
from ..settings import Settings
from ..types import Check
from .house import examine_house, examine_port
from .other_models import examine_gguf, examine_openai
from .server import examine_ollama
from .surroundings import Surroundings, look_around


def examine(
    settings: Settings, around: Surroundings | None = None, machine: Callable[[], Machine] = look
) -> list[Check]:
    """What is right and wrong, each with the one command that mends it; no finding holds a password or key.

    It takes seconds, also where nothing answers: every request has a limit of time.

    Args:
        around: where this program runs; looked up unless given. machine: what it runs on, asked when it matters.
    """
    found = [*examine_house(settings), *_answering(settings, around or look_around(), cache(machine))]
    found.append(examine_port(settings))
    secrets = [secret for url in (settings.ollama_url, settings.openai_url) if (secret := _secret(url))]
    return [_without(check, secrets) for check in found]


def _answering(settings: Settings, around: Surroundings, machine: Callable[[], Machine]) -> Iterator[Check]:
    provider = provider_of(settings)
    if provider == "openai" or settings.openai_url:
        yield from examine_openai(settings)
    if provider == "gguf" or settings.gguf_path:
        yield from examine_gguf(settings, machine)
    if provider == "ollama":
        yield from examine_ollama(settings, around, machine)


def _secret(url: str) -> str:
    """Name and password in an address, with the @ after them."""
    who, at, _ = urlsplit(url).netloc.rpartition("@")
    return who + at


def _without(check: Check, secrets: list[str]) -> Check:
    remedy = _cleared(check.remedy, secrets) if check.remedy is not None else None
    return Check(check.name, check.status, _cleared(check.finding, secrets), remedy)


def _cleared(text: Message, secrets: list[str]) -> Message:
    values: dict[str, object] = {}
    for name, value in text.values:
        if isinstance(value, Message):
            value = _cleared(value, secrets)
        for secret in secrets:
            value = value.replace(secret, "") if isinstance(value, str) else value
        values[name] = value
    return message(text.key, **values)
