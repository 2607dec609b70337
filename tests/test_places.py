"""Rectangles of quotes on PDF pages, checked by cutting the text out of them again."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from pypdf import PdfReader, PdfWriter

from ingest.loaders.pdf import load
from ingest.loaders.pdf_places import places
from ingest.sentences import sentence_spans
from rag_app import Citation, RagApp, Rectangle
from rag_app.errors import NotLocated, UnknownDocument

from .conftest import SAMPLES
from .files import encrypted_pdf

ENGLISH, CHINESE = SAMPLES / "llama3-on-your-pc.pdf", SAMPLES / "在自己的电脑上运行LLaMA3.pdf"
INSIDE = 0.2  # points off each side, as neighbours touch


def bare(text: str) -> str:
    """Letters and digits only: hyphens, marks of table cells and white space differ."""
    return re.sub(r"[\s|\-\u2010\u00ad\x02\ufffe]", "", unicodedata.normalize("NFKC", text))


def cut_out(page: pypdfium2.PdfPage, areas: tuple[Rectangle, ...] | tuple[tuple[float, ...], ...]) -> str:
    """The text inside rectangles of an upright page."""
    left, bottom, right, top = page.get_bbox()
    width, height = right - left, top - bottom
    with closing(page.get_textpage()) as text:
        return "".join(
            text.get_text_bounded(
                left + area[0] * width + INSIDE,
                top - area[3] * height + INSIDE,
                left + area[2] * width - INSIDE,
                top - area[1] * height - INSIDE,
            )
            for area in ((a.left, a.top, a.right, a.bottom) if isinstance(a, Rectangle) else a for a in areas)
        )


def spans(path: Path) -> Iterator[tuple[int, str, int, int]]:
    for page in load(path).pages:
        for start, end in sentence_spans(page.text):
            yield page.number, page.text, start, end


@pytest.mark.parametrize("path", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_what_is_inside_the_rectangles_is_the_quote(path: Path) -> None:
    data = path.read_bytes()
    with closing(pypdfium2.PdfDocument(data)) as document:
        for number, text, start, end in list(spans(path))[::4]:
            areas = places(data, number, text, start, end)
            assert areas
            assert all(0 <= a.left < a.right <= 1 and 0 <= a.top < a.bottom <= 1 for a in areas)
            with closing(document[number - 1]) as page:
                assert bare(cut_out(page, areas)) == bare(text[start:end])


def test_the_same_words_again_are_their_own_place() -> None:
    data = ENGLISH.read_bytes()
    for page in load(ENGLISH).pages:
        found = [match.start() for match in re.finditer("Ollama", page.text)]
        if len(found) > 2:
            where = [places(data, page.number, page.text, at, at + 6) for at in found]
            assert len(set(where)) == len(where)
            return
    pytest.fail("no page says it twice")


def test_a_part_of_a_line_is_narrower_than_the_line() -> None:
    number, text, start, end = next(one for one in spans(ENGLISH) if one[3] - one[2] > 60)
    whole = places(ENGLISH.read_bytes(), number, text, start, end)
    part = places(ENGLISH.read_bytes(), number, text, start, start + 12)
    assert len(part) == 1
    assert part[0].left == pytest.approx(whole[0].left)
    assert part[0].right < whole[0].right


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_turned_page_is_measured_as_it_is_shown(tmp_path: Path, angle: int) -> None:
    number, text, start, end = next(one for one in spans(ENGLISH) if one[3] - one[2] > 60)
    upright = places(ENGLISH.read_bytes(), number, text, start, end)
    writer = PdfWriter()
    for page in PdfReader(ENGLISH).pages:
        writer.add_page(page).rotate(angle)
    turned = tmp_path / "turned.pdf"
    writer.write(turned)
    for before, after in zip(upright, places(turned.read_bytes(), number, text, start, end), strict=True):
        wanted = {
            90: (1 - before.bottom, before.left, 1 - before.top, before.right),
            180: (1 - before.right, 1 - before.bottom, 1 - before.left, 1 - before.top),
            270: (before.top, 1 - before.right, before.bottom, 1 - before.left),
        }[angle]
        assert tuple(after) == pytest.approx(wanted, abs=1e-4)


def test_text_that_is_not_on_the_page_has_no_place() -> None:
    data = ENGLISH.read_bytes()
    assert places(data, 1, "Penguins of the northern sea are a rare sight.", 0, 46) == ()
    assert places(data, 99, "Ollama", 0, 6) == ()
    assert places(b"%PDF-1.4 broken", 1, "Ollama", 0, 6) == ()


def test_an_app_locates_its_citations(samples: RagApp) -> None:
    answer = samples.ask("On which date was Llama 3.3 70B released?")
    citation = next(one for one in answer.citations if one.path.suffix == ".pdf")
    found = samples.locate(citation)
    assert {one.page for one in found} == {citation.page}
    with (
        closing(pypdfium2.PdfDocument(citation.path.read_bytes())) as document,
        closing(document[citation.page - 1]) as page,
    ):
        assert bare(cut_out(page, found)) == bare(citation.quote)
    other = next(one for one in samples.documents() if one.format == "markdown")
    assert samples.locate(replace(citation, path=other.path)) == ()
    assert samples.locate(replace(citation, ocr=True)) == ()


def test_a_file_that_is_gone_changed_or_forgotten_is_said(app: RagApp, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pdf"
    shutil.copy(ENGLISH, copy)
    app.ingest(copy)
    citation = cited(app, copy)
    assert app.locate(citation)
    data = copy.read_bytes()
    copy.write_bytes(data + b"\n%")
    with pytest.raises(NotLocated, match="changed"):
        app.locate(citation)
    copy.unlink()
    with pytest.raises(NotLocated, match=r"copy\.pdf"):
        app.locate(citation)
    copy.write_bytes(data)
    app.remove(copy)
    with pytest.raises(UnknownDocument, match="no longer"):
        app.locate(citation)


def test_an_encrypted_file_needs_its_password(app: RagApp, tmp_path: Path) -> None:
    locked = tmp_path / "locked.pdf"
    encrypted_pdf(ENGLISH, locked, user="secret")
    app.ingest(locked, passwords=["secret"])
    citation = cited(app, locked)
    assert app.locate(citation) == ()
    assert app.locate(citation, "secret")


def cited(app: RagApp, path: Path) -> Citation:
    answer = app.ask("On which date was Llama 3.3 70B released?")
    return next(one for one in answer.citations if one.path.name == path.name)
