"""Who may come in and what they may do: passwords, roles, and where the web UI may listen at all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from rag_app import RagApp, Settings, hash_password, password_matches, text
from rag_app.cli.up import UiError, check_open
from rag_app.errors import SettingsError, UnknownConversation
from rag_app.passwords import is_password_hash
from ui.signing import Desk

from .pages import PATIENCE, open_page, seen
from .test_cli import Result, rag

__all__ = ["rag"]  # the fixture

Run = Callable[..., Result]

PASSWORD = "correct horse 电池"
# of PASSWORD, as the first version wrote it: stored ones must go on matching
HASH = "scrypt:15:8:3:IXLh26rkIrnQQOj4j1CGSQ:UufkXb0NI8Z9AzTLNCsBaUis5uvwGtXEvJXbQUkb7-M"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test opens its own app, and its browser brings no cookie."""
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _: {}))
    monkeypatch.setattr(ContextProxy, "ip_address", property(lambda _: "10.0.0.9"))
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def configure(tmp_path: Path, **users: str) -> None:
    """A settings file with these people, or with the one password."""
    lines = ["[ui_users]", *(f'{name} = "{role}:{HASH}"' for name, role in users.items())]
    said = "\n".join(lines) if users else f'ui_password = "{HASH}"'
    (tmp_path / "rag.toml").write_text(said, encoding="utf-8")


def enter(page: AppTest, password: str, name: str | None = None) -> AppTest:
    if name is not None:
        page.text_input(key="access_name").set_value(name)
    page.text_input(key="access_password").set_value(password)
    next(one for one in page.button if one.label == text("ui.access_enter", "en")).click().run()
    assert not page.exception
    return page


# Hashes


def test_hashes_are_salted_and_match_their_password_only() -> None:
    assert hash_password(PASSWORD) != HASH
    assert PASSWORD not in HASH
    assert password_matches(PASSWORD, HASH)
    assert not password_matches(PASSWORD + " ", HASH)
    assert not password_matches("", HASH)


@pytest.mark.parametrize(
    "stored",
    ["", PASSWORD, HASH[:-2], HASH.replace("scrypt", "md5"), HASH.replace(":15:", ":30:"), HASH.replace(":8:", ":0:")],
)
def test_what_is_no_hash_matches_nothing(stored: str) -> None:
    assert not is_password_hash(stored)
    assert not password_matches(PASSWORD, stored)


# The page


def test_nobody_is_asked_on_ones_own_computer() -> None:
    page = open_page("settings").run()
    assert not page.text_input or "access_password" not in [one.key for one in page.text_input]
    assert text("ui.page_settings", "en") in seen(page)


def test_a_password_lets_in_and_out(tmp_path: Path) -> None:
    configure(tmp_path)
    page = open_page("settings").run()
    assert [one.value for one in page.title] == [text("ui.access_title", "en")]
    assert str(tmp_path) not in seen(page)
    enter(page, "wrong")
    assert text("ui.access_wrong", "en") in seen(page)
    enter(page, PASSWORD)
    assert [one.value for one in page.title] == [text("ui.page_settings", "en")]
    page.run()
    assert [one.value for one in page.title] == [text("ui.page_settings", "en")]
    page.button(key="leave").click().run()
    assert [one.value for one in page.title] == [text("ui.access_title", "en")]


def test_the_whole_app_shows_no_page_before(tmp_path: Path) -> None:
    configure(tmp_path)
    page = AppTest.from_file(Path(__file__).parents[1] / "ui" / "app.py", default_timeout=PATIENCE).run()
    assert not page.exception
    assert not page.chat_input
    assert "access_password" in [one.key for one in page.text_input]


def test_a_reload_need_not_sign_in_again_and_signing_out_ends_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path)
    page = enter(open_page("settings").run(), PASSWORD)
    token = page.session_state["access_token"]
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _: {"rag_app_session": token}))
    reloaded = open_page("settings").run()
    assert [one.value for one in reloaded.title] == [text("ui.page_settings", "en")]
    page.button(key="leave").click().run()
    assert [one.value for one in open_page("settings").run().title] == [text("ui.access_title", "en")]


@pytest.mark.parametrize("token", ["", "x", "rag_app_session", "0" * 43])
def test_a_made_up_token_is_worth_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    configure(tmp_path)
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _: {"rag_app_session": token}))
    assert [one.value for one in open_page("settings").run().title] == [text("ui.access_title", "en")]


@pytest.mark.parametrize(("role", "manage"), [("reader", False), ("editor", False), ("admin", True)])
def test_roles(tmp_path: Path, role: str, manage: bool) -> None:
    configure(tmp_path, ann=role)
    page = enter(open_page("settings").run(), PASSWORD, "ann")
    assert f"ann · {text(f'ui.access_{role}', 'en')}" in seen(page)
    denied = text("ui.access_denied", "en", role=text("ui.access_admin", "en"), name="ann")
    assert (denied in seen(page)) is not manage
    assert ("settings_save" in [one.key for one in page.button]) is manage
    assert (str(tmp_path / "data") in [code.value for code in page.code]) is manage


def test_an_editor_may_ingest_and_a_reader_may_not(tmp_path: Path) -> None:
    configure(tmp_path, ann="editor", bob="reader")
    for name, may in (("ann", True), ("bob", False)):
        page = enter(open_page("evaluate").run(), PASSWORD, name)
        assert ("run" in [one.key for one in page.button]) is may


def test_names_that_are_not_there_and_wrong_passwords_look_the_same(tmp_path: Path) -> None:
    configure(tmp_path, ann="admin")
    for name, password in (("eve", PASSWORD), ("ann", "wrong"), ("", PASSWORD)):
        page = enter(open_page("settings").run(), password, name)
        assert [one.value for one in page.title] == [text("ui.access_title", "en")]
        assert text("ui.access_wrong", "en") in seen(page)


def test_attempts_are_slowed_down_for_who_fails_only(tmp_path: Path) -> None:
    configure(tmp_path, ann="admin", bob="reader")
    settings, desk = Settings.load(), Desk()
    for _ in range(3):
        assert desk.check(settings, "ann", "wrong", "10.0.0.9") is None
    assert desk.wait("ann", "10.0.0.9") > 0
    assert desk.check(settings, "ann", PASSWORD, "10.0.0.9") is None  # not even the right one
    assert desk.wait("ann", "10.0.0.7") == 0
    assert desk.wait("bob", "10.0.0.9") == 0
    found = desk.check(settings, "ann", PASSWORD, "10.0.0.7")
    assert found is not None
    assert found.role == "admin"


def test_conversations_are_seen_by_whose_they_are(app: RagApp) -> None:
    mine = app.conversation(owner="ann")
    mine.ask("Is there anything?")
    app.conversation().ask("Is there nothing?")
    assert [one.id for one in app.conversations(owner="ann")] == [mine.id]
    assert app.conversations(owner="bob") == []
    assert len(app.conversations()) == 2
    assert app.conversation(mine.id, owner="ann").id == mine.id
    with pytest.raises(UnknownConversation):
        app.conversation(mine.id, owner="bob")


# Settings and command


@pytest.mark.parametrize(
    "toml",
    [
        'ui_password = "in clear"',
        '[ui_users]\nann = "boss:x"',
        '[ui_users]\nann = "reader"',
        f'[ui_users]\nann = "{HASH}"',
        f'ui_password = "{HASH}"\n[ui_users]\nann = "reader:{HASH}"',
    ],
)
def test_wrong_settings_are_said_without_the_hash(tmp_path: Path, toml: str) -> None:
    (tmp_path / "rag.toml").write_text(toml, encoding="utf-8")
    with pytest.raises(SettingsError) as failure:
        Settings.load()
    assert "ui_" in failure.value.text("en")
    assert HASH not in failure.value.text("en")
    assert "in clear" not in failure.value.text("en")


def test_no_hash_is_printed_with_the_settings(tmp_path: Path) -> None:
    configure(tmp_path, ann="admin")
    assert HASH not in repr(Settings.load())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "my-computer"])
def test_others_are_let_at_it_with_a_password_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(UiError) as failure:
        check_open(Settings.load(host=host))
    assert host in failure.value.text("en")
    assert "rag-app password" in failure.value.text("zh")
    configure(tmp_path)
    check_open(Settings.load(host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_ones_own_computer_needs_none(host: str) -> None:
    check_open(Settings.load(host=host))
    with pytest.raises(UiError):  # a proxy in front of it lets others in
        check_open(Settings.load(host=host, ui_names="answers.example.com"))


def test_up_refuses_before_it_serves(rag: Run) -> None:
    done = rag("up", "--host", "0.0.0.0", "--no-browser", "--no-samples")
    assert done.code == 1
    assert "rag-app password" in done.err


def test_the_command_makes_lines_that_hold(rag: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    made = json.loads(rag("password", "-u", "安 n", "-r", "editor", "--json").out)
    (tmp_path / "rag.toml").write_text("\n".join(made["lines"]), encoding="utf-8")
    entry = Settings.load().ui_users["安 n"].get_secret_value()
    assert entry == f"editor:{made['hash']}"
    assert password_matches(PASSWORD, made["hash"])
