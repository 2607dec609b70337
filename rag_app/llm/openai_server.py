"""What an OpenAI-compatible server tells about its model, and how it counts a prompt; each kind has its own paths.

llama.cpp: ``/v1/models`` (``meta``), ``/props``, ``/apply-template`` and ``/tokenize``. vLLM: ``max_model_len`` in
``/v1/models``, and ``/tokenize``. LM Studio: ``/api/v0/models``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from ..errors import ModelError, ModelNotInstalled
from .openai_client import OpenAiClient
from .openai_errors import NoSuchPath

Kind = Literal["llama.cpp", "vllm", "lmstudio", "openai", "unknown"]


@dataclass(frozen=True, slots=True)
class Served:
    """A model on such a server.

    Attributes:
        context: tokens of prompt and answer together, None where the server does not tell.
        loaded: False when the server loads it at the first question. slots: requests it answers at a time.
    """

    kind: Kind
    model: str
    context: int | None = None
    trained: int | None = None
    parameters: str = ""
    quantization: str = ""
    size: int | None = None
    vision: bool = False
    thinking: bool = False
    loaded: bool = True
    slots: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it can count a prompt."""
        return self.kind in ("llama.cpp", "vllm")

    @property
    def refuses(self) -> bool:
        """Whether a prompt that is too long is known to be refused; others cut it, some of them in silence."""
        return self.kind in ("llama.cpp", "vllm", "openai")


async def served(client: OpenAiClient, model: str) -> Served:
    """What the server says of ``model``; empty for the only one it has.

    Raises:
        ModelError: it can't be reached or does not let us in. ModelNotInstalled: none was named, and it has several.
    """
    try:
        listed = _list((await client.ask("GET", "/v1/models")).get("data"))
    except NoSuchPath:
        if not model:
            raise
        listed = []  # some gateways have the chat alone
    model = model or _only(listed, client.url)
    entry = next((one for one in listed if one.get("id") == model), {})
    owner = entry.get("owned_by")
    if owner == "llamacpp" or any(one.get("owned_by") == "llamacpp" for one in listed):  # it takes any name
        return await _llama_cpp(client, model, entry or listed[0])
    if owner == "vllm" or "max_model_len" in entry:
        return Served("vllm", model, context=_number(entry.get("max_model_len")))
    if (urlsplit(client.url).hostname or "").endswith("api.openai.com"):
        return Served("openai", model, vision=True)
    return await _lm_studio(client, model) or Served("unknown", model)


async def count(client: OpenAiClient, server: Served, messages: Sequence[Mapping[str, Any]]) -> int:
    """Tokens of a prompt without images, template included, as the model's server counts them.

    Raises:
        ModelError. NoSuchPath: it does not count, or a gateway stands before it.
    """
    if server.kind == "vllm":
        request = {"model": server.model, "messages": messages, "add_generation_prompt": True}
        tokens = (await client.ask("POST", "/tokenize", request, server.model)).get("count")
    else:
        made = await client.ask("POST", "/apply-template", {"messages": messages}, server.model)
        text = {"content": made.get("prompt"), "add_special": True, "parse_special": True}
        found = (await client.ask("POST", "/tokenize", text, server.model)).get("tokens")
        tokens = len(found) if isinstance(found, list) else None
    if not isinstance(tokens, int):
        raise NoSuchPath("openai.wrong_address", url=client.url, cause="/tokenize")
    return tokens


async def _llama_cpp(client: OpenAiClient, model: str, entry: Mapping[str, Any]) -> Served:
    props = await client.ask("GET", "/props")
    meta = _mapping(entry.get("meta"))
    parameters = _number(meta.get("n_params"))
    return Served(
        "llama.cpp",
        model,
        context=_number(_mapping(props.get("default_generation_settings")).get("n_ctx")),
        trained=_number(meta.get("n_ctx_train")),
        parameters=f"{parameters / 1e9:.1f}B" if parameters else "",
        quantization=str(props.get("model_ftype") or ""),
        size=_number(meta.get("size")),
        vision=_mapping(props.get("modalities")).get("vision") is True,
        thinking="<think>" in str(props.get("chat_template")),
        slots=_number(props.get("total_slots")),
    )


async def _lm_studio(client: OpenAiClient, model: str) -> Served | None:
    try:
        listed = _list((await client.ask("GET", "/api/v0/models")).get("data"))
    except ModelError:
        return None  # another server; what is wrong with it the chat will say
    entry = next((one for one in listed if one.get("id") == model), None)
    if entry is None:
        return None
    loaded = entry.get("state") == "loaded"
    return Served(
        "lmstudio",
        model,
        # of a model that is not loaded only the most is known, not what it will be loaded with
        context=_number(entry.get("loaded_context_length")) if loaded else None,
        trained=_number(entry.get("max_context_length")),
        quantization=str(entry.get("quantization") or ""),
        vision=entry.get("type") == "vlm",
        loaded=loaded,
    )


def _only(listed: Sequence[Mapping[str, Any]], url: str) -> str:
    names = [str(one.get("id")) for one in listed]
    if len(names) != 1:
        raise ModelNotInstalled("openai.which_model", url=url, models=", ".join(names[:20]) or "-")
    return names[0]


def _list(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
