"""Tokens, fusion, and hybrid retrieval over the sample documents."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from rag_app import Citation, RagApp
from rag_app.retrieval.dense import Background, DenseHits
from rag_app.retrieval.fusion import fuse
from rag_app.retrieval.language import language_of
from rag_app.retrieval.lexical import LexicalHits, coverage
from rag_app.retrieval.relevance import is_relevant
from rag_app.retrieval.tokens import phrases, query_terms, tokens

from .conftest import SAMPLES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("检索增强", ["检索", "索增", "增强"]),
        ("葉名琛", ["叶名", "名琛"]),
        ("水", ["水"]),
        ("Running memories", ["run", "memori"]),
        ("GPT-4o", ["gpt", "4o", "4", "o", "gpt4o"]),
        ("llama3.3:70b", ["llama3", "3", "llama", "33", "llama33", "70b", "70", "b"]),
        ("Llama 3.3 70B", ["llama", "3", "33", "70b", "70", "b"]),
        ("Meta's model", ["meta", "model"]),
        ("ＡＢＣ１２", ["abc12", "abc", "12"]),
        ("第3章 num_ctx", ["第", "3", "章", "num", "ctx", "numctx", "第3章"]),
        ("第十二节", ["第十", "十二", "二节", "第12节"]),
        ("A/B-2024", ["a", "b", "2024", "ab2024"]),
        ("1,234,567", ["1234567"]),
        ("2024年3月5日", ["2024", "年", "3", "月", "5", "日", "20240305", "202403"]),
        ("March 5, 2024", ["march", "5", "2024", "20240305", "202403"]),
        ("5 Mar 2024", ["5", "mar", "2024", "20240305", "202403"]),
        ("二〇二四年三月", ["二", "〇", "二四", "四年", "年三", "三月", "2024", "202403"]),
        ('"; DROP TABLE * OR NEAR(', ["drop", "tabl", "or", "near"]),
        ("", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_query_terms_drop_stop_words_unless_nothing_is_left() -> None:
    assert query_terms("What is the context of the model?") == ["context", "model"]
    assert query_terms("what is it") == ["what", "is", "it"]
    assert query_terms("显存是什么") == ["显存"]
    assert query_terms("谁？") == ["谁"]


def test_what_stands_in_quotation_marks_is_a_phrase() -> None:
    found = phrases('say "Context window" or “检索增强” or 「顯存」')
    assert found == [["context", "window"], ["检索", "索增", "增强"], ["显存"]]
    assert phrases('an inch (") or “so') == []


def dense_hits(similarity: dict[int, float], middle: float, deviation: float) -> DenseHits:
    return DenseHits(similarity, dict.fromkeys(similarity, "en"), {"en": Background(middle, deviation)})


def test_a_hit_stands_above_its_own_language() -> None:
    backgrounds = {"en": Background(0.60, 0.03), "zh": Background(0.72, 0.02)}
    hits = DenseHits({1: 0.78, 2: 0.76}, {1: "zh", 2: "en"}, backgrounds)
    assert [hits.standing(chunk) for chunk in (1, 2, 3)] == pytest.approx([3.0, 5.33, 0], abs=0.01)


def test_fusion_adds_what_each_list_knows() -> None:
    dense = dense_hits({1: 0.9, 2: 0.88, 3: 0.71}, 0.7, 0.03)
    lexical = LexicalHits({2: 12.0, 4: 11.0}, most=30.0)
    ranked = fuse([(dense, lexical)])
    assert [one.chunk_id for one in ranked] == [2, 4, 1, 3]
    best = ranked[0]
    assert (best.dense_rank, best.lexical_rank, best.similarity, best.bm25) == (2, 1, 0.88, 12.0)
    assert best.dense == pytest.approx(6 - 1.5)
    assert best.lexical == pytest.approx(16 * 12 / 30)
    assert best.evidence == best.dense + best.lexical
    assert 0 < best.score < 1
    assert ranked[3].evidence == 0  # a third of a deviation is what any chunk has
    assert fuse([]) == [] == fuse([(DenseHits(), LexicalHits())])


def test_a_list_that_found_nothing_changes_nothing() -> None:
    knows = dense_hits({1: 0.90, 2: 0.87, 3: 0.84}, 0.7, 0.03)
    noise = LexicalHits({3: 0.5, 9: 0.4, 2: 0.3}, most=40.0)
    assert [one.chunk_id for one in fuse([(knows, noise)])][:3] == [1, 2, 3]
    poor = dense_hits({9: 0.74, 3: 0.735, 2: 0.73}, 0.7, 0.02)
    found = LexicalHits({1: 16.0, 2: 9.0, 3: 6.0}, most=40.0)
    assert [one.chunk_id for one in fuse([(poor, found)])][:3] == [1, 2, 3]


def test_knowledge_bases_with_other_models_are_comparable() -> None:
    tight = dense_hits({1: 0.90}, 0.80, 0.02)
    wide = dense_hits({2: 0.50}, 0.10, 0.10)
    assert [one.chunk_id for one in fuse([(wide, LexicalHits()), (tight, LexicalHits())])] == [1, 2]


def test_coverage_counts_rare_terms_more() -> None:
    hits = [frozenset({"a"}), frozenset({"b"})]
    frequencies = {"a": 90, "b": 1}
    rare = coverage(["b", "a"], frequencies, 100, hits[1:])
    common = coverage(["b", "a"], frequencies, 100, hits[:1])
    assert rare > 0.8 > 0.2 > common
    assert coverage(["b", "a"], frequencies, 100, hits) == rare
    assert coverage([], {}, 100, hits) == 0


def test_retrieval_across_languages(app: RagApp) -> None:
    app.ingest(SAMPLES / "choosing-a-laptop-for-llms.docx", SAMPLES / "embeddings-explained.html")
    assert app.retrieve("买笔记本电脑要看内存带宽吗？").passages[0].document == "choosing-a-laptop-for-llms.docx"
    assert app.retrieve("向量之间的相似度怎么计算？").passages[0].document == "embeddings-explained.html"


def test_retrieval_in_both_languages(samples: RagApp) -> None:
    english = samples.retrieve("How large would the KV cache be per token without grouped-query attention?")
    assert (english.passages[0].document, english.passages[0].page) == ("llama3-on-your-pc.pdf", 7)
    chinese = samples.retrieve("从机械硬盘加载 8B 模型要多少秒？")
    assert (chinese.passages[0].document, chinese.passages[0].page) == ("在自己的电脑上运行LLaMA3.pdf", 11)


def test_traditional_finds_simplified(samples: RagApp) -> None:
    found = samples.retrieve("學習小組的公開分享定在哪一天？")
    assert found.passages[0].document == "学习小组会议纪要.txt"


def test_passages_are_verbatim_and_scored(samples: RagApp) -> None:
    found = samples.retrieve("chcp 65001", limit=10)
    assert len(found.passages) == 10
    scores = [passage.score for passage in found.passages]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert "chcp 65001" in found.passages[0].text


@pytest.mark.parametrize("question", ["'", '"', "* OR *", "title: x", "NEAR(a b)", "a AND", "%_", "，。", "🦙"])
def test_no_query_syntax_leaks(samples: RagApp, question: str) -> None:
    assert samples.retrieve(question).passages


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How?", "en"),
        ("怎么下载 llama3:8b 模型？", "zh"),
        ("What does 量化 mean here?", "en"),
        ("为什么？", "zh"),
        ("123", "en"),
    ],
)
def test_language_of_a_question(text: str, expected: str) -> None:
    assert language_of(text) == expected


@pytest.mark.parametrize("question", ["Who won the football world cup in 1974?", "红烧肉怎么做才好吃？"])
def test_questions_about_something_else_are_not_relevant(samples: RagApp, question: str) -> None:
    assert not is_relevant(samples.retrieve(question))


def test_places_are_named_as_a_person_reads_them(app: RagApp) -> None:
    base = Citation(1, "a", Path("/a"), 3, None, 9, ("Part", "Section"), "q", 0, 1)
    for changes, english, chinese in [
        ({}, "p. 3", "第 3 页"),
        ({"page_label": "iv"}, "p. 3 (printed iv)", "第 3 页（印刷页码 iv）"),
        ({"pages": 1}, "§ Part › Section", "Part › Section"),
        ({"pages": 1, "headings": ()}, "p. 3", "第 3 页"),
        ({"kind": "slide"}, "slide 3", "第 3 张幻灯片"),
        ({"kind": "sheet", "page_label": "Budget", "lines": (2, 9), "columns": 28}, "Budget, A2:AB9", "Budget，A2:AB9"),
        ({"kind": "text", "lines": (17, 30)}, "lines 17–30", "第 17–30 行"),
        ({"kind": "text", "lines": (17, 17)}, "line 17", "第 17 行"),
        ({"ocr": True}, "p. 3 (recognized from a picture)", "第 3 页（图片识别）"),
    ]:
        citation = dataclasses.replace(base, **changes)
        assert (citation.where("en"), citation.where("zh")) == (english, chinese)


def test_lines_of_a_quote_survive_the_catalog(app: RagApp, tmp_path: Path) -> None:
    lines = ["2026-01-01 the first fact", "2026-01-02 the walrus weighs 900 kg", "2026-01-03 the third fact"]
    (tmp_path / "a.log").write_text("\n".join(lines), encoding="utf-8")
    app.ingest(tmp_path / "a.log")
    answer = app.ask("How much does the walrus weigh?")
    assert [line for _, line in answer.passages[0].lines] == [1, 2, 3]
    (citation,) = answer.citations
    assert citation.lines is not None
    first, last = citation.lines
    assert citation.quote == "\n".join(lines[first - 1 : last])
    assert lines[1] in citation.quote
