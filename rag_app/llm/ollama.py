"""LLaMA 3 through Ollama; the only ollama and httpx imports.

A prompt longer than the context is cut in silence by default, with a normal answer. So ``truncate: false`` goes with
every request, and a 400 for length means fewer passages, never a cut one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..chat.prompt import messages
from ..errors import ModelError, ModelNotInstalled, OllamaUnreachable
from ..protocols import ModelPiece
from ..retrieval.language import language_of
from ..types import Passage, Turn

if TYPE_CHECKING:
    import ollama

_CONNECT_SECONDS = 3.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class OllamaStatus:
    """What the server says.

    Attributes:
        models: names of the installed models that can chat, as Ollama lists them.
    """

    version: str
    models: tuple[str, ...]

    def has(self, model: str) -> bool:
        """True when ``model`` is installed; no tag means ``:latest``, letter case does not matter."""
        wanted = model.lower() if ":" in model else f"{model.lower()}:latest"
        return wanted in (name.lower() for name in self.models)


def status(url: str) -> OllamaStatus:
    """Ask the server; returns within seconds.

    Raises:
        OllamaUnreachable, ModelError.
    """
    with _client(url, read_seconds=_CONNECT_SECONDS) as client, _errors(url, ""):
        listed = client._request_raw("GET", "/api/tags").json()
        version = client._request_raw("GET", "/api/version").json()
        names = [
            str(model["name"])
            for model in listed.get("models") or []
            if "completion" in model.get("capabilities", ["completion"])
        ]
        return OllamaStatus(str(version.get("version", "?")), tuple(names))


class OllamaModel:
    """A model on an Ollama server.

    Args:
        context_tokens: ``num_ctx``, the same for every question so that the model is not loaded anew.
        answer_tokens: most tokens of an answer.
    """

    def __init__(self, url: str, model: str, context_tokens: int, answer_tokens: int) -> None:
        self.name = model
        self.context_tokens = context_tokens
        self._url = url
        self._answer_tokens = answer_tokens

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        """The answer as it is written. Older turns are dropped first when the prompt is too long, then passages.

        Raises:
            OllamaUnreachable, ModelNotInstalled, ModelError.
        """
        with _client(self._url, read_seconds=None) as client:  # a model that loads sends nothing for minutes
            yield from self._fitting(client, question, passages, history)

    def complete(self, prompt: str, schema: dict[str, object] | None = None) -> str:
        """The whole answer to a prompt, without passages or history.

        Args:
            schema: JSON schema that the answer must fit (Ollama's structured outputs).

        Raises:
            OllamaUnreachable, ModelNotInstalled, ModelError.
        """
        with _client(self._url, read_seconds=None) as client:
            try:
                pieces = self._pieces(client, [{"role": "user", "content": prompt}], schema)
                return "".join(piece.text for piece in pieces)
            except _PromptTooLong as error:
                raise ModelError(
                    "ollama.context_too_small", model=self.name, context=self.context_tokens, prompt=error.tokens
                ) from error

    def _fitting(
        self, client: ollama.Client, question: str, passages: Sequence[Passage], history: Sequence[Turn]
    ) -> Iterator[ModelPiece]:
        given, turns = list(passages), list(history)
        while True:
            prompt = messages(question, given, turns, language_of(question))
            try:
                for piece in self._pieces(client, prompt):
                    yield replace(piece, passages=len(given))
            except _PromptTooLong as error:
                if turns:
                    turns = turns[2:]
                elif len(given) > 1:
                    given = given[: max(1, len(given) * 2 // 3)]
                else:
                    raise ModelError(
                        "ollama.context_too_small", model=self.name, context=self.context_tokens, prompt=error.tokens
                    ) from error
            else:
                return

    def _pieces(
        self, client: ollama.Client, prompt: list[dict[str, str]], schema: dict[str, object] | None = None
    ) -> Iterator[ModelPiece]:
        import ollama

        request = {
            "model": self.name,
            "messages": prompt,
            "stream": True,
            "truncate": False,  # the official client has no parameter for it
            "options": {"num_ctx": self.context_tokens, "num_predict": self._answer_tokens, "temperature": 0.2},
        }
        if schema is not None:
            request["format"] = schema
        finished = False
        with _errors(self._url, self.name):
            for part in client._request(ollama.ChatResponse, "POST", "/api/chat", json=request, stream=True):
                finished = bool(part.done)
                if finished:
                    complete = part.done_reason != "length"
                    yield ModelPiece(part.message.content or "", True, part.prompt_eval_count, complete)
                elif part.message.content:
                    yield ModelPiece(part.message.content)
        if not finished:  # Ollama's guard against endless repetition ends the stream without a last record
            yield ModelPiece("", done=True, complete=False)


class _PromptTooLong(Exception):
    def __init__(self, tokens: int) -> None:
        super().__init__(tokens)
        self.tokens = tokens


def _client(url: str, read_seconds: float | None) -> ollama.Client:
    import httpx
    import ollama

    local = urlsplit(url).hostname in _LOOPBACK
    timeout = httpx.Timeout(read_seconds, connect=_CONNECT_SECONDS)
    return ollama.Client(url, timeout=timeout, trust_env=not local)  # a proxy must never catch this machine's own


@contextmanager
def _errors(url: str, model: str) -> Iterator[None]:
    """Ollama's and httpx's exceptions to ours, each with the next step."""
    import httpx
    import ollama

    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, ConnectionError) as error:
        raise OllamaUnreachable("ollama.unreachable", url=url) from error
    except httpx.TransportError as error:
        raise ModelError("ollama.broke_off", url=url, cause=type(error).__name__) from error
    except ollama.ResponseError as error:
        raise _response_error(error, url, model) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # no JSON, or not Ollama's
        raise ModelError("ollama.not_ollama", url=url, cause=type(error).__name__) from error


def _response_error(error: ollama.ResponseError, url: str, model: str) -> Exception:
    text = str(error.error)
    details = _details(text)
    if details.get("type") == "exceed_context_size_error":
        return _PromptTooLong(int(details.get("n_prompt_tokens", 0)))
    match error.status_code:
        case 404 if model:
            return ModelNotInstalled("ollama.no_model", model=model)
        case 403:
            return ModelError("ollama.forbidden", url=url)
        case 503:
            return ModelError("ollama.busy", url=url)
        case _:
            return ModelError("ollama.failed", model=model or url, cause=text[:300])


def _details(text: str) -> dict[str, Any]:
    """llama.cpp's error object, which Ollama passes on as a string."""
    import json

    try:
        inner = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return inner if isinstance(inner, dict) else {}
