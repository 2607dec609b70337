"""Any sentence-transformers CrossEncoder that tells entailment, neutral and contradiction apart, to judge claims."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ingest.messages import Message, message

from ..errors import EmbedderError
from ..settings import Settings
from .cross_encoder import load

_LABELS = 3
_USUAL = ("contradiction", "entailment", "neutral")  # the order of sentence-transformers' own models


class NliModel:
    """Implements :class:`rag_app.chat.grounding.Entailment`.

    Args:
        source: a folder, or a name on the model hub.

    Raises:
        EmbedderError: it can't be loaded, or does not have three labels.
    """

    def __init__(self, source: str) -> None:
        self._model = load(source, "embedder.cannot_load_nli")
        if self._model.num_labels != _LABELS:
            raise EmbedderError("embedder.no_nli", name=source, labels=self._model.num_labels)
        named = self._model.config.id2label if self._model.config is not None else None
        self._entails, self._contradicts = _places({int(at): str(name) for at, name in (named or {}).items()})

    def judge(self, texts: Sequence[str], claim: str) -> list[tuple[float, float]]:
        """How likely each text entails the claim, and contradicts it."""
        pairs = [(text, claim) for text in texts]
        found = np.asarray(self._model.predict(pairs, apply_softmax=True, show_progress_bar=False))
        return [(float(row[self._entails]), float(row[self._contradicts])) for row in found.reshape(-1, _LABELS)]


def _places(names: dict[int, str]) -> tuple[int, int]:
    """Which labels mean entailment and contradiction; as usual where the model does not name them."""
    lower = {place: name.lower() for place, name in names.items()}
    entails = next((place for place, name in lower.items() if name.startswith("entail")), None)
    contradicts = next((place for place, name in lower.items() if name.startswith("contra")), None)
    if entails is None or contradicts is None:
        return _USUAL.index("entailment"), _USUAL.index("contradiction")
    return entails, contradicts


def open_entailment(settings: Settings, notify: Callable[[Message], None]) -> NliModel | None:
    """The judge in force; None where the setting is empty.

    Args:
        notify: told before a download.

    Raises:
        EmbedderError: the model can't be had.
    """
    wanted = settings.nli_model
    if not wanted:
        return None
    folder = Path(wanted).expanduser()
    if not folder.is_dir():
        if folder.is_absolute() or wanted.startswith((".", "~")) or "\\" in wanted:
            raise EmbedderError("embedder.no_nli_folder", path=wanted)
        notify(message("embedder.downloading", name=wanted))
    return NliModel(str(folder) if folder.is_dir() else wanted)
