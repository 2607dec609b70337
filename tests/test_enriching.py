"""What a language model writes of passages: searched, never cited, kept with the text and gone with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rag_app import RagApp
from rag_app.errors import ModelError
from rag_app.index.enriching import enrich

from .conftest import NOBODY
from .test_app import write


class Writer:
    """A model that writes what it is told for each prompt; a real one's answers are in test_ollama.py."""

    name = "writer"

    def __init__(self, write: Callable[[str], str]) -> None:
        self._write = write
        self.prompts: list[str] = []

    def complete(self, prompt: str, schema: dict[str, object]) -> str:
        self.prompts.append(prompt)
        return self._write(prompt)


def note(prompt: str) -> str:
    about = "pinniped husbandry" if "walrus" in prompt else "apiculture"
    return json.dumps({"context": f"About {about}.", "questions": [f"What does {about} cost?"]})


@pytest.fixture
def docs(app: RagApp, tmp_path: Path) -> Path:
    folder = write(tmp_path / "docs", a="The walrus weighs much.", b="Bees make honey.", c="Tea is green.")
    app.ingest(folder)
    return folder


def run(app: RagApp, model: Writer, progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    return enrich(app._store.catalog, app._store.kb(None), model, progress)


def matched(app: RagApp, question: str) -> dict[str, tuple[str, ...]]:
    passages = app.retrieve(question, limit=5).passages
    return {passage.document: passage.trace.matched for passage in passages if passage.trace}


def test_notes_are_searched_and_never_shown(app: RagApp, docs: Path) -> None:
    assert "husbandri" not in matched(app, "pinniped husbandry")["a.txt"]
    assert run(app, Writer(note)) == 0
    found = app.retrieve("pinniped husbandry", limit=5)
    assert found.passages[0].document == "a.txt"
    assert set(matched(app, "pinniped husbandry")["a.txt"]) == {"pinnip", "husbandri"}
    assert all("husbandry" not in passage.text for passage in found.passages)
    answer = app.ask("What does pinniped husbandry cost?")
    assert "husbandry" not in answer.text
    assert all("husbandry" not in citation.quote for citation in answer.citations)


def test_a_stopped_run_goes_on_and_known_texts_are_not_asked_again(app: RagApp, docs: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    first = Writer(note)
    with pytest.raises(KeyboardInterrupt):
        run(app, first, stop)
    assert len(first.prompts) == 2
    second = Writer(note)
    run(app, second)
    assert len(second.prompts) == 1
    (docs / "a.txt").rename(docs / "z.txt")
    (docs / "d.txt").write_text("A new text.", encoding="utf-8")
    app.ingest(docs)
    third = Writer(note)
    run(app, third)
    assert len(third.prompts) == 1
    assert "A new text." in third.prompts[0]


def test_notes_go_with_the_text_and_when_asked(app: RagApp, docs: Path) -> None:
    notes = app._store.catalog.notes
    kb = app._store.kb(None).id
    run(app, Writer(note))
    assert notes.count(kb) == 3
    app.remove(docs / "a.txt", verify=True)
    assert notes.count(kb) == 2
    data = b"".join(path.read_bytes() for path in app.settings.data_dir.rglob("*") if path.is_file())
    assert b"husbandri" not in data
    assert b"husbandry" not in data
    app.forget_notes()
    assert notes.count(kb) == 0
    data = b"".join(path.read_bytes() for path in app.settings.data_dir.rglob("*") if path.is_file())
    assert b"apicultur" not in data
    assert matched(app, "apiculture")["b.txt"] == ()


def test_notes_travel_with_an_export(app: RagApp, docs: Path, tmp_path: Path) -> None:
    run(app, Writer(note))
    app.tag("a.txt", add=["sea"])
    app.export_knowledge_base("default", tmp_path / "kb.zip")
    app.import_knowledge_base(tmp_path / "kb.zip", "copy")
    best = app.retrieve("pinniped husbandry", kb="copy", limit=1).passages[0]
    assert best.document == "a.txt"
    assert best.trace is not None
    assert "husbandri" in best.trace.matched
    assert [one.tags for one in app.documents("copy")] == [("sea",), (), ()]


def test_what_the_model_wrote_wrong_is_counted(app: RagApp, docs: Path) -> None:
    assert run(app, Writer(lambda prompt: note(prompt) if "walrus" in prompt else "no JSON")) == 2
    with pytest.raises(ModelError, match="nothing useful"):
        run(app, Writer(lambda prompt: '{"context": 1}'))
    assert app._store.catalog.notes.count(app._store.kb(None).id) == 1


def test_without_a_server_nothing_is_lost(app: RagApp, docs: Path) -> None:
    assert app.settings.ollama_url == NOBODY
    with pytest.raises(ModelError):
        app.enrich()
    assert app.retrieve("walrus").passages
