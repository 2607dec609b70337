"""The documentation can't rot: its code runs, its links lead somewhere, both languages say the same."""

from __future__ import annotations

import re
import runpy
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag_app import RagApp, Settings

from .conftest import NOBODY, PROJECT, SAMPLES
from .documents import LANGUAGES, Runner, blocks, check

PAGES = sorted(
    path
    for path in (*PROJECT.glob("README*.md"), PROJECT / "CONTRIBUTING.md", *PROJECT.glob("docs/**/*.md"))
    if "reference" not in path.parts  # generated, see test_reference.py
)
BOTH = [page for page in PAGES if "zh-CN" not in page.name and page.name != "CONTRIBUTING.md"]
EXAMPLES = sorted((PROJECT / "examples").glob("*.py"))
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def relative(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def in_default_suite(page: Path) -> Any:
    """The Chinese pages have the same code, and some take long: they run with the slow suite."""
    marks = [pytest.mark.slow] if "zh-CN" in page.name or page.stem in ("scripts", "evaluation", "python") else []
    return pytest.param(page, id=relative(page), marks=marks)


@pytest.fixture
def workplace(samples: RagApp, tmp_path: Path, model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder as readers have one: documents, and a data folder with the samples in it."""
    shutil.copytree(samples.settings.data_dir, tmp_path / "data", dirs_exist_ok=True)
    work = tmp_path / "work"
    for folder in ("papers/2024", "notes", "documents"):
        (work / folder).mkdir(parents=True)
    shutil.copy(SAMPLES / "llama3-on-your-pc.pdf", work / "papers" / "guide.pdf")
    shutil.copy(SAMPLES / "reading-list.md", work / "papers" / "2024")
    shutil.copy(SAMPLES / "ollama-cheatsheet.md", work / "notes")
    shutil.copy(SAMPLES / "常见问题.docx", work / "report.docx")
    shutil.copy(SAMPLES / "什么是RAG.md", work / "documents")
    shutil.copytree(work / "papers", tmp_path / "home" / "papers")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(work)
    yield work
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_code_blocks_are_what_they_say(page: Path) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES, f"line {block.line}: {block.language!r}"
        check(block)


@pytest.mark.parametrize("page", [in_default_suite(page) for page in PAGES])
def test_code_blocks_run(page: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_LANGUAGE", "zh" if "zh-CN" in page.name else "en")
    runner = Runner(workplace)
    try:
        for block in blocks(page):
            if not block.why_not:
                runner.run(block)
    finally:
        runner.close()


@pytest.mark.parametrize("example", EXAMPLES, ids=relative)
def test_examples_run(
    example: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(example), "papers"])
    runpy.run_path(str(example), run_name="__main__")
    out, err = capsys.readouterr()
    assert len(out.splitlines()) >= 2
    assert err == ""


def test_there_are_five_examples_and_they_are_short() -> None:
    assert len(EXAMPLES) == 5
    assert max(len(example.read_text(encoding="utf-8").splitlines()) for example in EXAMPLES) <= 40
    index = (PROJECT / "examples" / "README.md").read_text(encoding="utf-8")
    assert [example.name for example in EXAMPLES if example.name not in index] == []


@pytest.mark.parametrize("page", BOTH, ids=relative)
def test_both_languages_have_the_same_code(page: Path) -> None:
    """Up to comments, texts in quotation marks and names in Chinese."""
    chinese = page.with_name(page.name.replace(".md", ".zh-CN.md"))

    def shape(path: Path) -> list[tuple[str, bool, int]]:
        found = blocks(path)
        return [(one.language, bool(one.why_not), len(list(one.commands))) for one in found]

    assert shape(chinese) == shape(page)


@pytest.mark.parametrize("page", [*PAGES, *sorted((PROJECT / "docs" / "reference").glob("*.md"))], ids=relative)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    broken = []
    for link in _LINK.findall(text):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name) if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """Of the headings, as GitHub makes them."""
    headings = _HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_block_that_is_wrong_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setenv("RAG_OLLAMA_URL", NOBODY)

    def problem(text: str) -> str:
        page.write_text(text, encoding="utf-8")
        (block,) = blocks(page)
        with pytest.raises((AssertionError, NameError)) as raised:
            check(block) if block.why_not else Runner(tmp_path).run(block)
        return str(raised.value)

    assert "fly" in problem("<!-- not run: needs wings -->\n```sh\nrag-app fly\n```\n")
    assert "--colour" in problem("<!-- not run: why not -->\n```sh\nRAG_KB=a rag-app ask X --colour\n```\n")
    assert "nothing" in problem("```python\nnothing\n```\n")
    assert "not run" in problem("```sh\nmake run\n```\n")
    assert "exit code" in problem("```sh\nrag-app kb delete nope --yes\n```\n")
    assert "honey" in problem("```console\n$ rag-app kb list --json\nhoney\n```\n")
    assert Settings().ollama_url == NOBODY
