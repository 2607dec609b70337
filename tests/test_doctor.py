"""The doctor: what is so on a machine, and the one command that mends it."""

from __future__ import annotations

import http.server
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rag_app import Check, Settings
from rag_app.doctor import examine
from rag_app.doctor.server import version_of
from rag_app.doctor.surroundings import Surroundings, has_socks, look_around, proxy_for
from rag_app.llm.hardware import Machine

from .conftest import NOBODY
from .machines import machine, nvidia
from .recordings import reply, said
from .replay import Replay
from .test_cli import rag

__all__ = ["rag"]  # the fixture

MODEL, EMBEDS = "smollm2:135m", "all-minilm:22m"
PLAIN = Surroundings("linux", {"PATH": ""})
ROOMY = machine(16, 8)
OLLAMA = Path("/usr/local/bin/ollama")


def checks(around: Surroundings = PLAIN, on: Machine = ROOMY, /, **settings: Any) -> dict[str, tuple[str, str, str]]:
    """Name → status, finding, remedy, of what concerns the model."""
    found = examine(Settings.load(**settings), around, lambda: on)
    assert all(check.remedy for check in found if check.status != "ok"), found
    return {check.name: _plain(check) for check in found}


def _plain(check: Check) -> tuple[str, str, str]:
    for text in (check.finding, check.remedy):
        if text is not None:
            assert text.text("zh") != text.text("en")
    return check.status, str(check.finding), str(check.remedy or "")


def ollama(around: Surroundings, url: str = NOBODY, **settings: Any) -> tuple[str, str, str]:
    return checks(around, ollama_url=url, **settings)["ollama"]


# Surroundings


def made(root: Path, *files: str, **texts: str) -> Path:
    for name, text in {**dict.fromkeys(files, ""), **texts}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "inside"),
    [
        ({}, ""),
        ({".dockerenv": ""}, "docker"),
        ({"proc/1/cgroup": "0::/docker/3f9c\n"}, "docker"),
        ({"proc/self/cgroup": "11:memory:/kubepods/burstable/pod1\n"}, "docker"),
        ({"proc/1/cgroup": "0::/init.scope\n"}, ""),
        ({"run/.containerenv": ""}, "podman"),
        ({"proc/version": "Linux version 5.15.153.1-microsoft-standard-WSL2"}, "wsl"),
        ({"proc/version": "Linux version 5.15.153.1-microsoft-standard-WSL2", ".dockerenv": ""}, "docker"),
        ({"proc/version": "Linux version 6.8.0-generic"}, ""),
    ],
)
def test_containers_and_wsl_are_seen(tmp_path: Path, files: dict[str, str], inside: str) -> None:
    assert look_around(made(tmp_path, **files), {}, "linux").inside == inside
    assert look_around(tmp_path, {}, "darwin").inside == ""


def test_where_ollama_is_installed(tmp_path: Path) -> None:
    assert look_around(tmp_path, {"PATH": ""}, "linux").binary is None
    made(tmp_path, "usr/local/bin/ollama", "home/me/bin/ollama", "Local/Programs/Ollama/ollama.exe")
    assert look_around(tmp_path, {"PATH": ""}, "linux").binary == tmp_path / "usr/local/bin/ollama"
    on_path = tmp_path / "home/me/bin"
    (on_path / "ollama").chmod(0o755)
    assert look_around(tmp_path, {"PATH": str(on_path)}, "linux").binary == on_path / "ollama"
    windows = look_around(tmp_path, {"PATH": "", "LOCALAPPDATA": str(tmp_path / "Local")}, "win32")
    assert windows.binary == tmp_path / "Local/Programs/Ollama/ollama.exe"
    (tmp_path / "Applications/Ollama.app/Contents/Resources").mkdir(parents=True)
    assert look_around(tmp_path, {"PATH": ""}, "darwin").app


def test_the_command_that_starts_it(tmp_path: Path) -> None:
    default, other = "http://localhost:11434", "http://127.0.0.1:11500"
    folder = str(made(tmp_path, "bin/ollama") / "bin")
    (tmp_path / "bin/ollama").chmod(0o755)
    assert Surroundings("linux", {"PATH": folder}, binary=OLLAMA).start(default) == "ollama serve"
    assert Surroundings("linux", {"PATH": ""}, binary=OLLAMA).start(default) == f'"{OLLAMA}" serve'
    assert Surroundings("linux", {"PATH": folder}, binary=OLLAMA).start(other).startswith("OLLAMA_HOST=127.0.0.1:11500")
    assert Surroundings("win32", {"PATH": folder}).start(other) == 'set "OLLAMA_HOST=127.0.0.1:11500" && ollama serve'
    assert Surroundings("darwin", {}, app=True).start(default) == "open -a Ollama"
    unit = "etc/systemd/system/ollama.service"
    assert not look_around(made(tmp_path, unit), {"PATH": folder}, "linux").service  # no systemd runs
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert look_around(tmp_path, {"PATH": folder}, "linux").start(default) == "sudo systemctl start ollama"


@pytest.mark.parametrize(
    ("url", "environment", "variable"),
    [
        ("http://gpu.lan:11434", {}, None),
        ("http://gpu.lan:11434", {"HTTP_PROXY": "http://p:1"}, "HTTP_PROXY"),
        ("http://gpu.lan:11434", {"http_proxy": "http://p:1"}, "http_proxy"),
        ("http://gpu.lan:11434", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://gpu.lan", {"HTTPS_PROXY": "http://p:1"}, "HTTPS_PROXY"),
        ("http://gpu.lan:11434", {"ALL_PROXY": "http://p:1"}, "ALL_PROXY"),
        ("http://gpu.lan:11434", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "localhost, gpu.lan"}, None),
        ("http://gpu.lan:11434", {"HTTP_PROXY": "http://p:1", "no_proxy": ".lan"}, None),
        ("http://gpu.lan:11434", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ("http://gpu.lan:11434", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "an,u.lan"}, "HTTP_PROXY"),
        ("http://192.168.1.5:11434", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "192.168.1.5"}, None),
    ],
)
def test_which_proxy_catches(url: str, environment: Mapping[str, str], variable: str | None) -> None:
    assert proxy_for(url, environment) == variable


def test_a_socks_proxy_is_named() -> None:
    assert has_socks({"HTTP_PROXY": "http://p:1"}) is None
    assert has_socks({"HTTP_PROXY": "http://p:1", "ALL_PROXY": "socks5h://p:1"}) == "ALL_PROXY"


# A server that does not answer


@pytest.mark.parametrize(
    ("around", "finding", "remedy"),
    [
        (PLAIN, "not installed", "https://ollama.com/install.sh | sh"),
        (Surroundings("darwin", {}), "not installed", "https://ollama.com/download"),
        (Surroundings("win32", {}), "not installed", "winget install"),
        (Surroundings("linux", {}, binary=OLLAMA), "it is not running", "serve"),
        (Surroundings("linux", {}, "docker", OLLAMA), "it is not running", "serve"),
        (
            Surroundings("linux", {}, "docker"),
            "runs in a container",
            "RAG_OLLAMA_URL=http://host.docker.internal:11434",
        ),
        (Surroundings("linux", {}, "docker"), "runs in a container", "OLLAMA_HOST=0.0.0.0"),
        (Surroundings("linux", {}, "podman"), "runs in a container", "http://host.containers.internal:11434"),
        (Surroundings("linux", {}, "wsl"), "runs in WSL", "ip route show default"),
        (
            Surroundings("linux", {"OLLAMA_HOST": "0.0.0.0:11500"}),
            "OLLAMA_HOST",
            "RAG_OLLAMA_URL=http://127.0.0.1:11500",
        ),
        (Surroundings("linux", {"OLLAMA_HOST": "gpu"}), "OLLAMA_HOST", "RAG_OLLAMA_URL=http://gpu:11434"),
        (Surroundings("linux", {"OLLAMA_HOST": "127.0.0.1:9"}), "not installed", "install.sh"),
    ],
)
def test_nobody_answers(around: Surroundings, finding: str, remedy: str) -> None:
    status, found, mends = ollama(around)
    assert status == "warn"
    assert finding in found
    assert NOBODY in found
    assert remedy in mends


def test_it_is_a_failure_where_answers_must_come_from_ollama() -> None:
    assert ollama(PLAIN, answers="ollama")[0] == "fail"


def test_another_program_on_the_port_is_no_ollama() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
        _, finding, remedy = ollama(PLAIN, f"http://127.0.0.1:{other.server_address[1]}")
        other.shutdown()
    assert "is not Ollama" in finding
    assert "OLLAMA_HOST=127.0.0.1:11435 ollama serve" in remedy
    assert "RAG_OLLAMA_URL=http://127.0.0.1:11435" in remedy


@contextmanager
def talker(says: bytes) -> Iterator[str]:
    """A program that speaks first and no HTTP, as a mail server does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def talk() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(says)
                    connection.recv(4096)

        threading.Thread(target=talk, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("says", [b"220 mail ESMTP\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"])
def test_a_program_that_speaks_otherwise_is_no_ollama(says: bytes) -> None:
    with talker(says) as url:
        assert "is not Ollama" in ollama(PLAIN, url)[1]


def test_a_server_that_lets_nobody_in_is_told_where_to_be_mended() -> None:
    with Replay({"/api/tags": "07-host-forbidden"}) as server:
        _, finding, remedy = ollama(PLAIN, server.url)
    assert "403" in finding
    assert "OLLAMA_HOST=0.0.0.0 ollama serve" in remedy


@pytest.mark.slow
def test_a_server_that_is_silent_does_not_hold_the_doctor_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "did not answer within" in ollama(PLAIN, f"http://127.0.0.1:{silent.getsockname()[1]}")[1]


def test_a_proxy_never_catches_this_machine() -> None:
    around = Surroundings("linux", {"HTTP_PROXY": NOBODY, "ALL_PROXY": "socks5://127.0.0.1:9"})
    with Replay({}) as server:
        found = checks(around, ollama_url=server.url)
    assert found["proxy"][0] == found["ollama"][0] == "ok"


def test_a_proxy_that_catches_another_machine_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", NOBODY)  # really in force: the request ends there and reaches nobody
    around = Surroundings("linux", {"HTTP_PROXY": NOBODY, "NO_PROXY": "localhost"})
    found = checks(around, ollama_url="http://gpu.invalid:11434")
    assert found["proxy"][0] == "warn"
    assert "HTTP_PROXY" in found["proxy"][1]
    assert found["proxy"][2] == "Run: export NO_PROXY=localhost,gpu.invalid"
    assert "another machine" in found["ollama"][1]
    assert "OLLAMA_HOST=0.0.0.0 ollama serve" in found["ollama"][2]


def test_a_socks_proxy_is_a_finding_and_no_crash() -> None:
    around = Surroundings("linux", {"ALL_PROXY": "socks5://127.0.0.1:9"})
    found = checks(around, ollama_url="http://gpu.invalid:11434")
    assert found["proxy"][0] == "fail"
    assert "ollama" not in found


# A server that answers


def test_a_healthy_machine_has_nothing_to_mend() -> None:
    with Replay({}) as server:
        found = checks(ollama_url=server.url, model=MODEL, answers="ollama")
    assert {status for status, _, _ in found.values()} <= {"ok"}, found
    assert "0.33.0-rc2" in found["ollama"][1]
    assert MODEL in found["model"][1]
    assert "of 8,192 tokens" in found["model"][1]
    loaded = "is loaded: 0.2 GB of memory, 0 % of it on the graphics card, context 4096"
    assert found["model memory"][1] == f"{MODEL} {loaded}"


@pytest.mark.parametrize(("version", "old"), [("0.12.5", True), ("0.5.7", True), ("0.12.6", False), ("0.0.0", False)])
def test_a_version_that_cuts_prompts_in_silence_is_named(version: str, old: bool) -> None:
    with Replay({"/api/version": said({"version": version})}) as server:
        found = checks(ollama_url=server.url, model=MODEL)
    assert ("ollama version" in found) is old
    if old:
        assert "install.sh" in found["ollama version"][2]


def test_versions_as_ollama_writes_them() -> None:
    assert version_of("0.33.0-rc2") == (0, 33, 0)
    assert version_of("0.12.10") == (0, 12, 10)
    assert version_of("?") is version_of("0.0.0") is None


def test_a_missing_model_has_one_command() -> None:
    with Replay({}) as server:
        found = checks(ollama_url=server.url, model="llama3.1:8b")
        assert found["model"][0] == "warn"
        assert "rag-app models use gemma3:270m" in found["model"][2]
        assert checks(ollama_url=server.url, model="llama3.1:8b", answers="ollama")["model"][0] == "fail"
        assert "model disk" not in found
        cramped = checks(PLAIN, machine(16, 8, disk=4), ollama_url=server.url, model="llama3.1:8b")
        assert "4.9 GB" in cramped["model disk"][1]
        server.play({"/api/tags": "02-tags-empty"})
        assert checks(ollama_url=server.url, model="llama3.1:8b")["model"][2] == "rag-app models pull llama3.1:8b"


def test_an_embedding_model_can_t_answer() -> None:
    with Replay({}) as server:
        assert "can't write answers" in checks(ollama_url=server.url, model=EMBEDS)["model"][1]


def large(gigabytes: float) -> dict[str, Any]:
    """The recorded model, as if it were so large, and not in memory."""
    listed = reply("11-tags").json
    for entry in listed["models"]:
        entry["size"] = round(gigabytes * 1e9)
    return {"/api/tags": said(listed), "/api/ps": "03-ps-empty"}


@pytest.mark.parametrize(
    ("gigabytes", "on", "status", "words"),
    [
        (4.9, machine(4, 2), "warn", "needs at least 5.0 GB"),
        (4.9, machine(16, 8), "ok", "on the processor"),
        (4.9, machine(16, 8, nvidia("NVIDIA GeForce RTX 3060", 12)), "ok", "on the graphics card"),
        (14.9, machine(32, 8, nvidia("NVIDIA GeForce RTX 3060", 12)), "ok", "partly on the graphics card"),
    ],
)
def test_memory_for_the_model(gigabytes: float, on: Machine, status: str, words: str) -> None:
    with Replay(large(gigabytes)) as server:
        found = checks(PLAIN, on, ollama_url=server.url, model=MODEL)["model memory"]
    assert found[0] == status
    assert words in found[1]
    assert ("rag-app models recommend" in found[2]) is (status == "warn")


# Other models


@contextmanager
def openai(models: Any, status: int = 200) -> Iterator[dict[str, Any]]:
    with Replay({"/v1/models": said(models, status)}) as server:
        yield {"openai_url": f"{server.url}/v1", "answers": "openai"}


def test_an_openai_compatible_server_is_asked() -> None:
    with openai({"data": [{"id": "llama-3", "owned_by": "vllm", "max_model_len": 4096}]}) as settings:
        found = checks(**settings)
    assert found["openai"][0] == "ok"
    assert "llama-3, context 4,096" in found["openai"][1]
    assert "ollama" not in found  # it is not needed


def test_a_key_that_is_refused_is_never_shown() -> None:
    key = "sk-very-secret"
    with openai({"error": {"message": f"Incorrect API key provided: {key}"}}, 401) as settings:
        found = checks(**settings, openai_api_key=key)
    assert found["openai"][0] == "fail"
    assert "RAG_OPENAI_API_KEY" in found["openai"][2]
    assert key not in str(found)


def test_several_models_ask_for_a_name() -> None:
    with openai({"data": [{"id": "a"}, {"id": "b"}]}) as settings:
        assert "RAG_OPENAI_MODEL" in checks(**settings)["openai"][2]


def test_an_address_that_nobody_set_or_answers() -> None:
    assert "RAG_OPENAI_URL" in checks(answers="openai")["openai"][2]
    assert checks(openai_url=NOBODY)["openai"][0] == "warn"  # quotes answer meanwhile


@pytest.mark.parametrize("setting", ["ollama_url", "openai_url"])
def test_a_password_in_an_address_is_never_shown(setting: str) -> None:
    found = checks(**{setting: "http://me:hush@127.0.0.1:9"})
    assert "hush" not in str(found)
    assert "127.0.0.1:9" in found[setting.removesuffix("_url")][1]


def test_a_gguf_file_is_read(small_gguf: Path) -> None:
    found = checks(gguf_path=str(small_gguf))
    assert found["gguf"][0] == "ok"
    assert small_gguf.name in found["gguf"][1]
    assert "ollama" not in found
    assert "rag-app models recommend" in checks(PLAIN, machine(1, 1), gguf_path=str(small_gguf))["model memory"][2]


def test_a_gguf_file_that_is_none_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"not a model")
    assert "is no GGUF file" in checks(gguf_path=str(tmp_path / "a.gguf"))["gguf"][1]
    gone = checks(gguf_path=str(tmp_path / "b.gguf"), answers="gguf")["gguf"]
    assert gone[0] == "fail"
    assert "RAG_GGUF_PATH" in gone[2]


# The command


def test_nothing_is_stored_yet_is_no_failure(rag: Any, tmp_path: Path) -> None:
    result = rag("doctor", "--json")
    assert result.code == 0
    found = {check["name"]: check for check in result.json["checks"]}
    assert found["storage"]["status"] == "ok"
    assert set(found["ollama"]) == {"name", "status", "finding", "remedy"}
    assert not (tmp_path / "data").exists()


def test_every_finding_has_its_remedy_below_it(rag: Any) -> None:
    lines = rag("doctor").out.splitlines()
    assert [number for number, line in enumerate(lines) if line.startswith("  →")] == [
        number + 1 for number, line in enumerate(lines) if line.startswith("!")
    ]


def test_a_real_machine_can_be_looked_at() -> None:
    found = look_around()
    assert found.environment == dict(os.environ)
