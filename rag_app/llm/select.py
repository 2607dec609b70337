"""Who answers: Ollama if it has the model, else verbatim quotes with a word on how to get LLaMA 3."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.messages import Message, message

from ..errors import ModelError, ModelNotInstalled, OllamaUnreachable
from ..protocols import ChatModel, Embedder
from ..settings import Settings
from .ollama import OllamaModel, status
from .quotes import QuotesModel


@dataclass(frozen=True, slots=True)
class Answerer:
    """The model in force, and what the user should know about the choice."""

    model: ChatModel
    notice: Message | None = None
    context_tokens: int | None = None


def choose_answerer(settings: Settings, embedder: Embedder) -> Answerer:
    """The model that ``settings.answers`` means right now.

    Raises:
        OllamaUnreachable, ModelNotInstalled: only when Ollama was asked for by name.
    """
    if settings.answers == "quotes":
        return Answerer(QuotesModel(embedder))
    try:
        server = status(settings.ollama_url)
        if not server.has(settings.model):
            raise ModelNotInstalled("ollama.no_model", model=settings.model)
    except ModelError as error:
        if settings.answers == "ollama":
            raise
        return Answerer(QuotesModel(embedder), _how_to_get(settings, error))
    model = OllamaModel(settings.ollama_url, settings.model, settings.context_tokens, settings.answer_tokens)
    return Answerer(model, context_tokens=settings.context_tokens)


def _how_to_get(settings: Settings, error: ModelError) -> Message:
    if isinstance(error, OllamaUnreachable):
        return message("notice.no_ollama", model=settings.model, url=settings.ollama_url)
    if isinstance(error, ModelNotInstalled):
        return message("notice.no_model", model=settings.model)
    return error.message
