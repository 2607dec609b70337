"""RagApp from the outside: ingest, change, remove, ask; several apps and processes; kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ingest.errors import NothingToRead, PathNotFound
from rag_app import RagApp
from rag_app.errors import (
    BadKnowledgeBaseName,
    EmbedderError,
    KnowledgeBaseExists,
    QuestionError,
    StorageError,
    StorageLocked,
    UnknownDocument,
    UnknownKnowledgeBase,
)
from rag_app.locks import process_lock

from .conftest import DATA, SAMPLES

QUESTIONS = [json.loads(line) for line in (DATA / "sample_questions.jsonl").read_text(encoding="utf-8").splitlines()]


def write(folder: Path, **texts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


def state(app: RagApp) -> tuple[int, int]:
    """(chunks in the catalog, vectors in Chroma) of the default knowledge base; they must agree."""
    kb = next(kb for kb in app.knowledge_bases() if kb.name == "default")
    return kb.chunks, app._store.vectors.count(app._store.catalog.knowledge_bases.index(kb.id).collection)


@pytest.mark.parametrize("case", QUESTIONS, ids=[str(n) for n in range(len(QUESTIONS))])
def test_sample_questions_are_answered_with_the_right_page(samples: RagApp, case: dict[str, object]) -> None:
    answer = samples.ask(str(case["question"]))
    assert not answer.refused
    assert answer.language == case["language"]
    assert (case["document"], case["page"]) in {(c.document, c.page) for c in answer.citations}
    assert "".join(str(case["answer"]).split()) in "".join(answer.text.split())


def test_quotes_are_verbatim_and_spans_exact(samples: RagApp) -> None:
    for case in QUESTIONS:
        answer = samples.ask(case["question"])
        for citation in answer.citations:
            passage = answer.passages[citation.number - 1]
            assert citation.quote == passage.text[citation.start - passage.start : citation.end - passage.start]
            row = samples._store.catalog.database.row(
                "SELECT page.text FROM page JOIN file ON file.document = page.document WHERE path = ? AND number = ?",
                (str(citation.path), citation.page),
            )
            assert row is not None
            assert row[0][citation.start : citation.end] == citation.quote


def test_numbers_count_up_and_what_looks_like_a_marker_is_none(app: RagApp, tmp_path: Path) -> None:
    app.ingest(
        write(
            tmp_path / "docs",
            a="The array a[0] holds walruses, as Smith [2] showed in 1999. Walruses eat clams [9].",
            b="Nothing to see here about the weather.",
        )
    )
    answer = app.ask("What does a[0] hold, and what do walruses eat?")
    assert "a[0] holds walruses, as Smith [2] showed in 1999." in answer.text
    assert [citation.number for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
    assert answer.citations[0].document == "a.txt"
    assert "[2]" in answer.citations[0].quote
    for citation in answer.citations:
        assert citation.path == answer.passages[citation.number - 1].path


def test_stream_gives_the_answer_in_pieces(samples: RagApp) -> None:
    stream = samples.stream("Where is the Ollama server log on Windows, and where are the models?")
    pieces = list(stream)
    assert len(pieces) > 1
    assert "".join(pieces) == stream.answer.text
    assert stream.answer.model == "quotes"
    assert stream.answer.complete


def test_refuses_in_the_language_of_the_question(samples: RagApp) -> None:
    answer = samples.ask("红烧肉怎么做才好吃？")
    assert answer.refused
    assert answer.citations == ()
    assert answer.text == "在你的文档里没有找到相关内容。"
    assert answer.notice is not None  # what came nearest
    assert answer.passages[0].document in answer.notice.text("zh")


def test_empty_knowledge_base_says_what_to_do(app: RagApp) -> None:
    answer = app.ask("Anything?")
    assert answer.refused
    assert "rag-app ingest" in answer.text


@pytest.mark.parametrize("question", ["", "  \n", "x" * 4001, "问" * 20_000])
def test_bad_questions(app: RagApp, question: str) -> None:
    with pytest.raises(QuestionError):
        app.ask(question)


def test_unchanged_changed_and_touched_files(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="The capital of Atlantis is Poseidonis.", b="Bees make honey.")
    assert [f.status for f in app.ingest(folder).files] == ["read", "read"]
    assert [f.status for f in app.ingest(folder).files] == ["unchanged", "unchanged"]
    os.utime(folder / "a.txt", (1, 1))
    assert [f.status for f in app.ingest(folder).files] == ["unchanged", "unchanged"]
    write(folder, a="The capital of Atlantis is Neptunia.")
    assert [f.status for f in app.ingest(folder).files] == ["read", "unchanged"]
    assert state(app) == (2, 2)
    text = app.ask("What is the capital of Atlantis?").text
    assert "Neptunia" in text
    assert "Poseidonis" not in text


def test_one_bad_file_costs_itself_only(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Good text.", c="More good text.")
    (folder / "b.pdf").write_bytes(b"%PDF-1.4 broken")
    (folder / "d.exe").write_bytes(b"MZ")
    (folder / ".hidden.txt").write_text("hidden", encoding="utf-8")
    (folder / "~$lock.docx").write_bytes(b"x")
    report = app.ingest(folder)
    assert not report.ok
    assert [(f.path.name, f.status) for f in report.files] == [
        ("a.txt", "read"),
        ("b.pdf", "refused"),
        ("c.txt", "read"),
        ("d.exe", "refused"),
    ]
    assert all(f.reason is not None for f in report.files if f.status == "refused")
    assert state(app) == (2, 2)


def test_refusing_a_new_version_keeps_the_old_one(app: RagApp, tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# T\n\nThe answer is 42.", encoding="utf-8")
    app.ingest(path)
    path.write_bytes(b"\0\0\0")
    assert [f.status for f in app.ingest(path).files] == ["refused"]
    assert "42" in app.ask("What is the answer?").text


def test_no_such_path_and_empty_folder_touch_nothing(app: RagApp, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PathNotFound, match="nowhere"):
        app.ingest(write(tmp_path / "docs", a="text"), tmp_path / "nowhere")
    with pytest.raises(NothingToRead, match="empty"):
        app.ingest(tmp_path / "empty")
    assert app.documents() == []


def test_links_to_folders_are_not_followed(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="text")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    assert len(app.ingest(folder).files) == 1


def test_remove_by_path_folder_and_name(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Alpha is first.", b="Beta is second.", c="Gamma is third.")
    app.ingest(folder)
    assert [d.path.name for d in app.remove(folder / "a.txt")] == ["a.txt"]
    assert [d.path.name for d in app.remove("b.txt")] == ["b.txt"]
    assert state(app) == (1, 1)
    assert "Alpha" not in app.ask("What is first?").text
    with pytest.raises(UnknownDocument, match=r"a\.txt"):
        app.remove(folder / "a.txt")
    assert len(app.remove(folder)) == 1
    assert state(app) == (0, 0)
    assert (folder / "a.txt").is_file()


def test_the_same_text_twice_is_cited_once(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "docs", a="The moon is made of rock.", b="The moon is made of rock."))
    assert len(app.retrieve("What is the moon made of?").passages) == 1


def test_knowledge_bases(app: RagApp, tmp_path: Path) -> None:
    assert app.create_knowledge_base("合同").name == "合同"
    app.create_knowledge_base("Work 2024 (new)")
    with pytest.raises(KnowledgeBaseExists):
        app.create_knowledge_base("合同")
    with pytest.raises(KnowledgeBaseExists):
        app.create_knowledge_base("work 2024 (NEW)")
    app.ingest(write(tmp_path / "docs", a="租金每月三千元。"), kb="合同")
    assert app.ask("租金是多少？", kb="合同").citations
    assert app.ask("租金是多少？").refused
    app.rename_knowledge_base("合同", "租约")
    assert app.ask("租金是多少？", kb="租约").citations
    with pytest.raises(UnknownKnowledgeBase, match="合同"):
        app.documents("合同")
    with pytest.raises(KnowledgeBaseExists):
        app.rename_knowledge_base("租约", "WORK 2024 (new)")
    app.rename_knowledge_base("租约", "租约")
    assert app.delete_knowledge_base("租约").documents == 1
    assert [kb.name for kb in app.knowledge_bases()] == ["default", "Work 2024 (new)"]


@pytest.mark.parametrize(
    "name", ["", " ", "合同/../x", "../x", "a\\b", "a\nb", ".hidden", "-x", "x" * 65, "a\0b", "a;b'"]
)
def test_bad_knowledge_base_names(app: RagApp, name: str) -> None:
    with pytest.raises(BadKnowledgeBaseName):
        app.create_knowledge_base(name)


def test_an_unknown_knowledge_base_is_not_made_by_accident(app: RagApp) -> None:
    for call in (app.documents, lambda kb: app.ask("x?", kb=kb), lambda kb: app.ingest(SAMPLES, kb=kb)):
        with pytest.raises(UnknownKnowledgeBase, match="nope"):
            call("nope")
    assert "nope" not in {kb.name for kb in app.knowledge_bases()}


def test_another_embedder_never_mixes(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "docs", a="text of a document"))
    kb = app.knowledge_bases()[0]
    app._store.catalog.knowledge_bases.set_embedder(kb.id, "another-model", "rev-1", "bundled")
    with pytest.raises(EmbedderError, match="another-model"):
        app.ask("text?")
    with pytest.raises(EmbedderError, match="another-model"):
        app.ingest(write(tmp_path / "docs", b="more"))
    assert state(app) == (1, 1)


def test_another_app_sees_what_was_ingested_since(app: RagApp, tmp_path: Path) -> None:
    with RagApp.open(data_dir=app.settings.data_dir, answers="quotes") as other:
        app.ingest(write(tmp_path / "docs", a="The code word is walrus."))
        assert "walrus" in other.ask("What is the code word?").text
        write(tmp_path / "docs", a="The code word is penguin.")
        other.ingest(tmp_path / "docs")
        assert "penguin" in app.ask("What is the code word?").text


CHILD = """
import os, sys, signal
from pathlib import Path
from rag_app import RagApp
folder, data, die_at = sys.argv[1], sys.argv[2], sys.argv[3]
app = RagApp.open(data_dir=data, answers="quotes")
if die_at in ("vectors", "settle"):
    name = "add" if die_at == "vectors" else "remove"
    original = getattr(app._store.vectors, name)
    def die(kb, ids, *rest):
        if die_at == "vectors":
            original(kb, ids, *rest)
        if app._store.catalog.knowledge_bases.all()[0].documents and ids:
            os.kill(os.getpid(), signal.SIGKILL)
        if die_at == "settle":
            original(kb, ids, *rest)
    setattr(app._store.vectors, name, die)
print("ready", flush=True)
app.ingest(folder)
"""


def child(folder: Path, data: Path, die_at: str = "never") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(folder), str(data), die_at],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_another_process_is_seen_at_the_next_question(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Bees make honey.")
    app.ingest(folder)
    assert "honey" in app.ask("What do bees make?").text
    write(folder, b="The code word is walrus.")
    assert child(folder, app.settings.data_dir).wait(120) == 0
    assert "walrus" in app.ask("What is the code word?").text


@pytest.mark.parametrize("die_at", ["vectors", "settle"])
def test_a_kill_between_vectors_and_catalog_leaves_no_trace(app: RagApp, tmp_path: Path, die_at: str) -> None:
    folder = write(tmp_path / "docs", a="First fact: cats purr.")
    app.ingest(folder)
    write(folder, a="Changed fact: cats meow.", b="Second fact: dogs bark.")
    killed = child(folder, app.settings.data_dir, die_at)
    assert killed.wait(120) == -signal.SIGKILL
    kb = app.knowledge_bases()[0]
    assert app._store.catalog.documents.pending(kb.id)  # it was in between
    for passage in app.retrieve("cats or dogs?").passages:  # and nothing half-made shows
        assert passage.text in {"First fact: cats purr.", "Changed fact: cats meow.", "Second fact: dogs bark."}
    report = app.ingest(folder)
    assert report.ok
    assert app._store.catalog.documents.pending(kb.id) == []
    assert state(app) == (2, 2)
    assert "bark" in app.ask("What do dogs do?").text


def test_the_lock_of_a_live_process_is_named_and_a_dead_one_s_is_taken_over(app: RagApp, tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\nfrom pathlib import Path\nfrom rag_app.locks import process_lock\n"
            "with process_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(600)",
            str(app.settings.data_dir / "write.lock"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(StorageLocked, match=str(holder.pid)), process_lock(app.settings.data_dir / "write.lock", 0.1):
        pass
    holder.kill()
    holder.wait()
    assert app.ingest(write(tmp_path / "docs", a="text")).ok


def test_ctrl_c_keeps_finished_files_and_the_next_run_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    text = (SAMPLES / "reading-list.md").read_text(encoding="utf-8")
    for number in range(60):
        (folder / f"{number:02}.md").write_text(f"# Copy {number}\n\n{text}", encoding="utf-8")
    data = tmp_path / "data"
    run = subprocess.Popen(
        [sys.executable, "-m", "ingest", str(folder), "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with RagApp.open(data_dir=data, answers="quotes") as app:
        deadline = time.monotonic() + 120
        while len(app.documents()) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        output, _ = run.communicate(timeout=60)
        assert run.returncode == 130
        reported = json.loads(output)
        assert reported["interrupted"] is True
        kept = len(app.documents())
        assert 3 <= kept < 60
        assert 0 < len(reported["files"]) <= kept  # a group is stored, then its files are reported
        chunks, vectors = state(app)
        assert chunks > 0
        for number in range(kept, 60):
            (folder / f"{number:02}.md").unlink()
        assert {f.status for f in app.ingest(folder).files} == {"unchanged"}
        chunks, vectors = state(app)
        assert chunks == vectors


def test_a_damaged_catalog_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "catalog.sqlite3").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StorageError, match=r"catalog\.sqlite3"):
        RagApp.open(data_dir=tmp_path / "data")


def test_a_newer_catalog_is_left_alone(app: RagApp) -> None:
    app._store.catalog.database.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="newer"):
        RagApp.open(data_dir=app.settings.data_dir)


def test_doctor_finds_what_is_missing(samples: RagApp, app: RagApp, tmp_path: Path) -> None:
    checks = {check.name: check for check in samples.doctor()}
    assert checks["embedder"].status == "ok"
    assert checks["ollama"].status == "warn"
    assert "ollama" in str(checks["ollama"].remedy).lower()  # which command depends on where this runs
    app.ingest(write(tmp_path / "docs", a="text"))
    app._store.vectors.drop_all_but(set())
    broken = next(check for check in app.doctor() if check.name == "knowledge base")
    assert broken.status == "fail"
    assert broken.remedy is not None


def test_names_pipes_and_closed_folders_cost_themselves_only(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Good text.", z="More good text.")
    os.mkfifo(folder / "pipe.txt")
    with open(os.path.join(os.fsencode(folder), b"b\xff\xfe.txt"), "wb") as file:  # noqa: PTH118, PTH123
        file.write(b"text")
    report = app.ingest(folder)
    assert [(os.fsencode(f.path.name), f.status) for f in report.files] == [
        (b"a.txt", "read"),
        (b"b\xff\xfe.txt", "refused"),
        (b"pipe.txt", "refused"),
        (b"z.txt", "read"),
    ]
    assert "name" in str(report.files[1].reason)


@pytest.mark.parametrize("path", ["~nobody-of-that-name/x", "x" * 300, "a\0b"])
def test_odd_paths_are_not_found(app: RagApp, path: str) -> None:
    with pytest.raises(PathNotFound):
        app.ingest(path)


def test_half_a_character_in_a_question_is_no_crash(samples: RagApp) -> None:
    assert samples.ask("Where is the Ollama server log on Windows? \udcff").citations


def test_the_data_folder_is_never_read(tmp_path: Path) -> None:
    write(tmp_path / "docs", a="Good text.")
    with RagApp.open(data_dir=tmp_path / "docs" / "data", answers="quotes") as app:
        assert [f.path.name for f in app.ingest(tmp_path / "docs").files] == ["a.txt"]
    with RagApp.open(data_dir=tmp_path / "docs", answers="quotes") as app, pytest.raises(NothingToRead):
        app.ingest(tmp_path / "docs")


def test_remove_is_all_or_nothing(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Alpha.", b="Beta.")
    app.ingest(folder)
    with pytest.raises(UnknownDocument, match="nosuch"):
        app.remove("a.txt", "nosuch.txt")
    assert len(app.documents()) == 2
    assert len(app.remove("a.txt", folder / "a.txt", folder)) == 2


def test_lost_vectors_are_said_and_made_again(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Bees make honey.")
    app.ingest(folder)
    app._store.vectors.drop_all_but(set())
    with pytest.raises(StorageError, match="rag-app reindex"):
        app.ask("What do bees make?")
    assert [f.status for f in app.ingest(folder).files] == ["unchanged"]
    assert "honey" in app.ask("What do bees make?").text
    app._store.vectors.drop_all_but(set())
    app.reindex()
    assert "honey" in app.ask("What do bees make?").text
