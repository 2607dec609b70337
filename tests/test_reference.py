"""The reference follows the code: pages, shapes of JSON, exit codes; and each method of RagApp has a command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rag_app import RagApp, Settings
from rag_app.cli.exits import Exit
from rag_app.cli.shapes import OUTPUTS
from rag_app.reference.__main__ import pages
from rag_app.reference.commands import commands
from rag_app.settings_view import GROUPS

from . import schemas
from .conftest import PROJECT, SAMPLES
from .test_cli import rag, sample_data

__all__ = ["rag", "sample_data"]  # the fixtures

REFERENCE = PROJECT / "docs" / "reference"
COMMANDS = dict(commands())

REACHED_BY = {
    "ask": "ask",
    "before_pull": "models pull",
    "change_setting": "settings set",
    "changes": "sync",
    "condense": "chat",
    "conversation": "chat",
    "conversations": "conversations list",
    "create_knowledge_base": "kb create",
    "delete_knowledge_base": "kb delete",
    "doctor": "doctor",
    "document_ids": "mcp",
    "documents": "docs list",
    "embed": "serve",
    "embedder_info": "serve",
    "enrich": "enrich",
    "evaluate": "eval answers",
    "evaluate_retrieval": "eval retrieval",
    "export_knowledge_base": "kb export",
    "file_counts": "docs files",
    "folders": "sync",
    "forget_notes": "enrich",
    "import_knowledge_base": "kb import",
    "import_llamaindex": "kb import-llamaindex",
    "ingest": "ingest",
    "knowledge_bases": "kb list",
    "leave_folder": "sync",
    "list_files": "docs files",
    "locate": "ask",
    "models": "models list",
    "page_image": "ask",
    "plan": "ingest",
    "preload": "chat",
    "prepare": "prepare",
    "pull_model": "models pull",
    "read_pages": "docs show",
    "readable_types": "docs types",
    "recommend": "models recommend",
    "reindex": "reindex",
    "remove": "docs remove",
    "remove_model": "models remove",
    "rename_knowledge_base": "kb rename",
    "reply": "serve",
    "retrieve": "retrieve",
    "sees_images": "models list",
    "setting_views": "settings list",
    "source_note": "ask",
    "stream": "ask",
    "suggested_questions": "suggest",
    "sync": "sync",
    "tag": "docs tag",
    "use_model": "models use",
    "watch": "sync",
}
NOT_FOR_A_SHELL = {
    "open": "every command opens",
    "close": "and closes",
    "store_upload": "files come from a browser; a shell has their paths",
    "unread_uploads": "likewise",
    "drop_upload": "likewise",
}
NO_OBJECT = {"up": "a server, until Ctrl-C", "serve": "likewise", "mcp": "speaks the protocol"}


def test_every_method_has_a_command() -> None:
    public = {name for name in dir(RagApp) if not name.startswith(("_", "as_"))}  # as_…: for LlamaIndex
    assert public - set(REACHED_BY) - set(NOT_FOR_A_SHELL) == set(), "give it a command, and a line in this table"
    assert set(REACHED_BY) - public == set()
    assert {name for name in REACHED_BY.values() if name not in COMMANDS} == set()


def test_every_command_has_json_of_a_documented_shape() -> None:
    with_json = {name for name, one in COMMANDS.items() if any("--json" in param.opts for param in one.params)}
    assert set(COMMANDS) - with_json == set(NO_OBJECT)
    assert with_json == set(OUTPUTS)


@pytest.mark.parametrize(("name", "content"), pages(), ids=lambda value: value if len(str(value)) < 40 else "")
def test_the_pages_are_up_to_date(name: str, content: str) -> None:
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == content, "python -m rag_app.reference docs/reference"


@pytest.mark.parametrize("suffix", ["", ".zh-CN"])
def test_every_setting_and_command_is_in_the_reference(suffix: str) -> None:
    settings = (REFERENCE / f"settings{suffix}.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"| `{name}` |" not in settings] == []
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(Settings.model_fields)
    cli = (REFERENCE / f"cli{suffix}.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"\n## rag-app {name}\n" not in cli] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_help_ends_with_the_exit_codes(rag: Any, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setenv("RAG_LANGUAGE", language)
    monkeypatch.setenv("COLUMNS", "400")
    out = rag("--help").out
    assert ("Exit codes:" if language == "en" else "退出码") in out
    for code in Exit:
        assert f"{int(code)} " in out


def test_real_outputs_are_as_documented(rag: Any, sample_data: None, tmp_path: Path) -> None:
    """Those that read; the fixture ``documented_json`` checks each, here and in all other tests."""
    pdf = str(SAMPLES / "llama3-on-your-pc.pdf")
    question = "Where is the Ollama server log on Windows?"
    for arguments in (
        ["ask", question, "--show-prompt", "--pages", str(tmp_path / "pages")],
        ["retrieve", question, "--explain"],
        ["suggest"],
        ["ingest", pdf, "--dry-run"],
        ["sync", "--list"],
        ["kb", "list"],
        ["docs", "list"],
        ["docs", "files", "--state", "read", "--type", "pdf"],
        ["docs", "show", pdf, "--limit", "1"],
        ["docs", "types"],
        ["conversations", "list"],
        ["models", "recommend"],
        ["prepare"],
        ["settings", "list"],
        ["settings", "get", "ocr"],
    ):
        result = rag(*arguments, "--json")
        assert result.code == 0, arguments
        schemas.check(" ".join(arguments[:2]) if " ".join(arguments[:2]) in COMMANDS else arguments[0], result.json)


def test_what_changes_something_prints_as_documented(rag: Any, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    file = tmp_path / "folder" / "bees.txt"
    file.write_text("Bees make honey.", encoding="utf-8")
    archive = str(tmp_path / "b.ragkb")
    for arguments in (
        ["kb", "create", "b"],
        ["sync", str(file.parent), "--kb", "b"],
        ["docs", "tag", str(file), "--add", "insects", "--kb", "b"],
        ["enrich", "--forget", "--kb", "b"],
        ["reindex", "--kb", "b"],
        ["kb", "export", "b", archive],
        ["kb", "import", archive, "--name", "c"],
        ["kb", "rename", "c", "d"],
        ["kb", "delete", "d", "--yes"],
        ["sync", "--forget", str(file.parent), "--kb", "b"],
        ["docs", "remove", str(file), "--kb", "b"],
    ):
        assert rag(*arguments, "--json").code == 0, arguments


def test_an_undocumented_key_is_noticed() -> None:
    with pytest.raises(AssertionError, match="colour"):
        schemas.check("docs types", {"types": [".pdf"], "colour": "red"})
    with pytest.raises(AssertionError, match="types"):
        schemas.check("docs types", {})
    assert json.loads((REFERENCE / "output.schema.json").read_text(encoding="utf-8"))["$defs"]["AnswerJson"]
