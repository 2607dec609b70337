"""Small real files of each format, made by the libraries that write them."""

from __future__ import annotations

from pathlib import Path

import docx
from docx.enum.text import WD_BREAK
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
