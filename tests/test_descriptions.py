"""Pictures in documents, described: found by a search, cited with their page, and marked as a model's words."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docx
import pptx
import pytest
from docx.enum.text import WD_BREAK
from PIL import Image, ImageDraw
from pptx.util import Inches
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from ingest.errors import NotDescribed
from ingest.messages import Language
from ingest.types import IngestReport, Progress
from rag_app import Passage, RagApp, filling
from rag_app.errors import ModelError, NotSupported, OllamaUnreachable
from rag_app.llm.vision import VisionDescriber
from rag_app.protocols import ChatMessage, ModelDescription, ModelPiece

COLOURS = {"crimson": (220, 20, 60), "turquoise": (64, 224, 208), "indigo": (75, 0, 130), "orange": (255, 165, 0)}
CHINESE = {"crimson": "绯红色", "turquoise": "青绿色", "indigo": "靛蓝色", "orange": "橙色"}


def picture(colour: str, size: tuple[int, int] = (400, 300)) -> Image.Image:
    """A disc of one colour on white, so that it is neither blank nor text."""
    made = Image.new("RGB", size, "white")
    ImageDraw.Draw(made).ellipse((5, 5, size[0] - 5, size[1] - 5), fill=COLOURS[colour])
    return made


def png(colour: str, size: tuple[int, int] = (400, 300)) -> io.BytesIO:
    file = io.BytesIO()
    picture(colour, size).save(file, "PNG")
    file.seek(0)
    return file


def colour_of(data: bytes) -> str:
    """Which colour a picture has in its middle."""
    seen = Image.open(io.BytesIO(data)).convert("RGB")
    middle = seen.getpixel((seen.width // 2, seen.height // 2))
    assert isinstance(middle, tuple)
    return min(COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(COLOURS[name], middle, strict=True)))


@dataclass
class Painter:
    """A describer that really looks: it names the colour in the middle of the picture, and its size."""

    identity: str = "painter"
    fails_on: str = ""
    seen: list[tuple[str, tuple[int, int], Language]] = field(default_factory=list)

    def describe(self, picture: bytes, language: Language) -> str:
        colour = colour_of(picture)
        size = Image.open(io.BytesIO(picture)).size
        self.seen.append((colour, size, language))
        if colour == self.fails_on:
            raise NotDescribed("describe.nothing", model=self.identity)
        if language == "zh":
            return f"白色背景上的一个{CHINESE[colour]}圆盘，没有文字。"
        return f"A {colour} disc on a white background, {size[0]} by {size[1]} pixels."

    def cancel(self) -> None: ...


@dataclass
class Unplugged(Painter):
    """Describes one picture, then its server is gone."""

    def describe(self, picture: bytes, language: Language) -> str:
        if self.seen:
            raise OllamaUnreachable("ollama.unreachable", url="http://127.0.0.1:9")
        return super().describe(picture, language)


Ingest = Callable[..., IngestReport]


@pytest.fixture
def ingest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ingest:
    """Ingests into the folder of ``app``; where there is a describer, the setting is on."""

    def run(*paths: Path, describer: Painter | None = None, **settings: Any) -> IngestReport:
        monkeypatch.setattr(filling, "open_describer", lambda store: describer)
        settings = {"ocr": False, "describe_images": describer is not None, **settings}
        with RagApp.open(data_dir=tmp_path / "data", answers="quotes", **settings) as opened:
            report = opened.ingest(*paths)
            planned = opened.plan(*paths)
        assert {one.status for one in planned.files} <= {"unchanged", "refused"}  # nothing is left to do
        return report

    return run


def passage(app: RagApp, question: str) -> Passage:
    return app.retrieve(question).passages[0]


def pdf(path: Path) -> Path:
    """Text; text beside a large picture and an icon; a page that is a picture; the first picture again, smaller."""
    canvas = Canvas(str(path), pagesize=(600, 800))
    line = "The annual report of the lighthouse keepers' society begins with the accounts of the treasurer."
    crimson = ImageReader(picture("crimson"))
    for row in range(6):
        canvas.drawString(40, 760 - 16 * row, line)
    canvas.showPage()
    for row in range(6):
        canvas.drawString(40, 760 - 16 * row, line)
    canvas.drawImage(crimson, 100, 300, 400, 300)
    canvas.drawImage(ImageReader(picture("orange")), 10, 10, 12, 12)
    canvas.showPage()
    canvas.drawImage(ImageReader(picture("indigo", (600, 800))), 0, 0, 600, 800)
    canvas.showPage()
    canvas.drawString(40, 760, f"{line} The end of the report shows the first picture again, only smaller.")
    canvas.drawImage(crimson, 100, 300, 200, 150)
    canvas.save()
    return path


def word(path: Path) -> Path:
    """A picture under each of two headings, and one after a page break."""
    document = docx.Document()
    for heading, colour in (("Harbour", "crimson"), ("Lighthouse", "turquoise")):
        document.add_heading(heading, 1)
        document.add_paragraph(f"The {heading.lower()} is described in the text of this section of the report.")
        document.add_picture(png(colour))
        document.add_paragraph("More text follows the picture.")
    paragraph = document.add_paragraph()
    paragraph.add_run().add_break(WD_BREAK.PAGE)
    paragraph.add_run().add_picture(png("indigo"))
    document.save(str(path))
    return path


def slides(path: Path) -> Path:
    """Text; a title and a picture; a slide that is a picture; each with the same logo."""
    deck = pptx.Presentation()
    for title, colour in (("Welcome to the harbour", ""), ("Turnover", "crimson"), ("", "turquoise")):
        slide = deck.slides.add_slide(deck.slide_layouts[5 if title else 6])
        if title:
            slide.shapes.title.text = title
        if colour:
            slide.shapes.add_picture(png(colour), Inches(1), Inches(2))
        slide.shapes.add_picture(png("orange", (100, 100)), Inches(9), Inches(0))
    deck.save(str(path))
    return path


def test_off_by_default(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    picture("crimson").save(tmp_path / "disc.png")
    report = ingest(tmp_path / "disc.png", pdf(tmp_path / "a.pdf"), slides(tmp_path / "a.pptx"))
    statuses = {one.path.name: one.status for one in report.files}
    assert statuses == {"disc.png": "refused", "a.pdf": "partial", "a.pptx": "partial"}
    assert not any(one.described for one in report.files)
    assert not any(found.described for found in app.retrieve("crimson disc").passages)


def test_pdf(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    painter = Painter()
    report = ingest(pdf(tmp_path / "a.pdf"), describer=painter)
    assert [(colour, size) for colour, size, _ in painter.seen] == [("crimson", (400, 300)), ("indigo", (768, 1024))]
    assert (report.files[0].described, report.files[0].pages, report.files[0].empty) == (2, 4, ())
    found = passage(app, "Which page shows a crimson disc?")
    assert (found.page, found.described, found.ocr) == (2, True, False)
    assert found.text == "A crimson disc on a white background, 400 by 300 pixels."
    assert found.where("en") == "p. 2, the model's description of a picture"
    assert found.where("zh") == "第 2 页，模型对图片的描述"
    assert passage(app, "indigo disc").page == 3
    own = passage(app, "the accounts of the treasurer of the lighthouse keepers' society")
    assert not own.described
    assert "description" not in own.where("en")


def test_the_answer_says_whose_words_they_are(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    ingest(pdf(tmp_path / "a.pdf"), describer=Painter())
    answer = app.ask("What is on the white background, is it a crimson disc?")
    (cited,) = [one for one in answer.citations if one.page == 2]
    assert cited.described
    assert cited.where("en") == "p. 2, the model's description of a picture"
    assert f"(The model's description of a picture:) {cited.quote} [{cited.number}]" in answer.text


@pytest.mark.slow
def test_word_pictures_stand_under_their_headings(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    report = ingest(word(tmp_path / "a.docx"), describer=Painter())
    assert (report.files[0].status, report.files[0].described) == ("read", 3)
    lighthouse = passage(app, "turquoise disc on white")
    assert lighthouse.described
    assert lighthouse.page == 1
    assert passage(app, "indigo disc on white").page == 2


@pytest.mark.slow
def test_a_text_without_pages_is_cited_by_the_section(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    document = docx.Document()
    for heading, colour in (("Harbour", "crimson"), ("Lighthouse", "turquoise"), ("Weather", "")):
        document.add_heading(heading, 1)
        for _ in range(40):
            document.add_paragraph(
                f"The {heading.lower()} is described in this section at great length, sentence by one."
            )
        if colour:
            document.add_picture(png(colour))
    document.save(str(tmp_path / "a.docx"))
    ingest(tmp_path / "a.docx", describer=Painter())
    for heading, colour in (("Harbour", "crimson"), ("Lighthouse", "turquoise")):
        found = passage(app, f"{colour} disc on a white background")
        assert found.where("en") == f"§ {heading}, the model's description of a picture"


@pytest.mark.slow
def test_slides_and_a_logo_on_each(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    painter = Painter()
    report = ingest(slides(tmp_path / "a.pptx"), describer=painter)
    assert [colour for colour, _, _ in painter.seen] == ["orange", "crimson", "turquoise"]
    assert (report.files[0].status, report.files[0].described) == ("read", 3)  # no slide is without text any more
    found = passage(app, "turquoise disc")
    assert found.where("en") == "slide 3, the model's description of a picture"
    assert passage(app, "crimson disc").headings == ("Turnover",)


@pytest.mark.parametrize("name", ["disc.png", "disc.jpg", "disc.webp"])
def test_a_picture_file(app: RagApp, tmp_path: Path, ingest: Ingest, name: str) -> None:
    picture("indigo", (3000, 1500)).save(tmp_path / name)
    painter = Painter()
    report = ingest(tmp_path / name, describer=painter)
    assert painter.seen == [("indigo", (1024, 512), "en")]
    assert (report.files[0].status, report.files[0].described) == ("read", 1)
    assert passage(app, "indigo disc").document == name


@pytest.mark.slow
def test_frames_of_a_tiff(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    first, *others = (picture(colour) for colour in COLOURS)
    first.save(tmp_path / "a.tiff", save_all=True, append_images=others)
    ingest(tmp_path / "a.tiff", describer=Painter())
    assert [passage(app, f"{colour} disc").page for colour in COLOURS] == [1, 2, 3, 4]


def test_what_is_no_picture_is_left_out(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    picture("crimson", (60, 400)).save(tmp_path / "rule.png")
    Image.new("RGB", (400, 400), "navy").save(tmp_path / "blank.png")
    painter = Painter()
    report = ingest(tmp_path / "rule.png", tmp_path / "blank.png", describer=painter)
    assert painter.seen == []
    assert [one.status for one in report.files] == ["refused", "refused"]


@pytest.mark.slow
def test_a_scan_of_text_is_not_described(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    page = Image.new("RGB", (1240, 1000), "white")
    draw = ImageDraw.Draw(page)
    for line in range(18):
        draw.text(
            (60, 40 + 50 * line), f"{line}: The keepers count the ships that pass the harbour.", "black", font_size=34
        )
    page.save(tmp_path / "text.png")
    painter = Painter()
    report = ingest(tmp_path / "text.png", describer=painter, ocr=True)
    assert (report.files[0].status, report.files[0].recognized, painter.seen) == ("read", (1,), [])


@pytest.mark.slow
def test_described_in_the_language_around_it(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    document = docx.Document()
    document.add_paragraph("本季度港口的货物吞吐量继续增长，详见下图。灯塔的维护工作已经全部完成。")
    document.add_picture(png("turquoise"))
    document.save(str(tmp_path / "a.docx"))
    picture("crimson").save(tmp_path / "disc.png")
    painter = Painter()
    ingest(tmp_path / "a.docx", tmp_path / "disc.png", describer=painter, language="zh")
    assert sorted(painter.seen) == [("crimson", (400, 300), "zh"), ("turquoise", (400, 300), "zh")]
    found = passage(app, "哪里有青绿色的圆盘？")
    assert found.described
    assert found.document == "a.docx"


@pytest.mark.slow
def test_switching(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    (tmp_path / "notes.txt").write_text("Plain text has no pictures, and is not read again.", encoding="utf-8")
    files = [pdf(tmp_path / "a.pdf"), tmp_path / "notes.txt"]

    def statuses(report: IngestReport) -> list[str]:
        return [one.status for one in report.files]

    ingest(*files)
    on = ingest(*files, describer=Painter())
    assert statuses(on) == ["partial", "unchanged"]
    assert statuses(ingest(*files, describer=Painter())) == ["unchanged", "unchanged"]
    again = Painter("another painter")
    assert statuses(ingest(*files, describer=again)) == ["partial", "unchanged"]
    assert len(again.seen) == 2
    off = ingest(*files)
    assert statuses(off) == ["unchanged", "unchanged"]
    assert off.files[0].described == 2  # what is there stays
    moved = files[0].rename(tmp_path / "b.pdf")
    assert statuses(ingest(moved, tmp_path / "notes.txt"))[0] in ("moved", "duplicate")
    assert passage(app, "crimson disc").described
    files[0].write_bytes(moved.read_bytes() + b"\n%")
    assert ingest(files[0]).files[0].described == 0


def test_one_picture_fails(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    report = ingest(slides(tmp_path / "a.pptx"), describer=Painter(fails_on="crimson")).files[0]
    assert (report.status, report.described) == ("partial", 2)
    assert report.reason is not None
    assert "pages 2" in report.reason.text("en")
    assert "wrote nothing" in report.reason.text("en")
    assert passage(app, "turquoise disc").page == 3


def test_the_only_picture_fails(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    picture("crimson").save(tmp_path / "disc.png")
    report = ingest(tmp_path / "disc.png", describer=Painter(fails_on="crimson")).files[0]
    assert report.status == "refused"
    assert report.reason is not None
    assert report.reason.key == "describe.failed"


@pytest.mark.slow
def test_the_server_goes_away(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    picture("crimson").save(tmp_path / "1.png")
    picture("indigo").save(tmp_path / "2.png")
    (tmp_path / "0.txt").write_text("The harbour master keeps the keys of the lighthouse.", encoding="utf-8")
    with pytest.raises(OllamaUnreachable):
        ingest(tmp_path / "0.txt", tmp_path / "1.png", tmp_path / "2.png", describer=Unplugged())
    stored = {one.path.name for one in app.documents()}
    assert len(stored & {"1.png", "2.png"}) == 1  # what was described before is not lost
    report = ingest(tmp_path / "0.txt", tmp_path / "1.png", tmp_path / "2.png", describer=Painter())
    assert {one.path.name for one in report.files if one.status == "unchanged"} == stored
    assert {one.status for one in report.files} <= {"unchanged", "read"}


@pytest.mark.slow
def test_limits(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    painter = Painter()
    report = ingest(slides(tmp_path / "a.pptx"), describer=painter, describe_pictures=2).files[0]
    assert (report.status, report.described, len(painter.seen)) == ("partial", 2, 2)
    assert "from page 3 on" in " ".join(one.text("en") for one in report.warnings)
    more = ingest(tmp_path / "a.pptx", describer=Painter(), describe_pictures=3).files[0]
    assert (more.status, more.described) == ("read", 3)


@pytest.mark.slow
def test_progress_counts_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = threading.Event()

    class Waiting(Painter):
        def describe(self, picture: bytes, language: Language) -> str:
            if len(self.seen) == 1:
                assert shown.wait(30)
            return super().describe(picture, language)

    def show(step: Progress) -> None:
        steps.append(step)
        if step.describing == (1, 3):
            shown.set()

    steps: list[Progress] = []
    monkeypatch.setattr(filling, "open_describer", lambda store: Waiting())
    with RagApp.open(data_dir=tmp_path / "data", describe_images=True) as app:
        app.ingest(slides(tmp_path / "a.pptx"), progress=show)
    assert any(step.describing == (1, 3) for step in steps)
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)


def test_deleted_descriptions_leave_no_bytes(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    ingest(pdf(tmp_path / "a.pdf"), slides(tmp_path / "a.pptx"), describer=Painter())
    folder = app.settings.data_dir
    needle = b"400 by 300 pixels"

    def holders() -> list[Path]:
        return [path for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()]

    assert holders()
    app.remove(tmp_path / "a.pdf", tmp_path / "a.pptx", verify=True)
    assert holders() == []


@pytest.mark.slow
def test_export_keeps_the_mark(app: RagApp, tmp_path: Path, ingest: Ingest) -> None:
    ingest(pdf(tmp_path / "a.pdf"), describer=Painter())
    app.export_knowledge_base("default", tmp_path / "kb.zip")
    app.import_knowledge_base(tmp_path / "kb.zip", "copy")
    found = app.retrieve("crimson disc", kb="copy").passages[0]
    assert (found.described, found.page) == (True, 2)


class Scripted:
    """A chat model that answers from a script."""

    name = "seer"

    def __init__(self, *pieces: str, error: ModelError | None = None, vision: bool = True) -> None:
        self._pieces, self._error, self._vision = pieces, error, vision
        self.asked: list[ChatMessage] = []
        self.cancelled = False

    def describe(self) -> ModelDescription:
        return ModelDescription(self.name, "ollama", 4096, vision=self._vision)

    def count(self, messages: Sequence[ChatMessage]) -> int:
        return sum(len(one.text) for one in messages)

    def stream(
        self, messages: Sequence[ChatMessage], *, answer_tokens: int, schema: dict[str, object] | None = None
    ) -> _Stream:
        self.asked += messages
        return _Stream(self, self._run())

    def preload(self) -> None: ...

    def close(self) -> None: ...

    def _run(self) -> Iterator[ModelPiece]:
        for text in self._pieces:
            yield ModelPiece(text, thinking="never shown")
        if self._error is not None:
            raise self._error
        yield ModelPiece("", done=True)


class _Stream:
    def __init__(self, model: Scripted, pieces: Iterator[ModelPiece]) -> None:
        self._model, self._pieces = model, pieces

    def __iter__(self) -> Iterator[ModelPiece]:
        return self

    def __next__(self) -> ModelPiece:
        return next(self._pieces)

    def cancel(self) -> None:
        self._model.cancelled = True


def test_the_model_is_sent_the_picture_and_asked_in_the_language() -> None:
    model = Scripted("一只", "海鸥。\n")
    assert VisionDescriber(model).describe(b"picture", "zh") == "一只海鸥。"
    (asked,) = model.asked
    assert asked.images == (b"picture",)
    assert "简体中文" in asked.text
    VisionDescriber(model).describe(b"picture", "en")
    assert "in English" in model.asked[-1].text


def test_what_the_model_writes_is_bounded() -> None:
    assert len(VisionDescriber(Scripted("gull " * 5000)).describe(b"", "en")) <= 2000
    with pytest.raises(NotDescribed, match="wrote nothing"):
        VisionDescriber(Scripted(" \n")).describe(b"", "en")


def test_a_blind_model_is_refused() -> None:
    with pytest.raises(NotSupported, match="seer can't see"):
        VisionDescriber(Scripted("?", vision=False))


def test_errors_of_one_picture_and_of_all() -> None:
    failed = ModelError("describe.nothing", model="seer")
    with pytest.raises(NotDescribed):
        VisionDescriber(Scripted("half a", error=failed)).describe(b"", "en")
    gone = OllamaUnreachable("ollama.unreachable", url="http://127.0.0.1:9")
    with pytest.raises(OllamaUnreachable):
        VisionDescriber(Scripted(error=gone)).describe(b"", "en")


def test_cancelling() -> None:
    model = Scripted("gull")
    describer = VisionDescriber(model)
    describer.describe(b"", "en")
    describer.cancel()
    assert model.cancelled
    with pytest.raises(NotDescribed):
        describer.describe(b"", "en")
    assert len(model.asked) == 1


@pytest.mark.slow
def test_an_archive_from_before_descriptions(app: RagApp, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The code word is walrus.", encoding="utf-8")
    app.ingest(tmp_path / "a.txt")
    app.export_knowledge_base("default", tmp_path / "kb.zip")
    old = tmp_path / "old.zip"
    with zipfile.ZipFile(tmp_path / "kb.zip") as new, zipfile.ZipFile(old, "w") as made:
        for name in new.namelist():
            data = new.read(name)
            if name == "page.jsonl":
                data = json.dumps(json.loads(data)[:-1]).encode()
            made.writestr(name, data.replace(b'"format": 2', b'"format": 1'))
        made.comment = b"0" * 64
    whole = old.read_bytes()[:-64]
    old.write_bytes(whole + hashlib.sha256(whole).hexdigest().encode())
    app.import_knowledge_base(old, "old")
    found = app.retrieve("code word", kb="old").passages[0]
    assert (found.text, found.described) == ("The code word is walrus.", False)
