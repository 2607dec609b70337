"""The played Ollama server itself: what it sends is what was recorded."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit

import httpx
import pytest

from .recordings import Reply, exchanges, names, recorded, reply, text_of, written
from .replay import Replay, Request


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("14-chat-cold-stream", b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n", b"\n\r\n0\r\n\r\n"),
        ("54-server-sigkill-midstream#0", b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n", b"}\n\r\n"),
        ("20-chat-unknown-model", b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json", b"' not found\"}"),
        ("07-host-forbidden", b"HTTP/1.1 403 Forbidden\r\nDate:", b"Content-Length: 0\r\n\r\n"),
    ],
    ids=["chunked", "broken off", "length", "empty"],
)
def test_the_replay_sends_what_was_recorded(name: str, start: bytes, end: bytes) -> None:
    request = b'{"messages":[1]}'
    with Replay({"/api/chat": name}) as server:
        host, port = urlsplit(server.url).netloc.split(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            head = b"POST /api/chat HTTP/1.1\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(request)
            connection.sendall(head + request)
            raw = b"".join(iter(lambda: connection.recv(65536), b""))
    assert raw.startswith(start)
    assert raw.endswith(end)
    assert server.chats == [{"messages": [1]}]


@pytest.mark.parametrize("name", names())
def test_every_transcript_is_played_whole(name: str) -> None:
    for number, exchange in enumerate(exchanges(name)):
        if not isinstance(exchange.reply, Reply):
            continue
        wanted, ends = exchange.reply, "connection closed without final chunk"
        with Replay({exchange.path: wanted}) as server, httpx.Client(base_url=server.url, verify=False) as client:
            received = b""
            try:
                with client.stream(exchange.method, exchange.path, json={"messages": [number]}) as answer:
                    for data in answer.iter_raw():
                        received += data
                        if wanted.ended_by == "client closed" and received == wanted.body:
                            break
                assert wanted.ended_by != ends
            except httpx.RemoteProtocolError:
                assert wanted.ended_by == ends
            assert (answer.status_code, received) == (wanted.status, wanted.body)


def test_what_no_script_names_is_answered_as_by_the_recorded_server() -> None:
    with Replay({}) as server, httpx.Client(base_url=server.url) as client:
        for method, path, name in [
            ("HEAD", "/", "00-root-head"),
            ("GET", "/", "00-root"),
            ("GET", "/api/version", "01-version"),
            ("GET", "/api/tags", "11-tags"),
            ("GET", "/api/nothing", "06-unknown-path"),
            ("DELETE", "/api/delete", "09-delete-unknown"),
        ]:
            answer = client.request(method, path)
            assert (answer.status_code, answer.content) == (reply(name).status, reply(name).body)
        for model, name in [
            ("smollm2:135m", "12-show"),
            ("all-minilm:22m", "12-show-embedding"),
            ("llama3", "04-show-unknown-model"),
        ]:
            assert client.post("/api/show", json={"model": model}).content == reply(name).body
        assert client.get("/api/ps").json() == reply("15-ps-loaded").json


def test_what_is_loaded_is_what_was_asked_for() -> None:
    with Replay({}, cold=True) as server, httpx.Client(base_url=server.url) as client:
        assert client.get("/api/ps").json() == {"models": []}
        load = {"model": "smollm2:135m", "messages": [], "options": {"num_ctx": 2048}}
        assert client.post("/api/chat", json=load).json()["done_reason"] == "load"
        (loaded,) = client.get("/api/ps").json()["models"]
    assert (loaded["name"], loaded["context_length"], loaded["size"]) == ("smollm2:135m", 2048, 209505483)
    assert (server.chats, server.loads) == ([], [load])


def echo(request: Request) -> Reply:
    return written([request.body["messages"][0]["content"], "!"], every=1.0)


def test_a_serial_server_answers_one_after_another_and_refuses_what_is_too_much() -> None:
    answers: dict[str, tuple[int, str]] = {}
    finished: list[str] = []

    def ask(url: str, text: str) -> None:
        body = {"messages": [{"role": "user", "content": text}]}
        answer = httpx.post(f"{url}/api/chat", json=body, verify=False)
        finished.append(text)
        answers[text] = answer.status_code, answer.text

    with Replay({"/api/chat": echo}, serial=True, most_waiting=2, pace=0.25) as server:
        threads = []
        for number in range(4):
            threads.append(threading.Thread(target=ask, args=(server.url, str(number))))
            threads[-1].start()
            assert server.wait_for(lambda: len(server.chats) == len(threads))
        for thread in threads:
            thread.join()
    assert finished == ["3", "0", "1", "2"]
    (busy,) = recorded("51-max_queue-1-other-model#3")
    assert isinstance(busy, Reply)
    assert answers["3"] == (503, busy.body.decode())
    for asked in "012":
        status, body = answers[asked]
        assert (status, text_of(Reply(status, (), ((0, body.encode()),), "no body"))) == (200, f"{asked}!")


def test_a_client_that_leaves_is_noticed_while_nothing_is_sent() -> None:
    with Replay({"/api/chat": written(["late"], every=60)}, pace=1) as server:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.url}/api/chat", json={"messages": [1]}, timeout=0.2)
        assert server.client_left.wait(5)
        assert [request.path for request in server.left] == ["/api/chat"]
