"""An Ollama server: what is installed and loaded on it, and models fetched and removed."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingest.values import Value

from .background import EventLoop, Running

if TYPE_CHECKING:
    from .ollama_client import Client


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model as Ollama lists it.

    Attributes:
        name: with its tag. size: bytes on the disk. capabilities: empty where an older server does not say.
        context: what it was trained for, None where the server does not say.
    """

    name: str
    size: int
    digest: str
    parameters: str
    quantization: str
    capabilities: tuple[str, ...]
    context: int | None = None

    @property
    def can_chat(self) -> bool:
        """Whether it writes answers; an embedding model does not."""
        return not self.capabilities or "completion" in self.capabilities


@dataclass(frozen=True, slots=True, repr=False)
class LoadedModel(Value):
    """A model in memory.

    Attributes:
        size: bytes of memory, of which ``on_gpu`` on graphics cards. context: ``num_ctx``, None before Ollama 0.11.
    """

    name: str
    size: int
    on_gpu: int
    context: int | None


@dataclass(frozen=True, slots=True)
class OllamaStatus:
    """What the server says of itself."""

    version: str
    installed: tuple[InstalledModel, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the installed models that can chat."""
        return tuple(model.name for model in self.installed if model.can_chat)

    def find(self, model: str) -> InstalledModel | None:
        """The installed model of that name: no tag means ``:latest``, letter case does not matter."""
        wanted = tagged(model)
        return next((one for one in self.installed if one.name.lower() == wanted), None)

    def has(self, model: str) -> bool:
        """True when ``model`` is installed and can chat."""
        found = self.find(model)
        return found is not None and found.can_chat


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far the download of a model is.

    Attributes:
        status: in Ollama's words. done, total: bytes of all parts seen so far; 0 before the first.
    """

    status: str
    done: int = 0
    total: int = 0
    finished: bool = False


class OllamaServer:
    """Requests to one address, from any thread.

    Args:
        loop: runs them; closed by whoever made it.
    """

    def __init__(self, url: str, loop: EventLoop) -> None:
        self.url = url
        self.loop = loop
        self._lock = threading.Lock()
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """The client, made at its first use."""
        with self._lock:
            if self._client is None:
                from .ollama_client import Client

                self._client = Client(self.url)
            return self._client

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        from .ollama_client import is_this_machine

        return is_this_machine(self.url)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            self.loop.run(client.aclose())

    def status(self) -> OllamaStatus:
        """Version and installed models.

        Raises:
            OllamaUnreachable, ModelError.
        """
        found = self.installed()
        version = self.loop.run(self.client.ask("GET", "/api/version"))
        return OllamaStatus(str(version.get("version", "?")), found.installed)

    def installed(self) -> OllamaStatus:
        """As :meth:`status`, without its version: one request.

        Raises:
            OllamaUnreachable, ModelError.
        """
        return self.loop.run(installed(self.client))

    def loaded(self) -> tuple[LoadedModel, ...]:
        """What is in memory.

        Raises:
            OllamaUnreachable, ModelError.
        """
        return self.loop.run(loaded(self.client))

    def show(self, model: str, *, verbose: bool = False) -> dict[str, Any]:
        """What Ollama knows of a model: ``model_info``, ``details``, ``capabilities``, ``template``, ….

        Args:
            verbose: with its vocabulary, some megabytes.

        Raises:
            ModelNotInstalled, OllamaUnreachable, ModelError.
        """
        return self.loop.run(shown(self.client, model, verbose=verbose))

    def pull(self, model: str) -> Running[PullProgress]:
        """Fetch a model; what is there of an interrupted download is not fetched again. Cancelling keeps it too.

        Raises:
            ModelNotInstalled: there is no such model. OllamaUnreachable, ModelError. All while iterating.
        """
        return self.loop.iterate(lambda: _pulled(self.client, model))

    def remove(self, model: str) -> None:
        """Delete a model from the server's disk.

        Raises:
            ModelNotInstalled, OllamaUnreachable, ModelError.
        """
        self.loop.run(self.client.ask("DELETE", "/api/delete", {"model": model}, model=model, light=False))


async def installed(client: Client) -> OllamaStatus:
    """What is on the server's disk.

    Raises:
        OllamaUnreachable, ModelError.
    """
    with client.errors():
        return OllamaStatus("", _installed(await client.ask("GET", "/api/tags")))


async def shown(client: Client, model: str, *, verbose: bool = False) -> dict[str, Any]:
    """As :meth:`OllamaServer.show`.

    Raises:
        ModelNotInstalled, OllamaUnreachable, ModelError.
    """
    body = {"model": model, **({"verbose": True} if verbose else {})}
    with client.errors(model):
        found = await client.ask("POST", "/api/show", body, model=model)
        for name, kind in (("model_info", dict), ("details", dict), ("capabilities", list)):
            if not isinstance(found.get(name) or kind(), kind):
                raise TypeError(name)
        return found


async def loaded(client: Client) -> tuple[LoadedModel, ...]:
    """What is in memory.

    Raises:
        OllamaUnreachable, ModelError.
    """
    with client.errors():
        found = await client.ask("GET", "/api/ps")
        return tuple(
            LoadedModel(
                str(entry.get("name") or entry.get("model")),
                int(entry.get("size") or 0),
                int(entry.get("size_vram") or 0),
                int(entry.get("context_length") or 0) or None,
            )
            for entry in _entries(found)
        )


async def _pulled(client: Client, model: str) -> AsyncGenerator[PullProgress, None]:
    parts: dict[str, tuple[int, int]] = {}
    async for record in client.lines("/api/pull", {"model": model, "stream": True}, model=model):
        status = str(record.get("status", ""))
        if record.get("digest"):
            parts[str(record["digest"])] = int(record.get("completed") or 0), int(record.get("total") or 0)
        done, total = (sum(numbers) for numbers in zip(*parts.values(), strict=True)) if parts else (0, 0)
        yield PullProgress(status, done, total, finished=status == "success")


def _installed(listed: dict[str, Any]) -> tuple[InstalledModel, ...]:
    models = []
    for entry in _entries(listed):
        details = entry.get("details") or {}
        models.append(
            InstalledModel(
                name=str(entry.get("name") or entry.get("model")),
                size=int(entry.get("size") or 0),
                digest=str(entry.get("digest") or ""),
                parameters=str(details.get("parameter_size") or ""),
                quantization=str(details.get("quantization_level") or ""),
                capabilities=tuple(entry.get("capabilities") or ()),
                context=details.get("context_length") or None,
            )
        )
    return tuple(models)


def _entries(answer: dict[str, Any]) -> list[dict[str, Any]]:
    models = answer.get("models") or []
    return [entry for entry in models if isinstance(entry, dict) and (entry.get("name") or entry.get("model"))]


def tagged(model: str) -> str:
    """A model's name as two spellings of it have in common."""
    name = model.lower()
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
