"""Tokens, fusion, and hybrid retrieval over the sample documents."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from rag_app import Citation, RagApp
from rag_app.retrieval.fusion import coverage, fuse, lexical_weight
from rag_app.retrieval.language import language_of
from rag_app.retrieval.relevance import is_relevant
from rag_app.retrieval.tokens import query_terms, tokens

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
        ("第3章 num_ctx", ["第", "3", "章", "num", "ctx", "numctx"]),
        ('"; DROP TABLE * OR NEAR(', ["drop", "tabl", "or", "near"]),
        ("", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_query_terms_drop_stop_words_unless_nothing_is_left() -> None:
    assert query_terms("What is the context of the model?") == ["context", "model"]
    assert query_terms("what is it") == ["what", "is", "it"]
    assert "是什" not in query_terms("显存是什么")


def test_fusion_takes_what_both_like() -> None:
    ranked = fuse({1: 0.9, 2: 0.8, 3: 0.1}, {2: 12.0, 4: 11.0}, 0.5)
    assert [chunk for chunk, _ in ranked] == [2, 1, 3, 4] or ranked[0][0] == 2
    assert ranked[0] == (2, pytest.approx(0.5 * 0.875 + 0.5 * 1.0))
    assert fuse({1: 0.9, 2: 0.8}, {2: 3.0}, 0.0)[0][0] == 1
    assert fuse({}, {}, 0.5) == []
    assert fuse({5: 1.0}, {}, 0.5) == [(5, 0.5)]


def test_lexical_weight_rises_with_coverage_and_saturates() -> None:
    weights = [lexical_weight(x / 20) for x in range(21)]
    assert weights == sorted(weights)
    assert weights[0] == 0
    assert weights[1] < 0.05
    assert weights[-1] == weights[10] == 0.5


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
