"""defaults < rag.toml < RAG_* environment < arguments, and errors that name what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag_app import RagApp, Settings
from rag_app.errors import SettingsError
from rag_app.settings import language


def test_each_source_wins_over_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().passages == 6
    (tmp_path / "rag.toml").write_text("passages = 3\nmodel = 'llama3.1'\n", encoding="utf-8")
    assert (Settings.load().passages, Settings.load().model) == (3, "llama3.1")
    monkeypatch.setenv("RAG_PASSAGES", "4")
    assert (Settings.load().passages, Settings.load().model) == (4, "llama3.1")
    assert Settings.load(passages=5).passages == 5
    assert Settings.load(passages=None).passages == 4


def test_a_file_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.toml").write_text("port = 9000", encoding="utf-8")
    monkeypatch.setenv("RAG_CONFIG", str(tmp_path / "other.toml"))
    assert Settings.load().port == 9000
    monkeypatch.setenv("RAG_CONFIG", str(tmp_path / "gone.toml"))
    with pytest.raises(SettingsError, match=r"gone\.toml"):
        Settings.load()


def test_unknown_key_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "rag.toml").write_text("passagess = 3", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"passagess.*passages"):
        Settings.load()


def test_unknown_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_MODLE", "llama3")
    with pytest.raises(SettingsError, match="RAG_MODLE"):
        Settings.load()


def test_unknown_argument_is_named() -> None:
    with pytest.raises(SettingsError, match="colour"):
        Settings.load(colour="red")


def test_wrong_type_names_setting_value_and_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"passages=.*'many'"):
        Settings.load(passages="many")
    monkeypatch.setenv("RAG_PORT", "eighty")
    with pytest.raises(SettingsError, match=r"RAG_PORT.*'eighty'"):
        Settings.load()
    monkeypatch.delenv("RAG_PORT")
    (tmp_path / "rag.toml").write_text("answers = 'maybe'", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"rag\.toml: answers.*'maybe'"):
        Settings.load()


def test_broken_toml_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "rag.toml").write_text("passages = = 3", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"rag\.toml"):
        Settings.load()


@pytest.mark.parametrize("url", ["ftp://x", "http://", "not an address at all://"])
def test_bad_ollama_url(url: str) -> None:
    with pytest.raises(SettingsError, match="ollama_url"):
        Settings.load(ollama_url=url)


def test_ollama_url_without_scheme() -> None:
    assert Settings.load(ollama_url="192.0.2.7:11434/").ollama_url == "http://192.0.2.7:11434"


def test_unwritable_data_folder_names_the_folder_and_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"file/data.*RAG_DATA_DIR"):
        RagApp.open(data_dir=tmp_path / "file" / "data")


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs Linux's read-only /sys")
def test_read_only_data_folder_names_the_folder() -> None:
    with pytest.raises(SettingsError, match="/sys/kernel"):
        RagApp.open(data_dir="/sys/kernel")


@pytest.mark.parametrize(
    ("setting", "variable", "expected"),
    [("zh", "en_US.UTF-8", "zh"), ("auto", "zh_CN.UTF-8", "zh"), ("auto", "de_DE.UTF-8", "en"), ("en", "zh_TW", "en")],
)
def test_language(setting: str, variable: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", variable)
    assert language(Settings.load(language=setting)) == expected


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    default = Settings.load(data_dir="/somewhere").model
    monkeypatch.setenv("RAG_DATA_DIR", "")
    monkeypatch.setenv("RAG_MODEL", "")
    assert Settings.load().data_dir != Path.cwd()
    assert Settings.load().model == default


@pytest.mark.parametrize("url", ["http://x:99999", "http://x:port"])
def test_bad_port_of_ollama_url(url: str) -> None:
    with pytest.raises(SettingsError, match="ollama_url"):
        Settings.load(ollama_url=url)


def test_a_file_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "rag.toml").write_text("passages = 3", encoding="utf-16")
    with pytest.raises(SettingsError, match=r"rag\.toml"):
        Settings.load()
