"""``rag-app up``: the sample documents ingested if there is nothing yet, then the web UI."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
import urllib.request
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from ..addresses import OWN, is_own, listed, reachable_by, url
from ..app import RagApp
from ..doctor import port_is_free
from ..errors import RagError
from ..samples import sample_folder
from ..settings import Settings
from . import ingest
from .exits import Exit
from .output import Output
from .session import session
from .texts import Texts

_START_SECONDS = 120
_STOP_SECONDS = 5
_LIGHT_TEXT, _DARK_TEXT = "#131513", "#e7eae8"  # captions have 60 % of it, and must be readable too
_THEME = {
    "theme.font": '"Source Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
    "theme.headingFontSizes": '["2rem", "1.5rem", "1.3rem", "1.15rem", "1.05rem", "1rem"]',
    "theme.baseRadius": "0.6rem",
    "theme.light.primaryColor": "#0d6b64",
    "theme.light.textColor": _LIGHT_TEXT,
    "theme.light.grayTextColor": _LIGHT_TEXT,  # ui.markup's seams must not be seen
    "theme.light.yellowBackgroundColor": "#fdf1b8",
    "theme.dark.primaryColor": "#2dd4bf",
    "theme.dark.textColor": _DARK_TEXT,
    "theme.dark.grayTextColor": _DARK_TEXT,
    "theme.dark.yellowBackgroundColor": "#4d4113",
}


class UiError(RagError):
    """The web UI can't be started."""


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the command."""

    @app.command(help=texts.help("cli.up", "rag-app up --port 8600"))
    def up(
        port: Annotated[int | None, typer.Option("--port", "-p", help=texts("cli.up_port"), show_default=False)] = None,
        host: Annotated[str | None, typer.Option("--host", help=texts("cli.up_host"), show_default=False)] = None,
        browser: Annotated[bool, typer.Option(help=texts("cli.up_browser"))] = True,
        samples: Annotated[bool, typer.Option(help=texts("cli.up_samples"))] = True,
    ) -> None:
        with session(port=port, host=host) as (rag, output):
            check_open(rag.settings)
            if not port_is_free(rag.settings.port):
                raise UiError("ui.port_taken", port=rag.settings.port)
            if samples:
                _ingest_samples(rag, output)
            rag.prepare()
            settings = rag.settings
        given = {"RAG_PORT": port, "RAG_HOST": host}  # the UI loads all other settings as we did
        environment = os.environ | {name: str(value) for name, value in given.items() if value is not None}
        raise typer.Exit(_serve(settings, output, environment, open_browser=browser))


def _ingest_samples(rag: RagApp, output: Output) -> None:
    """Into the default knowledge base, and only while no knowledge base holds anything."""
    folder = sample_folder()
    if folder is None or any(kb.documents for kb in rag.knowledge_bases()):
        return
    output.note(output.texts("cli.up_ingesting", folder=folder))
    if ingest.run(rag, output, [folder], None) == Exit.INTERRUPTED:
        raise KeyboardInterrupt


def check_open(settings: Settings) -> None:
    """Others than this computer's own user come in by signing in, or not at all.

    Raises:
        UiError: the address or a name is not this computer's own, and nobody would be asked who they are.
    """
    others = [name for name in (settings.host, *listed(settings.ui_names)) if not is_own(name)]
    if others and not settings.is_guarded:
        raise UiError("ui.host_open", host=others[0])


def _serve(settings: Settings, output: Output, environment: dict[str, str], *, open_browser: bool) -> int:
    """Run the web UI until it ends or Ctrl-C; returns the exit code."""
    address = url(settings.host, settings.port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends with us
    process = subprocess.Popen(_command(settings), env=environment)
    try:
        if _wait(process, f"{address}/_stcore/health"):
            output.line(output.texts("cli.up_ready", address=address), style="bold green")
            if open_browser and _has_display():
                webbrowser.open(address)
        return process.wait()
    except KeyboardInterrupt:
        output.note(output.texts("cli.up_stopped"))
        return 0
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:  # a file at work; what was finished is stored, and the next start tidies up
            process.kill()
            process.wait()


def _command(settings: Settings) -> list[str]:
    """Streamlit on this machine's own address unless another is set, without statistics, prompt or file watcher."""
    spec = importlib.util.find_spec("ui")
    if spec is None or spec.origin is None:
        raise UiError("ui.missing")
    options = {
        "server.address": settings.host,
        "server.port": settings.port,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.showEmailPrompt": "false",
        "browser.gatherUsageStats": "false",
        "browser.serverAddress": OWN,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": "false",
        **_THEME,
        "logger.level": "warning",
        "logger.hideWelcomeMessage": "true",
    }
    script = str(Path(spec.origin).with_name("entry") / "app.py")
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        script,
        *(f"--server.allowedHosts={name}" for name in reachable_by(settings.host, listed(settings.ui_names))),
        *(f"--{name}={value}" for name, value in options.items()),
    ]


def _wait(process: "subprocess.Popen[bytes]", health: str) -> bool:
    """True once the server answers, False if it ended first."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with opener.open(health, timeout=2):
                return True
        except OSError:
            time.sleep(0.2)
    return False


def _has_display() -> bool:
    """False on a server, where a text browser would take over the terminal."""
    if sys.platform in ("win32", "darwin"):
        return sys.stdout.isatty()
    return sys.stdout.isatty() and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
