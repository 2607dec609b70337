"""Files that hang, crash, swell or lie cost themselves only. Real processes, real files."""

from __future__ import annotations

import io
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ingest import pipeline
from ingest.changes import Readers
from ingest.errors import DamagedFile, FileRefused, OverLimit, ReaderFailed, UnsupportedFormat
from ingest.loaders import load
from ingest.messages import Message
from ingest.sandbox import Sandbox, _Unpickler, result
from ingest.types import Document, FileReport, KnownFile, Limits, ReadFile, SourceFile
from rag_app import RagApp

from .conftest import PROJECT, SAMPLES
from .files import blank_pdf, docx_file

LOADERS = {".bad": "tests.misbehaving"}
LIMITS = Limits(seconds=5, memory_mb=300, pages=3, unpacked_mb=4)
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds memory exactly")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(LIMITS, 1, LOADERS) as opened:
        yield opened


def bad(path: Path, what: str) -> Path:
    path = path.with_suffix(".bad")
    path.write_text(what, encoding="utf-8")
    return path


def read(sandbox: Sandbox, path: Path) -> Document:
    return result(sandbox.submit(path))


def pid(sandbox: Sandbox, folder: Path) -> int:
    return int(read(sandbox, bad(folder / "pid", "title")).title.split()[1])


def is_running(process: int) -> bool:
    """False for a zombie: in a container nobody may ask after an orphan."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.strip().startswith("Z")


def ends(process: int) -> bool:
    return eventually(lambda: not is_running(process))


def eventually(is_so: Callable[[], object]) -> bool:
    for _ in range(600):
        if is_so():
            return True
        time.sleep(0.1)
    return False


MISBEHAVIOUR = [
    ("hang", OverLimit, "longer than 5 seconds.*parse_seconds"),
    ("hang with the interpreter locked", OverLimit, "longer than 5 seconds"),
    pytest.param("allocate", OverLimit, "300 MB.*parse_memory_mb", marks=linux),
    pytest.param("segfault", ReaderFailed, "SIGSEGV", marks=posix),
    ("exit", ReaderFailed, r"crashed.*\(3\)"),
    ("raise", ReaderFailed, "LookupError: nobody foresaw this"),
    ("recurse", ReaderFailed, "RecursionError"),
    ("refuse", DamagedFile, r"not a TEST file \(as expected\)"),
]


@pytest.mark.parametrize(("what", "kind", "text"), MISBEHAVIOUR)
def test_a_bad_file_costs_itself_only(tmp_path: Path, what: str, kind: type[FileRefused], text: str) -> None:
    paths = [bad(tmp_path / f"{number}", what if number == 2 else "well") for number in range(5)]
    with Sandbox(LIMITS, 2, LOADERS) as sandbox:
        futures = [sandbox.submit(path) for path in paths]
        with pytest.raises(kind, match=text):
            result(futures.pop(2))
        assert [result(future).title for future in futures] == ["good"] * 4


def test_workers_are_used_again_and_replaced_after_a_crash(sandbox: Sandbox, tmp_path: Path) -> None:
    first = pid(sandbox, tmp_path)
    with pytest.raises(FileRefused):
        read(sandbox, bad(tmp_path / "a", "refuse"))
    assert pid(sandbox, tmp_path) == first
    with pytest.raises(FileRefused):
        read(sandbox, bad(tmp_path / "a", "exit"))
    second = pid(sandbox, tmp_path)
    assert second != first
    assert ends(first)


def test_a_worker_is_replaced_in_time(sandbox: Sandbox, tmp_path: Path) -> None:
    path = bad(tmp_path / "pid", "title")
    pids = [read(sandbox, path).title for _ in range(201)]
    assert len(set(pids[:200])) == 1
    assert pids[200] != pids[0]


@posix
def test_a_worker_that_was_killed_while_idle_costs_no_file(sandbox: Sandbox, tmp_path: Path) -> None:
    first = pid(sandbox, tmp_path)
    os.kill(first, signal.SIGKILL)
    assert ends(first)
    assert pid(sandbox, tmp_path) != first


@posix
def test_workers_ignore_ctrl_c(sandbox: Sandbox, tmp_path: Path) -> None:
    first = pid(sandbox, tmp_path)
    os.kill(first, signal.SIGINT)
    assert pid(sandbox, tmp_path) == first


def test_what_a_loader_prints_is_no_reply(sandbox: Sandbox, tmp_path: Path) -> None:
    assert read(sandbox, bad(tmp_path / "a", "print")).title == "good"


def test_no_worker_without_work(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        with pytest.raises(UnsupportedFormat):
            sandbox.submit(tmp_path / "picture.xyz")
        assert not sandbox._alive


@pytest.mark.parametrize("path", sorted(p for p in SAMPLES.iterdir() if p.is_file()), ids=lambda p: p.name)
def test_documents_come_back_unchanged(path: Path, worker: Sandbox) -> None:
    assert read(worker, path) == load(path)


@pytest.fixture(scope="module")
def worker() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def test_time_begins_anew_with_each_page_that_is_recognized(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with Sandbox(Limits(seconds=2, ocr_pages=3), 1, LOADERS) as sandbox:
        path = bad(tmp_path / "a", "recognize slowly")
        assert result(sandbox.submit(path, recognizing=lambda *step: told.append(step))).title == "good"
        assert told == [(0, 3), (1, 3), (2, 3)]
        with pytest.raises(ReaderFailed, match="crashed"):
            read(sandbox, bad(tmp_path / "b", "recognize for ever"))
        with pytest.raises(OverLimit, match="longer than 2 seconds"):
            read(sandbox, bad(tmp_path / "c", "hang"))


def test_a_damaged_file_is_refused_as_before(worker: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"PK\x03\x04 nothing more")
    with pytest.raises(DamagedFile) as here:
        load(tmp_path / "a.docx")
    with pytest.raises(DamagedFile) as there:
        read(worker, tmp_path / "a.docx")
    assert there.value.message.text("zh") == here.value.message.text("zh")


def bomb(path: Path, megabytes: int) -> Path:
    """A Word file whose text inflates to ``megabytes``."""
    docx_file(path)
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in parts.items():
            with target.open(name, "w") as part:
                if name == "word/document.xml":
                    head, tail = data.split(b"<w:body>")
                    part.write(head + b"<w:body><w:p><w:r><w:t>")
                    for _ in range(megabytes):
                        part.write(b"a" * (1 << 20))
                    part.write(b"</w:t></w:r></w:p>" + tail)
                else:
                    part.write(data)
    return path


def lie(path: Path, name: str, size: int) -> Path:
    """Make the archive's directory declare ``size`` for a part."""
    data = bytearray(path.read_bytes())
    at = data.rindex(name.encode()) - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    data[at + 24 : at + 28] = struct.pack("<I", size)
    path.write_bytes(data)
    return path


def test_a_bomb_is_refused_before_it_is_unpacked(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(OverLimit, match=r"more than 4 MB.*parse_unpacked_mb"):
        read(sandbox, bomb(tmp_path / "bomb.docx", 400))  # unpacked it would not fit into the 300 MB


def test_a_bomb_that_lies_is_refused_too(sandbox: Sandbox, tmp_path: Path) -> None:
    path = lie(bomb(tmp_path / "bomb.docx", 400), "word/document.xml", 1000)
    with zipfile.ZipFile(path) as archive:
        assert sum(member.file_size for member in archive.infolist()) < 4 << 20
    with pytest.raises(OverLimit, match="more than 4 MB"):
        read(sandbox, path)


def test_an_honest_office_file_is_read(sandbox: Sandbox, tmp_path: Path) -> None:
    assert read(sandbox, docx_file(tmp_path / "a.docx")).title == "季度报告"
    assert read(sandbox, bomb(tmp_path / "b.docx", 3)).pages[0].text.startswith("a" * (3 << 20))


def test_too_many_pages(sandbox: Sandbox, tmp_path: Path) -> None:
    guide = SAMPLES / "llama3-on-your-pc.pdf"
    assert len(read(sandbox, blank_pdf(tmp_path / "a.pdf", 2, guide)).pages) == 3
    with pytest.raises(OverLimit, match=r"4 pages; the most is 3.*parse_pages"):
        read(sandbox, blank_pdf(tmp_path / "b.pdf", 3, guide))


PARENT = """
import sys
from pathlib import Path
from ingest import pipeline
from tests.test_sandbox import Memory

try:
    store = Memory(Path())
    for step in pipeline.run([Path(sys.argv[1])], store, store, 100, loaders={".bad": "tests.misbehaving"}):
        pass
except KeyboardInterrupt:
    sys.exit(130)
"""


@posix
@pytest.mark.parametrize(("how", "code"), [("SIGKILL", -9), ("SIGINT", 130)])
def test_no_worker_outlives_its_parent(tmp_path: Path, how: str, code: int) -> None:
    path = bad(tmp_path / "a", "hang")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(path)],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        start_new_session=True,  # a process group of its own, as a terminal makes one
    )
    note = path.with_suffix(".pid")
    assert eventually(lambda: note.exists() and note.read_text())
    worker = int(note.read_text())
    assert is_running(worker)
    if how == "SIGKILL":
        parent.kill()
    else:
        os.killpg(parent.pid, signal.SIGINT)  # Ctrl-C reaches the whole group
    assert parent.wait() == code
    assert ends(worker)


class Memory:
    """A store and an embedder that keep nothing but the order of things."""

    concurrency = 1

    def __init__(self, folder: Path) -> None:
        self.stored: list[Path] = []
        self.folder = folder
        self.go_on = threading.Event()
        self.go_on.set()

    def embed_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.go_on.wait(60)
        return np.ones((len(texts), 2), np.float32)

    def count_tokens(self, text: str) -> int:
        return len(text)

    def known(self) -> dict[Path, KnownFile]:
        reader = Readers.of(100, LIMITS).well
        return {
            path: KnownFile(
                path.stat().st_size,
                path.stat().st_mtime_ns,
                "digest",
                reader,
                FileReport(path, "unchanged", pages=1, chunks=1),
            )
            for path in self.folder.glob("old*")
        }

    def touched(self, source: SourceFile) -> None:
        raise AssertionError(source)

    def adopt(self, source: SourceFile, digest: str, reader: str) -> bool:
        return False

    def refuse(self, source: SourceFile, digest: str, reader: str, reason: Message) -> bool:
        return False

    def vectors(self, contents: Sequence[bytes]) -> dict[bytes, npt.NDArray[np.float32]]:
        return {}

    def put(self, files: Sequence[ReadFile], vectors: Sequence[npt.NDArray[np.float32]]) -> None:
        assert [len(file.chunks) for file in files] == [len(made) for made in vectors]
        self.stored += [file.source.path for file in files]

    def remove(self, paths: Sequence[Path]) -> None:
        raise AssertionError(paths)


def reports(steps: Iterator[pipeline.Progress]) -> list[FileReport]:
    return [step.report for step in steps if step.report is not None]


def test_a_run_reports_each_file_and_goes_on(tmp_path: Path) -> None:
    for name, what in {"1": "well", "2": "exit", "3": "well", "4": "raise", "old": "exit", "z": "well"}.items():
        bad(tmp_path / name, what)
    (tmp_path / "5.xyz").write_text("unsupported")
    store = Memory(tmp_path)
    found = reports(pipeline.run([tmp_path], store, store, 100, limits=LIMITS, workers=2, loaders=LOADERS))
    assert sorted((report.path.stem, report.status) for report in found) == [
        ("1", "read"),
        ("2", "refused"),
        ("3", "read"),
        ("4", "refused"),
        ("5", "refused"),
        ("old", "unchanged"),
        ("z", "read"),
    ]
    assert sorted(path.stem for path in store.stored) == ["1", "3", "z"]
    assert not (tmp_path / "old.pid").exists()


def test_reading_runs_ahead_but_not_away(tmp_path: Path) -> None:
    for number in range(200):
        bad(tmp_path / f"{number}", f"well, {number}")
    store = Memory(tmp_path)
    store.go_on.clear()  # the embedder is stuck
    steps = pipeline.run([tmp_path], store, store, 100, limits=LIMITS, workers=2, loaders=LOADERS)
    seen, since = 0, time.monotonic()
    while seen <= 4 or time.monotonic() - since < 3:  # until nothing more is read
        next(steps)
        now = len(list(tmp_path.glob("*.pid")))
        seen, since = now, time.monotonic() if now != seen else since
    assert seen <= pipeline._GROUPS * pipeline._GROUP_FILES + 4
    store.go_on.set()
    assert len(reports(steps)) == 200


def test_closing_a_run_ends_its_workers(tmp_path: Path) -> None:
    bad(tmp_path / "1", "title")
    bad(tmp_path / "2", "hang")
    store = Memory(tmp_path)
    steps = pipeline.run([tmp_path], store, store, 100, workers=2, loaders=LOADERS)
    note = tmp_path / "2.pid"
    while not (note.exists() and note.read_text()):
        next(steps)
    steps.close()
    assert not is_running(int(note.read_text()))


def test_the_app_passes_its_limits(tmp_path: Path) -> None:
    guide = blank_pdf(tmp_path / "a.pdf", 3, SAMPLES / "llama3-on-your-pc.pdf")
    with RagApp.open(data_dir=tmp_path / "data", answers="quotes", parse_pages=3) as app:
        (report,) = app.ingest(guide).files
    assert report.status == "refused"
    assert report.reason is not None
    assert report.reason.key == "file.too_many_pages"


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("exit 1",)


@pytest.mark.parametrize("value", [Evil(), Path("a"), ReaderFailed("file.failed", error="")])
def test_only_our_own_values_are_taken_from_a_worker(value: object) -> None:
    with pytest.raises(pickle.UnpicklingError):
        _Unpickler(io.BytesIO(pickle.dumps(value))).load()


def test_a_module_beside_the_caller_does_not_stand_in_for_pythons_own(tmp_path: Path) -> None:
    """A folder on the caller's path may hold an ``encodings.py``; the worker must start all the same."""
    (tmp_path / "encodings.py").write_text("raise SystemExit(1)", encoding="utf-8")
    (tmp_path / "a.txt").write_text("Some text.", encoding="utf-8")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\nfrom ingest.sandbox import Sandbox, result\n"
        "with Sandbox() as sandbox:\n    print(result(sandbox.submit(Path(sys.argv[1], 'a.txt'))).pages[0].text)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout == "Some text.\n", done.stderr
