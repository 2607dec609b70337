"""What a shell completes with Tab: names of knowledge bases, tags, conversations, settings and models.

Where anything goes wrong there is nothing to offer: an error in the middle of a line somebody types helps nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ingest.errors import UserError

from ..app import RagApp
from ..settings import Settings

Offer = list[tuple[str, str]]
"""Each word with what it is."""


def knowledge_bases(incomplete: str) -> Offer:
    """Names of knowledge bases."""
    return _offer(incomplete, lambda app: [(one.name, "") for one in app.knowledge_bases()])


def tags(incomplete: str) -> Offer:
    """Tags of documents in any knowledge base."""
    return _offer(
        incomplete, lambda app: [(tag, "") for kb in app.knowledge_bases() for tag in app.file_counts(kb.name).tags]
    )


def formats(incomplete: str) -> Offer:
    """Formats of the documents that there are."""
    return _offer(
        incomplete, lambda app: [(one, "") for kb in app.knowledge_bases() for one in app.file_counts(kb.name).formats]
    )


def conversations(incomplete: str) -> Offer:
    """Ids of stored conversations, with their titles."""
    return _offer(incomplete, lambda app: [(str(one.id), one.title) for one in app.conversations()])


def settings(incomplete: str) -> Offer:
    """Names of settings."""
    return _starting(incomplete, [(name, "") for name in Settings.model_fields])


def installed_models(incomplete: str) -> Offer:
    """The models that Ollama has."""
    return _offer(incomplete, lambda app: [(one.name, one.parameters) for one in app.models()])


def known_models(incomplete: str) -> Offer:
    """The LLaMA 3 family, as Ollama's library names it."""
    from ..llm.llama_models import family

    found = [(one.name, f"{one.download / 1e9:.1f} GB") for one in family()]
    return _starting(incomplete, [("llama3", ""), *found])


FILTERS: dict[str, Callable[[str], Offer]] = {"tag": tags, "type": formats}
"""Of the options that narrow where to search."""


def _offer(incomplete: str, names: Callable[[RagApp], Offer]) -> Offer:
    with _opened() as app:
        try:
            return _starting(incomplete, names(app)) if app is not None else []
        except UserError:
            return []


@contextmanager
def _opened() -> Iterator[RagApp | None]:
    """The app; None where its data folder is not there yet, or can't be opened."""
    try:
        settings = Settings.load()
        app = RagApp.open(settings) if settings.data_dir.is_dir() else None
    except UserError:
        app = None
    try:
        yield app
    finally:
        if app is not None:
            app.close()


def _starting(incomplete: str, offered: Offer) -> Offer:
    return list(dict.fromkeys((word, help) for word, help in offered if word.startswith(incomplete)))
