"""The files of a knowledge base: searched, filtered, a page of them at a time; each with what can be done with it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, get_args

import streamlit as st

from rag_app import FileCounts, FileOrder, KnowledgeBase, Language, ListedFile, RagApp, text

from . import file_dialogs, preview
from .markup import plain, small

_ON_A_PAGE = 20
_BADGES = {"read": "green", "partial": "orange", "refused": "red"}
_FILTERS = ("docs_states", "docs_formats", "docs_tags")
_ACTIONS = {"preview": ":material/visibility:", "tags": ":material/label:", "remove": ":material/delete:"}


def show(app: RagApp, kb: KnowledgeBase, language: Language, *, may_change: bool) -> None:
    """All of it."""
    counts = app.file_counts(kb.name)
    if not sum(counts.states.values()):
        st.info(text("ui.docs_empty", language), icon=":material/info:")
        return
    chosen = _filters(counts, language)
    number = max(1, int(st.session_state.get("docs_page") or 1))
    found = app.list_files(kb.name, **chosen, offset=(number - 1) * _ON_A_PAGE, limit=_ON_A_PAGE)
    pages = max(1, -(-found.total // _ON_A_PAGE))
    if number > pages:
        number = st.session_state["docs_page"] = pages
        found = app.list_files(kb.name, **chosen, offset=(number - 1) * _ON_A_PAGE, limit=_ON_A_PAGE)
    picked = _bar(found.total, found.files, language, may_change=may_change)
    with st.container(gap=None, key="file_rows"):
        wanted = [one for place, file in enumerate(found.files) if (one := _row(place, file, language, may_change))]
    if not found.total:
        st.info(text("ui.docs_none_match", language), icon=":material/search_off:")
    if pages > 1:
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.pagination(pages, key="docs_page")
    if picked is not None:
        _open(app, kb, picked, [file for file in found.files if st.session_state.get(_key(file))], language)
    elif wanted:
        _open(app, kb, *wanted[0], language)


def _filters(counts: FileCounts, language: Language) -> dict[str, Any]:
    active = sum(bool(st.session_state.get(key)) for key in _FILTERS)
    with st.container(horizontal=True, vertical_alignment="bottom", key="docs_filters"):
        search = st.text_input(
            text("ui.docs_search", language),
            key="docs_search",
            type="search",
            placeholder=text("ui.docs_search", language),
            label_visibility="collapsed",
            icon=":material/search:",
            on_change=_to_first_page,
        )
        label = text("ui.docs_filter", language) + (f" :primary-badge[{active}]" if active else "")
        with st.popover(label, icon=":material/tune:"):
            states = _pills(
                "docs_states",
                text("ui.docs_states", language),
                counts.states,
                lambda one: text(f"status.{one}", language),
            )
            formats = _pills("docs_formats", text("ui.docs_formats", language), counts.formats, str.upper)
            tags = _pills("docs_tags", text("ui.docs_tags", language), counts.tags, str)
            order = st.segmented_control(
                text("ui.docs_order", language),
                get_args(FileOrder),
                default="name",
                required=True,
                format_func=lambda one: text(f"ui.docs_order_{one}", language),
                key="docs_order",
                on_change=_to_first_page,
            )
    return {"search": search or "", "states": states, "formats": formats, "tags": tags, "order": order}


def _pills(key: str, label: str, counts: dict[Any, int], name: Any) -> list[Any]:
    if not counts:
        st.session_state.pop(key, None)
        return []
    if not set(st.session_state.get(key) or ()) <= set(counts):
        st.session_state[key] = [one for one in st.session_state[key] if one in counts]
    return st.pills(
        label,
        list(counts),
        selection_mode="multi",
        format_func=lambda one: plain(f"{name(one)} · {counts[one]}"),
        key=key,
        on_change=_to_first_page,
    )


def _bar(total: int, files: Sequence[ListedFile], language: Language, *, may_change: bool) -> str | None:
    """How many there are, and what can be done with those that are ticked."""
    ticked = sum(bool(st.session_state.get(_key(file))) for file in files)
    with st.container(horizontal=True, vertical_alignment="center", key="docs_bar"):
        if may_change and files:
            st.checkbox(
                text("ui.docs_all", language),
                value=ticked == len(files),
                key=f"docs_all_{ticked == len(files)}_{len(files)}",
                on_change=_tick_all,
                args=([_key(file) for file in files], ticked < len(files)),
                label_visibility="collapsed",
            )
        said = text("ui.docs_total", language, count=total)
        st.caption(small(said if not ticked else text("ui.docs_ticked", language, count=ticked)), width="stretch")
        if not ticked or not may_change:
            return None
        tags = st.button(text("ui.docs_do_tags", language), icon=_ACTIONS["tags"], key="docs_tag_ticked")
        remove = st.button(text("ui.docs_do_remove", language), icon=_ACTIONS["remove"], key="docs_remove_ticked")
    return "tags" if tags else "remove" if remove else None


def _row(place: int, file: ListedFile, language: Language, may_change: bool) -> tuple[str, list[ListedFile]] | None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"file_row_{place}"):
        if may_change:
            label = text("ui.docs_tick", language, name=file.path.name)
            st.checkbox(plain(label), key=_key(file), label_visibility="collapsed")
        with st.container(gap=None, key=f"file_text_{place}"):
            opened = st.button(plain(file.path.name), key=f"open_{_key(file)}", type="tertiary")
            st.markdown(_details(file, language))
            if file.reason is not None:
                st.caption(small(file.reason.text(language)))
        actions = list(_ACTIONS) if may_change else ["preview"]
        action = st.menu_button(
            text("ui.docs_more", language),
            actions,
            format_func=lambda one: f"{_ACTIONS[one]} {text(f'ui.docs_do_{one}', language)}",
            icon=":material/more_horiz:",
            type="tertiary",
            key=f"menu_{_key(file)}",
        )
    if opened:
        return "preview", [file]
    return (action, [file]) if action else None


def _details(file: ListedFile, language: Language) -> str:
    parts = [f":{_BADGES[file.state]}-badge[{plain(text(f'status.{file.state}', language))}]"]
    parts += [f":primary-badge[{plain(tag)}]" for tag in file.tags]
    words = [file.format.upper()] if file.format else []
    if file.pages:
        words.append(text("ui.docs_pages", language, count=file.pages))
    if file.recognized:
        words.append(text("ui.docs_ocr", language, count=file.recognized))
    if file.described:
        words.append(text("ui.docs_described", language, count=file.described))
    if file.chunks:
        words.append(text("ui.docs_chunks", language, count=file.chunks))
    if file.warnings:
        words.append(text("ui.docs_warnings", language, count=len(file.warnings)))
    words.append(size(file.size))
    return f"{' '.join(parts)} :small[{plain(' · '.join(words))}]"


def size(count: int) -> str:
    """Bytes as a person reads them."""
    if count < 1000:
        return f"{count}\xa0B"
    return f"{count / 1000:,.0f}\xa0KB" if count < 1_000_000 else f"{count / 1_000_000:,.1f}\xa0MB"


def _open(app: RagApp, kb: KnowledgeBase, action: str, files: Sequence[ListedFile], language: Language) -> None:
    if action == "preview":
        preview.open_dialog(app, files[0], language)
    elif action == "tags":
        file_dialogs.open_tags(app, kb, files, language)
    else:
        file_dialogs.open_remove(app, kb, files, language)


def _key(file: ListedFile) -> str:
    return "tick_" + hashlib.blake2b(str(file.path).encode(errors="surrogatepass"), digest_size=8).hexdigest()


def _tick_all(keys: Sequence[str], on: bool) -> None:
    for key in keys:
        st.session_state[key] = on


def _to_first_page() -> None:
    st.session_state["docs_page"] = 1
