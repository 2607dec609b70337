"""Knowledge bases and documents over HTTP: put in, looked at, asked, taken out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag_app import RagApp

from .conftest import SAMPLES
from .serving import served

BASES = "/api/v1/knowledge-bases"
BEES = b"# Bees\n\nBees make honey from nectar. A hive holds forty thousand bees.\n"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[RagApp]:
    folder = tmp_path_factory.mktemp("library")
    with RagApp.open(data_dir=folder, model_dir=model_dir, answers="quotes", language="en", upload_mb=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(app: RagApp) -> Iterator[httpx.Client]:
    with served(app) as url, httpx.Client(base_url=url, timeout=120) as opened:
        yield opened


@pytest.fixture
def base(client: httpx.Client, request: pytest.FixtureRequest) -> Iterator[str]:
    """The path of a knowledge base of the test's own."""
    name = "蜜蜂 & co"
    made = client.post(BASES, json={"name": name})
    assert made.status_code == 201
    assert made.json()["model"] == f"rag:{name}"
    yield f"{BASES}/{name}"
    assert client.delete(f"{BASES}/{name}").status_code == 204


def put(client: httpx.Client, base: str, name: str, data: bytes, **form: Any) -> httpx.Response:
    return client.post(f"{base}/documents", files={"file": (name, data)}, data=form)


def test_a_document_from_its_upload_to_its_end(client: httpx.Client, base: str, app: RagApp) -> None:
    report = put(client, base, "bees.md", BEES)
    assert report.status_code == 201
    assert (report.json()["status"], report.json()["document"], report.json()["pages"]) == ("read", "bees.md", 1)
    number = report.json()["document_id"]
    again = put(client, base, "bees.md", BEES)
    assert (again.status_code, again.json()["status"]) == (200, "unchanged")

    listed = client.get(f"{base}/documents", params={"search": "bees"}).json()
    assert (listed["total"], listed["documents"][0]["id"], listed["documents"][0]["state"]) == (1, number, "read")
    assert str(app.settings.data_dir) not in client.get(f"{base}/documents").text
    assert client.get(base).json()["documents"] == 1
    pages = client.get(f"{base}/documents/{number}/pages").json()
    assert "forty thousand" in pages["pages"][0]["text"]

    found = client.post(f"{base}/retrieve", json={"question": "What do bees make?", "limit": 1}).json()
    assert found["passages"][0]["document_id"] == number
    answer = client.post(f"{base}/ask", json={"question": "What do bees make?"}).json()
    assert "honey" in answer["text"]
    assert (answer["citations"][0]["document_id"], answer["citations"][0]["number"]) == (number, 1)
    model = {"model": "rag:蜜蜂 & co", "messages": [{"role": "user", "content": "What do bees make?"}]}
    assert "honey" in client.post("/v1/chat/completions", json=model).json()["choices"][0]["message"]["content"]

    assert client.delete(f"{base}/documents/{number}").status_code == 204
    assert client.delete(f"{base}/documents/{number}").json()["error"]["code"] == "unknown_document"
    assert client.get(f"{base}/documents").json()["total"] == 0
    uploads = [path for path in (app.settings.data_dir / "uploads").rglob("*") if path.is_file()]
    assert uploads == []
    refused = client.post(f"{base}/ask", json={"question": "What do bees make?"}).json()
    assert refused["refused"] is True


@pytest.mark.parametrize(
    ("name", "data", "status", "code"),
    [
        ("bees.exe", b"MZ", 415, "unsupported_format"),
        ("bees.pdf", b"this is no PDF", 422, "file_refused"),
        ("empty.txt", b"", 422, "file_refused"),
    ],
)
def test_what_can_not_be_read_is_told_and_not_kept(
    client: httpx.Client, base: str, app: RagApp, name: str, data: bytes, status: int, code: str
) -> None:
    refused = put(client, base, name, data)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert client.get(f"{base}/documents").json()["total"] == 0
    assert [path for path in (app.settings.data_dir / "uploads").rglob("*") if path.is_file()] == []


def test_a_name_from_outside_stays_inside(client: httpx.Client, base: str, app: RagApp) -> None:
    assert put(client, base, "../../../bees.md", BEES).status_code == 201
    folder = app.settings.data_dir / "uploads"
    assert len([path for path in folder.rglob("bees.md") if path.is_file()]) == 1
    assert put(client, base, "", BEES).status_code == 400


def test_an_encrypted_file_and_its_password(client: httpx.Client, base: str) -> None:
    from io import BytesIO

    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    writer.append(PdfReader(SAMPLES / "llama3-on-your-pc.pdf"), pages=(0, 1))
    writer.encrypt("sesame", algorithm="AES-256")
    file = BytesIO()
    writer.write(file)
    refused = put(client, base, "secret.pdf", file.getvalue())
    assert refused.status_code == 422
    assert "password" in refused.json()["error"]["message"]
    assert put(client, base, "secret.pdf", file.getvalue(), password="sesame").status_code == 201


def test_several_at_once_wait_for_each_other(client: httpx.Client, base: str) -> None:
    found: list[int] = []

    def add(number: int) -> None:
        found.append(put(client, base, f"note {number}.txt", f"Note number {number}.".encode()).status_code)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert found == [201] * 4
    assert client.get(f"{base}/documents", params={"limit": 2, "offset": 3}).json()["total"] == 4


def test_knowledge_bases(client: httpx.Client, base: str) -> None:
    assert "蜜蜂 & co" in [one["name"] for one in client.get(BASES).json()]
    assert client.post(BASES, json={"name": "蜜蜂 & co"}).json()["error"]["code"] == "knowledge_base_exists"
    assert client.post(BASES, json={"name": "../etc"}).status_code == 400
    missing = client.get(f"{BASES}/nothing", headers={"Accept-Language": "zh-CN"})
    assert missing.status_code == 404
    assert "没有" in missing.json()["error"]["message"]
    assert client.delete(f"{BASES}/nothing").status_code == 404
    assert client.get(f"{base}/documents/999999/pages").status_code == 404


def test_a_conversation_that_a_program_keeps(client: httpx.Client, base: str) -> None:
    put(client, base, "bees.md", BEES)
    first = client.post(f"{base}/ask", json={"question": "How many bees does a hive hold?"}).json()
    history = [{"role": "user", "text": first["question"]}, {"role": "assistant", "text": first["text"]}]
    body = {"question": "What do they make?", "history": history}
    assert client.post(f"{base}/ask", json=body).json()["question"] != "What do they make?"
