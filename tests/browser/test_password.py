"""A password at the door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from rag_app import hash_password

from ..conftest import NOBODY
from .doing import Open, fits, idle, playwright, serving_rag_app, shoot

PASSWORD = "correct horse battery staple"
expect = playwright.expect


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[str]:
    settings = {"RAG_MODEL_DIR": str(model_dir), "RAG_OLLAMA_URL": NOBODY, "RAG_ANSWERS": "quotes"}
    folder = tmp_path_factory.mktemp("guarded")
    with serving_rag_app(folder, RAG_UI_PASSWORD=hash_password(PASSWORD), **settings) as url:
        yield url


def test_nobody_comes_in_without_it_and_a_reload_does_not_ask_again(visit: Open, guarded: str) -> None:
    page = visit(f"{guarded}/documents", width=390, height=844)
    field = page.locator("input[type=password]")
    field.wait_for()
    idle(page)
    assert fits(page)
    shoot(page, "phone-password")
    assert page.get_by_test_id("stSidebarNavLink").count() == 0
    field.fill("wrong")
    field.press("Enter")
    expect(page.get_by_test_id("stAlert")).to_be_visible()
    assert page.locator("input[type=file]").count() == 0
    field.fill(PASSWORD)
    field.press("Enter")
    expect(page.get_by_role("heading", name="Documents")).to_be_visible()
    idle(page)
    page.wait_for_function("document.cookie.includes('rag_app_session')")
    page.reload()
    expect(page.get_by_role("heading", name="Documents")).to_be_visible()
    assert field.count() == 0
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="Sign out").click()
    expect(field).to_be_visible()
    page.reload()
    expect(field).to_be_visible()


@contextmanager
def provider() -> Iterator[str]:
    """An OpenID Connect provider, as far as the door: what it offers, and its page to sign in at."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            offered = self.path.startswith("/.well-known/")
            there = {name: f"{url}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
            body = json.dumps({"issuer": url, **there}) if offered else "<h1>Who are you?</h1>"
            self.send_response(200)
            self.send_header("Content-Type", "application/json" if offered else "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield url
    server.shutdown()
    server.server_close()


def test_accounts_of_a_provider_lead_to_its_door(visit: Open, tmp_path: Path, model_dir: Path) -> None:
    pytest.importorskip("authlib")
    with provider() as there:
        secrets = {
            "redirect_uri": "http://127.0.0.1:8501/oauth2callback",
            "cookie_secret": "0123456789abcdef" * 4,
            "client_id": "rag-app",
            "client_secret": "not a secret",
            "server_metadata_url": f"{there}/.well-known/openid-configuration",
        }
        (tmp_path / ".streamlit").mkdir()
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in secrets.items())
        (tmp_path / ".streamlit" / "secrets.toml").write_text(f"[auth]\n{lines}\n", encoding="utf-8")
        guard = {"RAG_UI_OIDC": "true", "RAG_UI_USERS": '{"ann@example.com": "editor"}'}
        rest = {"RAG_MODEL_DIR": str(model_dir), "RAG_OLLAMA_URL": NOBODY, "RAG_ANSWERS": "quotes"}
        with serving_rag_app(tmp_path, **guard, **rest) as url:
            page = visit(url)
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("heading", name="Who are you?").wait_for()
            asked = parse_qs(urlsplit(page.url).query)
            assert page.url.startswith(f"{there}/authorization_endpoint?")
            assert asked["client_id"] == ["rag-app"]
            assert "openid" in asked["scope"][0].split()
            assert asked["redirect_uri"] == [secrets["redirect_uri"]]
