"""``rag-app up`` as a process: it serves on this machine only, and leaves nothing running."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from rag_app import RagApp
from rag_app.doctor import port_is_free


@dataclass(frozen=True)
class Up:
    """A running ``rag-app up``."""

    process: subprocess.Popen[str]
    port: int

    def status(self, path: str, host: str = "127.0.0.1") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Host": f"{host}:{self.port}", "Upgrade": "websocket", "Connection": "Upgrade"}
        headers |= {
            "Origin": f"http://{host}:{self.port}",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
        }
        connection.request("GET", path, headers=headers if path.endswith("stream") else {"Host": headers["Host"]})
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture(scope="module")
def up(samples: RagApp) -> Iterator[Up]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    environment |= {
        "RAG_DATA_DIR": str(samples.settings.data_dir),
        "RAG_MODEL_DIR": str(samples.settings.model_dir),
        "RAG_LANGUAGE": "en",
        "http_proxy": "http://127.0.0.1:9",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "rag_app", "up", "--no-browser", "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    assert f"http://127.0.0.1:{port}" in process.stdout.readline()
    yield Up(process, port)
    process.terminate()
    process.wait(30)


def test_it_answers_on_this_machine_only(up: Up) -> None:
    assert up.status("/") == 200
    with socket.socket() as probe:
        probe.settimeout(2)
        others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
        for address in others:
            assert probe.connect_ex((address, up.port)) != 0


def test_a_page_elsewhere_can_not_reach_it_by_another_name(up: Up) -> None:
    assert up.status("/_stcore/stream") == 101
    assert up.status("/_stcore/stream", host="evil.example") != 101


def test_a_second_one_names_the_port(up: Up) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rag_app", "up", "--no-browser", "--port", str(up.port)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert str(up.port) in done.stderr


def test_it_ends_whole_when_it_is_told_to(up: Up) -> None:
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(60) == 143
    deadline = time.monotonic() + 30
    while not port_is_free(up.port) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert port_is_free(up.port)
