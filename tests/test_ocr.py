"""Text recognized from pictures, for real: pages of the samples, drawn."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from ingest.errors import DamagedFile, NoText, OverLimit
from ingest.loaders import image as image_loader
from ingest.loaders import load
from ingest.loaders.pdf_ocr import recognize_pages
from ingest.ocr import Line, Recognizer, reading_order
from ingest.recognition import Recognition
from ingest.types import Limits

from .conftest import SAMPLES

ENGLISH = SAMPLES / "llama3-on-your-pc.pdf"
CHINESE = next(path for path in sorted(SAMPLES.glob("*.pdf")) if not path.name.isascii())


def bare(text: str) -> str:
    return "".join(text.split())


def drawn(path: Path, page: int) -> tuple[Image.Image, str]:
    """The upper part of a page as a picture, and the first line of running text on it."""
    document = pypdfium2.PdfDocument(path)
    try:
        sheet = document[page - 1]
        picture = sheet.render(scale=150 / 72).to_pil().convert("RGB")
        text = sheet.get_textpage().get_text_bounded(bottom=sheet.get_height() * 0.72)
    finally:
        document.close()
    lines = [line.strip() for line in text.splitlines() if len(line.strip()) > 12]
    return picture.crop((0, 0, picture.width, int(picture.height * 0.3))), lines[0]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


@pytest.fixture
def recognition(recognizer: Recognizer) -> Recognition:
    return Recognition(recognizer=lambda: recognizer)


@pytest.mark.parametrize("path", [ENGLISH, CHINESE], ids=["en", "zh"])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_both_languages_however_the_page_lies(recognizer: Recognizer, path: Path, turn: int) -> None:
    picture, line = drawn(path, 7)
    assert bare(line) in bare(recognizer.recognize(picture.rotate(turn, expand=True)))


def test_pages_of_a_pdf(recognition: Recognition) -> None:
    (found,) = recognize_pages(ENGLISH.read_bytes(), [7], recognition)
    assert found[0] == 7
    assert "512KiB" in bare(found[1])


def test_each_frame_of_a_tiff_is_a_page(recognizer: Recognizer, tmp_path: Path) -> None:
    one, line = drawn(ENGLISH, 7)
    two, zeile = drawn(CHINESE, 7)
    one.save(tmp_path / "a.tiff", save_all=True, append_images=[two], compression="tiff_deflate")
    document = image_loader.load(tmp_path / "a.tiff", recognition=Recognition(recognizer=lambda: recognizer))
    assert [(page.number, page.kind, page.ocr) for page in document.pages] == [(1, "page", True), (2, "page", True)]
    assert bare(line) in bare(document.pages[0].text)
    assert bare(zeile) in bare(document.pages[1].text)
    told: list[tuple[int, int]] = []
    tight = Recognition(Limits(ocr_pages=1), lambda: recognizer, lambda done, total: told.append((done, total)))
    short = image_loader.load(tmp_path / "a.tiff", recognition=tight)
    assert len(short.pages) == 1
    assert "：2。" in short.warnings[0].text("zh")
    assert told == [(0, 1)]
    with pytest.raises(OverLimit):
        image_loader.load(tmp_path / "a.tiff", Limits(pages=1))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_exif_orientation(recognition: Recognition, tmp_path: Path, suffix: str) -> None:
    picture, line = drawn(ENGLISH, 7)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    picture.rotate(90, expand=True).save(tmp_path / f"a.{suffix}", exif=exif)
    assert bare(line) in bare(image_loader.load(tmp_path / f"a.{suffix}", recognition=recognition).pages[0].text)


def test_blank_and_tiny_pictures_hold_no_text(recognizer: Recognizer, recognition: Recognition, tmp_path: Path) -> None:
    for name, size in (("blank.png", (800, 600)), ("tiny.png", (8, 8))):
        Image.new("RGB", size, "white").save(tmp_path / name)
        with pytest.raises(NoText):
            image_loader.load(tmp_path / name, recognition=recognition)
    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    assert len(recognizer.recognize(Image.fromarray(noise))) < 5


def test_a_header_that_promises_too_much(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )
    (tmp_path / "a.png").write_bytes(bomb)
    with pytest.raises(DamagedFile):
        image_loader.load(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing")
    with pytest.raises(DamagedFile):
        image_loader.load(tmp_path / "b.png")


def test_without_the_package_a_picture_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.recognition.is_available", lambda: False)
    Image.new("RGB", (99, 99)).save(tmp_path / "a.png")
    with pytest.raises(NoText, match="not installed"):
        image_loader.load(tmp_path / "a.png")


def test_columns_are_read_one_after_the_other() -> None:
    def line(x: float, y: float, text: str, width: float = 280) -> Line:
        return Line((x, y, x + width, y + 20), text)

    title = line(100, 10, "title", 400)
    columns = [line(20 + 320 * side, 60 + 30 * row, f"{'ab'[side]}{row}") for row in range(4) for side in (0, 1)]
    found = [text for text in reading_order([*columns, title]) if text]
    assert found == ["title", "a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3"]
    table = [line(20 + 200 * column, 30 * row, f"{row}{column}", 40) for row in range(4) for column in (1, 0)]
    assert [" ".join(text.split()) for text in reading_order(table) if text] == [f"{row}0 {row}1" for row in range(4)]


def test_the_switch(tmp_path: Path) -> None:
    Image.new("RGB", (200, 100), "white").save(tmp_path / "a.png")
    with pytest.raises(NoText, match="setting ocr"):
        load(tmp_path / "a.png", Limits(ocr=False))
