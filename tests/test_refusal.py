"""Questions that the documents do not answer are refused, those that they answer are not."""

from __future__ import annotations

import dataclasses
import math

import pytest

from rag_app import Filters, RagApp, Retrieval
from rag_app.retrieval.relevance import BIAS, STANDING_ACROSS, WEIGHTS, evidence, is_relevant, signs

UNANSWERABLE = [
    "Who won the football world cup in 1974?",
    "How is a violin tuned?",
    "How many moons does the planet Jupiter have?",
    "Which king built the palace of Versailles?",
    "How do I repair the gearbox of a tractor?",
    "红烧肉怎么做才好吃？",
    "唐朝的都城在哪里？",
    "地球到月亮有多远？",
    "流感疫苗什么时候打最好？",
    "小提琴有几根弦？",
]


@pytest.mark.parametrize("question", UNANSWERABLE)
def test_questions_about_something_else_are_refused(samples: RagApp, question: str) -> None:
    answer = samples.ask(question)
    assert answer.refused
    assert answer.citations == ()
    assert answer.passages  # what was closest can be offered


@pytest.mark.parametrize(
    "question",
    ["ollama stop", "How do I stop a model?", "Where are models stored?", "What is quantization?", "什么是量化？"],
)
def test_short_questions_are_no_reason_to_refuse(samples: RagApp, question: str) -> None:
    assert is_relevant(samples.retrieve(question))


def test_what_both_indexes_agree_on_counts(samples: RagApp) -> None:
    found = samples.retrieve("On which date was Llama 3.3 70B released?")
    first = found.passages[0]
    assert first.trace is not None
    agreed = dataclasses.replace(first, trace=dataclasses.replace(first.trace, dense_rank=1, lexical_rank=1))
    disagreed = dataclasses.replace(first, trace=dataclasses.replace(first.trace, dense_rank=1, lexical_rank=2))
    of = [evidence(dataclasses.replace(found, passages=(one,))) for one in (agreed, disagreed)]
    assert of[0] - of[1] == pytest.approx(WEIGHTS["agreement"])


def test_evidence_is_what_the_constants_say(samples: RagApp) -> None:
    found = samples.retrieve("Where is the Ollama server log on Windows?")
    assert evidence(found) == pytest.approx(
        sum(map(math.prod, zip(WEIGHTS.values(), signs(found), strict=True))) + BIAS
    )
    assert evidence(Retrieval("Why?", (), 0, 0)) == -math.inf


def test_across_languages_only_vectors_speak(samples: RagApp) -> None:
    found = samples.retrieve("Where is the Ollama server log on Windows?")
    for standing, relevant in ((STANDING_ACROSS + 0.1, True), (STANDING_ACROSS - 0.1, False)):
        across = dataclasses.replace(found, question="日志在哪里？", standing=standing, coverage=0.0)
        assert is_relevant(across) is relevant


def test_what_is_missing_and_how_much_was_searched_speak_against(samples: RagApp) -> None:
    found = samples.retrieve("Where is the Ollama server log on Windows?")
    assert found.searched == samples.knowledge_bases()[0].chunks
    assert found.missing >= 0
    for worse in (
        dataclasses.replace(found, missing=found.missing + 10),
        dataclasses.replace(found, searched=found.searched * 10),
    ):
        assert evidence(worse) < evidence(found)


def test_only_what_passes_the_filter_is_searched(samples: RagApp) -> None:
    question = "Where is the Ollama server log on Windows?"
    one = samples.documents()[0]
    found = samples.retrieve(question, filters=Filters(documents=(one.path.name,)))
    assert found.searched == one.chunks


def test_terms_that_no_chunk_has_are_missing(samples: RagApp) -> None:
    known, unknown = (samples.retrieve(f"Where is the Ollama server {what}?") for what in ("log", "zyxwvut"))
    assert unknown.missing > known.missing
    assert samples.retrieve("zyxwvut?").missing > 0
