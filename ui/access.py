"""Who is there and what they may do: nobody is asked on one's own computer; a password, names, or OIDC elsewhere."""

from __future__ import annotations

import math
from typing import Literal

import streamlit as st
from streamlit.errors import StreamlitAuthError

from rag_app import Language, Role, Settings, UserError, text

from .markup import plain, small
from .shared import language, open_app
from .signing import OWNER, SIGNED_IN_SECONDS, Desk, User, role_of

Action = Literal["ask", "ingest", "manage"]

_MAY: dict[Role, tuple[Action, ...]] = {
    "reader": ("ask",),
    "editor": ("ask", "ingest"),
    "admin": ("ask", "ingest", "manage"),
}
_NEEDED: dict[Action, Role] = {"ask": "reader", "ingest": "editor", "manage": "admin"}
_COOKIE = "rag_app_session"
_STATE = "access_user"


def is_granted() -> bool:
    """Whether this session may go on; if not, the page says how to sign in."""
    if not _settings().is_guarded:
        return True
    found = _known()
    if found is None:
        _ask_to_sign_in(_settings(), language())
        return False
    _show(found, language())
    return True


def is_known() -> bool:
    """Whether the pages may be listed: nobody has to sign in, or this session has."""
    try:
        return not _settings().is_guarded or _known() is not None
    except UserError:  # the page says so itself
        return True


def user() -> User:
    """Who is there; without passwords whoever owns this computer."""
    if not _settings().is_guarded:
        return OWNER
    return _known() or User("", "reader")


def owner() -> str | None:
    """Whose conversations there are to see; None, so all, where nobody has a name."""
    return user().name or None


def may(action: Action) -> bool:
    """Whether this session may do it: "ask", "ingest" (and delete documents), "manage" (models and settings)."""
    if not _settings().is_guarded:
        return True
    found = _known()
    return found is not None and action in _MAY[found.role]


def show_denied(action: Action) -> None:
    """Say which role may do it."""
    role = text(f"ui.access_{_NEEDED[action]}", language())
    st.info(plain(text("ui.access_denied", language(), role=role, name=user().name or "–")), icon=":material/lock:")


def _settings() -> Settings:
    return open_app().settings


def _known() -> User | None:
    """Who this session is, as it signed in, as its browser's cookie says, or as the provider says."""
    settings = _settings()
    if settings.ui_oidc:
        return _from_provider(settings)
    found: User | None = st.session_state.get(_STATE)
    if found is None:
        found = _desk().user_of(st.context.cookies.get(_COOKIE, ""))
        if found is not None:
            st.session_state[_STATE] = found
    return found


def _from_provider(settings: Settings) -> User | None:
    """Only who stands in ``ui_users`` gets in: whoever has an account there can sign in."""
    if not st.user.get("is_logged_in") or st.user.get("email_verified") is False:
        return None
    name = str(st.user.get("email") or "").casefold()
    for one, entry in settings.ui_users.items():
        if name and one.casefold() == name:
            return User(one, role_of(entry.get_secret_value()))
    return None


# Signing in


@st.cache_resource(show_spinner=False)
def _desk() -> Desk:
    return Desk()


def _ask_to_sign_in(settings: Settings, language: Language) -> None:
    _, middle, _ = st.columns([1, 2, 1])
    with middle:
        if st.session_state.pop("access_left", False):
            _set_cookie("", 0)
        st.title(text("ui.access_title", language), anchor=False)
        if settings.ui_oidc:
            _to_provider(language)
            return
        with st.form("access"):
            named = bool(settings.ui_users)
            name = st.text_input(text("ui.access_name", language), key="access_name") if named else ""
            password = st.text_input(text("ui.access_password", language), type="password", key="access_password")
            if st.form_submit_button(text("ui.access_enter", language), type="primary", width="stretch") and password:
                _enter(settings, name.strip(), password, language)


def _enter(settings: Settings, name: str, password: str, language: Language) -> None:
    address = st.context.ip_address or ""
    wait = _desk().wait(name, address)
    found = _desk().check(settings, name, password, address)
    if found is None:
        key = "ui.access_wait" if wait > 0 else "ui.access_wrong"
        st.error(text(key, language, seconds=math.ceil(wait)), icon=":material/lock:")
        return
    st.session_state[_STATE] = found
    st.session_state["access_token"] = st.session_state["access_new"] = _desk().let_in(found)
    st.rerun()


def _to_provider(language: Language) -> None:
    st.markdown(text("ui.access_provider", language))
    if st.user.get("is_logged_in"):
        st.error(plain(text("ui.access_stranger", language, name=st.user.get("email") or "–")), icon=":material/lock:")
        st.button(text("ui.access_leave", language), on_click=st.logout, key="access_leave")
    elif st.button(text("ui.access_enter", language), type="primary", key="access_enter", width="stretch"):
        try:
            st.login()
        except StreamlitAuthError as error:
            cause = str(error).strip().splitlines()[0].rstrip(".")
            st.error(plain(text("ui.access_not_set_up", language, cause=cause)), icon=":material/error:")


def _show(found: User, language: Language) -> None:
    """Who is signed in, and the way out."""
    token = st.session_state.pop("access_new", None)
    with st.sidebar:
        if token:
            _set_cookie(token, int(SIGNED_IN_SECONDS))
        if found.name:
            role = text(f"ui.access_{found.role}", language)
            st.caption(small(text("ui.access_who", language, name=found.name, role=role)))
        st.button(
            text("ui.access_leave", language), icon=":material/logout:", type="tertiary", key="leave", on_click=_leave
        )


def _leave() -> None:
    """Sign out; nothing of this session is left for who comes next."""
    if _settings().ui_oidc:
        st.logout()
        return
    for token in (st.session_state.get("access_token", ""), st.context.cookies.get(_COOKIE, "")):
        _desk().let_out(token)
    for key in list(st.session_state):
        if key != "language":
            del st.session_state[key]
    st.session_state["access_left"] = True


def _set_cookie(token: str, seconds: int) -> None:
    """A reload need not ask again. The token is of our own making: it has nothing to escape."""
    st.html(
        f"<script>document.cookie = '{_COOKIE}={token}; path=/; max-age={seconds}; samesite=strict'"
        " + (location.protocol === 'https:' ? '; secure' : '')</script>",
        unsafe_allow_javascript=True,
    )
