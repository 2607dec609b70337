"""Quotes mode: few sentences, verbatim, with what the question asks for."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.sentences import sentence_spans
from rag_app import RagApp
from rag_app.llm.clauses import clauses
from rag_app.llm.quotes import QuotesModel
from rag_app.protocols import Embedder
from rag_app.retrieval.expected import has_new, kinds_of
from rag_app.retrieval.sentences import MOST_CHARACTERS, MOST_SENTENCES, sentences
from rag_app.types import Passage

TIDES = """Tides

The tide is the rise and fall of the sea that the Moon and the Sun cause. It was explained by Isaac Newton in 1687.
High water comes about every 12 hours and 25 minutes. The highest tides of the world are in the Bay of Fundy in
Canada, where the range reaches 16 metres.

Two things are needed for a tidal power station:
- a range of at least five metres
- a bay that can be dammed

Station | Country | Power
Rance | France | 240 MW
Sihwa | South Korea | 254 MW
Annapolis | Canada | 20 MW
"""
茶 = """茶的分类

茶是用茶树的叶子制成的饮料。绿茶不发酵，红茶全发酵，乌龙茶半发酵。龙井茶产于浙江杭州，清明前采摘的最贵。

泡绿茶的水温：80 摄氏度左右
陆羽在公元 760 年前后写成了《茶经》，这是世界上第一部茶书。

种类 | 水温 | 时间
绿茶 | 80 摄氏度 | 2 分钟
红茶 | 95 摄氏度 | 3 分钟
普洱茶 | 100 摄氏度 | 1 分钟
"""


def passage(text: str, headings: tuple[str, ...] = ()) -> Passage:
    return Passage(1, "a.txt", Path("/a.txt"), "", 1, None, 1, headings, 0, len(text), text, score=1.0)


@pytest.fixture(scope="module")
def embedder(samples: RagApp) -> Embedder:
    return samples._store.embedder()


@pytest.mark.parametrize(
    ("text", "question", "wanted"),
    [
        (TIDES, "What is the tide?", "The tide is the rise and fall of the sea"),
        (TIDES, "Who explained the tide?", "Isaac Newton"),
        (TIDES, "How large is the range in the Bay of Fundy?", "16 metres"),
        (TIDES, "What is needed for a tidal power station?", "a range of at least five metres"),
        (TIDES, "What power does the Sihwa station have?", "Sihwa | South Korea | 254 MW"),
        (茶, "什么是茶？", "茶是用茶树的叶子制成的饮料。"),
        (茶, "《茶经》是什么时候写成的？", "760 年前后"),
        (茶, "《茶經》是誰寫的？", "陆羽"),
        (茶, "龙井茶产于哪里？", "浙江杭州"),
        (茶, "普洱茶要泡多少分钟？", "普洱茶 | 100 摄氏度 | 1 分钟"),
    ],
)
def test_definitions_names_numbers_lists_and_rows(embedder: Embedder, text: str, question: str, wanted: str) -> None:
    quotes = [text[span.start : span.end] for span in QuotesModel(embedder).choose(question, [passage(text)])]
    assert any(wanted in quote for quote in quotes), quotes


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text(st.sampled_from("ab 茶。.,，：:?？!\n|-（)1"), max_size=400), min_size=1, max_size=3),
    st.text(st.sampled_from("ab 茶?？1"), min_size=1, max_size=20),
)
def test_quotes_are_parts_of_their_passages_and_few(embedder: Embedder, texts: list[str], question: str) -> None:
    spans = QuotesModel(embedder).choose(question, [passage(text) for text in texts])
    quotes = [texts[span.passage - 1][span.start : span.end] for span in spans]
    assert all(quote.strip() for quote in quotes)
    assert sum(map(len, quotes)) <= MOST_CHARACTERS
    assert sum(len(sentence_spans(quote)) for quote in quotes) <= MOST_SENTENCES
    places = [(span.passage, span.start, span.end) for span in spans]
    assert places == sorted(places)
    assert all(one[0] != other[0] or one[2] <= other[1] for one, other in pairwise(places))


def test_something_is_quoted_of_every_text_that_says_anything(embedder: Embedder) -> None:
    for text in ("Tides", "Is it?", "Two things:", "a | b", "x" * 2000, "一" * 2000, "Title\n\nOther title"):
        assert QuotesModel(embedder).choose("What is it?", [passage(text)]), text


def test_a_sentence_that_is_too_long_is_cut_at_a_clause(embedder: Embedder) -> None:
    text = (
        "The museum, which was founded in 1852 and has moved twice since, holds ceramics, glass, textiles, silver, "
        "ironwork, jewellery, furniture, medieval objects, sculpture and photographs from five thousand years of art, "
        "and although entry has been free of charge since 2001, its special exhibitions, which change every half "
        "year, cost between twelve and twenty pounds, so that most visitors see the permanent collection only."
    )
    (span,) = QuotesModel(embedder).choose("How much do the special exhibitions cost?", [passage(text)])
    assert "cost between twelve and twenty pounds" in text[span.start : span.end]
    assert span.start == 0 or text[span.start - 1] == " "
    assert span.end - span.start <= MOST_CHARACTERS


@given(st.text(st.sampled_from("ab 茶，,;；(（)）|\n"), max_size=200), st.integers(12, 80))
def test_clauses_follow_each_other_and_lose_nothing(text: str, most: int) -> None:
    parts = clauses(text, most)
    assert "".join("".join(text[start:end].split()) for start, end in parts) == "".join(text.split())
    assert all(one[1] <= other[0] for one, other in pairwise(parts))
    assert all(end - start <= most + 12 for start, end in parts)


def test_a_heading_is_given_to_what_stands_under_it_and_not_quoted() -> None:
    found = list(sentences(0, passage(TIDES)))
    assert "Tides" not in [one.text for one in found]
    assert all("Tides" in one.given for one in found[:3])
    (row,) = [one for one in found if one.text.startswith("Sihwa")]
    assert "Station | Country | Power" in row.given


@pytest.mark.parametrize(
    ("question", "text", "new"),
    [
        ("When was it built?", "It was built in 1897.", True),
        ("When was it built?", "It was built of stone.", False),
        ("Who led the army of 1066?", "It was led by William.", True),
        ("How many ships sank in 1588?", "In 1588 they sank.", False),
        ("哪一年建成？", "建成于1897年。", True),
        ("有多少人？", "人们来了。", False),
        ("为什么下雨？", "因为空气冷却。", True),
    ],
)
def test_kinds_of_answers(question: str, text: str, new: bool) -> None:
    assert has_new(text, kinds_of(question), question) is new
