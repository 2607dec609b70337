"""Documents into a knowledge base: drag in files or a folder, or name one on this computer and keep it in step."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import streamlit as st

from rag_app import KnowledgeBase, Language, Message, RagApp, UserError, text

from . import access, following, reading
from .markup import plain, small

_WAYS = ("files", "folder", "path")
_ICONS = {
    "files": ":material/upload_file:",
    "folder": ":material/drive_folder_upload:",
    "path": ":material/folder_open:",
}
_HIDDEN = (".", "~$", "__MACOSX", "Thumbs.db", "desktop.ini")
_MOST_SHOWN = 10
_WORDS = """<style>
[class*="st-key-upload_"] section button p, [data-testid="stFileUploaderDropzoneInstructions"] span { font-size: 0; }
[class*="st-key-upload_"] section button p::after { content: "%s"; font-size: 1rem; }
[data-testid="stFileUploaderDropzoneInstructions"] span::after { content: "%s"; font-size: .875rem; }
</style>"""  # Streamlit's own are English only


def form(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    """The ways in, and what was turned away at the door."""
    with st.expander(
        text("ui.add", language), icon=":material/note_add:", expanded=not kb.documents, key=f"add_{kb.id}"
    ):
        ways = _WAYS if access.may("manage") else _WAYS[:2]  # a path is of the computer that this runs on
        way = st.segmented_control(
            text("ui.add", language),
            ways,
            default=ways[0],
            required=True,
            format_func=lambda one: f"{_ICONS[one]} {text(f'ui.docs_way_{one}', language)}",
            key="add_way",
            label_visibility="collapsed",
        )
        if way == "path":
            _path(app, kb, language)
        else:
            _uploader(app, kb, language, "directory" if way == "folder" else True)
        _turned_away(kb, language)
        _folders(app, kb, language)
    _unread(app, kb, language)


def _uploader(app: RagApp, kb: KnowledgeBase, language: Language, many: Literal["directory", True]) -> None:
    times = st.session_state.setdefault("upload_times", 0)
    key = f"upload_{kb.id}_{many}_{times}"  # a new one each time: the files do not stay in memory
    st.file_uploader(
        text("ui.docs_upload", language),
        accept_multiple_files=many,
        max_upload_size=app.settings.upload_mb,
        key=key,
        label_visibility="collapsed",
        on_change=_take,
        args=(app, kb, key),
    )
    folder = many == "directory"
    st.html(
        _WORDS
        % (text("ui.docs_choose_folder" if folder else "ui.docs_choose", language), text("ui.docs_drop_here", language))
    )
    st.caption(text("ui.docs_upload_about", language, most=app.settings.upload_mb))


def _take(app: RagApp, kb: KnowledgeBase, key: str) -> None:
    """Keep what was dropped, and begin to read it."""
    paths: dict[Path, None] = {}
    away: list[tuple[str, Message]] = []
    files = st.session_state[key] or ()
    taken: set[str] = st.session_state.setdefault("uploads_taken", set())
    fresh = [file for file in files if file.file_id not in taken]  # a folder's files are handed over twice
    st.session_state["uploads_taken"] = {file.file_id for file in files}
    if files and not fresh:
        return
    for file in fresh:
        parts = file.name.replace("\\", "/").split("/")
        if any(part.startswith(_HIDDEN) for part in parts if part not in (".", "..")):
            continue
        try:
            paths[app.store_upload(file.name, file.getbuffer(), kb.name)] = None
        except UserError as failure:
            away.append((file.name, failure.message))
    st.session_state[f"turned_away_{kb.id}"] = away
    st.session_state["upload_times"] += 1
    if paths:
        reading.read(app, kb, list(paths))


def _turned_away(kb: KnowledgeBase, language: Language) -> None:
    away: list[tuple[str, Message]] = st.session_state.get(f"turned_away_{kb.id}", [])
    for name, why in away[:_MOST_SHOWN]:
        st.error(plain(f"{name}\n{why.text(language)}"), icon=":material/block:")
    if len(away) > _MOST_SHOWN:
        st.caption(text("ui.more_documents", language, count=len(away) - _MOST_SHOWN))


def _path(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    with st.form("add_path_form", border=False):
        named = st.text_input(text("ui.add_path", language), key="add_path", help=text("ui.add_help", language))
        in_step = st.toggle(
            text("ui.docs_in_step", language), key="add_in_step", help=text("ui.docs_step_help", language)
        )
        pressed = st.form_submit_button(text("ui.add_read", language), type="primary", icon=":material/menu_book:")
    path = named.strip().strip("\"'")
    if pressed and path:
        if in_step:
            reading.keep_in_step(app, kb, [Path(path)], then=lambda: following.renew(app, kb))
        else:
            reading.read(app, kb, [Path(path)])


def _folders(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    """Those that are kept in step."""
    folders = app.folders(kb.name)
    if not folders or not access.may("manage"):
        return
    st.markdown(f"**{text('ui.docs_folders', language)}**")
    following.switch(app, kb, language)
    for place, folder in enumerate(folders):
        with st.container(horizontal=True, vertical_alignment="center", key=f"folder_{place}"):
            st.markdown(f":material/folder: {plain(str(folder))}", width="stretch")
            st.button(
                text("ui.docs_update", language),
                icon=":material/sync:",
                key=f"update_{place}",
                on_click=reading.keep_in_step,
                args=(app, kb, [folder]),
            )
            st.button(
                text("ui.docs_leave", language),
                icon=":material/link_off:",
                type="tertiary",
                key=f"leave_{place}",
                help=text("ui.docs_leave_help", language),
                on_click=_leave,
                args=(app, kb, folder),
            )


def _leave(app: RagApp, kb: KnowledgeBase, folder: Path) -> None:
    app.leave_folder(folder, kb.name)
    following.renew(app, kb)


def _unread(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    """Copies whose reading was stopped before their turn: they are of nobody's use, and must not lie there unseen."""
    if reading.running(kb):
        return
    key = ("unread", kb.id, len(reading.finished(kb)))
    if st.session_state.get("unread_seen") != key:  # a look at the whole folder, so not each time
        st.session_state["unread_seen"], st.session_state["unread"] = key, app.unread_uploads(kb.name)
    waiting: list[Path] = st.session_state["unread"]
    if not waiting:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="unread_uploads"):
        st.markdown(plain(text("ui.docs_unread", language, count=len(waiting))), width="stretch")
        st.caption(small(", ".join(path.name for path in waiting[:_MOST_SHOWN])), width="stretch")
        st.button(text("ui.docs_read_now", language), key="unread_read", on_click=_read_rest, args=(app, kb, waiting))
        st.button(
            text("ui.docs_drop", language), key="unread_drop", type="tertiary", on_click=_drop, args=(app, kb, waiting)
        )


def _read_rest(app: RagApp, kb: KnowledgeBase, waiting: list[Path]) -> None:
    st.session_state.pop("unread_seen", None)
    reading.read(app, kb, waiting)


def _drop(app: RagApp, kb: KnowledgeBase, waiting: list[Path]) -> None:
    st.session_state.pop("unread_seen", None)
    for path in waiting:
        app.drop_upload(path, kb.name)
