"""Who gets in, by which name, with how much: what a request has to pass before it is read."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag_app import RagApp, Settings, hash_password
from rag_app.errors import RagError, SettingsError
from rag_app.server.keys import Keeper, covers, new_key
from rag_app.server.serving import ServeError, check_open

from .serving import served

KEYS = {role: new_key(role) for role in ("reader", "editor", "admin")}
BASES = "/api/v1/knowledge-bases"


@cache
def hashes() -> dict[str, str]:
    """As ``rag.toml`` has them."""
    return {role: f"{role}:{hash_password(key)}" for role, key in KEYS.items()}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[RagApp]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "bees.txt").write_text("Bees make honey.", encoding="utf-8")
    settings = Settings(
        data_dir=folder / "data",
        model_dir=model_dir,
        answers="quotes",
        language="en",
        upload_mb=1,
        serve_origins="https://chat.example.com",
        serve_names="answers.example.com",
        api_keys=hashes(),  # type: ignore[arg-type]
    )
    with RagApp.open(settings) as opened:
        opened.ingest(folder / "bees.txt")
        yield opened


@pytest.fixture(scope="module")
def address(app: RagApp) -> Iterator[str]:
    with served(app) as url:
        yield url


@pytest.fixture(scope="module")
def open_address(app: RagApp) -> Iterator[str]:
    """The same where nobody is asked for a key."""
    with_keys = app.settings
    app.settings = with_keys.model_copy(update={"api_keys": {}})
    with served(app) as url:
        app.settings = with_keys
        yield url


def of(role: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEYS[role]}", **more}


def test_nobody_gets_in_without_a_key(address: str) -> None:
    wrong = new_key("reader")
    for headers, code in (
        ({}, "missing_api_key"),
        ({"Authorization": "Basic YTpi"}, "missing_api_key"),
        ({"Authorization": f"Bearer {wrong}"}, "invalid_api_key"),
        ({"Authorization": f"Bearer {KEYS['reader']}0"}, "invalid_api_key"),
        ({"Authorization": f"Bearer {new_key('nobody')}"}, "invalid_api_key"),
        ({"Authorization": "Bearer ü"}, "invalid_api_key"),
    ):
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        refused = httpx.get(f"{address}/v1/models", headers=raw)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, code)
        assert refused.headers["www-authenticate"] == "Bearer"
    for path in ("/nothing", "/mcp", BASES):
        assert httpx.get(f"{address}{path}").status_code == 401
    assert httpx.get(f"{address}/v1/models", headers=of("reader")).status_code == 200
    for path in ("/health", "/docs", "/docs/swagger-ui.css", "/openapi.json"):
        assert httpx.get(f"{address}{path}").status_code == 200


def test_roles_are_those_of_the_web_ui(address: str) -> None:
    def status(role: str, method: str, path: str, **more: Any) -> int:
        return httpx.request(method, f"{address}{path}", headers=of(role), timeout=60, **more).status_code

    file = {"file": ("a.txt", b"Wasps make paper.")}
    for role, expected in (("reader", 403), ("editor", 201)):
        assert status(role, "POST", BASES, json={"name": f"of {role}"}) == expected
        assert status(role, "POST", f"{BASES}/default/documents", files=file) == expected
        assert status(role, "GET", f"{BASES}/default/documents") == 200
        assert status(role, "POST", f"{BASES}/default/retrieve", json={"question": "Who makes paper?"}) == 200
    assert status("reader", "DELETE", f"{BASES}/default/documents/1") == 403
    assert status("editor", "DELETE", f"{BASES}/of editor") == 403
    assert status("admin", "DELETE", f"{BASES}/of editor") == 204
    assert covers("admin", "reader")
    assert not covers("reader", "editor")


def test_a_key_is_hashed_once_and_wrong_ones_too(app: RagApp, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def matches(key: str, stored: str) -> bool:
        looked.append(key)
        return stored == hashes()["reader"].partition(":")[2] and key == KEYS["reader"]

    keeper = Keeper(app.settings)
    monkeypatch.setattr("rag_app.server.keys.password_matches", matches)
    wrong = new_key("nobody")
    for _ in range(3):
        assert keeper.role(KEYS["reader"]) == "reader"
        assert keeper.role(wrong) is None
        assert keeper.role("not a key at all") is None
    assert looked == [KEYS["reader"], wrong]  # a name that is not there takes as long as one that is


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "answers.example.com", "LOCALHOST"])
def test_it_answers_to_its_own_names(open_address: str, name: str) -> None:
    port = open_address.rpartition(":")[2]
    assert httpx.get(f"{open_address}/v1/models", headers={"Host": f"{name}:{port}"}).status_code == 200


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "[::", "a@127.0.0.1x", ""])
def test_it_does_not_answer_to_others(open_address: str, name: str) -> None:
    refused = httpx.get(f"{open_address}/v1/models", headers={"Host": name})
    assert refused.status_code in (400, 421)


def test_a_page_elsewhere_can_send_nothing_in(open_address: str) -> None:
    url = f"{open_address}{BASES}/default/documents"
    file = {"file": ("evil.txt", b"The meeting is at nine.")}
    before = httpx.get(url).json()["total"]
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        assert httpx.post(url, files=file, headers={"Origin": origin}).status_code == 403
        text = httpx.post(
            f"{open_address}/v1/embeddings", content=b"{}", headers={"Origin": origin, "Content-Type": "text/plain"}
        )
        assert text.status_code == 403
    assert httpx.get(url).json()["total"] == before
    body = {"model": "multilingual-e5-small", "input": "a"}  # a browser asks leave for JSON, and gets none
    assert httpx.post(f"{open_address}/v1/embeddings", json=body, headers={"Origin": "file://"}).status_code == 200
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in httpx.options(f"{open_address}/v1/models", headers=asked).headers
    own = httpx.post(url, files=file, headers={"Origin": open_address}, timeout=60)
    assert own.status_code == 201


def test_a_page_that_is_named_may_use_it(address: str) -> None:
    asked = {
        "Origin": "https://chat.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    leave = httpx.options(f"{address}/v1/chat/completions", headers=asked)
    assert leave.status_code == 200
    assert leave.headers["access-control-allow-origin"] == "https://chat.example.com"
    found = httpx.get(f"{address}/v1/models", headers=of("reader", Origin="https://chat.example.com"))
    assert found.headers["access-control-allow-origin"] == "https://chat.example.com"


def test_a_body_is_bounded_whether_it_says_its_size_or_not(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"{address}{BASES}/default/documents"
    big = {"file": ("big.txt", b"x" * (3 << 20))}
    assert httpx.post(url, files=big, headers=of("editor")).json()["error"]["code"] == "request_too_large"

    def chunks() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range(48):
            yield b"x" * (1 << 16)

    headers = of("editor", **{"Content-Type": "multipart/form-data; boundary=x"})
    assert httpx.post(url, content=chunks(), headers=headers).json()["error"]["code"] == "request_too_large"
    monkeypatch.setattr("rag_app.server.guard.MOST_JSON_BYTES", 1 << 20)
    for content, kind in (
        (chunks(), "application/json"),
        (b"x" * (3 << 20), "application/json"),
        (chunks(), "text/plain"),
    ):
        headers = of("reader", **{"Content-Type": kind})
        refused = httpx.post(f"{address}/v1/chat/completions", content=content, headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (413, "request_too_large")
    just_over = {"file": ("big.txt", b"x" * ((1 << 20) + 1))}
    refused = httpx.post(url, files=just_over, headers=of("editor"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "over_limit")


def test_a_length_that_is_announced_is_not_waited_for(address: str) -> None:
    host, _, port = address.removeprefix("http://").partition(":")
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {KEYS['reader']}\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n".encode())
        connection.settimeout(30)
        assert b" 413 " in connection.recv(4096)


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", "bad_json"), (b"", "bad_value"), (b"[]", "bad_value"), (b'{"model": "\\ud800"}', "bad_value")],
)
def test_bad_json_is_told(open_address: str, body: bytes, code: str) -> None:
    headers = {"Content-Type": "application/json", "Accept-Language": "fr, zh;q=0.8, en;q=0.2"}
    refused = httpx.post(f"{open_address}/v1/chat/completions", content=body, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
    assert "/docs" in refused.json()["error"]["message"] or "请" in refused.json()["error"]["message"]


def test_what_is_not_there_has_the_same_shape(open_address: str) -> None:
    assert httpx.get(f"{open_address}/v2/models").json()["error"]["code"] == "not_found"
    wrong = httpx.delete(f"{open_address}/v1/models")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET"
    assert httpx.get(f"{open_address}/v1/models").headers["x-content-type-options"] == "nosniff"


def test_elsewhere_only_with_keys() -> None:
    for settings in (Settings(serve_host="0.0.0.0"), Settings(serve_names="answers.example.com")):
        with pytest.raises(ServeError, match="rag-app key"):
            check_open(settings)
    check_open(Settings())
    check_open(Settings(serve_host="::1"))
    check_open(Settings(serve_host="0.0.0.0", api_keys=hashes()))  # type: ignore[arg-type]


@pytest.mark.parametrize("entry", ["secret", "boss:{hash}", "reader:secret", "{hash}"])
def test_only_hashes_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    entry = entry.format(hash=hashes()["reader"].partition(":")[2])
    (tmp_path / "rag.toml").write_text(f'[api_keys]\nlaptop = "{entry}"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="rag-app key") as wrong:
        Settings.load()
    assert entry not in str(wrong.value)
    assert isinstance(wrong.value, RagError)
