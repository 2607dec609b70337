"""Slides, sheets, books, data, mail, code and archives: exact texts, and what each citation needs."""

from __future__ import annotations

import base64
import stat
import zipfile
from pathlib import Path

import pytest

from ingest.errors import DamagedFile, EncryptedFile, FileRefused, NoText
from ingest.loaders import load
from ingest.loaders.archives import ArchiveLimits, open_archive
from ingest.loaders.tables import show
from ingest.types import Document

from .files import docx_file, epub_file, odf_file, pptx_file, xlsx_file, zip_file
from .test_loaders import headings, write


def at_lines(document: Document) -> list[tuple[int, str]]:
    """(line, text that begins there) of the first page."""
    page = document.pages[0]
    return [(number, page.text[start:].partition("\n")[0]) for start, number in page.lines]


def test_slides(tmp_path: Path) -> None:
    document = load(pptx_file(tmp_path / "a.pptx"))
    assert [page.text for page in document.pages] == [
        "年度总结\n- 收入增长 12%\n  - Cloud services led\n\nMention the new office.",
        "Figures\nQuarter | Revenue\nQ1 | 10\nboth columns",
        "Upper line\n\nlower text is a whole sentence.",
        "| Sales\n2024 | 1.5\n2025 | 20",
        "",
        "inside a group",
    ]
    assert [page.kind for page in document.pages] == ["slide"] * 6
    assert headings(document)[:3] == [(1, 1, "年度总结"), (2, 1, "Figures"), (3, 1, "Upper line")]
    assert [warning.key for warning in document.warnings] == ["file.slides_without_text"]
    assert document.title == "年度总结"


def test_sheets(tmp_path: Path) -> None:
    document = load(xlsx_file(tmp_path / "a.xlsx"))
    first, hidden, empty, plain = document.pages
    assert first.text == (
        "Sales report\n"
        "Region | Date | Amount | Share | Paid\n"
        "Region: North | Date: 2026-03-05 | Amount: 1,234,567.50 | Share: 12.5% | Paid: TRUE\n"
        "Region: North | Date: 2026-03-06 14:30 | Amount: -3.00 | Share: 100.0% | Paid: FALSE\n"
        "Region: South West | Date: 2026-03-07 | Amount: 0.3"
    )
    assert [number for _, number in first.lines] == [1, 3, 4, 5, 6]
    assert (first.kind, first.label, first.columns) == ("sheet", "销售 2026", 5)
    assert headings(document)[0] == (1, 1, "销售 2026")
    assert (hidden.label, hidden.text) == ("hidden", "a value that is hidden")
    assert (empty.label, empty.text) == ("empty", "")
    assert plain.text == "x | 1\ny"
    assert [warning.text() for warning in document.warnings] == [
        "Sheet plain: 1 formulas have no stored result. Open the file in its own program and save it."
    ]


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (5, "General", "5"),
        (0.1 + 0.2, "General", "0.3"),
        (1e20, "General", "1e+20"),
        (1234.5, '"¥"#,##0.00', "¥1,234.50"),
        (-1234.5, "[$€-407]#,##0.00;[Red]-[$€-407]#,##0.00", "-€1,234.50"),
        (-5, "0;(0)", "(5)"),
        (0.256, "0%", "26%"),
        (7, "000", "007"),
        (1.5, "0.0#", "1.5"),
        (12, '0" pcs"', "12 pcs"),
        (-0.001, "0.00", "0.00"),
    ],
)
def test_numbers_as_shown(value: float, number_format: str, shown: str) -> None:
    assert show(value, number_format) == shown


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'name,note\nAnn,"two\nlines, ""quoted"""\n\nBob,3\n'),
        ("a.csv", '\ufeffname;note\nAnn;"two\nlines, ""quoted"""\n\nBob;3\n'),
        ("a.tsv", 'name\tnote\nAnn\t"two\nlines, ""quoted"""\n\nBob\t3\n'),
        ("a.csv", 'sep=|\nname|note\nAnn|"two\nlines, ""quoted"""\nBob|3\n'),
    ],
)
def test_delimited(tmp_path: Path, name: str, content: str) -> None:
    document = load(write(tmp_path / name, content))
    found = at_lines(document)
    assert [text for _, text in found] == ["name | note", 'Ann | two lines, "quoted"', "Bob | 3"]
    first = 2 if content.startswith("sep") else 1
    assert [number for number, _ in found] == [first, first + 1, first + 3 if first == 2 else 5]
    assert document.pages[0].kind == "text"


def test_header_names_the_values(tmp_path: Path) -> None:
    rows = "城市,人口,面积\n北京,2189,16410\n上海,2487,6340\n"
    document = load(write(tmp_path / "a.csv", rows.encode("gb18030")))
    assert document.pages[0].text.split("\n")[2] == "城市: 上海 | 人口: 2487 | 面积: 6340"
    assert load(write(tmp_path / "b.csv", "1,2\n3,4\n")).pages[0].text == "1 | 2\n3 | 4"


def test_opendocument_text(tmp_path: Path) -> None:
    body = (
        '<office:text><text:h text:outline-level="1">报告</text:h><text:p>One<text:s/>two<text:line-break/>three'
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>foot</text:p></text:note-body>"
        "</text:note></text:p><text:list><text:list-item><text:p>item</text:p><text:list><text:list-item>"
        "<text:p>inner</text:p></text:list-item></text:list></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell>"
        "<text:p>b</text:p></table:table-cell></table:table-row></table:table>"
        '<text:p text:style-name="P1">next</text:p>'
        '<text:p>end of<text:soft-page-break/> all</text:p><text:h text:outline-level="2">Last</text:h></office:text>'
    )
    styles = '<style:style style:name="P1"><style:paragraph-properties fo:break-before="page"/></style:style>'
    document = load(odf_file(tmp_path / "a.odt", body, styles, "Title"))
    assert [page.text for page in document.pages] == [
        "报告\n\nOne two\nthree [\nfoot]\n- item\n  - inner\na | b",
        "next\n\nend of",
        "all\n\nLast",
    ]
    assert headings(document) == [(1, 1, "报告"), (3, 2, "Last")]
    assert (document.title, document.pages[0].kind) == ("Title", "page")


def test_opendocument_sheets_and_slides(tmp_path: Path) -> None:
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>".format
    row = "<table:table-row>{}</table:table-row>".format
    body = (
        '<office:spreadsheet><table:table table:name="表一">'
        + row(cell("name") + cell("count"))
        + '<table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="9"/>'
        "</table:table-row>"
        + row(cell("pears") + cell("1,5"))
        + '<table:table-row table:number-rows-repeated="1048570"><table:table-cell/></table:table-row>'
        + "</table:table></office:spreadsheet>"
    )
    (page,) = load(odf_file(tmp_path / "a.ods", body)).pages
    assert (page.text, page.lines) == ("name | count\nname: pears | count: 1,5", ((0, 1), (13, 4)))
    assert (page.kind, page.label, page.columns) == ("sheet", "表一", 2)
    slide = (
        "<office:presentation><draw:page><draw:frame><draw:text-box><text:p>body</text:p></draw:text-box></draw:frame>"
        '<draw:frame presentation:class="title"><draw:text-box><text:p>Top</text:p></draw:text-box></draw:frame>'
        '<presentation:notes><draw:frame presentation:class="notes"><draw:text-box><text:p>spoken</text:p>'
        "</draw:text-box></draw:frame></presentation:notes></draw:page></office:presentation>"
    )
    (page,) = load(odf_file(tmp_path / "a.odp", slide)).pages
    assert (page.text, page.kind) == ("Top\n\nbody\n\nspoken", "slide")


def test_book(tmp_path: Path) -> None:
    document = load(epub_file(tmp_path / "a.epub"))
    assert document.title == "山的故事"
    assert document.pages[0].text == "第一章\n\n开端\n\n从前有座山。\n\nSecond\n\nThe end — really."
    assert headings(document) == [(1, 1, "第一章"), (1, 2, "开端"), (1, 1, "Second")]
    assert [document.pages[0].text[one.start :].startswith(one.text) for one in document.pages[0].headings] == [
        True
    ] * 3
    with pytest.raises(EncryptedFile, match="DRM"):
        load(epub_file(tmp_path / "b.epub", protected=True))


def test_json(tmp_path: Path) -> None:
    document = load(
        write(tmp_path / "a.json", '{"a": {"名": "值", "n": [1, true, null]}, "l": [{"x": 1.5}, {}], "e": ""}')
    )
    assert document.pages[0].text == "a.名: 值\na.n: 1, true, null\nl[0].x: 1.5\nl[1]: {}\ne: "
    assert load(write(tmp_path / "b.json", '[{"a": 1}, {"a": 2}]')).pages[0].text == "a: 1\n\na: 2"
    for name in ("c.jsonl", "c.json"):
        document = load(write(tmp_path / name, '{"q": "one"}\n\n{"q": \n{"q": "two", "z": 0}\n'))
        assert document.pages[0].text == "q: one\n\nq: two\nz: 0"
        assert at_lines(document) == [(1, "q: one"), (4, "q: two")]
        assert [warning.text() for warning in document.warnings] == [
            "These lines are not JSON: 3. All others were read."
        ]


def test_rich_text(tmp_path: Path) -> None:
    source = (
        r"{\rtf1\ansi\ansicpg936{\fonttbl{\f0\fcharset134 SimSun;}}{\stylesheet{\s0 Normal;}{\s3 heading 2;}}"
        r"{\info{\title The title}}\pard\f0 First \'c4\'e3\'ba\'c3 \u20013?\u-10179?\u-8704?\par"
        r"\pard\s3 A heading\par\pard plain\par\pard\outlinelevel0 Outer\par"
        r"\trowd\pard\intbl a\cell b\cell\row\pard after\page second\par}"
    )
    document = load(write(tmp_path / "a.rtf", source))
    assert [page.text for page in document.pages] == [
        "First 你好 中😀\n\nA heading\n\nplain\n\nOuter\na | b\n\nafter",
        "second",
    ]
    assert headings(document) == [(1, 2, "A heading"), (1, 1, "Outer")]
    assert document.title == "The title"


def test_mail(tmp_path: Path) -> None:
    subject = base64.b64encode("关于合同的通知".encode("gb2312")).decode()
    body = base64.b64encode("合同于五月到期。\n请尽快续签。\n".encode("gb2312")).decode()
    source = (
        f"From: =?gb2312?B?{base64.b64encode('张三'.encode('gb2312')).decode()}?= <zhang@example.com>\r\n"
        f"To: li@example.com\r\nSubject: =?gb2312?B?{subject}?=\r\nDate: Thu, 05 Mar 2026 10:00:00 +0800\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n'
        'Content-Type: multipart/alternative; boundary="y"\r\n\r\n--y\r\n'
        f"Content-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}\r\n--y\r\n"
        "Content-Type: text/html; charset=utf-8\r\n\r\n<p>html</p>\r\n--y--\r\n--x\r\n"
        'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="contract.pdf"\r\n\r\n'
        "JVBERg==\r\n--x--\r\n"
    )
    document = load(write(tmp_path / "a.eml", source))
    assert document.pages[0].text == (
        "关于合同的通知\nFrom: 张三 <zhang@example.com>\nTo: li@example.com\nDate: Thu, 05 Mar 2026 10:00:00 +0800\n\n"
        "合同于五月到期。\n请尽快续签。"
    )
    assert headings(document) == [(1, 1, "关于合同的通知")]
    assert [warning.key for warning in document.warnings] == ["file.attachments"]
    assert "contract.pdf" in document.warnings[0].text()
    html = (
        "From: a@b.c\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        "<h2>Caf=E9</h2><p>one=\r\n two</p>"
    )
    document = load(write(tmp_path / "b.eml", html))
    assert document.pages[0].text == "From: a@b.c\n\nCafé\n\none two"
    assert headings(document) == [(1, 3, "Café")]


def test_code(tmp_path: Path) -> None:
    source = "import os\n\n\nclass Reader:\n    def read(self):\n\t\treturn 1   \n\n\n"
    source += "async def main() -> None:\n    def inner(): ...\n"
    document = load(write(tmp_path / "a.py", source.replace("\n", "\r\n")))
    assert document.pages[0].text == source.rstrip()
    assert at_lines(document)[4] == (5, "    def read(self):")
    assert headings(document)[:3] == [(1, 1, "class Reader"), (1, 2, "def read"), (1, 1, "async def main")]


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        ("a.go", "func (s *Server) Run() error {\n}\n", ["func (s *Server) Run"]),
        ("a.rs", "pub(crate) fn go<T>(x: T) {\n}\nimpl Foo {\n    fn bar() {}\n}\n",
         ["pub(crate) fn go<T>", "impl Foo", "fn bar"]),
        ("A.java", "public class A {\n    public static void main(String[] a) {\n        if (x) {}\n    }\n}\n",
         ["public class A", "public static void main"]),
        ("a.c", "static int add(int a, int b)\n{\n    return add(a);\n}\n", ["static int add"]),
        ("a.ts", "export const run = async (a: string) => {\n};\nexport function go(): void {}\n",
         ["export const run", "export function go"]),
        ("a.sql", "CREATE TABLE IF NOT EXISTS users (\n  id int\n);\n", ["CREATE TABLE IF NOT EXISTS users"]),
        ("a.sh", "run() {\n  :\n}\nfunction stop {\n  :\n}\n", ["run", "function stop"]),
        ("a.toml", "x = [1]\n[tool.ruff]\na = 1\n", ["[tool.ruff]"]),
        ("a.tex", "\\section{One}\ntext\n\\subsection*{Two}\n", ["One", "Two"]),
        ("a.rst", "Title\n=====\n\ntext\n\nPart\n----\n", ["Title", "Part"]),
        ("a.log", "def not_code():\n", []),
    ],
)  # fmt: skip
def test_definitions_are_headings(tmp_path: Path, name: str, source: str, found: list[str]) -> None:
    document = load(write(tmp_path / name, source))
    assert [text for _, _, text in headings(document)] == found
    page = document.pages[0]
    assert all(page.text[one.start :].startswith(one.text) for one in page.headings)


def test_archive(tmp_path: Path) -> None:
    inner = zip_file(tmp_path / "inner.zip", {"deep.txt": "deep down", "again.zip": b"PK"})
    path = zip_file(
        tmp_path / "all.zip",
        {
            "docs/报告.docx": docx_file(tmp_path / "r.docx").read_bytes(),
            "notes.md": "# Notes\n\ntext",
            "__MACOSX/._notes.md": "x",
            "inner.zip": inner.read_bytes(),
            "photo.xyz": "?",
            "broken.pdf": "%PDF",
        },
    )
    document = load(path)
    assert [(page.number, page.label, page.kind) for page in document.pages] == [
        (1, "docs/报告.docx p. 1", "page"),
        (2, "docs/报告.docx p. 2", "page"),
        (3, "notes.md", "text"),
        (4, "inner.zip/deep.txt", "text"),
    ]
    assert headings(document)[0] == (1, 1, "docs/报告.docx")
    assert headings(document)[-3:] == [(3, 1, "notes.md"), (3, 2, "Notes"), (4, 1, "inner.zip/deep.txt")]
    texts = [warning.text() for warning in document.warnings]
    assert texts[0] == "3 of 6 files in the archive can't be read: inner.zip/again.zip, photo.xyz, broken.pdf"
    assert len(texts) == 4


def test_archive_lets_nothing_out(tmp_path: Path) -> None:
    path = tmp_path / "slip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../../up.txt", "/etc/absolute.txt", "C:\\drive.txt", "a\\..\\..\\b.txt", "good.txt"):
            archive.writestr(name, name)
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    document = load(path)
    assert [page.text for page in document.pages] == ["good.txt"]
    assert sum(warning.text().endswith("It was left out.") for warning in document.warnings) == 5
    assert not (tmp_path.parent / "up.txt").exists()


def test_archive_limits(tmp_path: Path) -> None:
    path = zip_file(tmp_path / "bomb.zip", {"zeros.txt": b"0" * (30 << 20), "good.txt": "good"})
    assert [member.refused.key if member.refused else member.name for member in open_archive(path)] == [
        "archive.bomb",
        "good.txt",
    ]
    for limits in (ArchiveLimits(unpacked=1 << 20), ArchiveLimits(files=1)):
        with pytest.raises(FileRefused, match="Unpack it yourself"):
            list(open_archive(path, limits))
    nested = zip_file(tmp_path / "nested.zip", {"bomb.zip": path.read_bytes()})
    with pytest.raises(FileRefused, match="more than 1 MiB"):
        list(open_archive(nested, ArchiveLimits(unpacked=1 << 20)))


def test_encrypted_archive_and_old_names(tmp_path: Path) -> None:
    data = bytearray(zip_file(tmp_path / "e.zip", {"secret.txt": "x"}).read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(EncryptedFile):
        load(write(tmp_path / "e.zip", bytes(data)))
    raw = zip_file(tmp_path / "g.zip", {"XXXXXXXX.txt": "text"}).read_bytes()
    document = load(write(tmp_path / "g.zip", raw.replace(b"XXXXXXXX", "合同文本".encode("gb18030"))))
    assert document.pages[0].label == "合同文本.txt"


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        *((f"a.{suffix}", b"PK\x03\x04 no", DamagedFile) for suffix in "pptx xlsx odt ods odp epub zip".split()),
        *((f"a.{suffix}", b"\xd0\xcf\x11\xe0 OLE", EncryptedFile) for suffix in ("pptx", "xlsx")),
        *((f"a.{suffix}", b"", NoText) for suffix in "pptx xlsx csv json jsonl odt epub rtf eml zip py".split()),
        *((f"a.{suffix}", b" \n ", NoText) for suffix in "csv json jsonl py".split()),
        ("a.csv", b",,\n,\n", NoText),
        ("a.json", b'{"cut": [1, 2', DamagedFile),
        ("a.json", b"[" * 100_000, DamagedFile),
        ("a.jsonl", b"no json\n", DamagedFile),
        ("a.rtf", b"no rtf", DamagedFile),
        ("a.rtf", b"{\\rtf1 }", NoText),
        ("a.eml", b"no mail at all\n", DamagedFile),
        ("a.py", b"\x7fELF\0\0\0", DamagedFile),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, error: type[FileRefused]) -> None:
    with pytest.raises(error) as raised:
        load(write(tmp_path / name, content))
    assert raised.value.text("en") != raised.value.text("zh")


def test_empty_and_encrypted_containers(tmp_path: Path) -> None:
    with pytest.raises(EncryptedFile):
        load(odf_file(tmp_path / "a.odt", "<office:text/>", encrypted=True))
    with pytest.raises(NoText):
        load(odf_file(tmp_path / "b.odt", "<office:text/>"))
    with pytest.raises(NoText):
        load(zip_file(tmp_path / "c.zip", {}))
    with pytest.raises(DamagedFile):
        load(zip_file(tmp_path / "d.epub", {"mimetype": "application/epub+zip"}))
