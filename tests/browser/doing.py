"""What a person does in front of the web UI, and what is to be seen then."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ..conftest import PROJECT

playwright = pytest.importorskip("playwright.sync_api")

SCREENSHOTS = PROJECT / "screenshots"
PATIENCE = 90_000  # ms; the machine may be busy with other things
playwright.expect.set_options(timeout=PATIENCE)

ZH_QUESTION = "终端里中文显示成乱码，应该执行什么命令？"
EN_QUESTION = "On which date was Llama 3.3 70B released?"

Open = Callable[..., "playwright.Page"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: list[str], port: int, log: Path, **environment: str) -> Iterator[str]:
    """A server as a process of its own; yields its address once it answers."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=clean | environment, stdout=out, stderr=out, cwd=log.parent, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        deadline = time.monotonic() + PATIENCE / 1000
        while True:
            try:
                opener.open(f"{address}/_stcore/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text(errors="replace")
                assert time.monotonic() < deadline, log.read_text(errors="replace")
                time.sleep(0.2)
        yield address
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # the command and the server it started
        process.wait(60)


@contextmanager
def serving_rag_app(folder: Path, **environment: str) -> Iterator[str]:
    """``rag-app up`` over ``folder/data``."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("rag-app")), "up", "--no-browser", "--no-samples"]
    settings = {"RAG_DATA_DIR": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
    with serving([*command, "--port", str(port)], port, folder / "log.txt", **settings, **environment) as url:
        yield url


def shoot(page: playwright.Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.wait_for_timeout(700)  # fades and slides
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def send(page: playwright.Page, question: str) -> playwright.Locator:
    """Ask; the answer is still to be written."""
    answers = page.get_by_test_id("stChatMessage")
    box = page.get_by_test_id("stChatInputTextArea")
    box.wait_for()
    idle(page)
    before = answers.count()
    box.fill(question)
    box.press("Enter")
    return answers.nth(before + 1)


def ask(page: playwright.Page, question: str) -> playwright.Locator:
    """Ask and wait for the end of the answer, which is its last caption."""
    answer = send(page, question)
    answer.get_by_test_id("stCaptionContainer").last.wait_for(state="attached")
    page.locator(".st-key-stop").wait_for(state="detached")
    idle(page)
    return answer


def idle(page: playwright.Page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def fits(page: playwright.Page) -> bool:
    """Nothing sticks out to the right."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def opened(page: playwright.Page) -> playwright.Locator:
    """The panel of the open source."""
    panel = page.locator("[class*=st-key-panel_]").first
    panel.wait_for()
    return panel


def beside(left: playwright.Locator, right: playwright.Locator) -> bool:
    one, other = left.bounding_box(), right.bounding_box()
    return one is not None and other is not None and one["x"] + one["width"] <= other["x"]


def inert(place: playwright.Locator) -> None:
    """No part of it leads anywhere, loads or runs something."""
    for tag in ("a", "img", "script", "iframe", "svg image", "video", ".katex", "form"):
        assert place.locator(tag).count() == 0, place.locator(tag).first.evaluate("e => e.outerHTML")
