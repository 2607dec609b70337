"""Kills, full disks, damaged files, old catalogs: a clear error, nothing lost in silence, and what mends it."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks import kills
from rag_app import RagApp
from rag_app.errors import StorageError

from .conftest import SAMPLES
from .test_app import state, write


def test_kills_at_random_moments_lose_and_leave_nothing(tmp_path: Path) -> None:
    """Some of what ``benchmarks/kills.py`` does two hundred times."""
    for name in ("reading-list.md", "privacy-and-offline-use.txt", "学习小组会议纪要.txt", "常见问题.docx"):
        shutil.copy(SAMPLES / name, tmp_path)
    assert kills.run(tmp_path, runs=3, seed=3) == []


FULL = """
import resource, sys
from rag_app import RagApp
app = RagApp.open(data_dir=sys.argv[1], answers="quotes")
app.prepare()
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))  # no file may grow past this
try:
    app.ingest(sys.argv[2])
except Exception as error:
    print(type(error).__mro__[1].__name__, error, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process as Linux has them")
@pytest.mark.parametrize("limit", [20_000, 250_000])
def test_a_full_disk(app: RagApp, tmp_path: Path, limit: int) -> None:
    folder = write(tmp_path / "docs", a="The code word is walrus.")
    app.ingest(folder)
    for path in SAMPLES.glob("*.md"):
        shutil.copy(path, folder)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(app.settings.data_dir), str(folder), str(limit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Error" in done.stdout
    assert "free space" in done.stdout, done.stdout
    with RagApp.open(data_dir=app.settings.data_dir, answers="quotes") as other:  # once there is room again
        assert "walrus" in other.ask("What is the code word?").text
        assert other.ingest(folder).ok
        chunks, vectors = state(other)
        assert chunks == vectors > 10


DAMAGES = ["noise", "cut", "gone", "empty"]


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    match how:
        case "noise":
            dice = random.Random(0)
            first = min(4096, len(data) // 4)
            data[first:] = dice.randbytes(len(data) - first)
        case "cut":
            del data[len(data) // 2 :]
        case "empty":
            data.clear()
    path.write_bytes(data)
    if how == "gone":
        path.unlink()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Path:
    """A data folder large enough for Chroma to have written its HNSW files; made without reading a thousand pages."""
    folder = tmp_path_factory.mktemp("large")
    with RagApp.open(data_dir=folder / "data", model_dir=model_dir, answers="quotes", language="en") as app:
        (folder / "docs").mkdir()
        text = "\n\n".join(f"# Fact {n}\n\nThe number of fact {n} is {n * 7}. " + "Walrus. " * 150 for n in range(1100))
        (folder / "docs" / "facts.md").write_text(text, encoding="utf-8")
        embedder = app._store.embedder()
        one = embedder.embed_passages(["walrus"])
        dice = random.Random(1)

        def fast(texts: object) -> object:
            import numpy as np

            vectors = np.repeat(one, len(texts), axis=0)  # type: ignore[arg-type]
            vectors += np.array([[dice.gauss(0, 0.02) for _ in range(vectors.shape[1])] for _ in range(len(vectors))])
            return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

        embedder.embed_passages = fast  # type: ignore[method-assign, assignment]
        app.ingest(folder / "docs")
        assert app.knowledge_bases()[0].chunks > 1000
    assert list((folder / "data" / "vectors").glob("*/data_level0.bin"))
    return folder


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize(
    "name", ["header.bin", "data_level0.bin", "index_metadata.pickle", "length.bin", "link_lists.bin", "chroma.sqlite3"]
)
def test_damaged_vectors_are_named_and_never_used(large: Path, tmp_path: Path, name: str, how: str) -> None:
    data = tmp_path / "copy"
    shutil.copytree(large / "data", data)
    (file,) = (data / "vectors").rglob(name)
    if not file.stat().st_size:
        pytest.skip("empty as it is")
    damage(file, how)
    with RagApp.open(data_dir=data, answers="quotes", language="en") as app:
        if (name, how) == ("chroma.sqlite3", "noise"):  # SQLite notices when it comes to those pages, or is asked to
            with pytest.raises(StorageError, match="rag-app reindex"):
                app._store.vectors.check()
            return
        with pytest.raises(StorageError, match="rag-app reindex"):
            app.ask("What is the number of fact 7?")


def test_a_damaged_page_of_the_catalog_is_named(app: RagApp, tmp_path: Path) -> None:
    app.ingest(SAMPLES)
    app.close()
    path = app.settings.data_dir / "catalog.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(path, "noise")
    with pytest.raises(StorageError, match=r"catalog\.sqlite3.*ingest the documents again"):
        RagApp.open(data_dir=app.settings.data_dir, answers="quotes").ingest(SAMPLES)


VERSION_2 = """
CREATE TABLE knowledge_base (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, created TEXT NOT NULL,
    embedder TEXT NOT NULL DEFAULT '', embedder_revision TEXT NOT NULL DEFAULT '',
    index_version INTEGER NOT NULL DEFAULT 0);
CREATE TABLE document (id INTEGER PRIMARY KEY, kb TEXT NOT NULL REFERENCES knowledge_base(id) ON DELETE CASCADE,
    path TEXT NOT NULL, title TEXT NOT NULL, format TEXT NOT NULL, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    digest TEXT NOT NULL, ingested TEXT NOT NULL, warnings TEXT NOT NULL DEFAULT '[]', UNIQUE (kb, path));
CREATE TABLE page (id INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    number INTEGER NOT NULL, label TEXT, text TEXT NOT NULL, kind TEXT NOT NULL, columns INTEGER NOT NULL,
    ocr INTEGER NOT NULL, UNIQUE (document, number));
CREATE TABLE chunk (id INTEGER PRIMARY KEY AUTOINCREMENT, page INTEGER NOT NULL REFERENCES page(id) ON DELETE CASCADE,
    start INTEGER NOT NULL, stop INTEGER NOT NULL, headings TEXT NOT NULL, lines TEXT NOT NULL);
CREATE INDEX chunk_page ON chunk (page);
CREATE TABLE pending_vector (kb TEXT NOT NULL, chunk INTEGER NOT NULL, PRIMARY KEY (kb, chunk)) WITHOUT ROWID;
CREATE VIRTUAL TABLE lexical_abc USING fts5(title, body, tokenize = 'unicode61 remove_diacritics 0');
CREATE VIRTUAL TABLE lexical_terms_abc USING fts5vocab(lexical_abc, row);
PRAGMA user_version = 2;
"""


def test_a_catalog_of_an_earlier_version_is_taken_over(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="The code word is walrus.", b="The code word is walrus.", c="Bees make honey.")
    app.ingest(folder)
    embedder = app._store.embedder()
    data = tmp_path / "old"
    data.mkdir()
    with closing(sqlite3.connect(data / "catalog.sqlite3")) as database:
        database.executescript(VERSION_2)
        info = embedder.info
        database.execute(
            "INSERT INTO knowledge_base VALUES ('abc', 'default', '2026-01-01T00:00:00', ?, ?, 1)",
            (info.name, info.revision),
        )
        for number, name in enumerate("abc", 1):
            path = folder / f"{name}.txt"
            text = path.read_text(encoding="utf-8")
            database.execute(
                "INSERT INTO document VALUES (?, 'abc', ?, ?, 'text', 24, 5, 'digest', '2026-01-01T00:00:00', '[]')",
                (number, str(path), name),
            )
            database.execute("INSERT INTO page VALUES (?, ?, 1, NULL, ?, 'text', 0, 0)", (number, number, text))
            database.execute("INSERT INTO chunk VALUES (?, ?, 0, ?, '[]', '[]')", (number, number, len(text)))
            database.execute("INSERT INTO lexical_abc (rowid, title, body) VALUES (?, '', '')", (number,))
        database.commit()
    with RagApp.open(data_dir=data, answers="quotes") as old:
        assert [(d.path.name, d.pages, d.chunks) for d in old.documents()] == [
            ("a.txt", 1, 1),
            ("b.txt", 1, 1),
            ("c.txt", 1, 1),
        ]
        assert old.ingest(folder).ok  # vectors were never there: made anew; files are read anew
        assert "walrus" in old.ask("What is the code word?").text
        assert state(old) == (2, 2)
        assert len(old.documents()) == 2
        assert {file.status for file in old.ingest(folder).files} == {"unchanged"}
