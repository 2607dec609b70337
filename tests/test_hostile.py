"""Files made to break readers, one of each kind, through real workers: what becomes of each, and the reason given.

Kinds that other tests hold already are not repeated: bombs and lying sizes (test_sandbox), encodings (test_encoding),
passwords (test_pdf, test_scans), what leaves an archive (test_loaders_more), pictures that promise too much (test_ocr).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, NameObject, NumberObject

from ingest.errors import DamagedFile, EncryptedFile, FileRefused, NoText, UnsupportedFormat
from ingest.sandbox import Sandbox, result
from ingest.types import Document, Limits

from .conftest import SAMPLES
from .files import changed_parts, docx_file, epub_file, odf_file, pptx_file, xlsx_file, zip_file
from .test_pdf import pdf

GUIDE = SAMPLES / "llama3-on-your-pc.pdf"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPE = f'<!DOCTYPE x [<!ENTITY l0 "ha ha ">{LAUGHS}]>'
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Limits(seconds=30, memory_mb=600, pages=1000, ocr=False), 1) as opened:
        yield opened


def attempt(sandbox: Sandbox, path: Path) -> Document | FileRefused:
    try:
        return read(sandbox, path)
    except FileRefused as error:
        return error


def read(sandbox: Sandbox, path: Path) -> Document:
    return result(sandbox.submit(path))


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# --- PDF ----------------------------------------------------------------------------------------------------------


def without_xref(data: bytes) -> bytes:
    return re.sub(rb"startxref\s+\d+", b"startxref\n0", data).replace(b"xref\n0", b"xxxx\n0")


def simple(path: Path) -> bytes:
    return pdf(path, lambda canvas: canvas.drawString(60, 700, "Still here.")).read_bytes()


@pytest.mark.parametrize(
    "broken",
    [
        without_xref,
        lambda data: b"Content-Type: application/pdf\r\n\r\n" + data,
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b"%%EOF", b""),
        lambda data: data + b"\0" * 3000,
    ],
    ids=["no xref", "bytes before", "a mark before", "no end", "bytes after"],
)
def test_a_pdf_that_viewers_open_is_read(sandbox: Sandbox, tmp_path: Path, broken: Callable[[bytes], bytes]) -> None:
    document = read(sandbox, write(tmp_path / "a.pdf", broken(simple(tmp_path / "b.pdf"))))
    assert [page.text for page in document.pages] == ["Still here."]


def without_kids(writer: PdfWriter) -> None:
    writer.root_object["/Pages"][NameObject("/Kids")] = ArrayObject([NumberObject(7)])  # type: ignore[index]


def looping(writer: PdfWriter) -> None:
    pages = writer.root_object["/Pages"]
    pages[NameObject("/Kids")] = ArrayObject([pages.indirect_reference])  # type: ignore[index,union-attr]


@pytest.mark.parametrize(
    ("change", "kind", "key"),
    [
        (without_kids, DamagedFile, "file.damaged"),
        (looping, DamagedFile, "file.damaged"),
    ],
)
def test_a_pdf_whose_page_tree_lies(
    sandbox: Sandbox, tmp_path: Path, change: Callable[[PdfWriter], None], kind: type[FileRefused], key: str
) -> None:
    simple(tmp_path / "a.pdf")
    writer = PdfWriter(clone_from=PdfReader(tmp_path / "a.pdf"))
    change(writer)
    writer.write(tmp_path / "b.pdf")
    with pytest.raises(kind) as raised:
        read(sandbox, tmp_path / "b.pdf")
    assert raised.value.message.key == key


def test_a_truncated_pdf_is_read_as_far_as_it_goes_or_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    data = GUIDE.read_bytes()
    for part in (0.2, 0.5, 0.8, 0.99):
        found = attempt(sandbox, write(tmp_path / "a.pdf", data[: int(len(data) * part)]))
        assert isinstance(found, Document) or found.message.key == "file.damaged"


# --- office -------------------------------------------------------------------------------------------------------


def laughing(data: bytes, tag: bytes) -> bytes:
    """An entity bomb: what stands in the first ``tag`` unfolds to a gigabyte and more."""
    head, gap, rest = data.partition(b"?>") if data.startswith(b"<?xml") else (b"", b"", data)
    rest = re.sub(rb"(<%s(?: [^>]*)?>)[^<]*" % tag, rb"\1&l9;", rest, count=1)
    assert b"&l9;" in rest
    return head + gap + DOCTYPE.encode() + rest


def stealing(data: bytes, tag: bytes, path: Path) -> bytes:
    doctype = f'<!DOCTYPE x [<!ENTITY l9 SYSTEM "{path.as_uri()}">]>'.encode()
    return laughing(data, tag).replace(DOCTYPE.encode(), doctype)


PACKAGES = [
    ("a.docx", docx_file, "word/document.xml", b"w:t"),
    ("a.pptx", pptx_file, "ppt/slides/slide1.xml", b"a:t"),
    ("a.epub", epub_file, "OEBPS/a.xhtml", b"p"),
    ("a.odt", lambda path: odf_file(path, "<office:text><text:p>x</text:p><text:p>y</text:p></office:text>"),
     "content.xml", b"text:p"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "part", "tag"), PACKAGES, ids=[one[0] for one in PACKAGES])
def test_entities_neither_unfold_nor_fetch(
    sandbox: Sandbox, tmp_path: Path, name: str, make: Callable[[Path], Path], part: str, tag: bytes
) -> None:
    secret = write(tmp_path / "secret.txt", b"the secret")
    path = make(tmp_path / name)
    for number, change in enumerate((lambda data: laughing(data, tag), lambda data: stealing(data, tag, secret))):
        broken = changed_parts(path, tmp_path / f"{number}{path.suffix}", {part: change})
        found = attempt(sandbox, broken)
        if isinstance(found, FileRefused):
            assert found.message.key == "file.damaged"
            continue
        text = "".join(page.text for page in found.pages)
        assert "ha ha" not in text
        assert "the secret" not in text


STRICT = (
    (b"http://schemas.openxmlformats.org/officeDocument/2006/", b"http://purl.oclc.org/ooxml/officeDocument/"),
    (b"http://schemas.openxmlformats.org/wordprocessingml/2006/", b"http://purl.oclc.org/ooxml/wordprocessingml/"),
    (b"http://schemas.openxmlformats.org/presentationml/2006/", b"http://purl.oclc.org/ooxml/presentationml/"),
    (b"http://schemas.openxmlformats.org/spreadsheetml/2006/", b"http://purl.oclc.org/ooxml/spreadsheetml/"),
    (b"http://schemas.openxmlformats.org/drawingml/2006/", b"http://purl.oclc.org/ooxml/drawingml/"),
)


def strict(data: bytes) -> bytes:
    for usual, name in STRICT:
        data = data.replace(usual, name)
    return data


@pytest.mark.parametrize("make", [docx_file, pptx_file, xlsx_file])
def test_strict_office_files_are_read_like_the_usual_ones(
    sandbox: Sandbox, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    suffix = make.__name__.removesuffix("_file")
    usual = make(tmp_path / f"a.{suffix}")
    renamed = changed_parts(usual, tmp_path / f"b.{suffix}", {"": strict})
    assert strict(b"".join(parts(renamed).values())) == b"".join(parts(renamed).values())
    assert read(sandbox, renamed).pages == read(sandbox, usual).pages


def parts(path: Path) -> dict[str, bytes]:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize(
    ("name", "kind", "key"),
    [
        ("a.doc", UnsupportedFormat, "file.old_office"),
        ("a.xls", UnsupportedFormat, "file.old_office"),
        ("a.ppt", UnsupportedFormat, "file.old_office"),
        ("a.docx", EncryptedFile, "file.encrypted_office"),
        ("a.pdf", DamagedFile, "file.damaged"),
        ("a.txt", DamagedFile, "file.not_text"),
        ("a.odt", EncryptedFile, "file.encrypted_office"),
        ("a.zip", DamagedFile, "file.damaged"),
    ],
)
def test_old_office_files_by_any_name(
    sandbox: Sandbox, tmp_path: Path, name: str, kind: type[FileRefused], key: str
) -> None:
    with pytest.raises(kind) as raised:
        read(sandbox, write(tmp_path / name, OLE))
    assert raised.value.message.key == key


def test_a_sheet_that_claims_to_be_full_is_read_by_what_it_holds(sandbox: Sandbox, tmp_path: Path) -> None:
    def claim(data: bytes) -> bytes:
        return re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:XFD1048576"', data)

    path = xlsx_file(tmp_path / "a.xlsx")
    inflated = changed_parts(path, tmp_path / "b.xlsx", {"xl/worksheets/sheet1.xml": claim})
    assert parts(inflated) != parts(path)
    assert read(sandbox, inflated).pages == read(sandbox, path).pages


def test_rows_repeated_a_million_times_are_bounded(sandbox: Sandbox, tmp_path: Path) -> None:
    cell = '<table:table-cell table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell>'
    row = f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'
    body = f"<office:spreadsheet><table:table>{row}</table:table></office:spreadsheet>"
    (page,) = read(sandbox, odf_file(tmp_path / "a.ods", body)).pages
    assert len(page.lines) == page.columns == 1000


def test_a_link_to_the_network_is_not_followed(sandbox: Sandbox, tmp_path: Path) -> None:
    link = (
        b'<Relationship Id="rId999" TargetMode="External" Target="http://127.0.0.1:9/a.png" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"/></Relationships>'
    )
    path = docx_file(tmp_path / "a.docx")
    rels = {"word/_rels/document.xml.rels": lambda data: data.replace(b"</Relationships>", link)}
    assert read(sandbox, changed_parts(path, tmp_path / "b.docx", rels)).pages == read(sandbox, path).pages


# --- the rest -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "kind", "key"),
    [
        ("a.pdf", b"\x89PNG\r\n\x1a\n" + bytes(100), DamagedFile, "file.damaged"),
        ("a.docx", b"<html><body>saved by a web shop</body></html>", DamagedFile, "file.damaged"),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, DamagedFile, "file.not_text"),
        ("a.html", bytes(4000), DamagedFile, "file.not_text"),
        ("a.epub", b"PK\x05\x06" + bytes(18), DamagedFile, "file.damaged"),
        ("a.zip", b"PK\x05\x06" + bytes(18), NoText, "archive.empty"),
        ("a.csv", b"\x1f\x8b\x08" + bytes(range(256)) * 8, DamagedFile, "file.not_text"),
        ("a.pdf", b"", NoText, "file.empty"),
        ("a.bz2", b"BZh9", UnsupportedFormat, "file.unsupported"),
    ],
)
def test_what_a_name_hides(
    sandbox: Sandbox, tmp_path: Path, name: str, data: bytes, kind: type[FileRefused], key: str
) -> None:
    with pytest.raises(kind) as raised:
        read(sandbox, write(tmp_path / name, data))
    assert raised.value.message.key == key


@pytest.mark.parametrize("tag", ["div", "span", "table><tr><td", "ul><li", "b", "blockquote"])
def test_html_nested_without_end_costs_nothing_else(sandbox: Sandbox, tmp_path: Path, tag: str) -> None:
    source = f"<body><p>Before.</p>{f'<{tag}>' * 50_000}inside"
    document = read(sandbox, write(tmp_path / "a.html", source.encode()))
    assert document.pages[0].text.startswith("Before.")


def test_scripts_are_not_text_wherever_they_stand(sandbox: Sandbox, tmp_path: Path) -> None:
    source = (
        "<script>var a = 1</script><body onload='b()'><p>One<script>c('</p>')</script></p><noscript>d</noscript>"
        "<template>e</template><svg><text>f</text></svg><a href='javascript:g()'>Two</a><!--h--><![CDATA[i]]>"
        "<img src='data:image/png;base64,AAAA'><style>p{}</style><script>never closed"
    )
    document = read(sandbox, write(tmp_path / "a.html", source.encode()))
    assert document.pages[0].text.split() == ["One", "Two"]


def test_a_damaged_member_is_the_archives_reason(sandbox: Sandbox, tmp_path: Path) -> None:
    """Its reason holds an exception deep inside, which workers must not send."""
    bad = {"a.docx": b"PK\x03\x04 nothing more", "b.zip": b"PK\x03\x04 neither"}
    with pytest.raises(NoText) as raised:
        read(sandbox, zip_file(tmp_path / "a.zip", bad))
    assert raised.value.message.key == "archive.nothing"
    assert "a.docx" in raised.value.text("zh")
    document = read(sandbox, zip_file(tmp_path / "b.zip", {**bad, "good.txt": "good"}))
    assert [warning.key for warning in document.warnings] == ["archive.members_failed"] + ["archive.member"] * 2


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("文章文書", "cp932"),
        ("報價說明", "big5"),
        ("报价单", "gb18030"),
        ("한국어문서", "cp949"),
        ("Отчёт за год", "cp866"),
    ],
)
def test_member_names_of_old_packers(sandbox: Sandbox, tmp_path: Path, name: str, encoding: str) -> None:
    raw = name.encode(encoding)
    data = zip_file(tmp_path / "a.zip", {"X" * len(raw) + ".txt": "text"}).read_bytes()
    document = read(sandbox, write(tmp_path / "b.zip", data.replace(b"X" * len(raw), raw)))
    assert document.pages[0].label == f"{name}.txt"


def test_a_zip_whose_directory_lies(sandbox: Sandbox, tmp_path: Path) -> None:
    data = zip_file(tmp_path / "a.zip", {"a.txt": "text" * 100}).read_bytes()
    end = data.rindex(b"PK\x05\x06")
    for offset in (0, 0xFFFFFFF0):
        broken = data[: end + 16] + struct.pack("<I", offset) + data[end + 20 :]
        with pytest.raises(FileRefused) as raised:
            read(sandbox, write(tmp_path / "b.zip", broken))
        assert raised.value.message.key in ("file.damaged", "archive.nothing")
