"""The command line as a user types it: output, JSON, exit codes, bad input, both languages."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rag_app import RagApp
from rag_app.cli import main

from .conftest import NOBODY, PROJECT, SAMPLES

COMMANDS = [
    "",
    "up",
    "ingest",
    "sync",
    "ask",
    "retrieve",
    "chat",
    "conversations",
    "reindex",
    "enrich",
    "doctor",
    "serve",
    "key",
    "mcp",
    "kb",
    "docs",
    "eval",
    "prepare",
    "suggest",
    "settings",
]
SUBCOMMANDS = [
    *("kb list", "kb create", "kb rename", "kb delete", "kb export", "kb import"),
    *("conversations list", "conversations search", "conversations show", "conversations export"),
    *("conversations rename", "conversations delete"),
    *("docs list", "docs remove", "docs tag", "eval retrieval"),
    *("eval answers", "eval runs", "eval draft", "eval review"),
    *("docs files", "docs show", "docs types", "settings list", "settings get", "settings set"),
]


class Result:
    """What a command did."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def rag(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command in this process."""
    monkeypatch.setenv("RAG_ANSWERS", "quotes")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Result:
        code = 0
        try:
            main(list(arguments))
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return run


@pytest.fixture
def sample_data(samples: RagApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands see the sample documents."""
    monkeypatch.setenv("RAG_DATA_DIR", str(samples.settings.data_dir))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("command", COMMANDS + SUBCOMMANDS)
def test_help_has_an_example_in_both_languages(
    rag: Any, monkeypatch: pytest.MonkeyPatch, command: str, language: str
) -> None:
    monkeypatch.setenv("RAG_LANGUAGE", language)
    result = rag(*command.split(), "-h")
    assert result.code == 0
    if command and command not in (
        "kb",
        "docs",
        "eval",
        "conversations",
        "settings",
    ):  # groups: their commands have one
        assert ("Example:" if language == "en" else "示例：") in result.out
        assert f"rag-app {command}" in result.out


def test_ask_json_is_one_object_with_the_promised_keys(rag: Any, sample_data: None) -> None:
    found = rag("ask", "Where is the Ollama server log on Windows?", "--json").json
    assert found["model"] == "quotes"
    assert found["refused"] is False
    assert "server.log" in found["text"]
    citation = found["citations"][0]
    assert (citation["document"], citation["page"]) == ("llama3-on-your-pc.pdf", 13)
    assert citation["path"] == str(SAMPLES / "llama3-on-your-pc.pdf")
    assert "server.log" in citation["quote"]


def test_ask_shows_the_answer_and_its_sources(rag: Any, sample_data: None) -> None:
    result = rag("ask", "终端里中文显示成乱码，应该执行什么命令？")
    assert result.code == 0
    assert "chcp 65001" in result.out
    assert "[1] 在自己的电脑上运行LLaMA3.pdf, p. 14" in result.out


def test_ask_says_how_to_get_llama(rag: Any, sample_data: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_ANSWERS", "auto")
    result = rag("ask", "Where is the Ollama server log on Windows?")
    assert result.code == 0
    assert "ollama pull llama3" in result.err
    assert "ollama pull llama3" not in result.out


def test_ollama_by_name_is_an_error_when_it_does_not_run(
    rag: Any, sample_data: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_ANSWERS", "ollama")
    result = rag("ask", "Where is the Ollama server log on Windows?")
    assert result.code == 1
    assert NOBODY in result.err
    assert "ollama serve" in result.err
    assert rag("ask", "Where is the Ollama server log?", "--json").json["kind"] == "OllamaUnreachable"


def test_a_refusal_is_an_answer(rag: Any, sample_data: None) -> None:
    result = rag("ask", "红烧肉怎么做才好吃？", "--json")
    assert result.code == 0
    assert result.json["refused"] is True
    assert result.json["citations"] == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["ask", ""], "empty"),
        (["ask", "问" * 20_000], "20,000"),
        (["ask", "x?", "--kb", "nope"], "nope"),
        (["ingest", "no/such/path"], "no/such/path"),
        (["ingest", "."], "no files"),
        (["kb", "create", "合同/../x"], "合同/../x"),
        (["kb", "create", "default"], "default"),
        (["kb", "rename", "nope", "other"], "nope"),
        (["kb", "delete", "nope", "--yes"], "nope"),
        (["docs", "remove", "nope.pdf"], "nope.pdf"),
        (["docs", "list", "--kb", "nope"], "nope"),
    ],
)
def test_bad_input_is_named_and_fails(rag: Any, arguments: list[str], named: str) -> None:
    rag("docs", "list")  # the default knowledge base comes into being
    result = rag(*arguments)
    assert result.code == 1
    assert named in result.err
    assert "Traceback" not in result.err
    assert result.out == ""


def test_wrong_usage_is_2(rag: Any) -> None:
    assert rag("ingest").code == 2
    assert rag("fly").code == 2
    assert rag("ask", "x", "--colour").code == 2


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("RAG_PORT", "high", "RAG_PORT"),
        ("RAG_COLOUR", "red", "RAG_COLOUR"),
        ("RAG_DATA_DIR", "/dev/null/x", "/dev/null"),
    ],
)
def test_bad_settings_are_named(
    rag: Any, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
) -> None:
    monkeypatch.setenv(variable, value)
    result = rag("docs", "list")
    assert result.code == 1
    assert named in result.err
    assert rag("-h").code == 0


def test_errors_speak_chinese(rag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_LANGUAGE", "zh")
    assert rag("ask", "").err == "错误： 问题是空的。请输入你想知道的内容。\n"


def test_ingest_json_reports_every_file(rag: Any, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "good.md").write_text("# Title\n\nGood text.", encoding="utf-8")
    (folder / "bad.pdf").write_bytes(b"%PDF broken")
    result = rag("ingest", str(folder), "--json")
    assert result.code == 1
    bad, good = result.json["files"]
    assert (bad["status"], bad["pages"], bad["chunks"]) == ("refused", 0, 0)
    assert "PDF" in bad["reason"]
    assert (good["path"], good["status"], good["reason"]) == (str(folder / "good.md"), "read", "")
    assert (good["pages"], good["chunks"]) == (1, 1)
    (folder / "bad.pdf").unlink()
    again = rag("ingest", str(folder), "--json")
    assert again.code == 0
    assert [file["status"] for file in again.json["files"]] == ["unchanged"]


def test_ingest_names_troubled_files_for_people(rag: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Good text.", encoding="utf-8")
    (tmp_path / "b.xyz").write_bytes(b"?")
    result = rag("ingest", "a.txt", "b.xyz")
    assert result.code == 1
    assert "b.xyz" in result.err
    assert ".xyz" in result.err
    assert "read: 1, refused: 1" in result.out


def test_knowledge_bases_and_documents(rag: Any, tmp_path: Path) -> None:
    (tmp_path / "租约.txt").write_text("租金每月三千元。", encoding="utf-8")
    assert rag("kb", "create", "合同").code == 0
    assert rag("ingest", "租约.txt", "--kb", "合同").code == 0
    assert "三千" in rag("ask", "租金是多少？", "--kb", "合同").out
    listed = rag("kb", "list", "--json").json["knowledge_bases"]
    assert [(kb["name"], kb["documents"]) for kb in listed] == [("合同", 1)]
    assert "合同" in rag("kb", "list").out
    assert rag("kb", "rename", "合同", "租约").code == 0
    assert "租约.txt" in rag("docs", "list", "--kb", "租约").out
    assert rag("docs", "list", "--kb", "租约", "--json").json["documents"][0]["title"] == "租约"
    assert rag("docs", "remove", "租约.txt", "--kb", "租约", "--json").json["removed"][0]["pages"] == 1
    assert rag("kb", "delete", "租约", "--yes").code == 0
    assert rag("kb", "list", "--json").json == {"knowledge_bases": []}


def test_delete_asks_first(rag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rag("kb", "create", "a")
    monkeypatch.setattr("sys.stdin", open(os.devnull, encoding="utf-8"))  # noqa: PTH123, SIM115
    assert rag("kb", "delete", "a").code == 1
    assert "a" in rag("kb", "list").out


def test_doctor(rag: Any, sample_data: None) -> None:
    result = rag("doctor", "--json")
    assert result.code == 0
    checks = {check["name"]: check for check in result.json["checks"]}
    assert checks["embedder"]["status"] == "ok"
    assert checks["ollama"]["remedy"]
    assert "→" in rag("doctor").out


def test_doctor_fails_when_what_was_asked_for_is_missing(rag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_ANSWERS", "ollama")
    assert rag("doctor").code == 1


def test_a_port_in_use_is_named(rag: Any, sample_data: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = rag("up", "--port", port, "--no-browser")
    assert result.code == 1
    assert port in result.err
    assert "--port" in result.err


def test_chat_goes_on_after_an_error_and_ends_at_end_of_input(samples: RagApp, tmp_path: Path) -> None:
    data = tmp_path / "copy"  # what is said is stored
    shutil.copytree(samples.settings.data_dir, data)
    done = subprocess.run(
        [sys.executable, "-m", "rag_app", "chat"],
        input="\nWhere is the Ollama server log on Windows?\n"
        + "x" * 5000
        + "\n终端里中文显示成乱码，应该执行什么命令？\n/exit\nnever\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"RAG_DATA_DIR": str(data), "PYTHONIOENCODING": "utf-8"},
        check=True,
    )
    assert "server.log" in done.stdout
    assert "5,000" in done.stderr
    assert "chcp 65001" in done.stdout


def test_version(rag: Any) -> None:
    assert rag("--version").out.strip() == "0.1.0"


def test_python_m_ingest_is_rag_app_ingest(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Some text.", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "a.txt", "--json"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert json.loads(done.stdout)["files"][0]["status"] == "read"


@pytest.mark.parametrize("suffix", ["", ".zh-CN"])
def test_readme_leads_to_every_setting_and_command(suffix: str) -> None:
    """They stand in the reference, which is generated; README names the doors and what is set most."""
    from rag_app import Settings

    text = (PROJECT / f"README{suffix}.md").read_text(encoding="utf-8")
    for page in ("cli", "settings", "json"):
        assert f"(docs/reference/{page}{suffix}.md)" in text
    settings = (PROJECT / f"docs/reference/settings{suffix}.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"`{name}`" in settings, name
    commands = (PROJECT / f"docs/reference/cli{suffix}.md").read_text(encoding="utf-8")
    for command in [c for c in COMMANDS if c and f"{c} " not in " ".join(SUBCOMMANDS)] + SUBCOMMANDS:
        assert f"## rag-app {command}\n" in commands, command
    for command in ("up", "ingest", "sync", "ask", "chat", "retrieve", "kb create", "docs list", "doctor"):
        assert f"rag-app {command}" in text, command
    contributing = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "make run" in text
    for target in ("make test", "make check", "make bench"):
        assert target in contributing


def test_doctor_comes_when_the_catalog_is_damaged(rag: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "catalog.sqlite3").write_bytes(b"this is not a database" * 100)
    result = rag("doctor", "--json")
    assert result.code == 1
    checks = {check["name"]: check for check in result.json["checks"]}
    assert checks["storage"]["status"] == "fail"
    assert "catalog.sqlite3" in checks["storage"]["finding"]
    assert checks["embedder"]["status"] == "ok"


def test_deleting_for_programs_needs_yes(rag: Any) -> None:
    rag("kb", "create", "a")
    assert rag("kb", "delete", "a", "--json").json["kind"] == "RagError"
    assert [kb["name"] for kb in rag("kb", "list", "--json").json["knowledge_bases"]] == ["a"]


def test_control_characters_of_a_name_do_not_reach_the_terminal(rag: Any, tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31mred.txt").write_text("Some text.", encoding="utf-8")
    (tmp_path / "b\x1b[31m.xyz").write_text("?", encoding="utf-8")
    result = rag("ingest", ".")
    listed = rag("docs", "list")
    assert "\x1b[31m" not in result.out + result.err + listed.out
    assert "red.txt" in listed.out


def test_a_folder_is_followed(rag: Any, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    assert "rag-app sync FOLDER" in rag("sync").err
    (folder / "a.txt").write_text("Bees make honey.", encoding="utf-8")
    (folder / "b.txt").write_text("Cats purr.", encoding="utf-8")
    planned = rag("sync", str(folder), "--dry-run")
    assert planned.code == 0
    assert "would be read" in planned.out
    assert rag("docs", "list", "--json").json == {"documents": []}
    first = rag("sync", str(folder))
    assert first.code == 0
    assert "read: 2" in first.out
    (folder / "a.txt").rename(folder / "c.txt")
    (folder / "b.txt").unlink()
    found = {Path(file["path"]).name: file for file in rag("sync", "--dry-run", "--json").json["files"]}
    assert {name: file["status"] for name, file in found.items()} == {
        "a.txt": "removed",
        "b.txt": "removed",
        "c.txt": "moved",
    }
    assert found["c.txt"]["other"] == str(folder / "a.txt")
    again = rag("sync")
    assert again.code == 0
    assert "moved: 1, removed: 2" in again.out
    assert [document["path"] for document in rag("docs", "list", "--json").json["documents"]] == [str(folder / "c.txt")]
    assert "unchanged" not in rag("sync").err  # ten thousand such lines would help nobody


def test_removal_is_proved(rag: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("The vault opens with quetzalcoatl seven. " * 20, encoding="utf-8")
    rag("ingest", str(path))
    removed = rag("docs", "remove", "a.txt", "--verify")
    assert removed.code == 0
    assert "none is left" in removed.err
    rag("kb", "create", "vault")
    rag("ingest", str(path), "--kb", "vault")
    deleted = rag("kb", "delete", "vault", "--yes", "--verify", "--json")
    assert deleted.json["documents"] == 1
    assert "none is left" in deleted.err


def test_a_knowledge_base_travels(rag: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Bees make honey.", encoding="utf-8")
    rag("ingest", str(tmp_path / "a.txt"))
    file = tmp_path / "default.ragkb"
    assert str(file) in rag("kb", "export", "default", str(file)).out
    assert rag("kb", "import", str(file), "--name", "蜜蜂", "--json").json["chunks"] == 1
    assert "honey" in rag("ask", "What do bees make?", "--kb", "蜜蜂").out
    file.write_bytes(file.read_bytes()[:-1])
    refused = rag("kb", "import", str(file), "--name", "again", "--json")
    assert (refused.code, refused.json["kind"]) == (1, "ArchiveError")


def test_reindex_says_what_it_did(rag: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Bees make honey.", encoding="utf-8")
    rag("ingest", str(tmp_path / "a.txt"))
    assert "1 chunks now have vectors of multilingual-e5-small" in rag("reindex").out
    assert rag("reindex", "--embedder", str(tmp_path), "--json").json["kind"] == "EmbedderError"
