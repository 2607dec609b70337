"""The app connects to the addresses that were set, and to nothing else: its main flows, under an audit hook."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .conftest import PROJECT, SAMPLES
from .network import Forbidden, stay_home
from .pulls import pulled
from .replay import Replay

RUN = """
import sys
from tests.network import only
only(sys.argv.pop(1))
from rag_app.cli import main
main(sys.argv[1:])
"""


def test_the_hook_refuses() -> None:
    code = "from tests.network import only; only('127.0.0.1:9'); import socket; socket.create_connection(('{}', {}))"
    for host, port in (("192.0.2.1", 80), ("example.com", 80), ("127.0.0.1", 10)):
        done = subprocess.run(
            [sys.executable, "-c", code.format(host, port)], cwd=PROJECT, capture_output=True, text=True, check=False
        )
        assert "Forbidden" in done.stderr, (host, done.stderr)


def test_the_suite_itself_stays_on_this_machine() -> None:
    import socket

    assert stay_home.__module__ == "tests.network"  # called by tests/conftest.py
    with pytest.raises(Forbidden):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["ingest", str(SAMPLES / "ollama-cheatsheet.md"), str(SAMPLES / "常见问题.docx")], 0),
        (["ask", "Where is the Ollama server log on Windows?"], 0),
        (["ask", "Summarize ollama-cheatsheet.md", "--json"], 0),
        (["retrieve", "log"], 0),
        (["models", "list"], 0),
        (["models", "recommend"], 0),
        (["models", "pull", "smollm2:135m"], 0),
        (["doctor"], 0),
        (["kb", "list"], 0),
        (["docs", "remove", str(SAMPLES / "ollama-cheatsheet.md")], 0),
    ],
    ids=lambda value: " ".join(value[:2])[:24] if isinstance(value, list) else None,
)
def test_a_command_connects_to_ollama_only(command: list[str], code: int, home: Path, model_dir: Path) -> None:
    with Replay({"/api/chat": "14-chat-cold-stream", "/api/pull": pulled()}) as server:
        environment = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
        environment |= {
            "HOME": str(home),
            "RAG_DATA_DIR": str(home / "data"),
            "RAG_MODEL_DIR": str(model_dir),
            "RAG_OLLAMA_URL": server.url,
            "RAG_MODEL": "smollm2:135m",
            "RAG_LANGUAGE": "en",
            "PYTHONPATH": str(PROJECT),
        }
        done = subprocess.run(
            [sys.executable, "-c", RUN, urlsplit(server.url).netloc, *command],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Forbidden" not in done.stderr, done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        if command[0] == "ask" and "--json" not in command:
            assert server.chats  # it really was asked
