"""What is printed where: quiet and plain in a pipe, colour and progress on a terminal; what Tab completes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rag_app import RagApp, Settings
from rag_app.cli import completing

from .conftest import SAMPLES
from .test_cli import rag, sample_data

__all__ = ["rag", "sample_data"]  # the fixtures

COLOUR = "\x1b["
unix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """All that a terminal of 100 columns would show of a command."""
    import pty

    main, other = pty.openpty()
    own = {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40", "RAG_ANSWERS": "quotes", **environment}
    command = [sys.executable, "-m", "rag_app", *arguments]
    with subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=os.environ | own) as process:
        os.close(other)
        shown = b""
        while True:
            try:
                piece = os.read(main, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        process.wait(60)
    os.close(main)
    return shown.decode("utf-8", "replace")


def in_a_pipe(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rag_app", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"RAG_ANSWERS": "quotes", "PYTHONIOENCODING": "utf-8", **environment},
        check=True,
    )


@unix
def test_ingesting_shows_progress_on_a_terminal_and_nothing_in_a_pipe(tmp_path: Path) -> None:
    shown = on_a_terminal("ingest", str(SAMPLES / "ollama-cheatsheet.md"))
    assert COLOUR in shown
    assert "%" in shown  # the bar
    assert "read: 1" in shown
    piped = in_a_pipe("ingest", str(SAMPLES / "reading-list.md"))
    assert piped.stderr == ""
    assert piped.stdout.startswith("read: 1")
    assert COLOUR not in piped.stdout
    assert "%" not in piped.stdout


@unix
def test_answers_are_coloured_on_a_terminal_only(sample_data: None) -> None:
    question = ("ask", "Where is the Ollama server log on Windows?")
    shown = on_a_terminal(*question)
    assert COLOUR in shown
    assert "36m[1]" in shown  # the source, in cyan
    assert "36m" not in on_a_terminal(*question, NO_COLOR="1")
    piped = in_a_pipe(*question)
    assert (COLOUR in piped.stdout, piped.stderr) == (False, "")
    assert "[1] llama3-on-your-pc.pdf" in piped.stdout


@unix
def test_a_pipe_that_closes_early_is_no_error(sample_data: None) -> None:
    command = f'"{sys.executable}" -m rag_app docs list --json | head -c 1'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=os.environ, check=False)
    assert (done.stdout, done.stderr) == ("{", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown_for_each_shell(shell: str) -> None:
    """Of the shell that is asked; what it is, ``--show-completion`` is told or finds out."""
    done = subprocess.run(
        [sys.executable, "-m", "rag_app", "--show-completion"],
        capture_output=True,
        text=True,
        env=os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        check=False,
    )
    assert done.returncode in (0, 2)
    script = completed("", f"source_{shell}")
    assert "_RAG_APP_COMPLETE" in script
    assert "rag-app" in script


def completed(line: str, instruction: str = "complete_bash") -> str:
    words = f"rag-app {line}"
    done = subprocess.run(
        [sys.executable, "-c", "from rag_app.cli import main; main()"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ
        | {
            "_RAG_APP_COMPLETE": instruction,
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
            "PYTHONIOENCODING": "utf-8",
        },
        check=False,
    )
    return done.stdout


def test_tab_completes_names_of_knowledge_bases(app: RagApp) -> None:
    app.create_knowledge_base("合同")
    app.create_knowledge_base("work")
    assert "合同" in completed("ask --kb ")
    assert completed("kb delete wo").split() == ["work"]


def test_what_tab_offers(app: RagApp, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Bees make honey.", encoding="utf-8")
    app.ingest("a.txt")
    app.tag("a.txt", add=["insects"])
    app.conversation().ask("What do bees make?")
    assert completing.tags("in") == [("insects", "")]
    assert completing.formats("") == [("text", "")]
    assert [id for id, title in completing.conversations("") if title == "What do bees make?"] == ["1"]
    assert completing.settings("ui_us") == [("ui_users", "")]
    assert {"llama3", "llama3.1:8b"} <= {name for name, _ in completing.known_models("llama3")}
    assert completing.installed_models("") == []  # no Ollama there, and no error


def test_tab_makes_no_data_folder(tmp_path: Path) -> None:
    assert completing.knowledge_bases("") == []
    assert not Settings().data_dir.exists()


def test_settings_are_shown_and_stored(rag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_CONFIG", str(tmp_path / "own.toml"))
    (tmp_path / "own.toml").write_text("# mine\npassages = 5\n", encoding="utf-8")
    got = rag("settings", "get", "passages", "--json").json
    assert (got["value"], got["source"], got["most"]) == (5, "file", 50)
    assert rag("settings", "set", "passages", "8").code == 0
    assert rag("settings", "set", "ocr", "off", "--json").json["value"] is False
    assert rag("settings", "set", "port", "8600").code == 0  # from a page it could not be
    assert (tmp_path / "own.toml").read_text(encoding="utf-8") == "# mine\npassages = 8\nocr = false\nport = 8600\n"
    assert "8600" in rag("settings", "list").out
    for arguments in (["passages", "many"], ["passages", "0"], ["colour", "red"], ["ui_users", "x"], ["mode", "odd"]):
        failed = rag("settings", "set", *arguments)
        assert (failed.code, arguments[0] in failed.err) == (1, True)
    shadowed = rag("settings", "set", "language", "zh")
    assert "RAG_LANGUAGE" in shadowed.err


def test_a_secret_is_not_printed(rag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_CONFIG", str(tmp_path / "own.toml"))
    (tmp_path / "own.toml").touch()
    stored = rag("settings", "set", "openai_api_key", "sk-very-secret", "--json")
    assert stored.json["value"] == "…"
    assert "very-secret" not in rag("settings", "list").out + rag("settings", "get", "openai_api_key", "--json").out


def test_refused_files_are_listed_with_the_reason(rag: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Bees make honey.", encoding="utf-8")
    (tmp_path / "b.pdf").write_bytes(b"%PDF broken")
    rag("ingest", "a.txt", "b.pdf")
    listed = rag("docs", "files", "--state", "refused", "--json").json
    assert (listed["total"], listed["counts"]["states"]) == (1, {"read": 1, "refused": 1})
    assert "b.pdf" in rag("docs", "files").out
    assert "Bees make honey." in rag("docs", "show", "a.txt").out
    assert rag("docs", "show", "c.txt").code == 1
    assert ".pdf" in rag("docs", "types").out


def test_cited_pages_are_drawn(rag: Any, sample_data: None, tmp_path: Path) -> None:
    found = rag("ask", "Where is the Ollama server log on Windows?", "--pages", "pages", "--json").json
    image = found["citations"][0]["image"]
    assert Path(image["file"]) == tmp_path / "pages" / "1.png"
    assert Path(image["file"]).read_bytes().startswith(b"\x89PNG")
    assert image["rectangles"][0]["page"] == 13
    (tmp_path / "file").touch()
    assert rag("ask", "Where is the Ollama server log on Windows?", "--pages", "file").code == 1


def test_a_chat_for_programs(samples: RagApp, tmp_path: Path) -> None:
    own = shutil.copytree(samples.settings.data_dir, tmp_path / "own")  # the conversation is stored
    done = subprocess.run(
        [sys.executable, "-m", "rag_app", "chat", "--json"],
        input="Where is the Ollama server log on Windows?\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"RAG_DATA_DIR": str(own), "PYTHONIOENCODING": "utf-8"},
        check=True,
    )
    import json

    from . import schemas

    answer = json.loads(done.stdout)
    schemas.check("chat", answer)
    assert "server.log" in answer["text"]
    assert done.stderr == ""
