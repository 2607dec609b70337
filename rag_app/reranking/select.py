"""Which reranker the settings mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ingest.messages import Message, message

from ..embedding.select import folder_digest, safe_name
from ..errors import EmbedderError
from ..llm.completing import ModelCompletion
from ..protocols import ChatModel, Reranker
from ..settings import Settings

LLM = "llm"
_RECIPE = 1  # raised when an export of the same model gives other scores


def open_reranker(
    settings: Settings, notify: Callable[[Message], None], chat_model: Callable[[], ChatModel]
) -> Reranker | None:
    """The reranker in force, prepared if this is its first use; None where the setting is empty.

    Args:
        notify: told before something that takes a while: preparing, or a download.
        chat_model: the model in force, which reranks where the setting says so.

    Raises:
        EmbedderError: the model can't be had.
    """
    wanted = settings.reranker
    if not wanted:
        return None
    if wanted == LLM:
        from .llm import LlmReranker

        return LlmReranker(ModelCompletion(chat_model(), settings.answer_tokens))
    from .cross_encoder import prepare

    folder = Path(wanted).expanduser()
    local = folder.is_dir()
    if not local and (folder.is_absolute() or wanted.startswith((".", "~")) or "\\" in wanted):
        raise EmbedderError("embedder.no_reranker_folder", path=wanted)
    name = f"{safe_name(folder.name)}-{folder_digest(folder)}" if local else safe_name(wanted)
    target = settings.model_dir / f"reranker-{name}-{_RECIPE}"
    if not target.is_dir():
        notify(message("embedder.preparing" if local else "embedder.downloading", name=wanted))
    return prepare(str(folder) if local else wanted, wanted, target)
