"""Fits the weights of quotes mode: which sentence holds the answer, and which of its clauses.

    python -m benchmarks.quotes_fit ../shared/eval --keep /tmp/quotes

On questions of XQuAD (both languages), zh_pdf and CMRC2018 that ``benchmarks.quotes`` does not ask; each set weighs
the same. Prints the constants of rag_app/retrieval/sentences.py and rag_app/llm/clauses.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.quotes import QUESTIONS, answers, folded, opened, shuffled
from rag_app.evaluation import load_dataset
from rag_app.llm.clauses import clauses
from rag_app.llm.clauses import signs as clause_signs
from rag_app.retrieval.expected import kinds_of
from rag_app.retrieval.sentences import EMBEDDED, MOST_CHARACTERS, Sentence, sentences, signs, term_weights

_SETS = ("xquad/en", "xquad/zh", "zh_pdf", "cmrc2018")


@dataclass(frozen=True, slots=True)
class Case:
    """A question with all sentences of its passages.

    Attributes:
        signs: of each sentence. nearness: its cosine to the question. holds: whether a gold answer is inside.
    """

    question: str
    gold: tuple[str, ...]
    found: tuple[Sentence, ...]
    signs: npt.NDArray[np.float64]
    nearness: npt.NDArray[np.float64]
    holds: npt.NDArray[np.bool_]


def main() -> None:
    """Run over the evaluation data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--keep", type=Path, required=True, help="folder for the indexes, to be used again")
    parser.add_argument("--questions", type=int, default=600, help="of each set")
    arguments = parser.parse_args()
    sets = [
        cases(arguments.data / name, arguments.keep / name.replace("/", "-"), arguments.questions) for name in _SETS
    ]
    lexical, _ = fitted([[(one.signs, one.holds) for one in cases] for cases in sets])
    print("_LEXICAL", lexical.round(2).tolist())
    embedded: list[list[tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]] = [[] for _ in sets]
    for pairs, cases_ in zip(embedded, sets, strict=True):
        for one in cases_:
            kept = np.argsort(-(one.signs @ lexical), kind="stable")[:EMBEDDED]
            near = one.nearness[kept] - one.nearness[kept].max()
            pairs.append((np.column_stack([one.signs[kept], near]), one.holds[kept]))
    weights, bias = fitted(embedded)
    print("_WEIGHTS", weights.round(2).tolist(), "_BIAS", round(bias, 2))
    print("clauses", fitted_clauses([one for cases in sets for one in cases]).round(2).tolist())


def cases(folder: Path, index: Path, most: int) -> list[Case]:
    """The set's questions after those that are measured; of CMRC2018, which is not measured, the first."""
    dataset = load_dataset(folder)
    gold = answers(folder)
    order = shuffled(dataset)
    asked = order[QUESTIONS : QUESTIONS + most] if folder.name != "cmrc2018" else order[:most]
    result: list[Case] = []
    with opened(dataset, index) as app:
        embedder = app._store.embedder()
        for question in asked:
            passages = app.retrieve(question.text).passages
            found = tuple(one for number, passage in enumerate(passages) for one in sentences(number, passage))
            if found:
                near = embedder.embed_passages([one.said for one in found]) @ embedder.embed_query(question.text)
                holds = np.array([any(wanted in folded(one.text) for wanted in gold[question.id]) for one in found])
                own = signs(question.text, passages, found)
                result.append(Case(question.text, tuple(gold[question.id]), found, own, near, holds))
    return result


def fitted(
    sets: Sequence[Sequence[tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]],
) -> tuple[npt.NDArray[np.float64], float]:
    """Weights and bias of a logistic regression over all sentences of questions that have one with the answer."""
    from sklearn.linear_model import LogisticRegression

    kept = [[(values, holds) for values, holds in pairs if holds.any()] for pairs in sets]
    values = np.concatenate([one for pairs in kept for one, _ in pairs])
    holds = np.concatenate([one for pairs in kept for _, one in pairs])
    weight = np.concatenate([np.full(len(one), 1 / len(pairs)) for pairs in kept for _, one in pairs])
    middle, spread = values.mean(0), values.std(0) + 1e-9
    model = LogisticRegression(max_iter=3000)
    model.fit((values - middle) / spread, holds, sample_weight=weight / weight.mean())
    weights = model.coef_[0] / spread
    return weights, float(model.intercept_[0] - (weights * middle).sum())


def fitted_clauses(cases: Sequence[Case]) -> npt.NDArray[np.float64]:
    """Weights of a softmax over the clauses of a sentence that holds the answer (McFadden's conditional logit)."""
    from scipy.optimize import minimize

    groups: list[tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]] = []
    for case in cases:
        weight, kinds = term_weights(case.question, [one.text for one in case.found]), kinds_of(case.question)
        for i in np.flatnonzero(case.holds)[:2]:
            text = case.found[i].text
            parts = clauses(text, MOST_CHARACTERS)
            holds = np.array([any(wanted in folded(text[a:b]) for wanted in case.gold) for a, b in parts])
            if len(parts) > 1 and holds.any():
                groups.append((clause_signs(text, parts, weight, kinds, case.question), holds))

    def loss(weights: npt.NDArray[np.float64]) -> float:
        total = 0.5 * float(weights @ weights)
        for values, holds in groups:
            powers = np.exp(values @ weights - (values @ weights).max())
            total -= float(np.log(powers[holds].sum() / powers.sum() + 1e-9))
        return total

    return np.asarray(minimize(loss, np.zeros(groups[0][0].shape[1])).x)


if __name__ == "__main__":
    main()
