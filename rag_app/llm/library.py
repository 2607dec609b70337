"""The models of the Ollama server as a person manages them: what is there and fits, fetched, chosen, removed."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.messages import Message, message
from ingest.values import Value

from ..errors import ModelNotInstalled, NotSupported
from ..settings import Settings, is_local_to_folder, variable_in_force
from ..settings_file import store
from .context_size import STEPS, memory_needed
from .hardware import look
from .llama_models import find as find_llama
from .ollama_server import InstalledModel, LoadedModel, OllamaServer, OllamaStatus, tagged
from .placing import GIB, most_memory
from .pulling import Pull
from .select import provider_of

if TYPE_CHECKING:
    from .hardware import Machine

_DISK_BYTES = 1 << 30  # stays free


@dataclass(frozen=True, slots=True, repr=False)
class ModelEntry(Value):
    """A model on the Ollama server.

    Attributes:
        name: with its tag. size: bytes on the disk.
        context: tokens it was trained for, None where nobody says.
        chat: it writes answers; an embedding model does not. vision: it takes images.
        chosen: the setting ``model`` means it.
        loaded: memory, share on graphics cards and context of a model in memory; None for others.
        languages: ISO 639-1 codes that its maker supports. licence: its name. Both empty for other than LLaMA 3.
        fits: into this machine's memory with the smallest context; None where Ollama runs on another machine.
    """

    name: str
    size: int
    parameters: str
    quantization: str
    context: int | None
    chat: bool
    vision: bool
    chosen: bool
    loaded: LoadedModel | None
    languages: tuple[str, ...]
    licence: str
    fits: bool | None


@dataclass(frozen=True, slots=True, repr=False)
class ChosenModel(Value):
    """What :meth:`Library.use` did.

    Attributes:
        file: the settings file that now names the model.
        notices: what keeps it from answering, or is good to know.
    """

    name: str
    file: Path
    notices: tuple[Message, ...] = ()


class Library:
    """The models of one server.

    Args:
        settings: say which model is in use.
    """

    def __init__(self, server: OllamaServer, settings: Settings) -> None:
        self._server = server
        self._settings = settings

    def models(self) -> list[ModelEntry]:
        """The installed models, by name.

        Raises:
            OllamaUnreachable, ModelError.
        """
        status = self._server.installed()
        loaded = {tagged(one.name): one for one in self._server.loaded()}
        chosen = status.find(self._settings.model)
        machine = look() if self._server.is_local and status.installed else None
        return sorted(
            (_entry(one, loaded.get(tagged(one.name)), one is chosen, machine) for one in status.installed),
            key=lambda entry: entry.name.split(":"),
        )

    def get(self, name: str) -> ModelEntry:
        """One of them.

        Raises:
            ModelNotInstalled, OllamaUnreachable, ModelError.
        """
        found = self._find(self._server.installed(), name)
        return next(one for one in self.models() if one.name == found.name)

    def before_pull(self, name: str) -> tuple[Message, ...]:
        """What to know before fetching a model of the LLaMA 3 family: too large for the memory, or for the disk."""
        model = find_llama(name)
        if model is None or not self._server.is_local:
            return ()
        return tuple(_doubts(model.name, model.memory(STEPS[0]), model.download, look()))

    def pull(self, name: str) -> Pull:
        """Fetch a model; see :class:`.pulling.Pull`. What an interrupted download left is not fetched again.

        Raises:
            ModelNotInstalled: there is no such model. OllamaUnreachable, ModelError. All while iterating.
        """
        return Pull(name, self._server.pull(name))

    def use(self, name: str) -> ChosenModel:
        """Answer with this model from now on: it is stored as ``model`` in the ``rag.toml`` in force.

        Raises:
            ModelNotInstalled; NotSupported: it is an embedding model. SettingsError: the file can't be written.
            OllamaUnreachable, ModelError.
        """
        found = self._find(self._server.installed(), name)
        if not found.can_chat:
            raise NotSupported("models.embeds", model=found.name)
        file = store("model", found.name)
        return ChosenModel(found.name, file, tuple(self._notices(found, file)))

    def remove(self, name: str) -> ModelEntry:
        """Delete a model from the server's disk; returns what it was. Parts that another model shares stay.

        Raises:
            ModelNotInstalled, OllamaUnreachable, ModelError.
        """
        gone = self.get(name)
        self._server.remove(gone.name)
        return dataclasses.replace(gone, loaded=None)

    def _find(self, status: OllamaStatus, name: str) -> InstalledModel:
        found = status.find(name)
        if found is None:
            names = ", ".join(one.name for one in status.installed) or "-"
            raise ModelNotInstalled("models.not_installed", model=name, installed=names)
        return found

    def _notices(self, found: InstalledModel, file: Path) -> Iterator[Message]:
        variable = variable_in_force("model")
        if variable is not None and tagged(os.environ[variable]) != tagged(found.name):
            yield message("models.use_variable", variable=variable, value=os.environ[variable])
        if is_local_to_folder(file):
            yield message("models.use_here", file=file)
        provider = provider_of(self._settings)
        if self._settings.answers == "quotes":
            yield message("models.use_quotes")
        elif provider != "ollama":
            yield message("models.use_provider", provider=provider)
        if self._server.is_local:
            machine = look()
            need = _least_memory(found)
            if need > most_memory(machine):
                yield _too_large(found.name, need, machine)


def _entry(model: InstalledModel, loaded: LoadedModel | None, chosen: bool, machine: Machine | None) -> ModelEntry:
    llama = find_llama(model.name)
    return ModelEntry(
        name=model.name,
        size=model.size,
        parameters=model.parameters,
        quantization=model.quantization,
        context=model.context or (llama.context if llama else None),
        chat=model.can_chat,
        vision="vision" in model.capabilities or (llama is not None and llama.vision),
        chosen=chosen,
        loaded=loaded,
        languages=llama.languages if llama else (),
        licence=llama.licence if llama else "",
        fits=_least_memory(model) <= most_memory(machine) if machine else None,
    )


def _least_memory(model: InstalledModel) -> int:
    """Bytes with the smallest context; of a model that is not LLaMA 3, without its cache, which is small there."""
    llama = find_llama(model.name)
    kv_bytes = llama.kv_bytes_per_token if llama else 0.0
    return memory_needed(STEPS[0], model.size, kv_bytes) + (llama.image_bytes if llama else 0)


def _doubts(name: str, memory: int, download: int, machine: Machine) -> Iterator[Message]:
    if memory > most_memory(machine):
        yield _too_large(name, memory, machine)
    if download + _DISK_BYTES > machine.free_disk:
        size, free = f"{download / 1e9:.1f}", f"{machine.free_disk / 1e9:.1f}"
        yield message("models.no_room", model=name, size=size, free=free)


def _too_large(name: str, memory: int, machine: Machine) -> Message:
    need, available = f"{memory / GIB:.1f}", f"{most_memory(machine) / GIB:.1f}"
    return message("models.too_large", model=name, need=need, available=available)
