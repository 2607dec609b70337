"""Small real files of each format, made by the libraries that write them."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pptx
from docx.enum.text import WD_BREAK
from PIL import Image
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches
from pypdf import PdfReader, PdfWriter


def docx_file(path: Path) -> Path:
    """Two pages, headings, a list, a table with merged cells."""
    document = docx.Document()
    document.core_properties.title = "季度报告"
    document.add_heading("季度报告", 0)
    document.add_heading("收入", 1)
    document.add_paragraph("第三季度营业收入为三百五十万元。")
    document.add_paragraph("Costs fell by 12%.", style="List Bullet")
    table = document.add_table(rows=2, cols=3)
    for cell, text in zip(table.rows[0].cells, ("Quarter", "Revenue", "Cost"), strict=True):
        cell.text = text
    table.rows[1].cells[0].merge(table.rows[1].cells[1]).text = "merged"
    table.rows[1].cells[2].text = "7"
    document.add_paragraph("End of page one.").add_run().add_break(WD_BREAK.PAGE)
    document.add_heading("Outlook", 2)
    document.add_paragraph("Next year looks good.")
    document.save(str(path))
    return path


def encrypted_pdf(source: Path, path: Path, *, user: str, owner: str = "boss", algorithm: str = "RC4-128") -> Path:
    """The first two pages of ``source``, encrypted."""
    writer = PdfWriter()
    for page in PdfReader(source).pages[:2]:
        writer.add_page(page)
    writer.encrypt(user_password=user, owner_password=owner, algorithm=algorithm)
    writer.write(path)
    return path


def blank_pdf(path: Path, pages: int = 1, text_from: Path | None = None) -> Path:
    """Blank pages, after the first page of ``text_from`` if given; page labels i, ii, …"""
    writer = PdfWriter()
    if text_from is not None:
        writer.add_page(PdfReader(text_from).pages[0])
    for _ in range(pages):
        writer.add_blank_page(595, 842)
    writer.set_page_label(0, len(writer.pages) - 1, style="/r")
    writer.write(path)
    return path


def pptx_file(path: Path) -> Path:
    """Title, bullets and notes; a table; no title; a chart; a picture only; a group."""
    deck = pptx.Presentation()
    one = deck.slides.add_slide(deck.slide_layouts[1])
    one.shapes.title.text = "年度总结"
    frame = one.placeholders[1].text_frame
    frame.text = "收入增长 12%"
    inner = frame.add_paragraph()
    inner.text, inner.level = "Cloud services led", 1
    one.notes_slide.notes_text_frame.text = "Mention the new office."
    two = deck.slides.add_slide(deck.slide_layouts[5])
    two.shapes.title.text = "Figures"
    table = two.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(4), Inches(2)).table
    for row, texts in enumerate((("Quarter", "Revenue"), ("Q1", "10"), ("both columns", ""))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(2, 0).merge(table.cell(2, 1))
    three = deck.slides.add_slide(deck.slide_layouts[6])
    for top, text in ((3, "lower text is a whole sentence."), (1, "Upper line")):
        three.shapes.add_textbox(Inches(1), Inches(top), Inches(4), Inches(1)).text_frame.text = text
    four = deck.slides.add_slide(deck.slide_layouts[6])
    data = CategoryChartData()
    data.categories = ["2024", "2025"]
    data.add_series("Sales", (1.5, 20))
    four.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(1), Inches(4), Inches(3), data)
    five = deck.slides.add_slide(deck.slide_layouts[6])
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, "PNG")
    five.shapes.add_picture(picture, Inches(1), Inches(1))
    six = deck.slides.add_slide(deck.slide_layouts[6])
    group = six.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(1), Inches(1), Inches(2), Inches(1)).text_frame.text = "inside a group"
    deck.save(str(path))
    return path


def xlsx_file(path: Path) -> Path:
    """A sheet with a title above its header, merged cells and formats; hidden, empty, without header."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "销售 2026"
    sheet.append(["Sales report"])
    sheet.merge_cells("A1:E1")
    sheet.append([])
    sheet.append(["Region", "Date", "Amount", "Share", "Paid"])
    sheet.append(["North", datetime.date(2026, 3, 5), 1234567.5, 0.125, True])
    sheet.append([None, datetime.datetime(2026, 3, 6, 14, 30), -3, 1, False])
    sheet.append(["South\nWest", datetime.date(2026, 3, 7), 0.1 + 0.2, None, None])
    sheet.merge_cells("A4:A5")
    for row in (4, 5):
        sheet.cell(row, 3).number_format = "#,##0.00"
        sheet.cell(row, 4).number_format = "0.0%"
    sheet.cell(9, 8).value = "  "
    hidden = book.create_sheet("hidden")
    hidden.sheet_state = "hidden"
    hidden.append(["a value that is hidden"])
    book.create_sheet("empty")
    plain = book.create_sheet("plain")
    plain.append(["x", 1])
    plain.append(["y", "=1+1"])
    book.save(path)
    return path


_ODF = 'xmlns:{0}="urn:oasis:names:tc:opendocument:xmlns:{0}:1.0"'
_SPACES = " ".join(_ODF.format(name) for name in ("office", "text", "table", "presentation", "style", "manifest"))
_SPACES += ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
_SPACES += ' xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"'
_SPACES += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'


def odf_file(path: Path, body: str, styles: str = "", title: str = "", *, encrypted: bool = False) -> Path:
    """An OpenDocument file around ``body``; no library under a free enough licence writes them."""
    entry = "<manifest:file-entry>" + "<manifest:encryption-data/>" * encrypted + "</manifest:file-entry>"
    parts = {
        "content.xml": f"<office:document-content {_SPACES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body>{body}</office:body></office:document-content>",
        "meta.xml": f"<office:document-meta {_SPACES}><office:meta><dc:title>{title}</dc:title></office:meta>"
        "</office:document-meta>",
        "META-INF/manifest.xml": f"<manifest:manifest {_SPACES}>{entry}</manifest:manifest>",
    }
    return zip_file(path, parts)


def epub_file(path: Path, *, protected: bool = False) -> Path:
    """A cover, two chapters out of the archive's order, entities and self-closed tags."""
    xhtml = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="a.js"/></head>'
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfile full-path="OEBPS/book.opf"/></container>',
        "OEBPS/b two.xhtml": f"{xhtml}<body><h1>Second</h1><p>The end&nbsp;&mdash; really.</p></body></html>",
        "OEBPS/a.xhtml": f"{xhtml}<body><h1>第一章</h1><h2>开端</h2><p>从前有座山。</p></body></html>",
        "OEBPS/cover.xhtml": f"{xhtml}<body><img src='c.png'/></body></html>",
        "OEBPS/book.opf": '<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>山的故事</dc:title>'
        '</metadata><manifest><item id="n" href="nav.xhtml" properties="nav"/><item id="c" href="cover.xhtml"/>'
        '<item id="b" href="b%20two.xhtml"/><item id="a" href="a.xhtml"/></manifest>'
        '<spine><itemref idref="c"/><itemref idref="a"/><itemref idref="b"/></spine></package>',
    }
    if protected:
        parts["META-INF/encryption.xml"] = (
            "<encryption><EncryptedData><EncryptionMethod Algorithm='http://www.w3.org/2001/04/xmlenc#aes256-cbc'/>"
            "<CipherData><CipherReference URI='OEBPS/a.xhtml'/></CipherData></EncryptedData></encryption>"
        )
    return zip_file(path, parts)


def zip_file(path: Path, parts: dict[str, str | bytes]) -> Path:
    """A zip archive, deflated."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def changed_parts(source: Path, path: Path, changes: dict[str, Callable[[bytes], bytes]]) -> Path:
    """A copy of an archive with parts changed; the change named "" is made to all."""
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert changes.keys() <= {"", *parts}
    everywhere = changes.get("", lambda data: data)
    return zip_file(
        path, {name: everywhere(changes.get(name, lambda data: data)(data)) for name, data in parts.items()}
    )
