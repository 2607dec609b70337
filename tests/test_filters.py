"""Where to search, phrases, and what is done with passages until they are fit to read."""

from __future__ import annotations

import os
import time
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from rag_app import Filters, RagApp, RagError
from rag_app.retrieval.context import estimated_tokens

from .test_app import write

FACT = "The walrus of the harbour weighs {} kilograms and sleeps on the pier."


@pytest.fixture
def zoo(app: RagApp, tmp_path: Path) -> tuple[RagApp, Path]:
    """Four files that all answer the same question, with different numbers."""
    folder = tmp_path / "zoo"
    (folder / "north").mkdir(parents=True)
    (folder / "a.txt").write_text(FACT.format(801), encoding="utf-8")
    (folder / "b.md").write_text(f"# Animals\n\n{FACT.format(802)}", encoding="utf-8")
    (folder / "north" / "c.txt").write_text(FACT.format(803), encoding="utf-8")
    (folder / "north" / "d.html").write_text(f"<p>{FACT.format(804)}</p>", encoding="utf-8")
    old = time.mktime(datetime(2020, 5, 17, 12).timetuple())
    os.utime(folder / "a.txt", (old, old))
    app.ingest(folder)
    return app, folder


def found(app: RagApp, filters: Filters, question: str = "How heavy is the walrus?") -> set[str]:
    return {passage.document for passage in app.retrieve(question, limit=10, filters=filters).passages}


def test_each_filter_narrows_and_its_values_are_alternatives(zoo: tuple[RagApp, Path]) -> None:
    app, folder = zoo
    assert found(app, Filters()) == {"a.txt", "b.md", "c.txt", "d.html"}
    assert found(app, Filters(documents=("a.txt",))) == {"a.txt"}
    assert found(app, Filters(documents=("a.txt", str(folder / "b.md")))) == {"a.txt", "b.md"}
    assert found(app, Filters(folders=(str(folder / "north"),))) == {"c.txt", "d.html"}
    assert found(app, Filters(types=("txt",))) == {"a.txt", "c.txt"}
    assert found(app, Filters(types=(".HTML", "markdown"))) == {"b.md", "d.html"}
    assert found(app, Filters(folders=(str(folder / "north"),), types=("txt",))) == {"c.txt"}
    assert found(app, Filters(documents=("a.txt",), types=("md",))) == set()


def test_dates_are_days_and_both_ends_belong_to_it(zoo: tuple[RagApp, Path]) -> None:
    app, _ = zoo
    day = date(2020, 5, 17)
    assert found(app, Filters(since=day, until=day)) == {"a.txt"}
    assert found(app, Filters(until=day - timedelta(days=1))) == set()
    fresh = {"b.md", "c.txt", "d.html"}  # also those whose time could not be trusted a moment after writing
    assert found(app, Filters(since=day + timedelta(days=1))) == fresh
    assert found(app, Filters(since=date.today(), until=date.today())) == fresh


def test_tags_follow_the_path(zoo: tuple[RagApp, Path]) -> None:
    app, folder = zoo
    app.tag(folder / "north", add=["Harbour  report", "2024"])
    app.tag("a.txt", add=["2024"])
    assert found(app, Filters(tags=("2024",))) == {"a.txt", "c.txt", "d.html"}
    assert found(app, Filters(tags=("harbour report",))) == {"c.txt", "d.html"}
    tagged = app.tag("c.txt", drop=["2024"])
    assert [one.tags for one in tagged] == [("Harbour report",)]
    (folder / "north" / "c.txt").write_text(FACT.format(900), encoding="utf-8")
    app.ingest(folder)
    assert found(app, Filters(tags=("Harbour report",))) == {"c.txt", "d.html"}
    app.remove(folder / "north" / "c.txt")
    app.ingest(folder)  # it comes back, without its tag
    assert found(app, Filters(tags=("Harbour report",))) == {"d.html"}
    with pytest.raises(RagError, match="can't be used"):
        app.tag("a.txt", add=["  "])


def test_a_filter_that_names_nothing_is_an_error(zoo: tuple[RagApp, Path]) -> None:
    app, _ = zoo
    with pytest.raises(RagError, match=r"nope\.pdf"):
        app.retrieve("walrus", filters=Filters(documents=("nope.pdf",)))


def test_answers_come_from_what_is_filtered(zoo: tuple[RagApp, Path]) -> None:
    app, _ = zoo
    answer = app.ask("How many kilograms does the walrus weigh?", filters=Filters(documents=("c.txt",)))
    assert "803" in answer.text
    assert {citation.document for citation in answer.citations} == {"c.txt"}


def test_several_knowledge_bases_at_once(app: RagApp, tmp_path: Path) -> None:
    for name, weight in (("one", 811), ("two", 822)):
        app.create_knowledge_base(name)
        app.ingest(write(tmp_path / name, **{f"{name}-file": FACT.format(weight)}), kb=name)
    both = app.retrieve("How heavy is the walrus?", kb=["one", "two"])
    assert {(passage.kb, passage.document) for passage in both.passages} == {
        ("one", "one-file.txt"),
        ("two", "two-file.txt"),
    }
    assert {passage.kb for passage in app.retrieve("How heavy is the walrus?", kb="two").passages} == {"two"}
    only = app.retrieve("walrus", kb=["one", "two"], filters=Filters(documents=("two-file.txt",)))
    assert [passage.document for passage in only.passages] == ["two-file.txt"]


def test_quotation_marks_mean_word_for_word(app: RagApp, tmp_path: Path) -> None:
    folder = write(
        tmp_path / "docs",
        a="The context window of the model holds 8,192 tokens.",
        b="The window stands in the context of the house; the model is of wood.",
        c="模型的上下文窗口是八千个词元。",
        d="窗口在上面，下文另有说明。",
    )
    app.ingest(folder)
    exact = app.retrieve('How large is the "context window"?', limit=5)
    assert [passage.document for passage in exact.passages] == ["a.txt"]
    assert [note.key for note in exact.notes] == ["explain.phrases"]
    assert [p.document for p in app.retrieve("“上下文窗口”多大？", limit=5).passages] == ["c.txt"]
    nowhere = app.retrieve('"window context"', limit=5)
    assert {"a.txt", "b.txt"} <= {passage.document for passage in nowhere.passages}
    assert [note.key for note in nowhere.notes] == ["explain.no_phrases"]
    narrowed = app.retrieve('"context window"', limit=5, filters=Filters(documents=("b.txt",)))
    assert {passage.document for passage in narrowed.passages} == {"b.txt"}


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("What does GPT-4o cost?", "gpt.txt"),
        ("合同 A/B-2024 的总价？", "contract.txt"),
        ("第三章讲什么？", "chapter3.md"),
        ("What happened on 5 March 2024?", "date.txt"),
        ("the file Quarterly_Numbers_Q3", "Quarterly_Numbers_Q3.txt"),
        ("1234567", "number.txt"),
    ],
)
def test_codes_dates_chapters_and_names_are_found(app: RagApp, tmp_path: Path, question: str, document: str) -> None:
    files = {
        "gpt.txt": "The price of GPT-4o is five dollars.",
        "contract.txt": "合同编号 A/B-2024，总价三十万元。",
        "chapter3.md": "# 第3章\n\n这一部分介绍检索的方法。",
        "chapter4.md": "# 第4章\n\n这一部分介绍排序的方法。",
        "date.txt": "2024年3月5日，服务器停机两小时。",
        "other.txt": "2024年5月3日，服务器升级。The price of GPT-3 is one dollar. 合同编号 A/C-2023。",
        "Quarterly_Numbers_Q3.txt": "Sales rose.",
        "number.txt": "Orders: 1,234,567 in all.",
    }
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    app.ingest(folder)
    assert app.retrieve(question).passages[0].document == document


def test_a_later_page_is_found_by_how_the_document_opens(app: RagApp, tmp_path: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    for name in ("Zorbex", "Quillon", "Fenwick"):
        canvas = Canvas(str(tmp_path / f"{name[0]}00.pdf"))
        for text in (f"{name} Holdings annual report", "The board met nine times.", "Dividend per share: 12 cents."):
            canvas.drawString(72, 700, text)
            canvas.showPage()
        canvas.save()
        app.ingest(tmp_path / f"{name[0]}00.pdf")
    first = app.retrieve("What was the dividend per share of Quillon Holdings?").passages[0]
    assert (first.document, first.page) == ("Q00.pdf", 3)


def test_neighbours_are_one_passage_and_repetitions_none(app: RagApp, tmp_path: Path) -> None:
    sentence = "The walrus number {0} lives at pier {0} and eats {0} clams a day. "
    text = "".join(sentence.format(number) for number in range(60))
    folder = write(tmp_path / "docs", long=text, copy=text[: len(text) // 2] + " A small difference.")
    app.ingest(folder)
    passages = app.retrieve("Which walrus lives at pier 17?", limit=20).passages
    spans = sorted((p.path, p.start, p.end) for p in passages)
    for (path, _, end), (other, start, _) in pairwise(spans):
        assert path != other or start >= end - 400  # chunks overlap by a sentence or two, passages by no more
    assert len({p.text for p in passages}) == len(passages)
    pages = {p.path: app._store.catalog.passages.pages_of([p.chunk_id])[p.chunk_id][0] for p in passages}
    assert all(pages[p.path][p.start : p.end] == p.text for p in passages)


def test_passages_stay_within_the_budget(tmp_path: Path) -> None:
    text = "\n\n".join(
        f"Note {number}: the walrus was seen at pier {number}. " + "It rained. " * 90 for number in range(9)
    )
    folder = write(tmp_path / "docs", **{f"n{number}": text.replace("Note", f"Note {number}") for number in range(3)})
    with RagApp.open(data_dir=tmp_path / "data", answers="quotes", passage_tokens=500) as app:
        app.ingest(folder)
        passages = app.retrieve("Where was the walrus seen?").passages
        assert passages
        assert sum(estimated_tokens(passage.text) for passage in passages) <= 500


def test_a_table_is_kept_whole(app: RagApp, tmp_path: Path) -> None:
    rows = "\n".join(f"| Pump {number} | {number * 7} litres | {number * 3} watts |" for number in range(1, 28))
    text = f"# Pumps\n\n| Name | Flow | Power |\n|---|---|---|\n{rows}\n\nThe end of the list."
    (tmp_path / "pumps.md").write_text(text, encoding="utf-8")
    app.ingest(tmp_path / "pumps.md")
    (first, *_) = app.retrieve("How many watts does pump 19 take?", limit=1).passages
    assert "Pump 1 " in first.text
    assert "Pump 27" in first.text


def test_explained_passages_say_how_they_came_there(samples: RagApp) -> None:
    found = samples.retrieve("从机械硬盘加载 8B 模型要多少秒？", limit=5)
    trace = found.passages[0].trace
    assert trace is not None
    assert trace.dense_rank is not None
    assert trace.lexical_rank is not None
    assert trace.fused == pytest.approx(trace.dense + trace.lexical)
    assert {"机械", "硬盘", "加载"} <= set(trace.matched)
    assert found.standing > 1.5
