"""Rebuild the PDF and DOCX sample documents from the sources in this folder.

    python sample_docs/.source/build.py

Needs the PyPI packages weasyprint and python-docx, Pango (Debian: libpango-1.0-0,
libpangoft2-1.0-0, libharfbuzz-subset0), and the fonts Noto Sans, Noto Sans Mono and
Noto Sans CJK SC (Debian: fonts-noto-core, fonts-noto-mono, fonts-noto-cjk; all under
the SIL Open Font License 1.1). The fonts are embedded as subsets.

*.html -> PDF by WeasyPrint; *.docx.md -> DOCX by the small Markdown reader below
(headings, paragraphs, lists, tables, code blocks, **bold**, `code`).
"""
from __future__ import annotations

import datetime
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE.parent
DATE = datetime.datetime(2025, 1, 15)


def build_pdf(src: Path) -> Path:
    import weasyprint

    dest = OUT / (src.stem + ".pdf")
    weasyprint.HTML(filename=str(src), base_url=str(HERE)).write_pdf(
        str(dest), optimize_images=True)
    return dest


def _runs(par, text: str) -> None:
    """Add text with **bold** and `code` spans to a paragraph."""
    for part in re.split(r"(\*\*.+?\*\*|`.+?`)", text):
        if part.startswith("**") and len(part) > 4:
            par.add_run(part[2:-2]).bold = True
        elif part.startswith("`") and len(part) > 2:
            par.add_run(part[1:-1]).font.name = "Consolas"
        elif part:
            par.add_run(part)


def build_docx(src: Path) -> Path:
    import docx
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt

    lines = src.read_text(encoding="utf-8").splitlines()
    meta = {}
    while lines and lines[0].startswith("% "):
        key, _, value = lines.pop(0)[2:].partition(":")
        meta[key.strip()] = value.strip()

    doc = docx.Document()
    section = doc.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.3)
    lang = meta.get("lang", "en-GB")
    for name in ("Normal", "Title", "Heading 1", "Heading 2", "List Bullet", "List Number"):
        style = doc.styles[name]
        style.font.name = "Calibri"
        rpr = style.element.get_or_add_rPr()
        fonts = rpr.get_or_add_rFonts()
        for attr in list(fonts.attrib):
            if "Theme" in attr:
                del fonts.attrib[attr]
        fonts.set(qn("w:ascii"), "Calibri")
        fonts.set(qn("w:hAnsi"), "Calibri")
        fonts.set(qn("w:eastAsia"), "Microsoft YaHei")
        for old in rpr.findall(qn("w:lang")):
            rpr.remove(old)
        tag = OxmlElement("w:lang")
        tag.set(qn("w:val"), "en-GB" if lang.startswith("zh") else lang)
        tag.set(qn("w:eastAsia"), "zh-CN")
        rpr.append(tag)
    doc.styles["Normal"].font.size = Pt(10.5)
    props = doc.core_properties
    props.title, props.subject = meta.get("title", ""), meta.get("subject", "")
    props.author, props.language = "", lang
    props.comments = ""
    props.created = props.modified = DATE

    i = 0
    while i < len(lines):
        line = lines[i]
        if not line.strip():
            i += 1
        elif line.startswith("```"):
            i += 1
            code = []
            while not lines[i].startswith("```"):
                code.append(lines[i])
                i += 1
            i += 1
            par = doc.add_paragraph()
            par.paragraph_format.left_indent = Cm(0.8)
            run = par.add_run("\n".join(code))
            run.font.name, run.font.size = "Consolas", Pt(9.5)
        elif line.startswith("#"):
            marks, _, text = line.partition(" ")
            doc.add_heading(text, level=len(marks) - 1)
            i += 1
        elif line.startswith("|"):
            rows = []
            while i < len(lines) and lines[i].startswith("|"):
                cells = [c.strip() for c in lines[i].strip().strip("|").split("|")]
                if not all(re.fullmatch(r":?-+:?", c) for c in cells):
                    rows.append(cells)
                i += 1
            table = doc.add_table(rows=0, cols=len(rows[0]), style="Light Grid Accent 1")
            for cells in rows:
                for cell, text in zip(table.add_row().cells, cells):
                    _runs(cell.paragraphs[0], text)
            head = table.rows[0]._tr.get_or_add_trPr()
            head.append(OxmlElement("w:tblHeader"))
            doc.add_paragraph()
        else:
            match = re.match(r"(- |\d+\. )(.*)", line)
            if match:
                style = "List Bullet" if match[1] == "- " else "List Number"
                _runs(doc.add_paragraph(style=style), match[2])
                i += 1
            else:
                text = [line]
                i += 1
                while i < len(lines) and lines[i].strip() and lines[i][0] not in "#|`-":
                    text.append(lines[i])
                    i += 1
                _runs(doc.add_paragraph(), ("" if lang.startswith("zh") else " ").join(text))
    dest = OUT / src.name.removesuffix(".md")
    doc.save(str(dest))
    return dest


def main() -> None:
    for src in sorted(HERE.glob("*.html")):
        print(build_pdf(src).name)
    for src in sorted(HERE.glob("*.docx.md")):
        print(build_docx(src).name)


if __name__ == "__main__":
    main()
