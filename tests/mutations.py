"""Broken copies of a small file of each format, the same for the same number: what fuzzing feeds the readers."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from .files import docx_file, encrypted_pdf, epub_file, odf_file, pptx_file, xlsx_file, zip_file

SAMPLES = Path(__file__).resolve().parent.parent / "sample_docs"
_TEXT = (
    "标题一 Heading\n\n第一段。It has two sentences.\n\n- a point\n- 第二点\n\n| a | b |\n|---|---|\n| 1 | 2 |\n" * 5
)


def originals(folder: Path) -> list[Path]:
    """A sound file of each format, in name order."""
    write: dict[str, str | bytes] = {
        "a.md": "---\ntitle: T\n---\n# A\n\n" + _TEXT + "\n```python\ncode()\n```\n",
        "a.txt": _TEXT,
        "b.txt": _TEXT.encode("gb18030"),
        "c.txt": _TEXT.encode("utf-16"),
        "a.html": "<html><head><meta charset='utf-8'><title>t</title></head><body><h1>A</h1><table><tr><th>x<th>y"
        f"<tr><td>1<td>2</table><p>{_TEXT}</p><ul><li>a<li>b</ul></body></html>",
        "a.csv": "name,value\n" + '甲,1\nb,"2,\n3"\n' * 30,
        "a.json": json.dumps({"a": [{"b": "c", "d": [1, 2, None]}, "文字"] * 20}, ensure_ascii=False),
        "a.jsonl": '{"a": 1, "text": "some text"}\n' * 30,
        "a.py": "class A:\n    def f(self):\n        '''Doc.'''\n        return 1\n\n\n" * 10,
        "a.xml": "<a><b c='d'>text</b></a>\n" * 20,
        "a.rtf": "{\\rtf1\\ansi\\ansicpg936{\\fonttbl{\\f0 Arial;}}{\\b Bold} \\u20013?\\'d6\\'d0 text\\par "
        "\\trowd\\cellx100\\cellx200 a\\cell b\\cell\\row\\pard end\\par}",
    }
    for name, content in write.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    _mail(folder / "a.eml")
    docx_file(folder / "a.docx")
    pptx_file(folder / "a.pptx")
    xlsx_file(folder / "a.xlsx")
    epub_file(folder / "a.epub")
    odf_file(folder / "a.odt", "<office:text><text:h text:outline-level='1'>A</text:h><text:p>b</text:p></office:text>")
    zip_file(folder / "a.zip", {"a.txt": _TEXT, "b/a.html": "<p>x</p>", "c.md": "# C\n\nd"})
    _pdf(folder / "a.pdf")
    encrypted_pdf(SAMPLES / "llama3-on-your-pc.pdf", folder / "b.pdf", user="", algorithm="AES-256")
    for suffix in ("png", "jpg", "webp", "tiff"):
        Image.linear_gradient("L").convert("RGB").resize((64, 48)).save(folder / f"a.{suffix}")
    return sorted(path for path in folder.iterdir() if path.is_file())


def mutant(original: Path, seed: int, index: int, folder: Path) -> Path:
    """The copy with this number. In a package every other one is broken inside a member, where the parsers are."""
    chance = random.Random(f"{seed}/{index}")
    data = original.read_bytes()
    packed = zipfile.is_zipfile(io.BytesIO(data)) and chance.random() < 0.75
    broken = _inside(data, chance) if packed else _broken(data, chance)
    path = folder / f"{index:05}{original.suffix}"
    path.write_bytes(broken)
    return path


def _inside(data: bytes, chance: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        parts = {entry.filename: source.read(entry) for entry in source.infolist() if not entry.is_dir()}
    for name in chance.sample(sorted(parts), k=min(len(parts), chance.choice((1, 1, 2)))):
        if chance.random() < 0.1:
            del parts[name]
        else:
            parts[name] = _broken(parts[name], chance)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name, part in parts.items():
            target.writestr(name, part)
    return made.getvalue()


def _broken(data: bytes, chance: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        chance.choice(_WAYS)(made, chance)
    return bytes(made)


def _flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 4, 32))):
        if data:
            data[chance.randrange(len(data))] = chance.randrange(256)


def _cut(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data) + 1)
    del data[start : start + chance.choice((1, 16, 256, len(data)))]


def _repeat(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data) + 1)
    part = data[start : start + chance.choice((4, 64, 1024))]
    data[start:start] = part * chance.choice((1, 2, 50))


def _digits(data: bytearray, chance: random.Random) -> None:
    """Numbers are sizes, offsets and counts: make some absurd."""
    places = [at for at, byte in enumerate(data) if 48 <= byte <= 57]
    for at in chance.sample(places, k=min(len(places), 3)):
        data[at] = chance.choice(b"0979-.")


_WAYS: tuple[Callable[[bytearray, random.Random], None], ...] = (_flip, _flip, _cut, _repeat, _digits)


def _pdf(path: Path) -> None:
    canvas = Canvas(str(path), pageCompression=0)  # so that what is broken are the operators
    for page in range(3):
        canvas.bookmarkPage(f"p{page}")
        canvas.addOutlineEntry(f"Part {page}", f"p{page}")
        canvas.setFont("Helvetica-Bold", 20)
        canvas.drawString(72, 760, f"Part {page}")
        canvas.setFont("Helvetica", 11)
        for row in range(20):
            canvas.drawString(72, 720 - 16 * row, f"Line {row} of the text on this page.")
            canvas.drawString(400, 720 - 16 * row, f"{row * 17}")
        canvas.showPage()
    canvas.save()


def _mail(path: Path) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "报告", "a@example.org", "b@example.org"
    mail.set_content(_TEXT)
    mail.add_alternative(f"<p>{_TEXT}</p>", subtype="html")
    mail.add_attachment(b"1,2", maintype="text", subtype="csv", filename="数据.csv")
    path.write_bytes(bytes(mail))
