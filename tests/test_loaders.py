"""Each format: what is read, what a citation needs, and the reason when it can't be."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from ingest.errors import DamagedFile, EncryptedFile, FileRefused, NoText, Unreadable, UnsupportedFormat
from ingest.loaders import LOADERS, load
from ingest.loaders.building import join_wrapped_lines
from ingest.loaders.encoding import decode
from ingest.types import Document

from .conftest import SAMPLES
from .files import blank_pdf, docx_file, encrypted_pdf

GUIDE = SAMPLES / "llama3-on-your-pc.pdf"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def headings(document: Document) -> list[tuple[int, int, str]]:
    return [(page.number, heading.level, heading.text) for page in document.pages for heading in page.headings]


@pytest.mark.parametrize("path", sorted(p for p in SAMPLES.iterdir() if p.is_file()), ids=lambda p: p.name)
def test_every_sample_is_read_whole(path: Path) -> None:
    document = load(path)
    assert document.warnings == ()
    assert document.title
    for number, page in enumerate(document.pages, 1):
        assert page.number == number
        assert page.text.strip()
        for heading in page.headings:
            found = page.text[heading.start :].replace("\n", " ")
            assert "".join(found.split()).startswith("".join(heading.text.split()))


def test_samples_cover_the_usual_formats_and_both_languages() -> None:
    suffixes = {path.suffix for path in SAMPLES.iterdir() if path.is_file()}
    assert {LOADERS[suffix] for suffix in suffixes} >= {"pdf", "word", "web", "markdown", "text"}
    chinese = [path for path in SAMPLES.iterdir() if path.is_file() and not path.name.isascii()]
    assert len(chinese) == 6
    assert len(load(GUIDE).pages) >= 10


def test_markdown(tmp_path: Path) -> None:
    source = (
        "---\ntags: [a]\n---\n# 标题 *one*\n\nA paragraph that\nwraps, **bold** and [link](http://x).\n\n中文也会\n换行。\n\n"
        "## Two\n\n1. first\n2. second\n   - inner\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```sh\nls -l\n```\n"
    )
    document = load(write(tmp_path / "a.md", source))
    assert document.title == "标题 one"
    assert headings(document) == [(1, 1, "标题 one"), (1, 2, "Two")]
    assert document.pages[0].text == (
        "标题 one\n\nA paragraph that wraps, bold and link.\n\n中文也会换行。\n\n"
        "Two\n1. first\n2. second\n  - inner\na | b\n1 | 2\n\nls -l"
    )


def test_html(tmp_path: Path) -> None:
    source = (
        "<html><head><title>T &amp; T</title><style>p{}</style></head><body><nav>menu</nav><h1>Head</h1>"
        "<p>One<br>two <b>three</b></p>loose text<script>alert(1)</script><!-- comment --><p hidden>secret</p>"
        "<div>中文\n换行</div><ul><li>item</li></ul><table><tr><th>a</th><td>b</td></tr></table>"
        "<pre>x = 1\ny = 2</pre></body></html>"
    )
    document = load(write(tmp_path / "a.html", source))
    assert document.title == "T & T"
    assert headings(document) == [(1, 1, "Head")]
    assert document.pages[0].text == ("Head\n\nOne\ntwo three\n\nloose text\n\n中文换行\n- item\na | b\n\nx = 1\ny = 2")


def test_docx(tmp_path: Path) -> None:
    document = load(docx_file(tmp_path / "a.docx"))
    assert document.title == "季度报告"
    assert headings(document) == [(1, 1, "季度报告"), (1, 1, "收入"), (2, 2, "Outlook")]
    assert len(document.pages) == 2
    assert "- Costs fell by 12%.\nQuarter | Revenue | Cost\nQuarter: merged | Cost: 7" in document.pages[0].text
    assert document.pages[1].text == "Outlook\n\nNext year looks good."


def test_text_pages_and_wrapping(tmp_path: Path) -> None:
    lines = (
        "The first line of a paragraph that goes on\nand on until its end comes here at last.\n\n"
        "- item\n- item two\f第二页"
    )
    document = load(write(tmp_path / "a.txt", lines))
    assert [page.text for page in document.pages] == [
        "The first line of a paragraph that goes on and on until its end comes here at last.\n\n- item\n- item two",
        "第二页",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "big5", "utf-16"])
def test_text_encodings(encoding: str) -> None:
    text = "檢索增強生成\n" * 20 if encoding == "big5" else "检索增强生成，先检索再回答。\n" * 20
    assert decode(text.encode(encoding)) == text


def test_rows_set_with_spaces_stay_rows() -> None:
    table = "Action              Goes to            Contains\nAsking              this computer      the question\n"
    assert join_wrapped_lines(table) == "Action Goes to Contains\nAsking this computer the question"


def test_wrapped_lines_join_as_the_language_does() -> None:
    wrapped = (
        "索齿兽目（学名：），又名索齿目、链齿兽目或束\n柱目，是已灭绝的水中哺乳动物，生存于大约3080-\n"
        "725年前渐新世晚期。后来道格拉斯Emlong于1\n971年发现。\n标题"
    )
    assert join_wrapped_lines(wrapped) == (
        "索齿兽目（学名：），又名索齿目、链齿兽目或束柱目，是已灭绝的水中哺乳动物，生存于大约3080-725年前渐新世晚期。"
        "后来道格拉斯Emlong于1971年发现。\n标题"
    )


def test_pdf_pages_outline_and_title() -> None:
    document = load(GUIDE)
    assert document.title == "LLaMA 3 on Your PC"
    assert any(page == 2 and "Can my computer run it" in text for page, _, text in headings(document))
    assert "512 KiB" in document.pages[6].text
    assert "\r" not in "".join(page.text for page in document.pages)


def test_blank_pages_of_a_pdf_are_nobodys_loss(tmp_path: Path) -> None:
    document = load(blank_pdf(tmp_path / "a.pdf", pages=3, text_from=GUIDE))
    assert document.warnings == ()
    assert [page.label for page in document.pages] == ["i", "ii", "iii", "iv"]


def test_encrypted_pdfs(tmp_path: Path) -> None:
    with pytest.raises(EncryptedFile, match="password"):
        load(encrypted_pdf(GUIDE, tmp_path / "a.pdf", user="secret"))
    assert "LLaMA 3" in load(encrypted_pdf(GUIDE, tmp_path / "b.pdf", user="")).pages[0].text


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("a.pdf", b"%PDF-1.7 and then nothing", DamagedFile),
        ("a.pdf", GUIDE.read_bytes()[:300], DamagedFile),
        ("a.docx", b"PK\x03\x04 not a zip", DamagedFile),
        ("a.docx", b"plain text", DamagedFile),
        ("a.docx", b"\xd0\xcf\x11\xe0 an OLE file", EncryptedFile),
        ("a.txt", b"", NoText),
        ("a.txt", b" \n\t\n", NoText),
        ("a.txt", b"\x7fELF\0\0\0\0", DamagedFile),
        ("a.md", b"---\n---\n", NoText),
        ("a.html", b"<script>1</script>", NoText),
        ("a.exe", b"MZ", UnsupportedFormat),
        ("README", b"no suffix", UnsupportedFormat),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, error: type[FileRefused]) -> None:
    with pytest.raises(error) as raised:
        load(write(tmp_path / name, content))
    assert raised.value.text("en") != raised.value.text("zh")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(Unreadable):
        load(tmp_path / "a.txt")


def test_markdown_keeps_what_html_in_it_says(tmp_path: Path) -> None:
    source = (
        "# T\n\n<details><summary>Late fee</summary>5 % a day</details>\n\n"
        "<table><tr><td>keys</td><td>3</td></tr></table>\n\n<!-- note -->\n\none<br>two <b>three</b>\n"
    )
    text = load(write(tmp_path / "a.md", source)).pages[0].text
    assert "5 % a day" in text
    assert "keys | 3" in text
    assert "one\ntwo three" in text
    assert "note" not in text


def test_html_keeps_a_header_with_the_title_and_drops_what_is_hidden(tmp_path: Path) -> None:
    source = (
        "<body><header><h1>Report</h1><p>by Hannah</p></header><aside>closes at 18:00</aside>"
        "<p style='color:red; display: none'>secret</p><p>Body.</p><footer>imprint</footer></body>"
    )
    text = load(write(tmp_path / "a.html", source)).pages[0].text
    assert text.split("\n\n") == ["Report", "by Hannah", "closes at 18:00", "Body."]


def test_every_line_of_a_text_file_is_found_again(tmp_path: Path) -> None:
    """Lines are joined, spaces squeezed, pages cut; the number named must still be the line the words stand on."""
    chance = random.Random(5)
    words = ["alpha", "beta", "和", "文本分块。", "x\u200by", "one two", "- item", "  ", "1. point", "tail."]
    for case in range(60):
        source = [
            " ".join(chance.choices(words, k=chance.choice((0, 1, 3, 12)))) for _ in range(chance.randrange(1, 30))
        ]
        for number, line in enumerate(source):
            if line.strip():
                source[number] = f"L{number + 1}L {line}"
        text = chance.choice(("\n", "\r\n")).join(source).replace("tail.\n", chance.choice(("tail.\n", "tail.\n\f")))
        path = write(tmp_path / f"{case}.txt", ("first\n" + text).encode())
        found = {}
        for page in load(path).pages:
            for offset, line_number in page.lines:
                match = re.match(r"L(\d+)L", page.text[offset:])
                if match:
                    found[int(match[1]) + 1] = line_number
        assert found == {number + 2: number + 2 for number, line in enumerate(source) if line.strip()}, case
