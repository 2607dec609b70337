"""The page of settings: all of them in both languages, changed and applied; the doctor's findings; privacy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from rag_app import RagApp, Settings, text
from rag_app.errors import SettingsError
from rag_app.settings_view import GROUPS
from ui.shared import open_app

from .conftest import NOBODY
from .pages import finished, open_page, seen


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Every test opens its own app, and stores settings in a folder of its own."""
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / "config")
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def test_every_setting_is_in_one_group_and_described_in_both_languages() -> None:
    listed = [name for group in GROUPS.values() for name in group]
    assert sorted(listed) == sorted(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        assert text(f"setting.{name}", "en") == field.description


def test_the_page_shows_values_and_where_they_come_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "rag.toml").write_text('passages = 9\nopenai_api_key = "sk-secret"\n', encoding="utf-8")
    page = open_page("settings").run()
    assert not page.exception
    page.segmented_control(key="settings_group").set_value("searching").run()
    assert f"passages · from {tmp_path / 'rag.toml'}" in seen(page)
    assert page.number_input(key="setting_passages").value == 9
    assert "passage_tokens · default" in seen(page)
    page.segmented_control(key="settings_group").set_value("models").run()
    assert f"**{NOBODY}**" in seen(page)  # of the environment: not to be changed here
    assert "from the environment variable RAG_OLLAMA_URL" in seen(page)
    assert "sk-secret" not in seen(page)
    assert "**…**" in seen(page)


def test_a_setting_is_changed_and_applied(tmp_path: Path) -> None:
    page = open_page("settings").run()
    finished(("doctor",))
    page.segmented_control(key="settings_group").set_value("searching").run()
    page.number_input(key="setting_passages").set_value(4)
    page.button(key="settings_save").click().run()
    assert not page.exception
    file = tmp_path / "config" / "rag.toml"
    assert file.read_text(encoding="utf-8") == "passages = 4\n"
    assert f"Stored in {file}" in seen(page)
    assert "passages: 6 → 4" in seen(page)
    assert open_app().settings.passages == 6
    page.button(key="settings_apply").click().run()
    assert not page.exception
    assert open_app().settings.passages == 4
    assert "not yet in force" not in seen(page)
    assert "settings_apply" not in [button.key for button in page.button]


def test_a_value_that_can_not_be_is_refused_in_words(tmp_path: Path) -> None:
    page = open_page("settings").run()
    page.text_input(key="setting_nli_model").set_value("x")
    page.segmented_control(key="settings_group").set_value("models").run()
    page.text_input(key="setting_keep_alive").set_value("for ever")
    page.button(key="settings_save").click().run()
    assert not page.exception
    assert "keep_alive" in page.error[0].value.replace("\\", "")
    assert not (tmp_path / "config" / "rag.toml").exists()


def test_a_setting_goes_before_tables_and_keeps_what_is_there(app: RagApp, tmp_path: Path) -> None:
    file = tmp_path / "rag.toml"
    file.write_text('# mine\nui_oidc = true\n\n[ui_users]\n"ann@example.com" = "reader"\n', encoding="utf-8")
    app.change_setting("thinking", True)
    assert Settings.load().thinking
    assert "# mine" in file.read_text(encoding="utf-8")
    assert list(Settings.load().ui_users) == ["ann@example.com"]


@pytest.mark.parametrize("name", ["openai_url", "ui_password", "data_dir", "no_such_setting"])
def test_what_decides_where_text_goes_is_not_changed_from_a_page(app: RagApp, name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        app.change_setting(name, "x")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_doctors_findings_are_words_with_commands(language: str) -> None:
    page = open_page("settings", language).run()
    checks = finished(("doctor",)).result
    page.run()
    assert not page.exception
    shown = seen(page)
    spoken = "zh" if language == "zh" else "en"
    for check in checks:
        if check.name != "port":
            assert check.finding.text(spoken) in shown
    assert NOBODY in shown
    remedies = [check.remedy.text(spoken) for check in checks if check.remedy is not None and check.name != "port"]
    assert remedies  # nothing answers there
    assert all(any(code.value in remedy for code in page.code) for remedy in remedies)
    page.button(key="doctor_again").click().run()
    assert finished(("doctor",)).error is None


def test_privacy_says_where_the_data_lie_and_what_leaves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = open_page("settings").run()
    assert "Everything stays on this computer" in seen(page)
    assert str(tmp_path / "data") in [code.value for code in page.code]
    assert text("ui.privacy_openai", "en") not in seen(page)
    monkeypatch.setenv("RAG_OPENAI_URL", f"{NOBODY}/v1")
    st.cache_resource.clear()
    page = open_page("settings").run()
    assert text("ui.privacy_openai", "en") in seen(page)
