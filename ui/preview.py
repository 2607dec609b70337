"""What was read of a file: page by page, its chunks set apart, beside the page as a picture where there is one."""

from __future__ import annotations

import streamlit as st

from rag_app import Citation, Language, ListedFile, RagApp, ReadPage, UserError, text

from .markup import plain, small

_CHUNKS_AT_ONCE = 12
_KINDS = {"slide": "ui.docs_slide", "sheet": "ui.docs_sheet"}


def open_dialog(app: RagApp, file: ListedFile, language: Language) -> None:
    """The preview of a file, over the page."""
    st.dialog(plain(file.path.name), width="large")(_preview)(app, file, language)


def _preview(app: RagApp, file: ListedFile, language: Language) -> None:
    st.caption(text("ui.docs_uploaded", language) if file.uploaded else small(str(file.path)))
    if file.reason is not None:
        st.error(plain(file.reason.text(language)), icon=":material/error:")
        if file.document is not None:
            st.caption(text("ui.docs_kept", language))
    for warning in file.warnings[:5]:
        st.warning(plain(warning.text(language)), icon=":material/warning:")
    if len(file.warnings) > 5:
        st.caption(text("ui.docs_more_warnings", language, count=len(file.warnings) - 5))
    if file.document is None:
        return
    total = app.read_pages(file.document, limit=0).total
    number = 1
    if total > 1:
        with st.container(horizontal=True, vertical_alignment="center"):
            number = st.pagination(total, key=f"preview_page_{file.document}")
            if total > 10:
                st.number_input(
                    text("ui.docs_go_to", language),
                    min_value=1,
                    max_value=total,
                    value=None,
                    placeholder=text("ui.docs_go_to", language),
                    key=f"preview_go_{file.document}",
                    label_visibility="collapsed",
                    width=120,
                    on_change=_go,
                    args=(file.document,),
                )
    found = app.read_pages(file.document, offset=number - 1, limit=1)
    if not found.pages:
        st.info(text("ui.docs_gone", language), icon=":material/info:")
        return
    _page(app, file, found.pages[0], total, language)


def _go(document: int) -> None:
    wanted = st.session_state.get(f"preview_go_{document}")
    if wanted:
        st.session_state[f"preview_page_{document}"] = wanted


def _page(app: RagApp, file: ListedFile, page: ReadPage, total: int, language: Language) -> None:
    heading = text(_KINDS.get(page.kind, "ui.docs_page"), language, number=page.number)
    if page.kind != "text":
        marks = [plain(page.label)] if page.label else []
        marks += [f":orange-badge[{text('ui.docs_by_ocr', language)}]"] if page.ocr else []
        marks += [f":orange-badge[{text('ui.docs_by_model', language)}]"] if page.described else []
        st.markdown(f"**{plain(heading)}** {' '.join(marks)}")
    if file.path.suffix.lower() == ".pdf" and not page.described:
        as_read, picture = st.tabs([text("ui.docs_as_read", language), text("ui.docs_as_picture", language)])
        with picture:
            if st.toggle(text("ui.docs_draw", language), key=f"draw_{file.document}"):
                _picture(app, file, page, total, language)
        with as_read:
            _chunks(page, language, file.document or 0)
    else:
        _chunks(page, language, file.document or 0)


def _picture(app: RagApp, file: ListedFile, page: ReadPage, total: int, language: Language) -> None:
    place = Citation(0, file.path.name, file.path, page.number, page.label, max(total, page.number), (), "", 0, 0)
    try:
        st.image(app.page_image(place).png, width="stretch")
    except UserError as failure:
        st.info(plain(failure.text(language)), icon=":material/info:")


def _chunks(page: ReadPage, language: Language, document: int) -> None:
    if not page.text.strip():
        st.caption(text("ui.docs_no_text", language))
        return
    starts = [start for start, _ in page.chunks] or [0]
    ends = [*starts[1:], len(page.text)]  # chunks overlap a little: what two have is shown once
    first = 0
    parts = -(-len(starts) // _CHUNKS_AT_ONCE)
    if parts > 1:
        part = st.pagination(parts, key=f"preview_part_{document}_{page.number}", max_visible_pages=5)
        first = (part - 1) * _CHUNKS_AT_ONCE
    for place in range(first, min(first + _CHUNKS_AT_ONCE, len(starts))):
        with st.container(gap=None, key=f"chunk_{'odd' if place % 2 else 'even'}_{place}"):
            st.caption(small(text("ui.docs_chunk", language, number=place + 1)))
            st.markdown(plain(page.text[starts[place] : ends[place]].strip("\n")))
