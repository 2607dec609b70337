"""How well sentences that the passages support are told from those they do not.

    python -m benchmarks.grounding ../shared/eval

Claims are made from real questions, answers and sentences: true ones (a question with its answer in the place of the
question word, a sentence of the passage made shorter, the same sentence in the other language) and false ones (the
same with a number, a name or "not" changed, with another answer of the same passage, a sentence of another passage of
the article or of another article). Each is judged against its passage and three others of the article. Articles with
even numbers calibrate (``--fit`` prints the weights), those with odd numbers are reported.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.sentences import split_sentences
from rag_app import Passage, Settings
from rag_app.chat.amounts import values
from rag_app.chat.grounding import Grounder, features
from rag_app.chat.values import names
from rag_app.embedding.select import open_embedder
from rag_app.protocols import Embedder

_EACH = 50  # claims of a kind and collection
_BESIDE = 3
_ARTICLE = 5  # passages
_LEAST = 12  # characters of a sentence
_TRUE = ("question and answer", "shortened", "other language")
_NOT = (
    (r"\b(is|was|are|were|can|could|will|would|has|had|does|did)\b", r"\1 not"),
    (r"(?<=[\u4e00-\u9fff])(是|有|可以|能够|能|会|要|属于|位于|成为)", r"不\1"),
)
_ASKS = re.compile(
    r"(?:在)?(?:什么时候|哪一年|哪年|哪一天|何时|什么地方|哪里|哪儿|什么样的|什么人|哪一种|哪种|哪些|哪个|哪位|哪一个|多少|几|什么|谁|何)"
)
_ASKS_EN = re.compile(r"\b(?:what|which|how many|how much|how long|who|whom|whose|when|where|why|how)\b(?: \w+)?", re.I)


@dataclass(frozen=True, slots=True)
class Case:
    """A claim with the passages it is judged against."""

    collection: str
    kind: str
    claim: str
    passages: tuple[Passage, ...]
    article: int

    @property
    def true(self) -> bool:
        """Whether the passages say it."""
        return self.kind in _TRUE


def main() -> None:
    """Judge all claims and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--show", action="store_true", help="print what is judged wrongly")
    arguments = parser.parse_args()
    cases = list(collect(arguments.data))
    print(len(cases), "claims")
    grounder_of = Grounders()
    if arguments.fit:
        fit([case for case in cases if case.article % 2 == 0], grounder_of)
    held_out = [case for case in cases if case.article % 2]
    counts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for case in held_out:
        verdict = grounder_of(case).check(case.claim)
        counts[case.collection, case.kind].append(verdict.support)
        if arguments.show and (verdict.support == "supported") != case.true:
            print(
                f"  {case.collection} {case.kind}: {verdict.support} {verdict.score:.2f} {verdict.missing} {case.claim}"
            )
    print(f"{'collection':<12}{'claims':<24}{'n':>5}{'supported':>11}{'partly':>9}{'unsupported':>13}")
    for (collection, kind), found in counts.items():
        shares = [found.count(one) / len(found) for one in ("supported", "partly", "unsupported")]
        print(f"{collection:<12}{kind:<24}{len(found):>5}{shares[0]:11.0%}{shares[1]:9.0%}{shares[2]:13.0%}")
    right = [(s == "supported") == (kind in _TRUE) for (_, kind), found in counts.items() for s in found]
    print(f"accuracy, supported against the rest: {np.mean(right):.3f} of {len(right)}")


class Remembering:
    """An embedder that embeds a text once: passages stand beside several claims."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, npt.NDArray[np.float32]] = {}

    def embed_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """As the embedder's."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._embedder.embed_passages(new), strict=True))
        return np.array([self._known[text] for text in texts])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)


class Grounders:
    """One grounder for each set of passages, as its sentences are embedded once."""

    def __init__(self) -> None:
        self._embedder = Remembering(open_embedder(Settings.load(), lambda message: None))
        self._made: dict[tuple[Passage, ...], Grounder] = {}

    def __call__(self, case: Case) -> Grounder:
        """The one of a case."""
        if case.passages not in self._made:
            self._made[case.passages] = Grounder(self._embedder, case.passages)
        return self._made[case.passages]


def fit(cases: list[Case], grounder_of: Grounders) -> None:
    """Print the weights of a logistic regression: words and meaning, values left aside."""
    from sklearn.linear_model import LogisticRegression

    told_by_values = {"number changed", "name changed", "negated", "wrong answer"}
    rows = [(features(one), case.true, one.across) for case in cases if case.kind not in told_by_values
            for one in grounder_of(case).evidences.of(case.claim)[:1]]  # fmt: skip
    for across in (False, True):
        table = np.array([row[0] for row in rows if row[2] is across])
        wanted = np.array([row[1] for row in rows if row[2] is across])
        model = LogisticRegression(C=100, class_weight="balanced", max_iter=5000).fit(table, wanted)
        print("across" if across else "same language", model.coef_[0].round(2), model.intercept_.round(2),
              f"accuracy {model.score(table, wanted):.3f} of {len(wanted)}, true {wanted.mean():.2f}")  # fmt: skip
        odds = model.decision_function(table)
        print("  odds of the true", np.quantile(odds[wanted], [0.05, 0.1, 0.2, 0.5]).round(2),
              "of the false", np.quantile(odds[~wanted], [0.5, 0.8, 0.9, 0.95]).round(2))  # fmt: skip


def collect(data: Path) -> Iterator[Case]:
    """Claims of all collections."""
    english, chinese = data / "xquad" / "en", data / "xquad" / "zh"
    yield from claims("en", english, None)
    yield from claims("zh", chinese, None)
    yield from claims("zh (CMRC)", data / "cmrc2018", None)
    yield from claims("en on zh", english, chinese)
    yield from claims("zh on en", chinese, english)


def claims(name: str, folder: Path, judged_by: Path | None) -> Iterator[Case]:
    """Claims of a collection, at most :data:`_EACH` of a kind, judged by its passages or their translations."""
    rng = random.Random(7)
    texts = {one["_id"]: one["text"] for one in _jsonl(folder / "corpus.jsonl")}
    judging = texts if judged_by is None else {one["_id"]: one["text"] for one in _jsonl(judged_by / "corpus.jsonl")}
    ids = list(texts)
    if name == "zh (CMRC)":
        ids = ids[:240]
    answers = {one["_id"]: min(one["answers"], key=len) for one in _jsonl(folder / "answers.jsonl")}
    questions = {one["_id"]: one["text"] for one in _jsonl(folder / "queries.jsonl")}
    asked: dict[str, list[str]] = defaultdict(list)
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        question, passage = line.split("\t")[:2]
        if question in questions:
            asked[passage].append(question)
    made: dict[str, list[Case]] = defaultdict(list)
    for place, passage in enumerate(ids):
        article = place // _ARTICLE
        beside = [
            ids[other] for other in range(article * _ARTICLE, min(len(ids), (article + 1) * _ARTICLE)) if other != place
        ]
        given = [passage, *beside[:_BESIDE]]
        rng.shuffle(given)
        passages = tuple(_passage(number, judging[one]) for number, one in enumerate(given))
        pairs = [(questions[q], answers[q]) for q in asked[passage]]
        others = [texts[one] for one in beside[_BESIDE:]]
        far = texts[ids[(place + len(ids) // 2) % len(ids)]]
        for kind, claim in of_passage(rng, texts[passage], pairs, others, far, same=judged_by is None):
            made[kind].append(Case(name, kind, claim, passages, article))
    for found in made.values():
        yield from rng.sample(found, min(len(found), 2 * _EACH))


def of_passage(
    rng: random.Random, text: str, pairs: list[tuple[str, str]], others: list[str], far: str, *, same: bool
) -> Iterator[tuple[str, str]]:
    """Kind and claim."""
    sentences = [one.strip() for one in split_sentences(text) if _LEAST < len(one.strip()) < 300]
    for question, answer in pairs:
        claim = stated(question, answer)
        if claim:
            yield "question and answer", claim
            wrong = [other for _, other in pairs if other != answer and other not in answer and answer not in other]
            if wrong:
                yield "wrong answer", stated(question, rng.choice(wrong)) or ""
    for sentence in rng.sample(sentences, min(2, len(sentences))):
        yield ("shortened", shortened(sentence)) if same else ("other language", sentence)
        for kind, changed in (
            ("number changed", number_changed(rng, sentence)),
            ("name changed", name_changed(rng, sentence, far)),
            ("negated", negated(sentence)),
        ):
            if changed and changed != sentence:
                yield kind, changed
    for kind, source in (("other passage", others), ("other article", [far])):
        for one in source:
            found = [s.strip() for s in split_sentences(one) if len(s.strip()) > 20]
            if found:
                yield kind, rng.choice(found)


def stated(question: str, answer: str) -> str | None:
    """The question with the answer in the place of the question word."""
    pattern = _ASKS_EN if re.search(r"[A-Za-z]{3}", question) and not re.search(r"[\u4e00-\u9fff]", question) else _ASKS
    bare = question.rstrip("?？。 ")
    if not pattern.search(bare):
        return None
    claim = pattern.sub(lambda match: answer, bare, count=1)
    return claim + ("." if pattern is _ASKS_EN else "。")


def shortened(sentence: str) -> str:
    """Without its shorter end, cut at a comma near the middle."""
    cuts = [match.start() for match in re.finditer(r"[,，;；]", sentence[:-1])]
    if not cuts:
        return sentence
    cut = min(cuts, key=lambda at: abs(at - len(sentence) / 2))
    head, tail = sentence[:cut], sentence[cut + 1 :].strip()
    return (head if len(head) >= len(tail) else tail).rstrip("。. ") + sentence[-1]


def number_changed(rng: random.Random, sentence: str) -> str | None:
    """With another number in the place of one."""
    found = [match for match in re.finditer(r"(?<![\d.,A-Za-z])\d+(?![\d.,]*\d)", sentence) if values(match[0])]
    if not found:
        return None
    match = rng.choice(found)
    step = rng.choice((-3, -2, -1, 1, 2, 3, 10))
    return sentence[: match.start()] + str(abs(int(match[0]) + step) or 7) + sentence[match.end() :]


def name_changed(rng: random.Random, sentence: str, far: str) -> str | None:
    """With a name of another article in the place of one; Chinese names are found between marks only."""
    mine, theirs = names(sentence), [one for one in names(far) if one not in sentence]
    if not mine or not theirs:
        return None
    return sentence.replace(rng.choice(mine), rng.choice(theirs), 1)


def negated(sentence: str) -> str | None:
    """The opposite, where a verb shows how."""
    for pattern, replacement in _NOT:
        changed, count = re.subn(pattern, replacement, sentence, count=1)
        if count:
            return changed
    return None


def _passage(number: int, text: str) -> Passage:
    return Passage(number, "a.txt", Path("/a.txt"), "", 1, None, 1, (), 0, len(text), text)


def _jsonl(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
