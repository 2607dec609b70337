"""``rag-app serve`` as a process, and ``rag-app key``."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from rag_app import RagApp, password_matches
from rag_app.cli.serve import require
from rag_app.errors import RagError

from .test_cli import rag  # noqa: F401


@dataclass(frozen=True)
class Serving:
    """A running ``rag-app serve``."""

    process: subprocess.Popen[str]
    address: str
    said: str


@pytest.fixture
def serving(samples: RagApp) -> Iterator[Serving]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")} | {
        "RAG_DATA_DIR": str(samples.settings.data_dir),
        "RAG_MODEL_DIR": str(samples.settings.model_dir),
        "RAG_ANSWERS": "quotes",
        "RAG_LANGUAGE": "en",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "rag_app", "serve", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    yield Serving(process, f"http://127.0.0.1:{port}", process.stdout.readline())
    process.kill()
    process.wait(30)


def test_it_serves_until_ctrl_c(serving: Serving) -> None:
    assert f"{serving.address}/v1" in serving.said
    assert "rag:default" in serving.said
    port = int(serving.address.rpartition(":")[2])
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for address in others:
        with socket.socket() as probe:
            probe.settimeout(2)
            assert probe.connect_ex((address, port)) != 0
    question = "Where is the Ollama server log on Windows?"
    body = {"model": "rag:default", "messages": [{"role": "user", "content": question}]}
    said = httpx.post(f"{serving.address}/v1/chat/completions", json=body, timeout=60).json()
    assert "server.log" in said["choices"][0]["message"]["content"]
    taken = subprocess.run(
        [sys.executable, "-m", "rag_app", "serve", "--port", str(port)], capture_output=True, text=True, check=False
    )
    assert taken.returncode == 1
    assert str(port) in taken.stderr

    serving.process.send_signal(signal.SIGINT)
    assert serving.process.wait(60) == 0
    assert serving.process.stderr is not None
    errors = serving.process.stderr.read()
    assert "Traceback" not in errors
    assert question not in errors  # what is asked is logged nowhere


def test_it_ends_when_it_is_told_to(serving: Serving) -> None:
    serving.process.send_signal(signal.SIGTERM)
    assert serving.process.wait(60) == 143


def test_others_only_with_keys(rag: object) -> None:  # noqa: F811
    refused = rag("serve", "--host", "0.0.0.0")  # type: ignore[operator]
    assert refused.code == 1
    assert "rag-app key" in refused.err


def test_a_key_is_shown_once_and_fits_its_hash(rag: object) -> None:  # noqa: F811
    made = json.loads(rag("key", "laptop", "--role", "editor", "--json").out)  # type: ignore[operator]
    assert made["lines"][0] == "[api_keys]"
    role, _, stored = made["lines"][1].partition(" = ")[2].strip('"').partition(":")
    assert role == "editor"
    assert password_matches(made["key"], stored)
    shown = rag("key", "laptop")  # type: ignore[operator]
    assert shown.out.startswith("sk-laptop-")
    assert '"laptop" = "reader:scrypt:' in shown.out
    assert rag("key", "my laptop").code == 1  # type: ignore[operator]


def test_a_package_that_is_missing_is_named() -> None:
    with pytest.raises(RagError, match=r"pip install 'rag-app\[server\]'"):
        require("server", ("json", "no_such_package"))
