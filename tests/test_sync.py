"""A folder and its knowledge base in step: what is read, embedded, moved, ignored, removed."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ingest.discover import can_be_trusted
from ingest.errors import BadIgnoreFile, NothingToRead, PathNotFound
from ingest.types import IngestReport, SourceFile
from rag_app import RagApp
from rag_app.errors import SettingsError

from .conftest import SAMPLES
from .test_app import state, write


def statuses(report: IngestReport) -> dict[str, str]:
    return {file.path.name: file.status for file in report.files}


class Counting:
    """The real embedding model, counting what it embeds."""

    def __init__(self, app: RagApp, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        embedder = app._store.embedder()
        embed = embedder.embed_passages

        def counted(texts: Sequence[str]) -> npt.NDArray[np.float32]:
            self.texts += texts
            return embed(texts)

        monkeypatch.setattr(embedder, "embed_passages", counted)


@pytest.fixture
def counting(app: RagApp, monkeypatch: pytest.MonkeyPatch) -> Counting:
    return Counting(app, monkeypatch)


def opened(paths: list[Path]) -> list[str]:
    """Which of the paths this process opens; filled by an audit hook, which can't be taken back."""
    seen: list[str] = []
    wanted = {str(path) for path in paths}

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and str(arguments[0]) in wanted:
            seen.append(str(arguments[0]))

    sys.addaudithook(hook)
    return seen


def test_unchanged_files_are_not_opened(app: RagApp, tmp_path: Path, counting: Counting) -> None:
    folder = write(tmp_path / "docs", **{f"n{number}": f"Fact number {number}." for number in range(30)})
    for path in folder.iterdir():
        os.utime(path, ns=(10**18 + 5, 10**18 + 5))  # long ago: a time that can be trusted
    app.sync(folder)
    counting.texts.clear()
    seen = opened(list(folder.iterdir()))
    assert set(statuses(app.sync(folder)).values()) == {"unchanged"}
    assert seen == []
    os.utime(folder / "n7.txt", (1, 1))
    assert set(statuses(app.sync(folder)).values()) == {"unchanged"}
    assert seen == [str(folder / "n7.txt")]  # touched: its content is looked at
    assert set(statuses(app.sync(folder)).values()) == {"unchanged"}
    assert len(seen) == 1
    assert counting.texts == []


def test_only_new_chunks_of_a_changed_file_are_embedded(app: RagApp, tmp_path: Path, counting: Counting) -> None:
    sections = [f"# Part {n}\n\n" + f"Sentence of part {n} about walruses. " * 40 for n in range(6)]
    path = tmp_path / "a.md"
    path.write_text("\n\n".join(sections), encoding="utf-8")
    app.ingest(path)
    first = len(counting.texts)
    assert first >= 6
    counting.texts.clear()
    path.write_text("\n\n".join([*sections[:5], sections[5].replace("walruses", "penguins")]), encoding="utf-8")
    assert statuses(app.ingest(path)) == {"a.md": "read"}
    assert 0 < len(counting.texts) < first / 2
    assert all("penguins" in text for text in counting.texts)
    chunks, vectors = state(app)
    assert chunks == vectors
    assert "penguins" in app.ask("What is part 5 about?").text


def test_moved_files_keep_their_vectors(app: RagApp, tmp_path: Path, counting: Counting) -> None:
    folder = write(tmp_path / "docs", a="The code word is walrus.", b="Bees make honey.")
    app.sync(folder)
    counting.texts.clear()
    (folder / "sub").mkdir()
    (folder / "a.txt").rename(folder / "sub" / "renamed.txt")
    report = app.sync(folder)
    assert statuses(report) == {"a.txt": "removed", "b.txt": "unchanged", "renamed.txt": "moved"}
    assert next(file.other for file in report.files if file.status == "moved") == folder / "a.txt"
    assert counting.texts == []
    assert state(app) == (2, 2)
    (citation,) = app.ask("What is the code word?").citations
    assert citation.path == folder / "sub" / "renamed.txt"
    assert "renamed.txt" in {passage.document for passage in app.retrieve("renamed").passages}
    assert [document.title for document in app.documents()] == ["b", "renamed"]


def test_duplicates_are_stored_once_and_listed_under_every_path(
    app: RagApp, tmp_path: Path, counting: Counting
) -> None:
    folder = write(tmp_path / "docs", a="The code word is walrus.", b="The code word is walrus.")
    (folder / "c.md").write_text("The code word is walrus.", encoding="utf-8")  # read as another kind of file
    assert sorted(statuses(app.sync(folder)).values()) == ["duplicate", "read", "read"]
    assert [document.paths for document in app.documents()] == [
        (folder / "a.txt", folder / "b.txt"),
        (folder / "c.md",),
    ]
    assert state(app) == (2, 2)
    (folder / "a.txt").unlink()
    assert statuses(app.sync(folder)) == {"a.txt": "removed", "b.txt": "unchanged", "c.md": "unchanged"}
    assert [document.path.name for document in app.documents()] == ["b.txt", "c.md"]
    (folder / "b.txt").write_text("Something else.", encoding="utf-8")
    app.sync(folder)
    assert state(app) == (2, 2)


def test_removed_files_leave_but_not_what_lies_elsewhere(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "elsewhere", e="Elsewhere there are eels."))
    folder = write(tmp_path / "docs", a="The code word is walrus.", b="Bees make honey.")
    app.ingest(folder)
    (folder / "a.txt").unlink()
    assert statuses(app.ingest(folder)) == {"a.txt": "removed", "b.txt": "unchanged"}
    assert "walrus" not in app.ask("What is the code word?").text
    assert {document.path.name for document in app.documents()} == {"b.txt", "e.txt"}


def test_a_missing_drive_empties_nothing(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="The code word is walrus.")
    app.sync(folder)
    (folder / "a.txt").unlink()
    with pytest.raises(NothingToRead, match=r"1 documents.*docs remove"):
        app.sync(folder)
    with pytest.raises(NothingToRead):
        app.plan(folder)
    assert "walrus" in app.ask("What is the code word?").text


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may list everything")
def test_a_folder_that_cannot_be_listed_keeps_its_documents(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Bees make honey.")
    write(folder / "sub", b="The code word is walrus.")
    app.sync(folder)
    (folder / "sub").chmod(0)
    try:
        assert statuses(app.sync(folder)) == {"a.txt": "unchanged", "sub": "refused"}
    finally:
        (folder / "sub").chmod(0o700)
    assert len(app.documents()) == 2


def test_ignore_rules(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Alpha.", secret="Private.", keep="Keep.")
    write(folder / "drafts", x="Draft.", keep="Kept draft.")
    write(folder / "drafts" / "old", y="Old.")
    write(folder / "sub", secret="Another secret.", z="Zeta.")
    (folder / ".ragignore").write_text("# private\nsecret.txt\n/drafts/*\n!/drafts/keep.txt\n", encoding="utf-8")
    (folder / "sub" / ".ragignore").write_text("z.txt\n!secret.txt\n", encoding="utf-8")
    names = sorted(str(file.path.relative_to(folder)) for file in app.sync(folder).files)
    assert names == ["a.txt", "drafts/keep.txt", "keep.txt", "sub/secret.txt"]
    (folder / ".ragignore").write_text("secret.txt\ndrafts\nkeep.txt\n", encoding="utf-8")
    assert {path for path, status in statuses(app.sync(folder)).items() if status == "removed"} == {"keep.txt"}
    assert {str(document.path.relative_to(folder)) for document in app.documents()} == {"a.txt", "sub/secret.txt"}
    assert statuses(app.ingest(folder / "secret.txt")) == {"secret.txt": "read"}  # named outright


def test_an_ignore_file_that_cannot_be_read_stops_everything(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Alpha.")
    (folder / ".ragignore").mkdir()
    with pytest.raises(BadIgnoreFile, match=r"\.ragignore"):
        app.sync(folder)
    (folder / ".ragignore").rmdir()
    (folder / ".ragignore").write_text("good\n!\n", encoding="utf-8")
    with pytest.raises(BadIgnoreFile, match=r"\.ragignore"):
        app.sync(folder)
    assert app.documents() == []


def test_a_plan_says_what_would_happen_and_does_nothing(app: RagApp, tmp_path: Path, counting: Counting) -> None:
    folder = write(tmp_path / "docs", a="Alpha.", b="Beta.", c="Gamma.", d="Delta.")
    app.sync(folder)
    counting.texts.clear()
    before = app.documents()
    write(folder, b="Beta, changed.", e="Epsilon, new.", f="Alpha.")
    (folder / "c.txt").rename(folder / "g.txt")
    (folder / "d.txt").unlink()
    (folder / "x.exe").write_bytes(b"MZ")
    planned = statuses(app.plan(folder))
    assert planned == {
        "a.txt": "unchanged",
        "b.txt": "read",
        "c.txt": "removed",
        "d.txt": "removed",
        "e.txt": "read",
        "f.txt": "duplicate",
        "g.txt": "moved",
        "x.exe": "refused",
    }
    assert app.documents() == before
    assert counting.texts == []
    assert statuses(app.sync(folder)) == planned  # and so it happens


def test_folders_are_remembered(app: RagApp, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="rag-app sync FOLDER"):
        app.sync()
    with pytest.raises(PathNotFound, match="no folder"):
        app.sync(SAMPLES / "reading-list.md")
    one, two = write(tmp_path / "one", a="Alpha."), write(tmp_path / "two", b="Beta.")
    app.sync(one)
    app.sync(two)
    assert app.folders() == [one, two]
    write(one, c="Gamma.")
    assert statuses(app.sync()) == {"a.txt": "unchanged", "b.txt": "unchanged", "c.txt": "read"}


def test_refusals_are_remembered_until_the_file_or_the_limits_change(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Alpha.")
    (folder / "b.pdf").write_bytes(b"%PDF-1.4 broken")
    assert statuses(app.sync(folder))["b.pdf"] == "refused"
    seen = opened([folder / "b.pdf"])
    again = next(file for file in app.sync(folder).files if file.status == "refused")
    assert again.reason is not None
    assert again.reason.key == "file.damaged"
    assert seen == []
    with RagApp.open(data_dir=app.settings.data_dir, answers="quotes", parse_seconds=61) as other:
        assert statuses(other.sync(folder)) == {"a.txt": "unchanged", "b.pdf": "refused"}
    assert seen == [str(folder / "b.pdf")]


def test_a_kept_version_is_said(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="The answer is 42.")
    app.sync(folder)
    (folder / "a.txt").write_bytes(b"\0\0\0")
    for _ in range(2):
        (report,) = app.sync(folder).files
        assert (report.status, report.kept) == ("refused", True)
    assert "42" in app.ask("What is the answer?").text
    write(folder, a="The answer is 43.")
    assert statuses(app.sync(folder)) == {"a.txt": "read"}
    assert "43" in app.ask("What is the answer?").text


def test_other_chunk_sizes_read_anew_and_embed_what_is_new(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Short text.")
    app.sync(folder)
    with RagApp.open(data_dir=app.settings.data_dir, answers="quotes", chunk_tokens=128) as other:
        assert statuses(other.sync(folder)) == {"a.txt": "read"}
    assert state(app) == (1, 1)


def test_a_huge_file_is_not_opened(tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Alpha.")
    with (folder / "huge.txt").open("wb") as file:
        file.truncate(3 << 20)
    seen = opened([folder / "huge.txt"])
    with RagApp.open(data_dir=tmp_path / "data", answers="quotes", parse_file_mb=2) as app:
        report = next(file for file in app.sync(folder).files if file.path.name == "huge.txt")
    assert report.reason is not None
    assert "parse_file_mb" in report.reason.text("en")
    assert seen == []


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_run(
    app: RagApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest import pipeline

    path = write(tmp_path / "docs", a="Half of") / "a.txt"
    result = pipeline.result

    def written_meanwhile(document: object) -> object:
        path.write_text("Half of it and the whole.", encoding="utf-8")
        return result(document)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "result", written_meanwhile)
    (report,) = app.ingest(path).files
    assert report.reason is not None
    assert report.reason.key == "file.changing"
    monkeypatch.undo()
    assert [file.status for file in app.ingest(path).files] == ["read"]


def test_times_that_cannot_be_trusted(tmp_path: Path) -> None:
    now = time.time_ns()
    assert not can_be_trusted(SourceFile(tmp_path, 1, now - 10**6 + 1))  # within a tick of the clock
    assert can_be_trusted(SourceFile(tmp_path, 1, now - 10**9 + 1))
    assert not can_be_trusted(SourceFile(tmp_path, 1, now // 10**9 * 10**9))  # whole seconds: FAT
    assert not can_be_trusted(SourceFile(tmp_path, 1, now + 3600 * 10**9))  # the clock went back


def test_a_clock_that_went_back_loses_no_change(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="The code word is walrus.")
    future = time.time() + 3600
    os.utime(folder / "a.txt", (future, future))
    app.sync(folder)
    (folder / "a.txt").write_text("The code word is falcon.", encoding="utf-8")  # as long as before
    os.utime(folder / "a.txt", (future, future))
    app.sync(folder)
    assert "falcon" in app.ask("What is the code word?").text


def test_watching_follows_files_as_they_are_written(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Bees make honey.")
    stop = threading.Event()
    seen: list[IngestReport] = []

    def follow() -> None:
        with RagApp.open(data_dir=app.settings.data_dir, answers="quotes") as other:
            seen.extend(other.watch(folder, stop=stop, progress=None))

    def eventually(condition: object) -> bool:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if condition():  # type: ignore[operator]
                return True
            time.sleep(0.1)
        return False

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        assert eventually(lambda: len(app.documents()) == 1)
        with (folder / "slow.txt").open("w", encoding="utf-8") as file:  # written over two seconds
            for number in range(10):
                file.write(f"Line {number} of a slow file. ")
                file.flush()
                time.sleep(0.2)
            file.write("The code word is walrus.")
        assert eventually(lambda: len(app.documents()) == 2)
        assert "walrus" in app.ask("What is the code word?").text
        (folder / "a.txt").unlink()
        assert eventually(lambda: len(app.documents()) == 1)
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    assert "refused" not in {file.status for report in seen for file in report.files}
