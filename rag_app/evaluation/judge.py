"""Answers judged by a language model: LlamaIndex's evaluators over our own model.

Imported only when a judge is asked for, as LlamaIndex takes seconds to import.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from llama_index.core.evaluation import (
    BaseEvaluator,
    CorrectnessEvaluator,
    FaithfulnessEvaluator,
    RelevancyEvaluator,
)
from llama_index.core.evaluation.faithfulness import DEFAULT_EVAL_TEMPLATE

from ..errors import ModelError, ModelNotInstalled, ModelRefused, OllamaUnreachable
from ..llamaindex.llm import ChatModelLLM
from ..protocols import ChatModel
from ..types import Answer
from .answer_datasets import AnswerQuestion
from .answers import Verdict

_TOKENS = 256  # a score and a reason
_MARKER = re.compile(r"\s*\[\d{1,3}\]")
_YES_NO = re.compile(r"\W*(?:answer|答案)?\W*(?P<no>no\b|否|不是)?(?P<yes>yes\b|是(?!否))?", re.IGNORECASE)
_SCORE = re.compile(r"\W*(?:score|评分|得分)?\W*(?P<score>[1-5](?:\.\d+)?)(?:\s*/\s*5(?:\.0)?)?\W*", re.IGNORECASE)
_WORST, _BEST = 1.0, 5.0


class ModelJudge:
    """Asks a model three things of an answer; implements :class:`rag_app.evaluation.answers.Judge`.

    * faithfulness: whether a passage supports the answer. relevancy: whether the answer fits question and passages.
    * correctness: how well the answer agrees with the right one; 1 to 5 brought to 0 to 1.

    LlamaIndex takes whatever is not "yes" for a no, and words for a score of none; here what is neither is no verdict.
    """

    def __init__(self, model: ChatModel) -> None:
        self.name = model.name
        llm = ChatModelLLM(model, _TOKENS)
        # For a model named "llama3:8b" LlamaIndex would choose a template whose fields it then does not fill.
        self._faithful = FaithfulnessEvaluator(llm=llm, eval_template=DEFAULT_EVAL_TEMPLATE)
        self._relevant = RelevancyEvaluator(llm=llm)
        self._correct = CorrectnessEvaluator(llm=llm, parser_function=_score)

    def verdicts(self, question: AnswerQuestion, answer: Answer) -> Mapping[str, Verdict]:
        """Measure → verdict; correctness only of questions with a right answer.

        Raises:
            OllamaUnreachable, ModelNotInstalled, ModelRefused: the judge can't be had.
        """
        about: dict[str, Any] = {
            "query": question.question,
            "response": _MARKER.sub("", answer.text),
            "contexts": [passage.text for passage in answer.passages],
        }
        found = {
            "faithfulness": _verdict(self._faithful, **about),
            "relevancy": _verdict(self._relevant, **about),
        }
        if question.answerable:
            found["correctness"] = _verdict(self._correct, **about, reference=" / ".join(question.answers))
        return found


def _verdict(evaluator: BaseEvaluator, **about: Any) -> Verdict:
    try:
        result = evaluator.evaluate(**about)
    except (OllamaUnreachable, ModelNotInstalled, ModelRefused):
        raise
    except ModelError as error:
        return Verdict(None, str(error))
    except ValueError as error:  # of LlamaIndex, where a prompt does not fit at all
        return Verdict(None, str(error))
    words = (result.feedback or "").strip()
    if isinstance(evaluator, CorrectnessEvaluator):
        return Verdict(result.score, words)
    return Verdict(_yes_or_no(words), words)


def _yes_or_no(words: str) -> float | None:
    said = _YES_NO.match(words)
    if said is None or bool(said["yes"]) == bool(said["no"]):
        return None
    return 1.0 if said["yes"] else 0.0


def _score(words: str) -> tuple[float | None, str]:
    """The score of the first line brought to 0 to 1, and all that was said; LlamaIndex's own fails without a reason."""
    first = words.strip().partition("\n")[0]
    said = _SCORE.fullmatch(first)
    score = float(said["score"]) if said else None
    if score is None or score > _BEST:
        return None, words.strip()
    return (score - _WORST) / (_BEST - _WORST), words.strip()
