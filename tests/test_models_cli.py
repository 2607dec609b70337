"""Models as a person manages them: listed, fetched, chosen, removed; on a played Ollama server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag_app import RagApp, Settings
from rag_app.errors import ModelNotInstalled
from rag_app.llm.background import EventLoop
from rag_app.llm.hardware import look
from rag_app.llm.library import Library
from rag_app.llm.ollama_server import OllamaServer, PullProgress
from rag_app.llm.pulling import Meter, Pull
from rag_app.llm.recommend import recommend

from .pulls import TEMPLATE, WEIGHTS, pulled
from .recordings import Reply, reply, said
from .replay import Replay
from .test_cli import Result, rag

__all__ = ["rag"]  # the fixture

MODEL, OTHER, EMBEDS = "smollm2:135m", "gemma3:270m", "all-minilm:22m"
DELETED = Reply(200, (("Content-Length", "0"),), (), "no body")
Run = Callable[..., Result]


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's own settings file."""
    folder = tmp_path / "config"
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: folder)
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, own_folder: Path) -> Iterator[Replay]:
    """An Ollama server that the settings name."""
    with Replay({}) as played:
        monkeypatch.setenv("RAG_OLLAMA_URL", played.url)
        yield played


@pytest.fixture
def library(server: Replay) -> Iterator[Library]:
    loop = EventLoop()
    opened = OllamaServer(server.url, loop)
    yield Library(opened, Settings.load())
    opened.close()
    loop.close()


def tags(sizes: dict[str, int]) -> Reply:
    """A list of models of these sizes."""
    entry = reply("11-tags").json["models"][2]
    return said({"models": [{**entry, "name": name, "model": name, "size": size} for name, size in sizes.items()]})


# List


def test_models_are_listed_with_what_is_loaded_and_chosen(rag: Run, server: Replay, monkeypatch: Any) -> None:
    monkeypatch.setenv("RAG_MODEL", "SmolLM2:135M")
    listed = {model["name"]: model for model in rag("models", "list", "--json").json["models"]}
    assert list(listed) == [EMBEDS, OTHER, MODEL, "smollm2-tpl:135m"]
    assert [name for name, model in listed.items() if model["chosen"]] == [MODEL]
    assert [name for name, model in listed.items() if not model["chat"]] == [EMBEDS]
    loaded = listed[MODEL]["loaded"]
    assert (loaded["size"], loaded["on_gpu"], loaded["context"]) == (209505483, 0, 4096)
    assert listed["smollm2-tpl:135m"]["loaded"] is None
    assert (listed[MODEL]["languages"], listed[MODEL]["licence"]) == ([], "")
    assert listed[MODEL]["fits"] is True


def test_the_family_s_languages_and_licence_are_shown_and_what_does_not_fit(rag: Run, server: Replay) -> None:
    sizes = {"llama3.2:3b": 2_019_393_189, "llama3.1:405b": 243_000_000_000}
    server.play({"/api/tags": tags(sizes), "/api/ps": "03-ps-empty"})
    listed = {model["name"]: model for model in rag("models", "list", "--json").json["models"]}
    assert "de" in listed["llama3.2:3b"]["languages"]
    assert listed["llama3.2:3b"]["licence"] == "Llama 3.2 Community License"
    assert listed["llama3.1:405b"]["fits"] is False
    shown = rag("models", "list").out
    assert "too large for this computer's memory" in shown
    assert "2.0 GB" in shown


def test_an_empty_server_says_how_to_get_a_model(rag: Run, server: Replay) -> None:
    server.play({"/api/tags": "02-tags-empty", "/api/ps": "03-ps-empty"})
    result = rag("models", "list")
    assert (result.code, result.out) == (0, "")
    assert "rag-app models pull" in result.err


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("command", ["list", "pull", "use", "remove", "recommend"])
def test_help_has_an_example(rag: Run, monkeypatch: pytest.MonkeyPatch, command: str, language: str) -> None:
    monkeypatch.setenv("RAG_LANGUAGE", language)
    result = rag("models", command, "-h")
    assert f"rag-app models {command}" in result.out
    assert ("Example:" if language == "en" else "示例：") in result.out


@pytest.mark.parametrize("arguments", [["list"], ["pull", "x"], ["use", "x"], ["remove", "x", "--yes"]])
def test_without_a_server_every_command_says_how_to_start_it(rag: Run, arguments: list[str]) -> None:
    result = rag("models", *arguments)
    assert result.code == 1
    assert "ollama serve" in result.err
    assert rag("models", *arguments, "--json").json["kind"] == "OllamaUnreachable"


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://127.0.0.1:9"])
def test_a_proxy_that_can_t_be_used_is_named(rag: Run, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("RAG_OLLAMA_URL", "http://gpu.invalid:11434")
    failed = rag("models", "list", "--json")
    assert failed.json["kind"] == "ModelError"
    assert "ALL_PROXY" in failed.json["error"]


# Pull


def test_a_download_is_followed_from_manifest_to_success(library: Library, server: Replay) -> None:
    server.play({"/api/pull": pulled(0, WEIGHTS // 2, WEIGHTS)})
    steps = list(library.pull("llama3.2:3b"))
    assert [step.stage for step in steps] == ["looking", *["downloading"] * 4, "checking", "finishing", "done"]
    assert [step.done for step in steps[1:5]] == [0, WEIGHTS // 2, WEIGHTS, WEIGHTS + TEMPLATE]
    assert (steps[-1].done, steps[-1].total, steps[-1].fraction) == (WEIGHTS + TEMPLATE, WEIGHTS + TEMPLATE, 1.0)
    assert server.requests[-1].body == {"model": "llama3.2:3b", "stream": True}


def test_the_rate_is_of_the_last_seconds_and_leaves_out_what_was_there() -> None:
    times = iter([0.0, 1.0, 2.0, 12.0, 22.0])
    meter = Meter(lambda: next(times))
    assert meter.rate(500, 1000) is None  # half of it is from an earlier download
    assert meter.rate(600, 1000) == 100
    assert meter.rate(640, 1000) == 70
    assert meter.rate(740, 1000) == 10  # over the ten seconds before
    assert meter.rate(740, 1000) == 0  # it stands still


def test_a_part_that_was_already_there_is_no_progress() -> None:
    times = iter([0.0, 2.0, 4.0])
    meter = Meter(lambda: next(times))
    meter.rate(0, 1000)
    assert meter.rate(100, 1000) == 50
    assert meter.rate(5100, 6000) == 25


def test_time_left_follows_from_rate_and_rest() -> None:
    times = iter([0.0, 10.0])
    found: Any = iter([PullProgress("pulling a", 0, 1000), PullProgress("pulling a", 400, 1000)])
    pull = Pull("m", found, lambda: next(times))
    assert next(pull).seconds_left is None
    assert (step := next(pull)).rate == 40
    assert step.seconds_left == 15


def test_cancelling_closes_the_connection_and_ends_the_iteration(library: Library, server: Replay) -> None:
    server.play({"/api/pull": pulled(WEIGHTS // 4, ends=False, ended_by="client closed")})
    pull = library.pull(OTHER)
    step = next(step for step in pull if step.stage == "downloading")
    assert step.done == WEIGHTS // 4
    pull.cancel()
    assert list(pull) == []
    assert server.client_left.wait(5)


def test_a_download_that_is_dropped_is_cancelled(library: Library, server: Replay) -> None:
    server.play({"/api/pull": pulled(1, ends=False, ended_by="client closed")})
    pull = library.pull(OTHER)
    next(pull)
    del pull
    assert server.client_left.wait(5)


def test_pull_prints_one_object(rag: Run, server: Replay) -> None:
    server.play({"/api/pull": pulled(WEIGHTS)})
    result = rag("models", "pull", MODEL, "--json")
    assert result.json == {"model": MODEL, "finished": True, "done": WEIGHTS + TEMPLATE, "total": WEIGHTS + TEMPLATE}


def test_pull_is_quiet_where_nobody_looks_and_says_what_comes_next(rag: Run, server: Replay) -> None:
    server.play({"/api/pull": pulled(*range(0, WEIGHTS, WEIGHTS // 100))})
    result = rag("models", "pull", MODEL)
    assert result.code == 0
    assert result.out == f"{MODEL} is there (2.0 GB).\n"
    assert result.err.splitlines() == [f"Fetching {MODEL} …", f"To answer with it: rag-app models use {MODEL}"]


def test_pull_and_use_in_one_go(rag: Run, server: Replay, own_folder: Path) -> None:
    server.play({"/api/pull": pulled(WEIGHTS)})
    assert rag("models", "pull", OTHER, "--use", "--json").json["chosen"]["name"] == OTHER
    assert Settings.load().model == OTHER


def test_without_a_name_the_recommended_model_is_fetched_after_saying_so(rag: Run, server: Replay) -> None:
    best = recommend(look()).best
    if best is None:
        pytest.skip("no model fits on this machine")
    server.play({"/api/pull": pulled(WEIGHTS)})
    result = rag("models", "pull", "--json")
    assert result.json["model"] == best.model.name
    assert f"{best.model.name} is recommended" in result.err
    assert [request.body["model"] for request in server.requests if request.path == "/api/pull"] == [best.model.name]


def test_what_is_too_large_is_said_before(rag: Run, server: Replay) -> None:
    server.play({"/api/pull": pulled(WEIGHTS)})
    assert "needs at least" in rag("models", "pull", "llama3.1:405b", "--json").err


@pytest.mark.parametrize(
    ("recording", "kind", "words"),
    [
        ("08-pull-missing-model", "ModelNotInstalled", "https://ollama.com/library"),
        ("08-pull-registry-unreachable", "ModelError", "connection refused"),
    ],
)
def test_a_download_that_fails_says_why(rag: Run, server: Replay, recording: str, kind: str, words: str) -> None:
    server.play({"/api/pull": recording})
    failed = rag("models", "pull", "nope", "--json")
    assert (failed.code, failed.json["kind"]) == (1, kind)
    assert words in failed.json["error"]


def test_a_download_that_ends_without_success_is_no_success(rag: Run, server: Replay) -> None:
    server.play({"/api/pull": pulled(WEIGHTS // 2, ends=False)})
    failed = rag("models", "pull", MODEL)
    assert failed.code == 1
    assert "1.0 GB of 2.0 GB) without saying why" in failed.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_stops_and_says_how_to_go_on(server: Replay) -> None:
    server.play({"/api/pull": pulled(WEIGHTS // 2, ends=False, ended_by="client closed")})
    process = subprocess.Popen(
        [sys.executable, "-m", "rag_app", "models", "pull", MODEL],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert server.wait_for(lambda: any(request.path == "/api/pull" for request in server.requests), 60)
    time.sleep(1)  # until what has come is read
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert f"to go on: rag-app models pull {MODEL}" in err
    assert "1.0 GB of 2.0 GB" in err
    assert "Traceback" not in err
    assert server.client_left.is_set()


# Use


def test_use_makes_the_user_s_own_file(rag: Run, server: Replay, own_folder: Path) -> None:
    found = rag("models", "use", "SmolLM2:135M")
    assert found.code == 0
    assert str(own_folder / "rag.toml") in found.out
    assert tomllib.loads((own_folder / "rag.toml").read_text()) == {"model": MODEL}
    assert Settings.load().model == MODEL


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_use_keeps_comments_and_order(rag: Run, server: Replay, tmp_path: Path, newline: str) -> None:
    lines = ["# mine", "", 'model = "llama3"  # the first', "passages = 4", "", "# 末尾"]
    file = tmp_path / "rag.toml"
    file.write_bytes(newline.join(lines).encode())
    assert rag("models", "use", MODEL).code == 0
    lines[2] = f'model = "{MODEL}"  # the first'
    assert file.read_bytes() == newline.join(lines).encode()
    file.write_bytes(newline.join(["kb = 'work'  # hers", ""]).encode())
    assert rag("models", "use", MODEL).code == 0
    assert file.read_bytes() == newline.join(["kb = 'work'  # hers", f'model = "{MODEL}"', ""]).encode()


def test_the_file_in_force_is_written_and_its_reach_is_said(
    rag: Run, server: Replay, tmp_path: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rag.toml").touch()
    here = rag("models", "use", MODEL)
    assert "holds in this folder only" in here.err
    assert not own_folder.exists()
    named = tmp_path / "other.toml"
    named.write_text("# named\n")
    monkeypatch.setenv("RAG_CONFIG", str(named))
    there = rag("models", "use", OTHER)
    assert "holds in this folder only" not in there.err
    assert named.read_text() == f'# named\nmodel = "{OTHER}"\n'
    assert MODEL in (tmp_path / "rag.toml").read_text()


@pytest.mark.parametrize("variable", ["RAG_MODEL", "rag_model"])
def test_use_says_when_the_environment_wins(
    rag: Run, server: Replay, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "llama3")
    assert f"unset {variable}" in rag("models", "use", MODEL).err
    monkeypatch.setenv(variable, MODEL)
    assert variable not in rag("models", "use", MODEL).err  # it says the same


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"RAG_ANSWERS": "quotes"}, "RAG_ANSWERS=auto"),
        ({"RAG_ANSWERS": "auto", "RAG_OPENAI_URL": "http://127.0.0.1:9"}, "RAG_ANSWERS=ollama"),
        ({"RAG_ANSWERS": "auto", "RAG_GGUF_PATH": "x.gguf"}, "RAG_ANSWERS=ollama"),
    ],
)
def test_use_says_when_others_answer(
    rag: Run, server: Replay, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert words in rag("models", "use", MODEL).err
    monkeypatch.setenv("RAG_ANSWERS", "ollama")
    assert words not in rag("models", "use", MODEL).err


def test_use_refuses_what_can_t_answer(rag: Run, server: Replay, own_folder: Path) -> None:
    missing = rag("models", "use", "llama3.1:8b")
    assert missing.code == 1
    assert "rag-app models pull llama3.1:8b" in missing.err
    assert MODEL in missing.err
    embeds = rag("models", "use", EMBEDS, "--json")
    assert (embeds.code, embeds.json["kind"]) == (1, "NotSupported")
    assert not own_folder.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_can_t_be_written_is_named(rag: Run, server: Replay, tmp_path: Path) -> None:
    file = tmp_path / "rag.toml"
    file.write_text("kb = 'x'\n")
    file.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        refused = rag("models", "use", MODEL)
    finally:
        tmp_path.chmod(0o700)
    assert (refused.code, file.read_text()) == (1, "kb = 'x'\n")
    assert str(file) in refused.err


def test_a_folder_in_the_file_s_place_is_named(rag: Run, server: Replay, own_folder: Path) -> None:
    (own_folder / "rag.toml").mkdir(parents=True)
    refused = rag("models", "use", MODEL)
    assert refused.code == 1
    assert "was not stored" in refused.err


# Remove


def test_remove_says_what_is_free_again(rag: Run, server: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    server.play({"/api/delete": DELETED})
    monkeypatch.setenv("RAG_MODEL", MODEL)
    gone = rag("models", "remove", MODEL.upper(), "--yes")
    assert gone.code == 0
    assert f"Deleted {MODEL}: 98.4 MB" in gone.out
    assert "rag-app models use" in gone.err  # it was the one in use
    assert [request.body for request in server.requests if request.method == "DELETE"] == [{"model": MODEL}]
    other = rag("models", "remove", OTHER, "--yes", "--json")
    assert (other.json["name"], other.json["size"], other.err) == (OTHER, 253113615, "")


def test_remove_asks_first(rag: Run, server: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull, encoding="utf-8"))  # noqa: PTH123, SIM115
    refused = rag("models", "remove", MODEL)
    assert refused.code == 1
    assert f"Delete {MODEL} (98.4 MB)?" in refused.err
    assert rag("models", "remove", MODEL, "--json").json["kind"] == "RagError"
    assert [request.method for request in server.requests if request.method == "DELETE"] == []


def test_remove_of_an_unknown_model_names_those_there_are(rag: Run, server: Replay) -> None:
    refused = rag("models", "remove", "nope", "--yes")
    assert refused.code == 1
    assert MODEL in refused.err


# Python


def test_the_app_answers_with_the_model_it_was_told_to_use(server: Replay, tmp_path: Path) -> None:
    server.play({"/api/delete": DELETED})
    with RagApp.open(data_dir=tmp_path / "data", answers="ollama") as app:
        assert [model.name for model in app.models() if model.loaded] == [OTHER, MODEL]
        assert app.use_model(MODEL).name == app.settings.model == MODEL
        assert [model.name for model in app.models() if model.chosen] == [MODEL]
        with pytest.raises(ModelNotInstalled):
            app.use_model("nope")
        assert app.remove_model(OTHER).size == 253113615
        server.play({"/api/pull": pulled(WEIGHTS)})
        assert [step.stage for step in app.pull_model(OTHER)][-1] == "done"
        assert app.recommend().machine.cores == look().cores
