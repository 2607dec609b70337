"""Reranking by the answering model: it grades each passage 0–10 for the question, all in one request.

Listwise grading after Sun et al. 2023 (arXiv:2304.09542), with grades instead of a permutation: a small model that
forgets one passage then forgets only that one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..errors import ModelError
from ..protocols import Completion
from ..retrieval.language import language_of

_CHARACTERS = 600  # of a passage that are shown to the model
_MOST = 10

_PROMPTS = {
    "en": "Question: {question}\n\n{passages}\n\nHow well does each passage help to answer the question? Give every "
    "passage a grade from 0 (not at all) to 10 (it holds the answer).",
    "zh": "问题：{question}\n\n{passages}\n\n每个段落对回答这个问题有多大帮助？"
    "给每个段落打分，0 表示毫无帮助，10 表示包含答案。",
}


class LlmReranker:
    """Grades by a language model."""

    def __init__(self, model: Completion) -> None:
        self.name = model.name
        self._model = model

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """The grade of each text; one that the model forgot keeps its place, behind those that were graded.

        Raises:
            ModelError: the model can't be had, or gave no grades.
        """
        passages = "\n\n".join(f"[{n}] {' '.join(text.split())[:_CHARACTERS]}" for n, text in enumerate(texts, 1))
        prompt = _PROMPTS[language_of(question)].format(question=question, passages=passages)
        written = self._model.complete(prompt, _schema(len(texts)))
        try:
            grades = json.loads(written)
            return [min(_MOST, max(-1.0, float(grades.get(str(n), -1)))) for n in range(1, len(texts) + 1)]
        except (ValueError, TypeError, AttributeError) as error:
            raise ModelError("ollama.no_grades", model=self.name, cause=written[:80]) from error


def _schema(count: int) -> dict[str, object]:
    numbers = [str(n) for n in range(1, count + 1)]
    return {
        "type": "object",
        "properties": {number: {"type": "integer", "minimum": 0, "maximum": _MOST} for number in numbers},
        "required": numbers,
    }
