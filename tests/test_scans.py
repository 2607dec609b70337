"""Scanned PDFs, for real: drawn pages, recognized, cited. And passwords, asked for and given."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    TextStringObject,
)
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from ingest.errors import FileRefused, NoText
from ingest.loaders import load
from ingest.messages import Message
from ingest.ocr import Recognizer
from ingest.recognition import Recognition
from ingest.sandbox import Sandbox, result
from ingest.types import Limits
from rag_app import RagApp

from .conftest import SAMPLES
from .files import blank_pdf, encrypted_pdf

GUIDE = SAMPLES / "llama3-on-your-pc.pdf"
CHINESE = next(path for path in sorted(SAMPLES.glob("*.pdf")) if not path.name.isascii())


def bare(text: str) -> str:
    return "".join(text.split())


def picture(path: Path, page: int) -> Image.Image:
    """The upper third of a page."""
    document = pypdfium2.PdfDocument(path)
    try:
        drawn = document[page - 1].render(scale=150 / 72).to_pil().convert("RGB")
    finally:
        document.close()
    return drawn.crop((0, 0, drawn.width, int(drawn.height * 0.3)))


def scan(path: Path, *pictures: Image.Image, stamp: str = "") -> Path:
    """Each picture a page that it fills, a stamp in letters on it."""
    canvas = Canvas(str(path))
    for one in pictures:
        width, height = one.width * 72 / 150, one.height * 72 / 150
        canvas.setPageSize((width, height))
        canvas.drawImage(ImageReader(one), 0, 0, width, height)
        canvas.setFont("Helvetica", 6)
        canvas.drawString(20, 4, stamp)
        canvas.showPage()
    canvas.save()
    return path


def joined(path: Path, *parts: Path) -> Path:
    writer = PdfWriter()
    for part in parts:
        writer.append(part, import_outline=False)
    writer.write(path)
    return path


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


@pytest.fixture
def recognition(recognizer: Recognizer) -> Recognition:
    return Recognition(recognizer=lambda: recognizer)


def test_only_the_pages_without_text_are_recognized(tmp_path: Path, recognition: Recognition) -> None:
    scanned = scan(tmp_path / "scan.pdf", picture(GUIDE, 7), picture(CHINESE, 7))
    blank = blank_pdf(tmp_path / "blank.pdf")
    document = load(joined(tmp_path / "a.pdf", GUIDE, scanned, blank), recognition=recognition)
    own = len(load(GUIDE).pages)
    assert document.pages[:own] == load(joined(tmp_path / "b.pdf", GUIDE), Limits(ocr=False)).pages
    english, chinese, empty = document.pages[own:]
    assert [page.ocr for page in document.pages] == [False] * own + [True, True, False]
    assert "Memoryneeded" in bare(english.text)
    assert len([char for char in chinese.text if char > "\u3400"]) > 20
    assert (empty.text, document.warnings) == ("", ())


def test_a_stamp_does_not_hide_a_scan(tmp_path: Path, recognition: Recognition) -> None:
    path = scan(tmp_path / "a.pdf", picture(GUIDE, 7), stamp="Received 3 May 2026")
    (page,) = load(path, recognition=recognition).pages
    assert page.ocr
    assert "Memoryneeded" in bare(page.text)


def test_a_picture_beside_little_text_changes_nothing(tmp_path: Path, recognition: Recognition) -> None:
    grey = Image.new("RGB", (600, 400), "grey")
    (page,) = load(scan(tmp_path / "a.pdf", grey, stamp="A title"), recognition=recognition).pages
    assert (page.text, page.ocr) == ("A title", False)


def garbled(path: Path) -> Path:
    """A page whose font says that its letters are private characters: it looks right and reads as garbage."""
    canvas = Canvas(str(path), pagesize=(400, 120))
    canvas.setFont("Helvetica", 20)
    canvas.drawString(20, 60, "The invoice is due in March")
    canvas.save()
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(path.read_bytes())))
    codes = "".join(f"<{code:02x}> <{0xE000 + code:04x}>\n" for code in range(32, 127))
    cmap = DecodedStreamObject()
    cmap.set_data(
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /A def /CMapType 2 def\n"
        b"1 begincodespacerange <00> <ff> endcodespacerange\n"
        + f"{127 - 32} beginbfchar\n{codes}endbfchar\n".encode()
        + b"endcmap end end\n"
    )
    fonts = writer.pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    for name in fonts:
        fonts[name].get_object()[NameObject("/ToUnicode")] = writer._add_object(cmap)
    writer.write(path)
    return path


def test_text_that_is_garbage_is_recognized(tmp_path: Path, recognition: Recognition) -> None:
    path = garbled(tmp_path / "a.pdf")
    (page,) = load(path, recognition=recognition).pages
    assert (bare(page.text), page.ocr) == ("TheinvoiceisdueinMarch", True)
    with pytest.raises(NoText, match="fonts don't say"):
        load(path, Limits(ocr=False))


@pytest.mark.parametrize("why", ["off", "missing"])
def test_pages_that_were_not_recognized_are_named(tmp_path: Path, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(ocr=why != "off")
    monkeypatch.setattr("ingest.recognition.is_available", lambda: why != "missing")
    scanned = scan(tmp_path / "scan.pdf", picture(GUIDE, 7))
    way_out = "RAG_OCR=true" if why == "off" else "pip install rapidocr"
    with pytest.raises(NoText, match=rf"scan.*{way_out}"):
        load(scanned, limits)
    mixed = load(joined(tmp_path / "a.pdf", GUIDE, scanned), limits)
    assert f": {len(mixed.pages)}. All others were read." in mixed.warnings[0].text("en")
    assert way_out in mixed.warnings[0].text("zh")


def test_the_budget(tmp_path: Path, recognizer: Recognizer) -> None:
    told: list[tuple[int, int]] = []
    tight = Recognition(Limits(ocr_pages=1), lambda: recognizer, lambda *step: told.append(step))
    white = Image.new("RGB", (600, 400), "white")
    path = scan(tmp_path / "a.pdf", white, *[picture(GUIDE, 7).resize((900, 380))] * 3)
    document = load(path, recognition=tight)
    assert [page.ocr for page in document.pages] == [False, True, False, False]
    assert told == [(0, 1)]
    assert "since 1 were: 3–4. Raise ocr_pages" in document.warnings[0].text("en")


def test_a_blank_file_holds_no_text(tmp_path: Path) -> None:
    with pytest.raises(NoText, match="pages are blank"):
        load(blank_pdf(tmp_path / "a.pdf"))


def test_members_of_an_archive_share_the_budget_and_the_passwords(tmp_path: Path, recognizer: Recognizer) -> None:
    scanned = scan(tmp_path / "scan.pdf", picture(GUIDE, 7))
    locked = encrypted_pdf(GUIDE, tmp_path / "locked.pdf", user="secret")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("1.pdf", "2.pdf"):
            archive.write(scanned, name)
        archive.write(locked, "3.pdf")
    tight = Recognition(Limits(ocr_pages=1), lambda: recognizer)
    document = load(tmp_path / "a.zip", passwords=["wrong", "secret"], recognition=tight)
    assert [page.ocr for page in document.pages] == [True, False, False]
    assert "Raise ocr_pages" in " ".join(warning.text("en") for warning in document.warnings)


def test_from_a_scan_to_a_citation(tmp_path: Path) -> None:
    locked = encrypted_pdf(GUIDE, tmp_path / "locked.pdf", user="secret")
    mixed = joined(
        tmp_path / "mixed.pdf", scan(tmp_path / "scan.pdf", picture(GUIDE, 7)), blank_pdf(tmp_path / "b.pdf")
    )
    with RagApp.open(data_dir=tmp_path / "data", answers="quotes") as app:
        steps: list[tuple[int, int] | None] = []
        (report,) = app.ingest(mixed, progress=lambda step: steps.append(step.recognizing)).files
        assert (report.status, report.pages, report.recognized, report.empty) == ("read", 1, (1,), (2,))
        assert (0, 2) in steps or (0, 1) in steps
        again = app.ingest(mixed).files[0]
        assert (again.status, again.pages, again.recognized, again.empty) == ("unchanged", 1, (1,), (2,))
        assert any(passage.ocr for passage in app.retrieve("How much memory is needed?", limit=3).passages)
        (refused,) = app.ingest(locked).files
        assert refused.needs_password
        (wrong,) = app.ingest(locked, passwords=["x"]).files
        assert wrong.needs_password
        assert app.ingest(locked, passwords=["x", "secret"]).files[0].status == "read"
        assert b"secret" not in b"".join(p.read_bytes() for p in (tmp_path / "data").rglob("*") if p.is_file())


def test_warnings_are_kept_with_the_document(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "Some text to be read.")
        archive.writestr("b.xyz", "nothing to be read")
    with RagApp.open(data_dir=tmp_path / "data", answers="quotes") as app:
        first = app.ingest(tmp_path / "a.zip").files[0]
        assert first.status == "partial"
        assert first.reason == first.warnings[0]
        second = app.ingest(tmp_path / "a.zip").files[0]
    assert (second.status, second.reason) == ("unchanged", None)
    assert [one.text("zh") for one in second.warnings] == [one.text("zh") for one in first.warnings]


def test_an_archive_of_locked_files_asks_for_the_password(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(encrypted_pdf(GUIDE, tmp_path / "locked.pdf", user="secret"), "a.pdf")
    with pytest.raises(FileRefused) as refused:
        load(tmp_path / "a.zip")
    assert refused.value.message.key == "file.password_needed"


def test_a_damaged_member_does_not_break_the_archives_report(tmp_path: Path) -> None:
    """Its reason names an exception, which no other process is sent."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "Some text to be read.")
        archive.writestr("b.docx", b"PK\x03\x04 broken")
    with Sandbox() as sandbox:
        document = result(sandbox.submit(tmp_path / "a.zip"))
        (warning,) = document.warnings
        assert "b.docx" in warning.text("en")
        with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
            archive.writestr("b.docx", b"PK\x03\x04 broken")
        with pytest.raises(NoText, match=r"b\.docx"):
            result(sandbox.submit(tmp_path / "c.zip"))
    assert Message.of(json.loads(json.dumps(warning.plain()))) == warning


def test_a_form_that_shows_only_a_note_is_named(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "plain.pdf"))
    canvas.drawString(72, 700, "Please wait...")
    canvas.save()
    writer = PdfWriter(clone_from=PdfReader(tmp_path / "plain.pdf"))
    form = DecodedStreamObject()
    form.set_data(b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'><template/></xdp:xdp>")
    xfa = ArrayObject([TextStringObject("template"), writer._add_object(form)])
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject(
        {NameObject("/XFA"): xfa, NameObject("/Fields"): ArrayObject()}
    )
    writer.root_object[NameObject("/NeedsRendering")] = BooleanObject(True)
    writer.write(tmp_path / "a.pdf")
    assert [one.key for one in load(tmp_path / "a.pdf", Limits(ocr=False)).warnings] == ["file.xfa"]
