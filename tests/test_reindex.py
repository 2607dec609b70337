"""Another embedding model for an index: built beside the old one, resumable, checked, swapped in one commit."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rag_app import RagApp, UserError
from rag_app.errors import EmbedderError, StorageError

from .conftest import SAMPLES
from .test_app import state, write
from .tiny_model import tiny_model


@pytest.fixture(scope="module")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a small real sentence-transformers model."""
    return str(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


def test_reindex_with_another_model_and_back(app: RagApp, tmp_path: Path, other_model: str) -> None:
    app.ingest(write(tmp_path / "docs", a="Bees make honey.", b="The code word is walrus."))
    steps: list[tuple[int, int]] = []
    assert app.reindex(other_model, progress=lambda done, total: steps.append((done, total))).embedder == other_model
    assert steps[-1] == (2, 2)
    assert state(app) == (2, 2)
    assert "walrus" in app.ask("What is the code word?").text  # by its own model, though another is the default
    write(tmp_path / "docs", c="Cats purr.")
    app.ingest(tmp_path / "docs")
    assert state(app) == (3, 3)
    with RagApp.open(data_dir=app.settings.data_dir, answers="quotes") as other:
        assert "honey" in other.ask("What do bees make?").text
    with RagApp.open(data_dir=app.settings.data_dir, answers="quotes", embedder="bundled") as other:
        with pytest.raises(EmbedderError, match="rag-app reindex --kb 'default' --embedder 'bundled'"):
            other.ask("What do bees make?")
        with pytest.raises(EmbedderError, match="rag-app reindex"):
            other.ingest(tmp_path / "docs")
        assert other.reindex("bundled").embedder == "multilingual-e5-small"
        assert "honey" in other.ask("What do bees make?").text
    assert "walrus" in app.ask("What is the code word?").text
    assert len(list((app.settings.data_dir / "vectors").glob("*-*"))) <= 1  # the old vectors are off the disk


def test_questions_are_answered_all_the_while(app: RagApp, tmp_path: Path, other_model: str) -> None:
    app.ingest(SAMPLES)
    failures: list[BaseException] = []
    asked = 0
    stop = threading.Event()

    def ask() -> None:
        nonlocal asked
        with RagApp.open(data_dir=app.settings.data_dir, answers="quotes") as reader:
            while not stop.is_set():
                try:
                    # the small model's vectors say nothing, so an answer may be a refusal; what was found is there
                    assert reader.ask("Where is the Ollama server log on Windows?").passages
                    asked += 1
                except (AssertionError, UserError) as error:
                    failures.append(error)
                    return

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for model in (other_model, "bundled"):
            app.reindex(model)
    finally:
        stop.set()
        thread.join(60)
    assert failures == []
    assert asked > 3


CHILD = """
import os, signal, sys
from rag_app import RagApp, UserError
app = RagApp.open(data_dir=sys.argv[1], answers="quotes")
from rag_app.index import rebuild
rebuild._CHUNKS_AT_ONCE = 8
app.reindex(sys.argv[2], progress=lambda done, total: done >= 40 and os.kill(os.getpid(), signal.SIGKILL))
"""


def test_a_killed_reindex_goes_on(
    app: RagApp, tmp_path: Path, other_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.ingest(SAMPLES)
    app._store.embedder(other_model)  # prepared
    killed = subprocess.run([sys.executable, "-c", CHILD, str(app.settings.data_dir), other_model], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert app.ask("Where is the Ollama server log on Windows?").citations  # from the old vectors
    app.ingest(write(tmp_path / "docs", a="Bees make honey."))
    embedder = app._store.embedder(other_model)
    texts: list[str] = []
    embed = embedder.embed_passages

    def counted(batch: Sequence[str]) -> npt.NDArray[np.float32]:
        texts.extend(batch)
        return embed(batch)

    monkeypatch.setattr(embedder, "embed_passages", counted)
    chunks = app.reindex(other_model).chunks
    assert 0 < len(texts) < chunks
    assert state(app) == (chunks, chunks)
    assert app.knowledge_bases()[0].embedder == other_model


def test_vectors_that_fail_the_check_never_serve(
    app: RagApp, tmp_path: Path, other_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.ingest(write(tmp_path / "docs", a="Bees make honey.", b="The code word is walrus."))
    embedder = app._store.embedder(other_model)
    rng = np.random.default_rng(0)

    def nonsense(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        vectors = rng.normal(size=(len(texts), embedder.info.dimension)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    monkeypatch.setattr(embedder, "embed_passages", nonsense)
    with pytest.raises(StorageError, match="failed the check"):
        app.reindex(other_model)
    assert app.knowledge_bases()[0].embedder == "multilingual-e5-small"
    assert "walrus" in app.ask("What is the code word?").text


def test_damaged_vectors_are_made_anew_from_the_stored_text(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "docs", a="Bees make honey."))
    app.create_knowledge_base("other")
    app.ingest(write(tmp_path / "other", b="Cats purr."), kb="other")
    app._store.vectors.reopen()
    database = app.settings.data_dir / "vectors" / "chroma.sqlite3"
    database.write_bytes(b"this is not a database" * 1000)
    with pytest.raises(StorageError, match="rag-app reindex"):
        app.ask("What do bees make?")
    with pytest.raises(StorageError, match="rag-app reindex"):
        app.ingest(tmp_path / "docs")
    app.reindex()
    assert "honey" in app.ask("What do bees make?").text
    with pytest.raises(StorageError, match="rag-app reindex"):
        app.ask("What do cats do?", kb="other")
    app.ingest(tmp_path / "other", kb="other")
    assert "purr" in app.ask("What do cats do?", kb="other").text
    assert [path.name for path in app.settings.data_dir.iterdir() if "damaged" in path.name] == []
