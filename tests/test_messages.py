"""The catalogue: both languages, the same values, nothing missing and nothing left over."""

from __future__ import annotations

import ast
import importlib.util
import string
from collections.abc import Iterator

import pytest

from ingest.errors import UserError
from ingest.messages import catalogue, message, text

from .conftest import PROJECT


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def literals() -> Iterator[str]:
    """All string literals of the packages, the fixed parts of f-strings included."""
    for package in ("ingest", "rag_app", "ui"):
        for path in (PROJECT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_both_languages_name_the_same_values(key: str) -> None:
    entry = catalogue()[key]
    assert set(entry) == {"en", "zh"}
    assert fields(entry["en"]) == fields(entry["zh"])
    assert entry["en"] != entry["zh"]


def test_every_key_is_used_and_every_used_key_exists() -> None:
    sections = {key.split(".")[0] for key in catalogue()}
    used = {one for one in literals() if one.split(".")[0] in sections and one.count(".") == 1 and " " not in one}
    used = {one for one in used if one.split(".")[1]}
    prefixes = {one for one in literals() if one.endswith((".", "_")) and one.split(".")[0] in sections}
    # "status." and "cli.column_" are completed at run time
    missing = {one for one in used if one not in catalogue() and not one.endswith("_") and "*" not in one}
    files = {one for one in missing if one.rsplit(".", 1)[1] in ("sqlite3", "holder", "json", "txt", "md")}
    modules = {one for one in missing if one.startswith("ingest.") and importlib.util.find_spec(one)}
    assert missing - files - modules == set()
    unused = {key for key in catalogue() if key not in used and not any(key.startswith(p) for p in prefixes)}
    assert unused == set()


def test_messages_nest_and_take_any_name() -> None:
    inner = message("file.empty")
    outer = message("settings.unknown", key=inner, known="a")
    assert inner.text("zh") in outer.text("zh")
    assert text("kb.exists", "en", name="合同") == "There is already a knowledge base named '合同'."


def test_errors_speak_both_languages() -> None:
    error = UserError("question.empty")
    assert str(error) == error.text("en") != error.text("zh")
