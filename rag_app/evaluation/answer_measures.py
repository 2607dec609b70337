"""What an answer is worth, told from its text and its citations alone: no model judges.

Each measure is a number for one case; a case that a measure says nothing of is left out of its mean. Higher is better
for all in :data:`QUALITY`.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from ..chat.amounts import Value, values
from ..retrieval.language import language_of
from ..retrieval.tokens import simplified
from ..types import Answer
from .answer_datasets import AnswerQuestion, Place

QUALITY = (
    "contains",
    "f1",
    "numbers",
    "citation_precision",
    "citation_recall",
    "answered",
    "refused",
    "supported",
    "faithfulness",
    "relevancy",
    "correctness",
)
"""Measures from 0 to 1, the last three of a judge, see :mod:`rag_app.evaluation.judge`.

* contains: one of the right answers stands in the text (width, case, blanks and traditional characters folded; a word
  or number is found whole only).
* f1: the best token F1 against a right answer; SQuAD's for English (Rajpurkar et al. 2016, arXiv:1606.05250),
  CMRC 2018's for Chinese (Cui et al. 2019, arXiv:1810.07366). Low where whole sentences are quoted.
* numbers: all numbers and dates of one of the right answers are in the text, by value. Of answers that have any.
* citation_precision: share of the pages cited that are evidence. citation_recall: share of the evidence that is cited.
  Of questions whose document (and page) is known. (Gao et al. 2023, arXiv:2305.14627, by page instead of by a model.)
* answered: 1 where an answerable question was not refused. refused: 1 where an unanswerable one was.
* supported: share of the sentences that claim something which the passages support, as the app itself checked; not
  of quotes.
"""
COSTS = ("seconds", "prompt_tokens", "answer_tokens")
"""Lower is better."""
_MARKER = re.compile(r"\s*\[\d{1,3}\]")
_ARTICLE = re.compile(r"\b(a|an|the)\b")
_SEPARATED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def marks(question: AnswerQuestion, answer: Answer) -> dict[str, float]:
    """The measures that say something of an answer, without times and a judge's verdicts."""
    if not question.answerable:
        return {"refused": float(answer.refused)} | _supported(answer)
    said = "" if answer.refused else _MARKER.sub("", answer.text)
    found = {
        "contains": float(any(contains(said, gold) for gold in question.answers)),
        "f1": max(token_f1(said, gold) for gold in question.answers),
        "answered": float(not answer.refused),
    }
    wanted = [numbers for gold in question.answers if (numbers := values(gold))]
    if wanted:
        stated = values(said)
        found["numbers"] = float(any(has_all(stated, one) for one in wanted))
    cited = [(citation.document, citation.page) for citation in answer.citations]
    return found | _citations(question.evidence, cited) | _supported(answer)


def failed_marks(question: AnswerQuestion) -> dict[str, float]:
    """Of a question that ended in an error: it counts as not answered, and no refusal."""
    if not question.answerable:
        return {"refused": 0.0}
    recall = {"citation_recall": 0.0} if question.evidence else {}
    with_numbers = {"numbers": 0.0} if any(map(values, question.answers)) else {}
    return {"contains": 0.0, "f1": 0.0, "answered": 0.0} | with_numbers | recall


def contains(text: str, gold: str) -> bool:
    """Whether a right answer stands in a text."""
    wanted = _folded(gold).strip(string.punctuation + "。，、；：？！“”‘’ ") or _folded(gold)
    signs = [re.escape(sign) for sign in wanted if not sign.isspace()]
    if not signs:
        return False
    start = r"(?<![a-z0-9])(?<!\d\.)" if wanted[0].isascii() and wanted[0].isalnum() else ""
    end = r"(?![a-z0-9])(?!\.\d)" if wanted[-1].isascii() and wanted[-1].isalnum() else ""
    return re.search(start + r"\s*".join(signs) + end, _folded(text)) is not None


def has_all(stated: Sequence[Value], wanted: Sequence[Value]) -> bool:
    """Whether all numbers and dates are among those stated, exactly, even where they are said to be approximate."""
    return all(replace(one, about=False).is_in(stated) for one in wanted)


def token_f1(text: str, gold: str) -> float:
    """F1 of tokens, as SQuAD's or CMRC 2018's script counts it, by the language of the right answer or the text."""
    if language_of(gold) == "zh" or language_of(text) == "zh":
        said, wanted = _mixed(text), _mixed(gold)
        shared = _longest_common_run(said, wanted)
    else:
        said, wanted = _words(text), _words(gold)
        shared = sum((Counter(said) & Counter(wanted)).values())
    if not shared:
        return float(said == wanted)
    return 2 * shared / (len(said) + len(wanted))


def _citations(evidence: Sequence[Sequence[Place]], cited: Sequence[tuple[str, int]]) -> dict[str, float]:
    if not evidence:
        return {}
    places = list(dict.fromkeys(cited))
    groups = [any(_is_at(place, one) for place in places for one in group) for group in evidence]
    found = {"citation_recall": sum(groups) / len(groups)}
    if places:
        right = [any(_is_at(place, one) for group in evidence for one in group) for place in places]
        found["citation_precision"] = sum(right) / len(right)
    return found


def _is_at(cited: tuple[str, int], wanted: Place) -> bool:
    document, page = wanted
    return _file(cited[0]) == _file(document) and page in (None, cited[1])


def _file(document: str) -> str:
    """A file's name: some systems keep accents apart from their letters."""
    return unicodedata.normalize("NFC", PurePath(document.replace("\\", "/")).name)


def _supported(answer: Answer) -> dict[str, float]:
    claims = [sentence.support for sentence in answer.sentences if sentence.support != "none"]
    return {"supported": claims.count("supported") / len(claims)} if claims else {}


def _folded(text: str) -> str:
    return _SEPARATED.sub("", simplified(unicodedata.normalize("NFKC", text)).casefold())


def _words(text: str) -> list[str]:
    """SQuAD's normalization: lower case, without punctuation and articles."""
    bare = "".join(sign for sign in text.lower() if sign not in string.punctuation)
    return _ARTICLE.sub(" ", bare).split()


def _mixed(text: str) -> list[str]:
    """CMRC 2018's segments: Chinese characters one by one, other words whole, without punctuation."""
    folded = _folded(text)
    spaced = _HAN.sub(lambda match: f" {match[0]} ", folded)
    kept = (" " if unicodedata.category(sign)[0] in "PS" and sign not in ".%" else sign for sign in spaced)
    return [segment for word in "".join(kept).split() if (segment := word.strip("."))]


def _longest_common_run(one: Sequence[str], other: Sequence[str]) -> int:
    """How many tokens the longest stretch has that both contain: CMRC 2018 counts that as shared."""
    best = 0
    before = [0] * (len(other) + 1)
    for token in one:
        now = [0] * (len(other) + 1)
        for place, wanted in enumerate(other):
            if token == wanted:
                now[place + 1] = before[place] + 1
        best = max(best, *now)
        before = now
    return best
