"""The page that measures answers: questions written, imported, accepted; runs, compared; deletion takes all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from rag_app import RagApp, text
from rag_app.errors import DatasetError
from rag_app.evaluation import AnswerQuestion, Keeping
from rag_app.kept_runs import folder_of

from .pages import finished, open_page, press, seen

HARBOUR = "The harbour was rebuilt in 1962 after the great flood had taken its walls and both of its lighthouses."
MILL = "The mill on the northern river grinds eleven tons of barley a day in October."
ASKED = "When was the harbour rebuilt?"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Every test opens its own app."""
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def filled(app: RagApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RagApp:
    """Two documents, answered with quotes."""
    monkeypatch.setenv("RAG_ANSWERS", "quotes")
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "harbour.txt").write_text(HARBOUR, encoding="utf-8")
    (folder / "mill.txt").write_text(MILL, encoding="utf-8")
    app.ingest(folder)
    return app


def test_a_question_is_written_asked_and_its_case_is_shown(filled: RagApp) -> None:
    page = open_page("evaluate").run()
    assert not page.exception
    assert page.button(key="run").disabled
    page.text_input(key="new_question").set_value(ASKED)
    page.text_input(key="new_answers").set_value("1962 | in 1962")
    page.selectbox(key="new_doc").set_value("harbour.txt")
    press(page, "ui.eval_add")
    assert "1962 | in 1962 · harbour.txt" in seen(page)
    page.button(key="run").click().run()
    assert finished(("evaluate", filled.knowledge_bases()[0].id)).error is None
    page.run()
    assert not page.exception
    assert (page.metric[0].label, page.metric[0].value) == (text("ui.eval_head_contains", "en"), "100\u00a0%")
    assert [one.label for one in page.expander if "harbour rebuilt" in one.label]
    shown = seen(page)
    assert "Right answer" in shown
    assert HARBOUR in shown
    page.toggle[0].set_value(True).run()
    assert seen(page).count(HARBOUR) > shown.count(HARBOUR)


def test_the_same_question_twice_is_refused_in_words(filled: RagApp) -> None:
    Keeping(filled).add(ASKED, ["1962"])
    page = open_page("evaluate", "zh").run()
    page.text_input(key="new_question").set_value(ASKED)
    press(page, "ui.eval_add", "zh")
    assert text("eval.question_twice", "zh", question=ASKED) in seen(page)
    assert len(Keeping(filled).questions()) == 1


def test_questions_are_edited_and_removed(filled: RagApp) -> None:
    one = Keeping(filled).add(ASKED, ["1962"])
    page = open_page("evaluate").run()
    page.text_input(key=f"answers_{one.id}").set_value("1963|sixty-three").run()
    page.button(key=f"save_{one.id}").click().run()
    assert Keeping(filled).questions()[0].answers == ("1963", "sixty-three")
    page.button(key=f"delete_{one.id}").click().run()
    assert not page.exception
    assert Keeping(filled).questions() == []


def test_drafts_are_decided_on_one_by_one(filled: RagApp) -> None:
    kept = Keeping(filled)
    place = ((("harbour.txt", 1),),)
    drafts = [AnswerQuestion(f"d{n}", f"Question <b>{n}</b>?", ("1962",), place, "draft", HARBOUR) for n in range(3)]
    kept.put(drafts)
    page = open_page("evaluate").run()
    assert text("ui.eval_review", "en", count=3) in seen(page)
    assert page.button(key="run").disabled  # nothing is asked before it is accepted
    page.text_area(key="question_d0").set_value("When was the harbour rebuilt, in which year?").run()
    page.button(key="accept_d0").click().run()
    page.button(key="reject_d1").click().run()
    assert not page.exception
    states = {one.id: (one.state, one.question) for one in kept.questions()}
    assert states["d0"] == ("accepted", "When was the harbour rebuilt, in which year?")
    assert states["d1"][0] == "rejected"
    assert states["d2"][0] == "draft"
    assert not page.button(key="run").disabled


def test_drafting_without_a_model_says_why(filled: RagApp) -> None:
    page = open_page("evaluate").run()
    page.button(key="draft_begin").click().run()
    failure = finished(("draft", filled.knowledge_bases()[0].id)).error
    assert failure is not None
    page.run()
    assert failure.text("en") in seen(page)


def test_files_of_questions_are_taken_in(filled: RagApp) -> None:
    kept = Keeping(filled)
    assert kept.take_in("mine.csv", f"question,answer\n{ASKED},1962\nWho won?,N/A\n".encode()) == 2
    assert kept.take_in("mine.csv", f"question,answer\n{ASKED},1962\n".encode()) == 0
    assert [one.answers for one in kept.questions()] == [("1962",), ()]
    with pytest.raises(DatasetError) as failure:
        kept.take_in("../../bad.csv", b"question\nx\n")
    assert "bad.csv, line 1" in failure.value.text("en")
    assert "/" not in failure.value.text("en").split(",")[0]


def run_with(kept: Keeping, *answers: str) -> None:
    """A run that thinks these are the right answers."""
    for one in kept.questions():
        kept.edit(one.id, "", answers)
    kept.run()


def test_two_runs_are_compared_and_what_got_worse_is_marked(filled: RagApp) -> None:
    kept = Keeping(filled)
    kept.add(ASKED, ["1962"])
    run_with(kept, "1962")
    run_with(kept, "1970")
    page = open_page("evaluate").run()
    assert not page.exception
    shown = seen(page)
    assert ":red-badge[▼ -100.0\u00a0%] worse" in shown
    assert text("ui.eval_worse", "en", count=1) in shown
    assert page.metric[0].delta == "-100.0\u00a0%"
    assert len(page.get("vega_lite_chart")) == 1
    (first, _), (second, _) = kept.runs()
    assert b"<html" in kept.report(second, "en", html=True, against=first)
    assert "# " in kept.report(first, "zh", html=False).decode()
    before, after = page.selectbox(key="before"), page.selectbox(key="after")
    assert len(set(before.options)) == 2  # also of two runs in one second
    before.set_value(kept.runs()[1][0])
    after.set_value(kept.runs()[0][0])
    page.run()
    assert ":green-badge[▲ +100.0\u00a0%]" in seen(page)
    page.button(key="delete_run").click().run()
    assert not page.exception
    assert len(kept.runs()) == 1


def test_a_stopped_run_keeps_what_was_asked(filled: RagApp) -> None:
    kept = Keeping(filled)
    kept.add(ASKED, ["1962"])
    kept.add("What does the mill grind?", ["barley"])

    def stop(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept.run(progress=stop)
    assert [(len(run.cases), run.about.total) for _, run in kept.runs()] == [(1, 2)]


def test_a_deleted_document_leaves_runs_and_drafts_and_marks_stay(filled: RagApp) -> None:
    kept = Keeping(filled)
    kept.add(ASKED, ["1962"])
    kept.add("How much barley does the mill grind?", ["eleven tons"], "mill.txt", 1)
    kept.put([AnswerQuestion("d", "What had taken its walls?", ("flood",), ((("harbour.txt", 1),),), "draft", HARBOUR)])
    kept.run()
    filled.remove("harbour.txt", verify=True)  # searches the whole data folder
    _, run = kept.runs()[0]
    assert [one.id for one in kept.questions() if one.state == "draft"] == []
    assert run.mean("contains") == 1.0
    assert all("flood" not in json.dumps(case.as_json()) for case in run.cases)


def test_a_deleted_knowledge_base_takes_its_evaluation_along(filled: RagApp) -> None:
    filled.create_knowledge_base("other")
    kept = Keeping(filled)
    kept.add(ASKED, ["1962"])
    kept.run()
    kb = next(one for one in filled.knowledge_bases() if one.name == "default")
    assert folder_of(filled.settings.data_dir, kb.id).is_dir()
    filled.delete_knowledge_base("default", verify=True)
    assert not folder_of(filled.settings.data_dir, kb.id).exists()
