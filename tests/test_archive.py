"""A knowledge base in one file, taken elsewhere; a damaged file is refused whole."""

from __future__ import annotations

import hashlib
import random
import zipfile
from pathlib import Path

import pytest

from rag_app import RagApp
from rag_app.errors import ArchiveError, BadKnowledgeBaseName, KnowledgeBaseExists

from .test_app import write


@pytest.fixture(scope="module")
def exported(samples: RagApp, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "samples.ragkb"
    samples.export_knowledge_base("default", path)
    return path


def test_there_and_back(samples: RagApp, app: RagApp, exported: Path) -> None:
    made = app.import_knowledge_base(exported, "样本")
    original = samples.knowledge_bases()[0]
    assert (made.name, made.documents, made.chunks, made.embedder) == (
        "样本",
        original.documents,
        original.chunks,
        original.embedder,
    )
    for question in ("Where is the Ollama server log on Windows?", "什么是 RAG？", "4 比特量化的 8B 模型占多少显存？"):
        there, here = samples.ask(question), app.ask(question, kb="样本")
        assert there.text == here.text
        assert there.citations == here.citations
        scores = [passage.score for passage in samples.retrieve(question).passages]
        assert [passage.score for passage in app.retrieve(question, kb="样本").passages] == pytest.approx(
            scores, abs=1e-4
        )
    folder = next(iter(samples.documents())).path.parent
    assert {file.status for file in app.ingest(folder, kb="样本").files} == {"unchanged"}


def test_names(samples: RagApp, app: RagApp, exported: Path, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "docs", a="Bees make honey."))
    with pytest.raises(KnowledgeBaseExists):
        app.import_knowledge_base(exported)
    with pytest.raises(BadKnowledgeBaseName):
        app.import_knowledge_base(exported, "../x")
    assert [kb.name for kb in app.knowledge_bases()] == ["default"]
    app.create_knowledge_base("empty")
    app.export_knowledge_base("empty", tmp_path / "empty.ragkb")
    assert app.import_knowledge_base(tmp_path / "empty.ragkb", "empty too").documents == 0


def test_a_damaged_file_is_refused_whole(app: RagApp, exported: Path, tmp_path: Path) -> None:
    data = exported.read_bytes()
    dice = random.Random(4)
    damaged = [data[: len(data) * part // 7] for part in range(7)]
    for _ in range(40):
        flipped = bytearray(data)
        flipped[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        damaged.append(bytes(flipped))
    path = tmp_path / "damaged.ragkb"
    for version in damaged:
        path.write_bytes(version)
        with pytest.raises(ArchiveError, match=r"damaged\.ragkb"):
            app.import_knowledge_base(path)
    assert app.knowledge_bases() == []


def sealed(path: Path) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[:-64] + hashlib.sha256(data[:-64]).hexdigest().encode())
    return path


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("document.jsonl", b"[1]\n"),
        ("chunk.jsonl", b""),
        ("page.jsonl", b"not json\n"),
        ("file.jsonl", b'[99, "/x", 1, 1, "", "", null]\n'),
        ("vectors.npy", b"no array"),
        ("manifest.json", b"{}"),
    ],
)
def test_what_is_sealed_and_makes_no_sense_is_refused(
    app: RagApp, exported: Path, tmp_path: Path, member: str, content: bytes
) -> None:
    changed = tmp_path / "changed.ragkb"
    with zipfile.ZipFile(exported) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            after.writestr(name, content if name == member else before.read(name))
        after.comment = b"0" * 64
    with pytest.raises(ArchiveError, match=r"changed\.ragkb"):
        app.import_knowledge_base(sealed(changed))
    assert app.knowledge_bases() == []
    assert app.import_knowledge_base(exported).documents > 0


def test_what_is_no_archive(app: RagApp, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("text", encoding="utf-8")
    with pytest.raises(ArchiveError, match=r"x\.txt"):
        app.import_knowledge_base(tmp_path / "x.txt")
    with pytest.raises(ArchiveError, match="nowhere"):
        app.import_knowledge_base(tmp_path / "nowhere")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(ArchiveError, match=r"x\.zip"):
        app.import_knowledge_base(tmp_path / "x.zip")
    app.create_knowledge_base("a")
    with pytest.raises(ArchiveError, match="nowhere"):
        app.export_knowledge_base("a", tmp_path / "nowhere" / "a.ragkb")
    assert list(tmp_path.glob("**/*.part")) == []
