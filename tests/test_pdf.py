"""PDF in depth: what is dropped, joined, ordered and normalized, checked on files made here and on the samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter, Transformation
from pypdf.generic import RectangleObject
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from ingest.chunking import Chunker
from ingest.errors import EncryptedFile
from ingest.loaders.pdf import load
from ingest.loaders.pdf_lines import HYPHEN, Line, RawPage
from ingest.loaders.pdf_pdfium import FirstReader
from ingest.loaders.pdf_quality import needs_ocr
from ingest.loaders.pdf_running import without_running
from ingest.loaders.pdf_text import normalize, resolve_hyphens
from ingest.types import Page

from .conftest import SAMPLES
from .files import encrypted_pdf

GUIDE = SAMPLES / "llama3-on-your-pc.pdf"
GUIDE_ZH = SAMPLES / "在自己的电脑上运行LLaMA3.pdf"
WIDTH, HEIGHT = A4


def pdf(path: Path, *pages: Callable[[Canvas], None]) -> Path:
    canvas = Canvas(str(path), pagesize=A4)
    for draw in pages:
        canvas.setFont("Helvetica", 10)
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return path


def column(canvas: Canvas, x: float, y: float, lines: list[str], step: float = 13) -> None:
    for number, line in enumerate(lines):
        canvas.drawString(x, y - number * step, line)


PROSE = [
    "The quick brown fox jumps over the lazy dog while the rain keeps falling",
    "on the roof of the old house, and nobody in the village seems to notice",
    "that anything at all has happened.",
]
JOINED = " ".join(PROSE)


def test_running_lines_are_dropped_and_what_occurs_once_is_not(tmp_path: Path) -> None:
    def page(number: int) -> Callable[[Canvas], None]:
        def draw(canvas: Canvas) -> None:
            canvas.drawString(60, HEIGHT - 40, "Annual report of the Example company")
            canvas.drawString(60, HEIGHT - 70, f"Only on page {'ABCD'[number]}")
            column(canvas, 60, 600, [f"Body {'ABCD'[number]}.", "Same words in the middle of every page."])
            canvas.drawCentredString(WIDTH / 2, 30, f"Page {number + 7} of 40")

        return draw

    document = load(pdf(tmp_path / "a.pdf", *(page(number) for number in range(4))))
    assert [one.text for one in document.pages] == [
        f"Only on page {letter}\nBody {letter}.\nSame words in the middle of every page." for letter in "ABCD"
    ]


def test_samples_lose_their_footer() -> None:
    for path, footer in ((GUIDE, "LLaMA 3 on Your PC"), (GUIDE_ZH, "在自己的电脑上运行 LLaMA 3")):
        document = load(path)
        assert [page.number for page in document.pages if footer in page.text] == [1]
        assert not any(f"{page.number} / 14" in page.text for page in document.pages)
        assert document.pages[0].text.startswith(footer)


def test_copies_of_a_page_are_no_running_lines() -> None:
    page = RawPage("Title\nBody", (Line("Title", 50, 90, 30, 42), Line("Body", 50, 90, 400, 412)), 842)
    assert without_running([page] * 5) == [page] * 5


def test_troubleshooting_tables_keep_rows_and_header() -> None:
    english = load(GUIDE).pages[12].text.split("\n")
    assert english[1:4] == [
        "What you see | Likely cause | What to do",
        "“could not connect to ollama”, connection refused | The server is not running | "
        "Start the app, or ollama serve; on Linux systemctl status ollama",
        "“model requires more system memory” | Weights + cache do not fit | "
        "Close programs, take llama3.2:3b, reduce num_ctx",
    ]
    assert "It invents facts | Language models do | Give it the source text and check its citations" in english
    chinese = load(GUIDE_ZH).pages[13].text.split("\n")
    assert chinese[1:3] == [
        "现象 | 可能的原因 | 处理",
        "提示连不上服务 | 服务没有启动，或误设了HTTP_PROXY | 启动应用或执行 ollama serve，删除该变量",
    ]
    assert "有显卡却显示 100%CPU | 驱动太旧或显存不够 | 更新驱动，重启，换小模型" in chinese


def test_table_of_numbers(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        column(canvas, 60, 750, PROSE)
        for row, cells in enumerate([("", "2023", "2022"), ("Revenue", "1,234", "987"), ("Costs", "(56)", "(1,047)")]):
            canvas.drawString(60, 650 - 16 * row, cells[0])
            for x, cell in zip((300, 400), cells[1:], strict=True):
                canvas.drawString(x - 40, 650 - 16 * row, "$" if row == 1 else "")
                canvas.drawRightString(x, 650 - 16 * row, cell)

    assert load(pdf(tmp_path / "a.pdf", draw)).pages[0].text == (
        f"{JOINED}\n2023 | 2022\nRevenue | $ 1,234 | $ 987\nCosts | (56) | (1,047)"
    )


def test_columns_drawn_across_are_read_one_after_the_other(tmp_path: Path) -> None:
    words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma".split()
    left = [f"left {number:02} {word} runs along to its edge so" for number, word in enumerate(words)]
    right = [f"right {number:02} {word} runs along to the edge x" for number, word in enumerate(words)]

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Courier", 9)
        for number, (one, other) in enumerate(zip(left, right, strict=True)):
            canvas.drawString(40, 700 - 12 * number, one.ljust(44, "."))
            canvas.drawString(310, 700 - 12 * number, other.ljust(44, "."))

    text = load(pdf(tmp_path / "a.pdf", draw)).pages[0].text
    assert text.index("left 17") < text.index("right 00")
    assert "|" not in text


def test_wrapped_lines_join_and_short_lines_stay(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        column(canvas, 60, 700, [*PROSE, "A line by itself", "Another one", *PROSE])

    assert load(pdf(tmp_path / "a.pdf", draw)).pages[0].text == f"{JOINED}\nA line by itself\nAnother one\n{JOINED}"


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_rotated_pages_read_like_upright_ones(tmp_path: Path, turn: int) -> None:
    writer = PdfWriter(clone_from=GUIDE)
    moves = {90: (HEIGHT, 0), 180: (WIDTH, HEIGHT), 270: (0, WIDTH)}
    for page in writer.pages:
        page.add_transformation(Transformation().rotate(turn).translate(*moves[turn]))
        if turn != 180:
            page.mediabox = RectangleObject((0, 0, HEIGHT, WIDTH))
            page.cropbox = page.mediabox
        page.rotate(turn)
    writer.write(tmp_path / "turned.pdf")
    turned, upright = load(tmp_path / "turned.pdf"), load(GUIDE)
    for number in (1, 6, 12):
        assert turned.pages[number].text == upright.pages[number].text


def test_headings_come_from_large_letters_without_an_outline(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica-Bold", 20)
        canvas.drawString(60, 760, "A study of foxes")
        canvas.setFont("Helvetica-Bold", 14)
        canvas.drawString(60, 720, "Introduction")
        canvas.setFont("Helvetica", 10)
        column(canvas, 60, 700, PROSE * 3)
        canvas.setFont("Helvetica-Bold", 14)
        canvas.drawString(60, 560, "Results")
        canvas.setFont("Helvetica", 10)
        column(canvas, 60, 540, PROSE)

    page = load(pdf(tmp_path / "a.pdf", draw)).pages[0]
    assert [(one.level, one.text) for one in page.headings] == [
        (1, "A study of foxes"),
        (2, "Introduction"),
        (2, "Results"),
    ]
    for heading in page.headings:
        assert page.text[heading.start : heading.start + len(heading.text) + 1] == heading.text + "\n"


def test_cjk_without_embedded_fonts(tmp_path: Path) -> None:
    for name in ("STSong-Light", "HeiseiMin-W3"):
        pdfmetrics.registerFont(UnicodeCIDFont(name))

    def draw(canvas: Canvas) -> None:
        canvas.setFont("STSong-Light", 12)
        column(canvas, 60, 700, ["检索增强生成先在文档里查找与问题有关的段落，再让语言模", "型根据这些段落作答。"], 18)
        canvas.setFont("HeiseiMin-W3", 12)
        canvas.drawString(60, 600, "日本語の文書も読めます。")

    assert load(pdf(tmp_path / "a.pdf", draw)).pages[0].text == (
        "检索增强生成先在文档里查找与问题有关的段落，再让语言模型根据这些段落作答。\n日本語の文書も読めます。"
    )


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_passwords(tmp_path: Path, algorithm: str) -> None:
    locked = encrypted_pdf(GUIDE, tmp_path / "a.pdf", user="geheim-é", algorithm=algorithm)
    with pytest.raises(EncryptedFile, match="needs a password"):
        load(locked)
    with pytest.raises(EncryptedFile, match="does not open"):
        load(locked, passwords=["wrong", "worse"])
    assert load(locked, passwords=["wrong", "geheim-é"]).pages[0].text.startswith("LLaMA 3 on Your PC")
    owned = encrypted_pdf(GUIDE, tmp_path / "b.pdf", user="", owner="boss", algorithm=algorithm)
    assert load(owned).pages[0].text.startswith("LLaMA 3 on Your PC")


def test_second_reader_reads_the_pages_the_first_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = FirstReader.page
    monkeypatch.setattr(FirstReader, "page", lambda self, index: None if index == 1 else first(self, index))
    path = encrypted_pdf(GUIDE, tmp_path / "a.pdf", user="secret", algorithm="AES-256")
    document = load(path, passwords=["secret"])
    assert document.warnings == ()
    assert "Memory decides. The model must fit into RAM" in document.pages[1].text


def test_attachments_are_named(tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=GUIDE)
    writer.add_attachment("figures.csv", b"a,b")
    writer.write(tmp_path / "a.pdf")
    assert [one.text("en") for one in load(tmp_path / "a.pdf").warnings] == [
        "Attachments are not read: figures.csv. Save those you need as files and ingest them."
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e\ufb03cient \ufb01nes", "efficient fines"),
        ("⼈⼯智能 ⻓⻰⻢", "人工智能 长龙马"),
        ("\uf9b4 \U0002f818", "領 冤"),
        ("\uf0b7 item\ue123\x01\u200b\xad", "• item"),
        ("a\u00a0b\u2009c\td", "a b c d"),
        ("e\u0301", "é"),
        ("lost \ufffd", "lost \ufffd"),
    ],
)
def test_characters_are_ordinary(text: str, expected: str) -> None:
    assert normalize(text) == expected


@given(st.text())
def test_normalizing_twice_changes_nothing(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once
    assert not any(c in once for c in "\r\xad\x02\ufeff")
    assert not any(0xE000 <= ord(c) <= 0xF8FF for c in once)


def test_hyphens_of_line_ends() -> None:
    texts = [f"infor{HYPHEN}mation, well{HYPHEN}known, open{HYPHEN}end{HYPHEN}", "a well-known fact"]
    assert resolve_hyphens(texts) == ["information, well-known, openend-", "a well-known fact"]


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("", True),
        ("Plain English text of some length, 12 words.", False),
        ("检索增强生成，先检索再回答。", False),
        ("1,234 5,678 (90) 12.5 % 3,456", False),
        ("Ελληνικό κείμενο για δοκιμή", False),
        ("यह हिन्दी का एक वाक्य है और लंबा है", False),
        ("\ue001\ue002\ue003\ue004 ok", True),
        ("\ufffd\ufffd\ufffd\ufffd\ufffdabc", True),
        ("(cid:12)(cid:13)(cid:14)(cid:15)(cid:16)", True),
        ("!\"#$%&'()*+,-./:;<=>?@[!\"#$%&'()", True),
        ("¼½¾ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ", True),
    ],
)
def test_garbage_needs_recognition(text: str, needed: bool) -> None:
    assert needs_ocr(text, Page(1, normalize(text))) is needed


@pytest.mark.parametrize("path", [GUIDE, GUIDE_ZH], ids=["en", "zh"])
def test_page_texts_hold_and_chunks_are_exact(path: Path) -> None:
    document = load(path)
    chunks = Chunker(len, 900).chunks(document)
    for page in document.pages:
        assert not any(char in page.text for char in "\r\xad\x02\ufffe\t")
        assert not any(0xE000 <= ord(char) <= 0xF8FF for char in page.text)
        for heading in page.headings:
            assert "".join(page.text[heading.start :].split()).startswith("".join(heading.text.split()))
    for chunk in chunks:
        assert document.pages[chunk.page - 1].text[chunk.start : chunk.end] == chunk.text
