"""Chunks and sentences: verbatim spans, bounded in tokens, cut where sentences end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.chunking import Chunker
from ingest.loaders import load
from ingest.sentences import sentence_spans, split_sentences
from ingest.types import Document, Heading, Page
from rag_app import RagApp

from .conftest import SAMPLES


def sentences(text: str) -> list[str]:
    return [text[a:b] for a, b in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("一句。两句！三句？“四。”五", ["一句。", "两句！", "三句？", "“四。”", "五"]),
        ("Dr. Smith paid $3.5 million. He left.", ["Dr. Smith paid $3.5 million.", "He left."]),
        ("See Fig. 3, e.g. the U.S. case. Done?", ["See Fig. 3, e.g. the U.S. case.", "Done?"]),
        ("1. Install it.\n2. Run it.", ["1. Install it.", "2. Run it."]),
        ("Wait... what?! Yes.", ["Wait...", "what?!", "Yes."]),
        ("a != b?c=1 is code", ["a != b?c=1 is code"]),
        ("标题\n正文没有句号", ["标题", "正文没有句号"]),
        ("版本 3.1 很好。LLaMA 3.2。", ["版本 3.1 很好。", "LLaMA 3.2。"]),
        ("", []),
        ("  \n ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


TEXTS = st.text(st.sampled_from("ab C.。！? \n\n“”1;，字"), max_size=400)


@given(TEXTS)
def test_split_sentences_loses_nothing(text: str) -> None:
    assert "".join(split_sentences(text)) == text


def words(text: str) -> int:
    """A stand-in for a model's tokens: one a character, which is the worst there is."""
    return len(text)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS, st.lists(st.integers(0, 400), max_size=4), st.text("xy", max_size=90))
def test_chunks_cover_the_page_in_order(text: str, cuts: list[int], title: str) -> None:
    starts = sorted({cut for cut in cuts if cut < len(text)})
    heads = tuple(Heading(start, 1 + place % 2, f"h{place}") for place, start in enumerate(starts))
    page = Page(1, text, None, heads)
    chunks = Chunker(words, 80).chunks(Document(title, "text", (page,)))
    for chunk in chunks:
        assert chunk.text == text[chunk.start : chunk.end]
        assert chunk.text[chunk.overlap :].strip()
        assert words(chunk.embedded_text) <= 80
        assert chunk.embedded_text.endswith(chunk.text.strip())
    assert "".join(chunk.text[chunk.overlap :] for chunk in chunks) == (text if text.strip() else "")


def test_the_next_chunk_repeats_whole_sentences() -> None:
    text = "".join(f"This is sentence {number:02}. " for number in range(30))
    first, second, *_ = Chunker(words, 300).chunks(Document("T", "text", (Page(1, text),)))
    assert second.overlap > 0
    repeated = second.text[: second.overlap]
    assert first.text.endswith(repeated)
    assert repeated.startswith("This is")
    assert repeated.rstrip().endswith(".")


def test_headings_go_on_to_the_next_page_and_stay_out_of_the_text() -> None:
    pages = (
        Page(
            1,
            "Intro\nshort.\nPart A\n" + "A sentence here. " * 40,
            None,
            (Heading(0, 1, "Intro"), Heading(13, 1, "Part A")),
        ),
        Page(2, "More of it. " * 40),
    )
    chunks = Chunker(words, 300).chunks(Document("Title", "pdf", pages))
    assert chunks[-1].page == 2
    assert chunks[-1].headings == ("Part A",)
    assert chunks[-1].embedded_text.startswith("Title > Part A\nMore of it.")
    assert not chunks[-1].text.startswith("Title")


@pytest.mark.parametrize("name", ["llama3-on-your-pc.pdf", "在自己的电脑上运行LLaMA3.pdf", "什么是RAG.md"])
def test_samples_in_the_real_model_s_tokens(samples: RagApp, name: str) -> None:
    count = samples._store.embedder().count_tokens
    document = load(Path(SAMPLES, name))
    chunks = Chunker(count, 384).chunks(document)
    texts = {page.number: page.text for page in document.pages}
    ends = 0
    for chunk in chunks:
        assert count(chunk.embedded_text) <= 384
        assert chunk.text == texts[chunk.page][chunk.start : chunk.end]
        page = texts[chunk.page]
        ends += (
            chunk.text.rstrip()[-1] in "。！？；.!?:：" or page[: chunk.end].endswith("\n") or chunk.end == len(page)
        )
    assert ends == len(chunks)
