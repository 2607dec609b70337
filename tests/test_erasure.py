"""Deleted means gone: from answers, from the catalog, from Chroma's files, byte by byte."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ingest.messages import Message
from rag_app import RagApp
from rag_app.errors import NotErased

from .conftest import SAMPLES
from .test_app import state, write

SECRET = "The vault of Atlantis opens with quetzalcoatl seven nine. " * 30
MISSPELT = "亞特蘭提斯金庫的口令是羽蛇神七九，請勿告訴任何人。" * 30


def holding(folder: Path, data: bytes) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and data in path.read_bytes()]


def words(folder: Path) -> list[str]:
    """Files that hold a word of the secrets, as it is or as the index cuts and stems it."""
    pattern = re.compile(rb"(?i)quetzalcoatl|atlanti|" + "羽蛇|亞特蘭|亚特兰".encode())
    return [path.name for path in folder.rglob("*") if path.is_file() and pattern.search(path.read_bytes())]


def vector_bytes(app: RagApp, name: str) -> list[bytes]:
    """The vectors of a document as Chroma's files have them: float32, little-endian."""
    store = app._store
    document = next(one for one in app.documents() if one.path.name == name)
    chunks = store.catalog.database.rows(
        "SELECT chunk.id FROM chunk JOIN page ON page.id = chunk.page WHERE document = ?", (document.id,)
    )
    state = store.catalog.knowledge_bases.index(app.knowledge_bases()[0].id)
    return [v.astype("<f4").tobytes() for v in store.vectors.get(state.collection, [row[0] for row in chunks]).values()]


def test_no_byte_of_a_removed_document_is_left(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", secret=SECRET, geheim=MISSPELT, other="Bees make honey.")
    app.ingest(folder, SAMPLES)
    data = app.settings.data_dir
    assert words(data)
    vectors = vector_bytes(app, "secret.txt")
    assert any(holding(data, vector) for vector in vectors)  # Chroma's log has them as they are
    app.remove(folder / "secret.txt", folder / "geheim.txt", verify=True)
    assert words(data) == []
    assert [name for vector in vectors for name in holding(data, vector)] == []
    assert holding(data, b"secret.txt") == []
    assert "honey" in app.ask("What do bees make?").text
    assert app.ask("Where is the Ollama server log on Windows?").citations
    chunks, stored = state(app)
    assert chunks == stored > 0


def test_no_byte_of_a_deleted_knowledge_base_is_left(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "other", other="Bees make honey."))
    app.create_knowledge_base("vault")
    app.ingest(write(tmp_path / "docs", secret=SECRET, geheim=MISSPELT), kb="vault")
    app.delete_knowledge_base("vault", verify=True)
    assert words(app.settings.data_dir) == []
    vectors = app.settings.data_dir / "vectors"
    assert len([path for path in vectors.iterdir() if path.is_dir()]) == 1  # Chroma itself leaves such folders behind
    assert "honey" in app.ask("What do bees make?").text


def test_no_byte_of_a_file_that_left_its_folder_is_left(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", secret=SECRET, changed=MISSPELT, other="Bees make honey.")
    app.sync(folder)
    (folder / "secret.txt").unlink()
    write(folder, changed="Nothing to see here.")
    app.sync(folder)
    assert words(app.settings.data_dir) == []
    assert holding(app.settings.data_dir, b"secret.txt") == []


def test_what_stays_on_purpose_is_no_trace(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "a folder with quite a long name for a path", a=SECRET)
    app.sync(folder)
    app.remove("a.txt", verify=True)
    assert app.folders() == [folder]


def test_a_text_that_another_document_has_too_is_no_trace(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a=SECRET, b=SECRET + "And more.")
    app.ingest(folder)
    app.remove("a.txt", verify=True)
    assert words(app.settings.data_dir)


def test_what_is_left_is_found(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "docs", secret=SECRET))
    (app.settings.data_dir / "forgotten.log").write_text(f"xyz{SECRET[100:160]}", encoding="utf-8")
    with pytest.raises(NotErased, match=r"forgotten\.log"):
        app.remove("secret.txt", verify=True)


def test_a_reader_that_keeps_the_log_open_is_said(tmp_path: Path) -> None:
    said: list[Message] = []
    with RagApp.open(data_dir=tmp_path / "data", answers="quotes", notify=said.append) as app:
        app.ingest(write(tmp_path / "docs", secret=SECRET, other="Bees make honey."))
        with RagApp.open(data_dir=tmp_path / "data", answers="quotes") as reader:
            connection = reader._store.catalog.database._connection
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM page").fetchone()
            app._store.catalog.database._connection.execute("PRAGMA busy_timeout = 100")
            app.remove("secret.txt")
            connection.execute("COMMIT")
        assert said[-1].key == "storage.log_in_use"
        (tmp_path / "docs" / "other.txt").write_text("Wasps make paper.", encoding="utf-8")
        app.ingest(tmp_path / "docs" / "other.txt")
        assert words(tmp_path / "data") == []


def test_vectors_survive_the_erasing_of_others(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "docs", a="Bees make honey.", b="Cats purr."))
    before = vector_bytes(app, "a.txt")
    app.remove("b.txt")
    after = vector_bytes(app, "a.txt")
    assert np.allclose(np.frombuffer(before[0], "<f4"), np.frombuffer(after[0], "<f4"), atol=1e-6)
