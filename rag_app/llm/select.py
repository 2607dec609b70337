"""Which model answers: the one that was set up, if it is there, else quotes and a word on how to get LLaMA 3."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ingest.messages import Message, message

from ..chat.prompts import Prompt, load
from ..chat.writing import ModelWriter
from ..errors import ModelError, ModelNotInstalled, NotSupported, OllamaUnreachable, SettingsError
from ..protocols import AnswerWriter, ChatModel, Embedder
from ..settings import Settings
from .background import EventLoop
from .ollama import OllamaModel, OllamaOptions
from .ollama_server import OllamaServer, OllamaStatus
from .quotes import QuotesModel

Provider = Literal["ollama", "gguf", "openai"]


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who writes the answer, and what the user should know about the choice."""

    writer: AnswerWriter
    notice: Message | None = None


class Models:
    """The language models of one app, each opened at its first use; safe to share between threads.

    Args:
        given: the model that answers in place of the one that the settings name; whoever gave it closes it.
    """

    def __init__(self, settings: Settings, given: ChatModel | None = None) -> None:
        self._settings = settings
        self._given = given
        self._lock = threading.RLock()
        self._loop = EventLoop()
        self._opened: dict[tuple[Provider, str], ChatModel] = {}
        self._server: OllamaServer | None = None

    def close(self) -> None:
        """Stop what is under way, end worker processes, close connections."""
        with self._lock:
            for model in self._opened.values():
                model.close()
            self._opened.clear()
            if self._server is not None:
                self._server.close()
            self._server = None
            self._loop.close()

    @property
    def server(self) -> OllamaServer:
        """The Ollama server that the settings name."""
        with self._lock:
            if self._server is None:
                self._server = OllamaServer(self._settings.ollama_url, self._loop)
            return self._server

    @property
    def provider(self) -> Provider:
        """Who runs the model, see :func:`provider_of`."""
        return provider_of(self._settings)

    def use(self, model: str) -> None:
        """Answer with another model of Ollama from the next question on."""
        with self._lock:
            self._settings = self._settings.model_copy(update={"model": model})

    def preload(self) -> None:
        """Bring the model in force into memory, in the background; what fails shows when it is asked."""
        if self._settings.answers != "quotes":
            threading.Thread(target=self._preload, name="rag-app preload", daemon=True).start()

    def _preload(self) -> None:
        with suppress(ModelError, SettingsError, CancelledError):  # cancelled when the app closes
            if self._given or self.provider != "ollama" or self.server.installed().has(self._settings.model):
                self.chat_model().preload()

    def chat_model(self) -> ChatModel:
        """The model in force; that it is there is known only once it is asked.

        Raises:
            SettingsError, ModelError: the settings do not say enough.
        """
        if self._given is not None:
            return self._given
        settings = self._settings
        names = {"gguf": settings.gguf_path, "openai": settings.openai_model, "ollama": settings.model}
        return self._open(self.provider, names[self.provider])

    def vision_model(self) -> ChatModel:
        """The model that images go to: the one in force if it sees, else one of Ollama's that does.

        Raises:
            NotSupported: none does. ModelError.
        """
        if self._given is None and self.provider == "ollama":
            wanted = self._settings.vision_model
            seeing = tuple(one for one in self.server.installed().installed if "vision" in one.capabilities)
            for name in [wanted] if wanted else [self._settings.model, *(one.name for one in seeing)]:
                found = OllamaStatus("", seeing).find(name)
                if found is not None:
                    return self._open("ollama", found.name)
            raise NotSupported("ollama.no_vision_model", model=wanted or self._settings.model)
        model = self.chat_model()
        if not model.describe().vision:
            raise NotSupported("ollama.no_images", model=model.name)
        return model

    def sees_images(self) -> bool:
        """Whether there is such a model."""
        if self._settings.answers == "quotes":
            return False
        try:
            return self.vision_model() is not None
        except (ModelError, SettingsError):
            return False

    def answerer(self, embedder: Embedder, images: Sequence[bytes] = ()) -> Answerer:
        """Who answers right now.

        Raises:
            ModelError: the model was asked for by name, or an image was, and it can't be had.
        """
        settings = self._settings
        if images:
            return Answerer(self._writer(self.vision_model(), images))
        if settings.answers == "quotes":
            return Answerer(QuotesModel(embedder))
        try:
            model = self.chat_model()
            if self._given is not None or self.provider != "ollama":
                model.describe()
            elif not self.server.installed().has(settings.model):
                raise ModelNotInstalled("ollama.no_model", model=settings.model)
        except ModelError as error:
            if self._given is not None or settings.answers != "auto":
                raise
            return Answerer(QuotesModel(embedder), self._how_to_get(error))
        return Answerer(self._writer(model))

    def prompt(self, name: str) -> Prompt:
        """A prompt, the user's own where there is one.

        Raises:
            SettingsError: that can't be used.
        """
        folder = self._settings.prompts
        return load(name, Path(folder).expanduser() if folder else None)

    def _writer(self, model: ChatModel, images: Sequence[bytes] = ()) -> ModelWriter:
        settings = self._settings
        open_mode = settings.mode == "open"
        return ModelWriter(model, self.prompt("answer"), settings.answer_tokens, images, open_mode=open_mode)

    def _open(self, provider: Provider, name: str) -> ChatModel:
        with self._lock:
            model = self._opened.get((provider, name))
            if model is None:
                model = self._opened[provider, name] = self._made(provider, name)
            return model

    def _made(self, provider: Provider, name: str) -> ChatModel:
        settings = self._settings
        if provider == "gguf":
            from .gguf import GgufModel

            return GgufModel(self._loop, Path(name).expanduser(), settings.context_tokens)
        if provider == "openai":
            from .openai_compatible import OpenAiModel

            key = settings.openai_api_key.get_secret_value()
            return OpenAiModel(self._loop, settings.openai_url, name, key, settings.context_tokens)
        cache = settings.model_dir / "vocabularies"
        options = OllamaOptions(settings.context_tokens, settings.keep_alive, settings.thinking, cache)
        return OllamaModel(self.server, name, options)

    def _how_to_get(self, error: ModelError) -> Message:
        if isinstance(error, OllamaUnreachable):
            return message("notice.no_ollama", model=self._settings.model, url=self._settings.ollama_url)
        if isinstance(error, ModelNotInstalled) and self.provider == "ollama":
            return message("notice.no_model", model=self._settings.model)
        return error.message


def provider_of(settings: Settings) -> Provider:
    """Who runs the model: what was asked for, else what was set up in so many words, else Ollama."""
    chosen = settings.answers
    if chosen in ("gguf", "openai", "ollama"):
        return chosen
    if settings.openai_url:
        return "openai"
    return "gguf" if settings.gguf_path else "ollama"
