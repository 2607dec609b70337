"""Files that come through a browser, and what a knowledge base holds when it is looked through."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from ingest.errors import OverLimit, UnsupportedFormat
from rag_app import Message, RagApp
from rag_app.uploads import safe_path

from .conftest import SAMPLES
from .files import encrypted_pdf
from .test_app import write

BAD_NAMES = [
    "../../../etc/passwd.txt",
    "..\\..\\windows\\x.txt",
    "/etc/cron.d/x.txt",
    "C:\\Users\\me\\x.txt",
    "....//....//x.txt",
    "a/./../b/../../x.txt",
    "\x00\x1b[31mx\n.txt",
    "invoice\u202etxt.fdp.txt",
    "CON.txt",
    "nul .txt",
    "com1.tar.txt",
    ".htaccess.txt",
    "x.txt. . .",
    "x" * 5000 + ".txt",
    "很" * 3000 + ".txt",
    "~/x.txt",
    "a:stream.txt",
    "\udce4.txt",
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_no_name_leaves_the_folder(name: str, app: RagApp) -> None:
    path = app.store_upload(name, b"text")
    kb = app.knowledge_bases()[0]
    folder = app.settings.data_dir / "uploads" / kb.id
    assert path.resolve().is_relative_to(folder)
    assert path.read_bytes() == b"text"
    parts = path.relative_to(folder).parts
    for part in parts:
        assert len(part.encode()) <= 180
        assert not part.startswith(".")
        assert not part.endswith((".", " "))
        assert not {unicodedata.category(one) for one in part} & {"Cc", "Cf", "Cs"}
        assert part.split(".")[0].strip().lower() not in {"con", "nul", "com1"}
    assert list(app.settings.data_dir.rglob("*.txt")) == [path]


def test_folders_stay_folders_and_names_stay_readable() -> None:
    assert safe_path("papers/2024/a b（终稿）.pdf") == Path("papers/2024/a b（终稿）.pdf")
    assert safe_path("/".join("abcdefgh")) == Path("c/d/e/f/g/h")
    assert safe_path("../..") == Path("_")


def test_another_content_gets_another_name(app: RagApp) -> None:
    first = app.store_upload("a.txt", b"one")
    assert app.store_upload("a.txt", memoryview(b"one")) == first
    assert app.store_upload("a.txt", b"two").name == "a (2).txt"
    assert app.store_upload("a.txt", b"two").name == "a (2).txt"
    assert first.read_bytes() == b"one"


def test_size_and_type_are_limited(tmp_path: Path) -> None:
    with RagApp.open(data_dir=tmp_path / "data", upload_mb=1) as app:
        with pytest.raises(UnsupportedFormat, match=r"\.exe"):
            app.store_upload("x.exe", b"MZ")
        with pytest.raises(OverLimit, match="RAG_UPLOAD_MB"):
            app.store_upload("x.txt", bytes((1 << 20) + (1 << 20)))
        assert not (tmp_path / "data" / "uploads").exists() or not app.unread_uploads()


def test_a_copy_goes_with_its_document_and_nothing_else_does(app: RagApp, tmp_path: Path) -> None:
    own = write(tmp_path / "docs", mine="The harbour was rebuilt in 1962.")
    copy = app.store_upload("sub/bees.txt", b"Bees dance to tell the others where the flowers are.")
    other = app.store_upload("other.txt", b"Penguins huddle against the Antarctic wind.")
    app.ingest(own, copy, other)
    said: list[Message] = []
    app.remove(copy, own / "mine.txt", verify=True, tell=said.append)
    assert not copy.exists()
    assert not copy.parent.exists()
    assert (own / "mine.txt").is_file()
    assert other.is_file()
    assert "none is left" in said[-1].text("en")
    kb = app.knowledge_bases()[0]
    app.delete_knowledge_base(kb.name, verify=True, tell=said.append)
    assert len(said) == 2
    assert not other.exists()
    assert not list((app.settings.data_dir / "uploads").iterdir())


def test_copies_that_were_never_read_are_known(app: RagApp, tmp_path: Path) -> None:
    read, waiting = (
        app.store_upload("a.txt", b"Some text about whales."),
        app.store_upload("b.txt", b"More about bees."),
    )
    assert app.unread_uploads() == [read, waiting]
    app.ingest(read)
    assert app.unread_uploads() == [waiting]
    outside = tmp_path / "outside.txt"
    outside.write_text("stays")
    for path in (outside, read, waiting):
        app.drop_upload(path)
    assert (outside.exists(), read.exists(), waiting.exists()) == (True, True, False)


def test_a_folder_around_the_data_folder_does_not_take_uploads_away(app: RagApp, tmp_path: Path) -> None:
    copy = app.store_upload("a.txt", b"Some text about whales.")
    (tmp_path / "own.txt").write_text("The harbour was rebuilt in 1962.")
    app.ingest(copy)
    app.ingest(tmp_path)
    assert {one.path.name for one in app.documents()} == {"a.txt", "own.txt"}


@pytest.fixture
def library(app: RagApp, tmp_path: Path) -> RagApp:
    folder = write(tmp_path / "docs", bees="Bees dance.", whales="Whales sing 100% of the day.", a_b="Snakes hiss.")
    (folder / "broken.docx").write_bytes(b"PK\x03\x04 not really")
    encrypted_pdf(SAMPLES / "llama3-on-your-pc.pdf", folder / "locked.pdf", user="secret")
    app.ingest(folder, app.store_upload("up/notes.txt", b"Notes about sharks."))
    app.tag(folder / "bees.txt", folder / "whales.txt", add=["Animals"])
    return app


def names(app: RagApp, **chosen: object) -> list[str]:
    return [one.path.name for one in app.list_files(**chosen).files]  # type: ignore[arg-type]


def test_refused_files_are_listed_with_their_reason(library: RagApp) -> None:
    refused = library.list_files(states=["refused"]).files
    assert [one.path.name for one in refused] == ["broken.docx", "locked.pdf"]
    assert all(one.document is None and one.reason is not None for one in refused)
    assert "damaged" in refused[0].reason.text("en")  # type: ignore[union-attr]
    library.remove(refused[0].path)
    assert names(library, states=["refused"]) == ["locked.pdf"]


def test_files_are_searched_filtered_ordered_and_cut(library: RagApp) -> None:
    everything = library.list_files()
    assert everything.total == len(everything.files) == 6
    assert [one.uploaded for one in everything.files if one.path.name == "notes.txt"] == [True]
    assert names(library, search="BEES") == ["bees.txt"]
    assert names(library, search="docs whales") == ["whales.txt"]
    assert names(library, search="a_b") == ["a_b.txt"]
    assert names(library, search="100%") == []
    assert names(library, search="uploads") == []
    assert names(library, search="'; DROP TABLE file; --") == []
    assert names(library, tags=["animals"], states=["read"], formats=["text"]) == ["bees.txt", "whales.txt"]
    assert names(library, order="largest")[0] == "locked.pdf"
    pages = [library.list_files(offset=offset, limit=4) for offset in (0, 4)]
    assert [one for page in pages for one in page.files] == list(everything.files)
    counts = library.file_counts()
    assert counts.states == {"read": 4, "refused": 2}
    assert counts.formats == {"text": 4}
    assert counts.tags == {"Animals": 2}


def test_pages_are_shown_as_they_were_read(samples: RagApp) -> None:
    listed = next(one for one in samples.list_files(search="llama3-on-your-pc").files)
    assert listed.document is not None
    read = samples.read_pages(listed.document)
    assert read.total == len(read.pages) >= listed.pages
    assert sum(len(page.chunks) for page in read.pages) == listed.chunks
    for page in read.pages:
        covered = {place for start, end in page.chunks for place in range(start, end)}
        assert {place for place, one in enumerate(page.text) if not one.isspace()} <= covered
    assert samples.read_pages(listed.document, offset=1, limit=1).pages == read.pages[1:2]
    assert samples.read_pages(10**9).total == 0
