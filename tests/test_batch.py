"""``ask --batch``: many questions, an answer a line, resumed where it ended."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rag_app import RagApp
from rag_app.cli import batch

from .conftest import SAMPLES
from .test_cli import rag

__all__ = ["rag"]  # the fixture

LOG = "Where is the Ollama server log on Windows?"
GARBLED = "终端里中文显示成乱码，应该执行什么命令？"


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Path:
    """A data folder with two knowledge bases; tests only ask."""
    folder = tmp_path_factory.mktemp("batch")
    with RagApp.open(data_dir=folder, model_dir=model_dir, answers="quotes", language="en") as app:
        app.ingest(SAMPLES / "ollama-cheatsheet.md")
        app.create_knowledge_base("rag")
        app.ingest(SAMPLES / "什么是RAG.md", kb="rag")
    return folder


@pytest.fixture(autouse=True)
def asked_there(guide: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(guide))


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_json_lines_and_plain_text(rag: Any, tmp_path: Path) -> None:
    questions, answers = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    wanted = [{"id": "a", "question": "How do I stop a model?"}, {"id": 7, "question": "什么是RAG？", "kb": ["rag"]}]
    lines = [*(json.dumps(one, ensure_ascii=False) for one in wanted), "", "How do I remove a model?", "{broken"]
    questions.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    result = rag("ask", "--batch", str(questions), "-o", str(answers))
    assert result.code == 1  # of the broken line
    assert result.out == f"Answered 3, answered before 0, without an answer 1: {answers}\n"
    first, second, third, broken = lines_of(answers)
    assert [one["id"] for one in (first, second, third, broken)] == ["a", "7", "4", "5"]
    assert "ollama stop" in first["text"]
    assert first["citations"][0]["document"] == "ollama-cheatsheet.md"
    assert second["citations"][0]["document"] == "什么是RAG.md"
    assert third["question"] == "How do I remove a model?"
    assert (broken["kind"], "5" in broken["error"]) == ("BatchError", True)


def test_an_error_of_one_line_stops_nothing_and_is_asked_again(rag: Any, tmp_path: Path) -> None:
    questions, answers = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    one = {"id": "x", "question": "How do I stop a model?", "kb": "nope"}
    questions.write_text(json.dumps(one) + '\n{"id": "y"}\nHow do I stop a model?\n', encoding="utf-8")
    assert rag("ask", "--batch", str(questions), "-o", str(answers)).code == 1
    assert [line.get("kind") for line in lines_of(answers)] == ["UnknownKnowledgeBase", "BatchError", None]
    other = {"id": "y", "question": "How do I list all models?"}
    mended = f"{json.dumps({**one, 'kb': 'default'})}\n{json.dumps(other)}\nHow do I stop a model?\n"
    questions.write_text(mended, encoding="utf-8")
    again = rag("ask", "--batch", str(questions), "-o", str(answers), "--json")
    assert (again.code, again.json) == (0, {"file": str(answers), "answered": 2, "skipped": 1, "failed": 0})
    assert [line["id"] for line in lines_of(answers)] == ["3", "x", "y"]


def test_a_rerun_goes_on_and_mends_a_line_that_was_cut_off(rag: Any, tmp_path: Path) -> None:
    questions, answers = tmp_path / "q.txt", tmp_path / "deep" / "a.jsonl"
    questions.write_text("How do I stop a model?\nHow do I remove a model?\n", encoding="utf-8")
    assert rag("ask", "--batch", str(questions), "--output", str(answers)).code == 0
    whole = answers.read_bytes()
    answers.write_bytes(whole[:-40])  # a kill in the middle of the second answer
    assert rag("ask", "--batch", str(questions), "-o", str(answers), "--json").json["answered"] == 1
    assert answers.read_bytes() == whole
    assert rag("ask", "--batch", str(questions), "-o", str(answers), "--json").json["skipped"] == 2
    assert answers.read_bytes() == whole


def test_standard_input_to_standard_output(rag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("How do I stop a model?\n"))
    result = rag("ask", "--batch", "-")
    assert result.code == 0
    assert "ollama stop" in json.loads(result.out)["text"]
    assert result.err == ""


def test_what_is_no_file_of_answers_is_left_alone(rag: Any, tmp_path: Path) -> None:
    questions, other = tmp_path / "q.txt", tmp_path / "thesis.md"
    questions.write_text("How do I stop a model?\n", encoding="utf-8")
    other.write_text("# My thesis\nof years\n", encoding="utf-8")
    result = rag("ask", "--batch", str(questions), "-o", str(other))
    assert result.code == 1
    assert "thesis.md" in result.err
    assert other.read_text(encoding="utf-8") == "# My thesis\nof years\n"


def test_answers_of_other_questions_are_not_mixed_in(rag: Any, tmp_path: Path) -> None:
    questions, answers = tmp_path / "q.txt", tmp_path / "a.jsonl"
    questions.write_text("How do I stop a model?\n", encoding="utf-8")
    rag("ask", "--batch", str(questions), "-o", str(answers))
    questions.write_text("How do I remove a model?\n", encoding="utf-8")
    result = rag("ask", "--batch", str(questions), "-o", str(answers))
    assert result.code == 1
    assert "How do I stop a model?" in result.err
    assert len(lines_of(answers)) == 1


@pytest.mark.parametrize(
    "arguments",
    [[], ["Why?", "--batch", "q"], ["Why?", "-o", "a"], ["--batch", "q", "--show-prompt"]],
)
def test_what_does_not_go_together_is_wrong_usage(rag: Any, arguments: list[str]) -> None:
    assert rag("ask", *arguments).code == 2


def test_no_such_file(rag: Any) -> None:
    result = rag("ask", "--batch", "nope.txt")
    assert (result.code, "nope.txt" in result.err) == (1, True)


def test_ids_are_told_apart() -> None:
    same = list(batch.questions(['{"id": "a", "question": "x"}', '{"id": "a", "question": "y"}']))
    assert [one.flaw is None for one in same] == [True, False]


@pytest.mark.skipif(sys.platform == "win32", reason="sends Ctrl-C")
def test_ctrl_c_keeps_what_is_answered(tmp_path: Path) -> None:
    answers = tmp_path / "a.jsonl"
    command = [sys.executable, "-m", "rag_app", "ask", "--batch", "-", "-o", str(answers)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdin is not None
    process.stdin.write("How do I stop a model?\n")
    process.stdin.flush()
    deadline = time.monotonic() + 120
    while not (answers.exists() and answers.read_bytes().endswith(b"\n")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)  # it waits for the next question
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "goes on from here" in told
    assert [line["id"] for line in lines_of(answers)] == ["1"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
def test_a_disk_that_is_full_is_said(rag: Any, tmp_path: Path) -> None:
    questions = tmp_path / "q.txt"
    questions.write_text("How do I stop a model?\n", encoding="utf-8")
    result = rag("ask", "--batch", str(questions), "-o", "/dev/full")
    assert (result.code, "No space left" in result.err) == (1, True)
