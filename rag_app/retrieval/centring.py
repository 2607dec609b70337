"""What a question's language adds to its vector, and how far to take it out.

Multilingual models put a language's texts in a corner of their own, so a Chinese question is near Chinese passages
whatever they say. The mean of many questions of a language is what they have in common (Libovický, Rosa & Fraser
2020, arXiv:2004.05160); taking a third of it out of the question's vector gives most of what there is to gain across
languages and costs next to nothing within one. ``LOG.md`` has the figures.
"""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from ingest.messages import Language

from ..protocols import Embedder
from .language import language_of

_SHARE = 0.35

QUESTIONS: dict[Language, tuple[str, ...]] = {
    "en": (
        "When was the bridge completed?",
        "Who founded the company?",
        "How much did the project cost?",
        "Where is the head office?",
        "What is the main cause of the disease?",
        "Why did the army retreat?",
        "How many people live in the city?",
        "Which river flows through the valley?",
        "What did the committee decide about the budget?",
        "How does the immune system recognize a virus?",
        "What is the boiling point of the liquid?",
        "In which year did the singer release the first album?",
        "Who won the championship?",
        "What language is spoken in the region?",
        "How long does the contract last?",
        "What happens if the payment is late?",
    ),
    "zh": (
        "这座桥是什么时候建成的？",
        "这家公司是谁创立的？",
        "这个项目花了多少钱？",
        "总部在哪里？",
        "这种疾病的主要原因是什么？",
        "军队为什么撤退？",
        "这座城市有多少人口？",
        "哪条河流经这个山谷？",
        "委员会对预算作出了什么决定？",
        "免疫系统如何识别病毒？",
        "这种液体的沸点是多少？",
        "这位歌手在哪一年发行了第一张专辑？",
        "谁赢得了冠军？",
        "这个地区使用什么语言？",
        "合同的有效期有多长？",
        "如果逾期付款会怎么样？",
    ),
}
"""The same questions in both languages, of no particular subject."""


class Centring:
    """The question vectors of embedding models; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._means: dict[tuple[str, Language], npt.NDArray[np.float32]] = {}

    def vector(self, embedder: Embedder, question: str) -> npt.NDArray[np.float32]:
        """Unit vector of a question without a third of what its language adds, shape (dimension,)."""
        mean = self._mean(embedder, language_of(question))
        moved = embedder.embed_query(question) - np.float32(_SHARE) * mean
        unit: npt.NDArray[np.float32] = (moved / max(float(np.linalg.norm(moved)), 1e-12)).astype(np.float32)
        return unit

    def _mean(self, embedder: Embedder, language: Language) -> npt.NDArray[np.float32]:
        key = embedder.info.revision, language
        with self._lock:
            if key not in self._means:
                vectors = np.stack([embedder.embed_query(text) for text in QUESTIONS[language]])
                mean: npt.NDArray[np.float32] = np.asarray(np.mean(vectors, axis=0), np.float32)
                self._means[key] = mean
            return self._means[key]
