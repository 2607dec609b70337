"""Settings by group: what each means, its value, where that comes from; those that are safe to change can be."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag_app import Language, RagApp, SettingView, UserError, text

from . import following
from .jobs import jobs
from .markup import plain, small
from .shared import open_app, show_error

_STORED = "settings_stored"
_FAILED = "settings_failed"


def show(app: RagApp, language: Language, *, change: bool) -> None:
    """One group at a time, as a form."""
    views = app.setting_views()
    groups = list(dict.fromkeys(one.group for one in views.values()))
    group = st.segmented_control(
        text("ui.settings_group", language),
        groups,
        default=groups[0],
        required=True,
        format_func=lambda name: text(f"ui.settings_{name}", language),
        key="settings_group",
        label_visibility="collapsed",
    )
    file = st.session_state.pop(_STORED, None)
    if file is not None:
        st.success(plain(text("ui.settings_stored", language, file=file)), icon=":material/check_circle:")
    for failure in st.session_state.pop(_FAILED, []):
        show_error(failure)
    if change:
        _pending([one for one in views.values() if one.value != one.written], language)
    shown = [one for one in views.values() if one.group == group]
    if not change:
        for one in shown:
            _row(one, language, change=False)
        return
    with st.form(f"settings_{group}", border=False):
        for one in shown:
            _row(one, language, change=True)
        open_ones = [one for one in shown if _is_open(one)]
        if open_ones:
            label = text("ui.settings_save", language)
            st.form_submit_button(label, type="primary", on_click=_save, args=(app, open_ones), key="settings_save")


def _is_open(one: SettingView) -> bool:
    """A variable of the environment would win over what is stored."""
    return one.kind != "fixed" and one.source != "environment"


def _row(one: SettingView, language: Language, *, change: bool) -> None:
    with st.container(border=True):
        words, field = st.columns([3, 2], vertical_alignment="center")
        with words:
            st.markdown(plain(text(f"setting.{one.name}", language)))
            source = text(f"ui.settings_from_{one.source}", language, where=one.where)
            st.caption(small(f"{one.name} · {source}"))
        with field:
            if change and _is_open(one):
                _field(one, language)
            else:
                st.markdown(f"**{plain(_shown(one.value, language))}**")


def _field(one: SettingView, language: Language) -> None:
    key, label = f"setting_{one.name}", one.name
    if one.kind == "switch":
        st.toggle(text("ui.settings_on", language), bool(one.written), key=key)
    elif one.kind == "choice":
        at = one.choices.index(str(one.written))
        st.selectbox(label, one.choices, at, key=key, label_visibility="collapsed")
    elif one.kind == "number":
        value = int(one.written)
        st.number_input(label, one.least, one.most, value, 1, key=key, label_visibility="collapsed")
    else:
        st.text_input(label, str(one.written), key=key, label_visibility="collapsed")


def _shown(value: str | int | bool, language: Language) -> str:
    if isinstance(value, bool):
        return text("ui.settings_yes" if value else "ui.settings_no", language)
    return f"{value:,}" if isinstance(value, int) else value or "–"


def _save(app: RagApp, shown: Sequence[SettingView]) -> None:
    """Store what was changed; what can't be so is said, and the rest is stored."""
    failures = []
    for one in shown:
        value = st.session_state.get(f"setting_{one.name}")
        if value is None or value == one.written:
            continue
        try:
            st.session_state[_STORED] = app.change_setting(one.name, value)
        except UserError as failure:
            failures.append(failure)
    st.session_state[_FAILED] = failures


def _pending(changed: Sequence[SettingView], language: Language) -> None:
    """What is stored but not yet in force, and how it comes into force."""
    if not changed:
        return
    with st.container(border=True):
        st.markdown(f":orange[:material/pending:] {text('ui.settings_pending', language)}")
        lines = (f"{one.name}: {_shown(one.value, language)} → {_shown(one.written, language)}" for one in changed)
        st.markdown("\n".join(f"- {plain(line)}" for line in lines))
        busy = any(not job.finished and not following.is_one(job) for job in jobs().of())
        label = text("ui.settings_apply", language)
        st.button(label, key="settings_apply", type="primary", disabled=busy, on_click=_apply)
        if busy:
            st.caption(text("ui.settings_busy", language))


def _apply() -> None:
    """Open the app anew; the port and who may come in stay as they were until the next start."""
    following.stop()
    before = open_app()
    open_app.clear()
    before.close()
