"""What Word keeps outside plain paragraphs: content controls, text boxes, nested tables, notes, tracked changes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import docx
import pytest

from ingest.loaders import load


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def par(*runs: str) -> str:
    return f"<w:p>{''.join(runs)}</w:p>"


def cell(*blocks: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{''.join(blocks)}</w:tc>"


def rows(*lines: list[str]) -> str:
    return "<w:tbl>" + "".join(f"<w:tr>{''.join(cells)}</w:tr>" for cells in lines) + "</w:tbl>"


def word(path: Path, body: str, parts: dict[str, str] | None = None) -> Path:
    """A document whose body is given as XML; further parts by their name under ``word/``."""
    docx.Document().save(str(path))
    with zipfile.ZipFile(path) as source:
        held = {name: source.read(name).decode("utf-8", "surrogateescape") for name in source.namelist()}
    document = held["word/document.xml"]
    start, end = document.index("<w:body>") + len("<w:body>"), document.index("<w:sectPr")
    held["word/document.xml"] = document[:start] + body + document[end:]
    for name, content in (parts or {}).items():
        held[f"word/{name}.xml"] = (
            f'<w:{name} xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">{content}</w:{name}>'
        )
        relations = "word/_rels/document.xml.rels"
        held[relations] = held[relations].replace(
            "</Relationships>",
            f'<Relationship Id="rIdX{name}" Target="{name}.xml" Type="http://schemas.openxmlformats.org/officeDocument/'
            f'2006/relationships/{name}"/></Relationships>',
        )
        held["[Content_Types].xml"] = held["[Content_Types].xml"].replace(
            "</Types>",
            f'<Override PartName="/word/{name}.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            f'wordprocessingml.{name}+xml"/></Types>',
        )
    with zipfile.ZipFile(path, "w") as target:
        for name, text in held.items():
            target.writestr(name, text.encode("utf-8", "surrogateescape"))
    return path


CONTROL = "<w:sdt><w:sdtPr/><w:sdtContent>{}</w:sdtContent></w:sdt>"
START = '<w:vMerge w:val="restart"/>'
BOX = "<w:txbxContent>{}</w:txbxContent>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (CONTROL.format(par(run("in a control"))) + par(run("after")), "in a control\n\nafter"),
        (par(run("Name: "), CONTROL.format(run("王芳"))), "Name: 王芳"),
        (CONTROL.format(CONTROL.format(rows([cell(par(run("a"))), cell(par(run("b")))]))), "a | b"),
        (par("<w:ins>", run("added"), "</w:ins>", "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"), "added"),
        (par("<w:moveFrom>", run("old place"), "</w:moveFrom>", run("stays")), "stays"),
        (par(run("seen "), run("hidden", "<w:vanish/>"), run("too", '<w:vanish w:val="0"/>')), "seen too"),
        (par('<w:hyperlink w:anchor="x">', run("a link"), "</w:hyperlink>"), "a link"),
        (
            par(
                run("anchor"),
                "<w:r><mc:AlternateContent><mc:Choice Requires='wps'>" + BOX.format(par(run("boxed"))),
                "</mc:Choice><mc:Fallback>"
                + BOX.format(par(run("boxed")))
                + "</mc:Fallback></mc:AlternateContent></w:r>",
            ),
            "anchor\n\nboxed",
        ),
        (
            rows([cell(par(run("outer"))), cell(rows([cell(par(run("x"))), cell(par(run("y")))]), par())]),
            "outer | x; y",
        ),
        (
            rows(
                [cell(par(run("City"))), cell(par(run("Year"))), cell(par(run("Sales")))],
                [
                    cell(par(run("北京")), properties='<w:vMerge w:val="restart"/>'),
                    *[cell(par(run(t))) for t in ("2024", "5")],
                ],
                [cell(par(), properties="<w:vMerge/>"), cell(par(run("2025"))), cell(par(run("7")))],
                [cell(par(run("both")), properties='<w:gridSpan w:val="2"/>'), cell(par(run("12")))],
            ),
            "City | Year | Sales\nCity: 北京 | Year: 2024 | Sales: 5\nCity: 北京 | Year: 2025 | Sales: 7\n"
            "City: both | Sales: 12",
        ),
    ],
)
def test_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path, body: str, text: str) -> None:
    assert load(word(tmp_path / "a.docx", body)).pages[0].text == text


def test_notes_stand_below_the_page_that_refers_to_them(tmp_path: Path) -> None:
    body = (
        par(run("One."), '<w:r><w:footnoteReference w:id="2"/></w:r>')
        + par('<w:r><w:br w:type="page"/></w:r>', run("Two."), '<w:r><w:endnoteReference w:id="2"/></w:r>')
    )  # fmt: skip
    notes = '<w:{0} w:id="0" w:type="separator">' + par(run("----")) + '</w:{0}><w:{0} w:id="2">{1}</w:{0}>'
    parts = {
        "footnotes": notes.format("footnote", par(run("See chapter 3."))),
        "endnotes": notes.format("endnote", par(run("第二条注释。"))),
    }
    pages = load(word(tmp_path / "a.docx", body, parts)).pages
    assert [page.text for page in pages] == ["One.\n\nSee chapter 3.", "Two.\n\n第二条注释。"]
