"""Questions over several or whole documents: told from others, read whole, summed up with every page to be found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from rag_app import RagApp, Stage
from rag_app.chat.answering import AnswerStream
from rag_app.chat.extracting import central_sentences
from rag_app.chat.planning import plan
from rag_app.chat.prompts import load
from rag_app.chat.summarizing import ModelSummary, Section
from rag_app.llm.select import Answerer
from rag_app.protocols import ChatMessage
from rag_app.retrieval.whole import whole
from rag_app.types import Passage, Retrieval, StoredDocument

from .chatting import passage
from .scripted import ScriptedModel


def document(name: str, title: str) -> StoredDocument:
    return StoredDocument(1, (Path(f"/{name}"),), title, "pdf", 1, 1, 1, datetime.now(UTC))


FAQ, LIST = document("常见问题.docx", "常见问题"), document("reading-list.md", "Reading list")


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("What is in this knowledge base?", "overview"),
        ("which documents do I have?", "overview"),
        ("Summarize all my documents", "overview"),
        ("知识库里有什么？", "overview"),
        ("这些文档都讲了什么", "overview"),
        ("列出所有文档", "overview"),
        ("总结一下整个知识库", "overview"),
        ("Summarize reading-list.md", "summary"),
        ("Give me the main points of the reading list, please", "summary"),
        ("总结一下《常见问题》", "summary"),
        ("常见问题.docx 主要讲了什么？", "summary"),
        ("What is the difference between Q4_K_M and Q8_0?", "compare"),
        ("compare llama3:8b with llama3.2:3b in terms of memory", "compare"),
        ("Q4 和 Q8 有什么区别？", "compare"),
        ("比较 8B 和 70B 模型的内存需求", "compare"),
        ("llama3 与 llama3.1 相比哪个上下文长", "compare"),
        ("How much memory does the 8B model need?", "lookup"),
        ("8B 模型需要多少内存？", "lookup"),
        ("What is RAG?", "lookup"),
        ("What is incorrectly thought about the reading list of today?", "lookup"),
        ("What is reading-list.md about?", "summary"),
        ("总结一下量化的好处", "lookup"),  # a subject, no document
        ("Where are the documents stored?", "lookup"),
        ("How do I list installed models?", "lookup"),
        ("什么是上下文长度？", "lookup"),
        ("Which files does the app write?", "lookup"),
    ],
)
def test_what_a_question_wants(question: str, kind: str) -> None:
    assert plan(question, [FAQ, LIST]).kind == kind


@pytest.mark.parametrize(
    ("question", "labels", "aspect"),
    [
        ("What is the difference between Q4_K_M and Q8_0?", ("Q4_K_M", "Q8_0"), ""),
        ("compare llama3:8b with llama3.2:3b in terms of memory", ("llama3:8b", "llama3.2:3b"), "memory"),
        ("Q4 和 Q8 在速度方面有什么区别？", ("Q4", "Q8"), "速度"),
        ("比较 8B 和 70B 模型的内存需求", ("8B", "70B 模型"), "内存需求"),
    ],
)
def test_sides_of_a_comparison(question: str, labels: tuple[str, str], aspect: str) -> None:
    found = plan(question, [])
    assert found.labels == labels
    for label, one in zip(labels, found.questions, strict=True):
        assert one.startswith(label)
        assert aspect in one


def test_this_document_is_the_only_one_there_is() -> None:
    assert plan("Summarize this document", [FAQ]).documents == (FAQ,)
    assert plan("Summarize this document", [FAQ, LIST]).kind == "lookup"


def test_a_whole_document_is_all_of_its_text(samples: RagApp) -> None:
    kb = samples.knowledge_bases()[0]
    catalog = samples._store.catalog
    for one in samples.documents():
        found = whole(catalog, kb, one, 512)
        assert {part.page for part in found} <= set(range(1, found[0].pages + 1))
        for page in {part.page for part in found}:
            for before, after in pairwise(part for part in found if part.page == page):
                assert before.start < after.start <= before.end  # nothing is skipped
                assert after.text.startswith(before.text[after.start - before.start :])
        pages = catalog.database.rows("SELECT text FROM page WHERE document = ?", (one.id,))
        stored = _letters("".join(row[0] for row in pages))
        assert len(_letters("".join(part.text for part in found))) >= len(stored)


def _letters(text: str) -> str:
    return re.sub(r"\W", "", text)


def test_central_sentences_are_sentences_and_keep_to_their_room() -> None:
    texts = (
        "1. Bread\nBread is baked from flour and water. How long?\nFlour and water make the dough of all bread.",
        "面包由面粉和水烤成，烤箱要预热到二百二十度。\n目录\n面包 | 面粉\n发酵需要两个小时，面团会变成两倍大。",
    )
    passages = [passage(number, text) for number, text in enumerate(texts, 1)]
    chosen = central_sentences(passages, 3, 200)
    shown = [passages[span.passage - 1].text[span.start : span.end] for span in chosen]
    assert len(shown) == 3
    assert sum(map(len, shown)) <= 200
    assert all(re.search("[.。]$", sentence) for sentence in shown)
    assert [(span.passage, span.start) for span in chosen] == sorted((span.passage, span.start) for span in chosen)


def test_what_there_is_in_quotes(samples: RagApp) -> None:
    answer = samples.ask("知识库里有什么？")
    assert not answer.refused
    for one in samples.documents():
        assert one.path.name in answer.text
    assert {citation.document for citation in answer.citations} == {one.path.name for one in samples.documents()}
    for citation in answer.citations:
        assert citation.quote in answer.passages[citation.number - 1].text


def test_a_document_is_summed_up_from_all_of_it(samples: RagApp) -> None:
    answer = samples.ask("Summarize llama3-on-your-pc.pdf")
    assert {citation.document for citation in answer.citations} == {"llama3-on-your-pc.pdf"}
    assert len({citation.page for citation in answer.citations}) > 2


def test_both_sides_of_a_comparison_are_quoted(samples: RagApp) -> None:
    answer = samples.ask("What is the difference between llama3.2:3b and llama3.3:70b?")
    first, second = (answer.text.index(f"{name}:\n") for name in ("llama3.2:3b", "llama3.3:70b"))
    assert first < second
    assert "70b" in answer.text[second + 14 :].lower()


def summed_up(model: ScriptedModel, passages: Sequence[Passage], sections: Sequence[Section]) -> AnswerStream:
    writer = ModelSummary(model, load("summary"), sections, 400, "Lead.")
    return AnswerStream(Retrieval("Summarize it", tuple(passages), 1.0, 1.0), Answerer(writer), ())


def says_what_it_was_given(messages: Sequence[ChatMessage]) -> str:
    """A note on the first passage of a part; of notes, all their numbers."""
    text = messages[-1].text
    numbers = re.findall(r"^\[(\d+)\]", text, re.MULTILINE)
    if numbers:
        return f"Box {numbers[0]} holds apples [{numbers[0]}]."
    return " ".join(f"Apples [{number}]." for number in dict.fromkeys(re.findall(r"\[(\d+)\]", text)))


def test_every_part_is_read_and_every_number_leads_to_its_passage() -> None:
    passages = [passage(number, f"Box {number} holds {number * 7} apples. " * 12) for number in range(1, 41)]
    model = ScriptedModel(says_what_it_was_given, context=2048)
    stream = summed_up(model, passages, [Section("Boxes", 0, len(passages))])
    events = list(stream.events())
    parts = [event for event in events if isinstance(event, Stage) and event.name == "summing up"]
    assert [stage.part for stage in parts] == list(range(1, len(parts) + 1))
    assert {stage.parts for stage in parts} == {len(parts)}
    assert len(parts) > 3
    given = "".join(message[-1].text for message in model.asked)
    assert all(f"[{number}] " in given for number in range(1, 41))  # nothing was left out
    assert all(model.count(prompt) + 256 <= 2048 for prompt in model.asked)
    answer = stream.answer
    assert len(answer.citations) == len(parts)
    for citation in answer.citations:
        assert answer.passages[citation.number - 1].document == citation.document


def test_notes_that_are_too_long_are_summed_up_themselves() -> None:
    passages = [passage(number, f"Box {number}. " + "word " * 300) for number in range(1, 31)]
    model = ScriptedModel(lambda messages: "note " * 120 if "Part" in messages[-1].text else "sum [1].", context=2048)
    answer = summed_up(model, passages, [Section("Boxes", 0, len(passages))]).answer
    assert answer.text.startswith("Lead.")
    assert answer.complete
    assert sum("Notes" in prompt[-1].text for prompt in model.asked) > 1


def test_several_documents_one_after_the_other() -> None:
    passages = [passage(number) for number in range(1, 7)]
    sections = [Section("One", 0, 3, "One:"), Section("Two", 3, 6, "Two:")]
    stream = summed_up(ScriptedModel(says_what_it_was_given), passages, sections)
    text = stream.answer.text
    assert re.search(r"Lead\.\s+One:\s+Box 1 holds apples \[1\]\.\s+Two:\s+Box 4 holds apples \[2\]\.", text)
    assert stream.answer.complete


def test_a_summary_is_stopped_between_its_parts() -> None:
    passages = [passage(number, "word " * 400) for number in range(1, 21)]
    model = ScriptedModel(says_what_it_was_given, context=2048)
    stream = summed_up(model, passages, [Section("Boxes", 0, 20)])
    for event in stream.events():
        if isinstance(event, Stage) and event.part == 2:
            stream.cancel()
    assert len(model.asked) <= 2
    assert not stream.answer.complete
