"""The source of a claim beside the answer: the page as a picture, a sheet's rows, a section, the quote marked."""

from __future__ import annotations

import streamlit as st

from rag_app import Answer, Citation, Language, PageImage, RagError, text

from .markup import highlighted, plain, small
from .shared import open_app

_WIDTH = 1100  # pixels of a page's picture
_TABLES = (".csv", ".tsv")


def show(citation: Citation, answer: Answer, key: str, language: Language) -> None:
    """The panel.

    Args:
        key: names the answer; the page that is shown is kept under it.
    """
    with st.container(border=True, key=f"panel_{key}"):
        with st.container(horizontal=True, vertical_alignment="top", wrap=False):
            with st.container(gap=None):
                st.markdown(f"**{plain(citation.document)}**")
                st.caption(small(citation.where(language)))
            st.button(
                ":material/close:",
                key=f"close_{key}",
                type="tertiary",
                help=text("ui.source_close", language),
                on_click=close,
                args=(key,),
            )
        if not citation.quote:
            st.info(text("conversation.deleted", language), icon=":material/delete:")
            return
        if citation.suspicious:
            st.warning(text("cite.suspicious", language), icon=":material/report:")
        pictured = citation.kind == "page" and citation.path.suffix.lower() == ".pdf" and _page(citation, key, language)
        if not pictured:
            note = open_app().source_note(citation)
            if note is not None and citation.path.suffix.lower() != ".pdf":  # of a PDF, that has been said
                st.caption(small(note.text(language)))
            with st.container(key=f"passage_{key}"):
                _passage(citation, answer)
        elif citation.page == _shown_page(citation, key):
            with st.expander(text("ui.source_text", language), type="compact"):
                _passage(citation, answer)
        st.caption(small(str(citation.path)))


def choose(key: str, number: int) -> None:
    """Open the source of that number, or close it if it is open."""
    is_open = st.session_state.get(f"source_{key}") == number
    st.session_state[f"source_{key}"] = 0 if is_open else number
    st.session_state.pop(f"page_{key}", None)


def close(key: str) -> None:
    """Close the panel."""
    st.session_state.pop(f"source_{key}", None)


def close_all() -> None:
    """Close all panels."""
    for key in [key for key in st.session_state if str(key).startswith("source_")]:
        del st.session_state[key]


def chosen(key: str, answer: Answer) -> Citation | None:
    """The citation whose source is open beside an answer."""
    number = st.session_state.get(f"source_{key}", 0)
    return next((one for one in answer.citations if one.number == number), None)


def in_context(citation: Citation, answer: Answer) -> str:
    """The passage with the quote marked, as markdown."""
    if citation.number > len(answer.passages):
        return highlighted("", citation.quote, "")
    passage = answer.passages[citation.number - 1]
    start, end = citation.start - passage.start, citation.end - passage.start
    return highlighted(passage.text[:start], passage.text[start:end], passage.text[end:])


def _passage(citation: Citation, answer: Answer) -> None:
    tabular = citation.kind == "sheet" or citation.path.suffix.lower() in _TABLES
    if tabular and citation.number <= len(answer.passages):
        rows = _rows(citation, answer)
        if rows:
            st.table(rows, border="horizontal")
            return
    if citation.headings and citation.headings[-1] not in citation.where():
        st.caption(small(" › ".join(citation.headings)))
    st.markdown(in_context(citation, answer))


def _rows(citation: Citation, answer: Answer) -> dict[str, list[str]]:
    """The passage's rows by column, what is quoted marked; nothing where they are not rows of "name: value" cells."""
    passage = answer.passages[citation.number - 1]
    first, last = citation.lines or (0, 0)
    rows: list[dict[str, str]] = []
    left_out = 0
    lines = passage.text.split("\n")
    numbers = [number for _, number in passage.lines] if len(passage.lines) == len(lines) else [0] * len(lines)
    for number, line in zip(numbers, lines, strict=True):
        cells = [cell.partition(": ") for cell in line.split(" | ")]
        if not line.strip() or not all(found for _, found, _ in cells):
            left_out += bool(line.strip())
            continue
        quoted = first <= number <= last if number else False
        row = {"": plain(str(number or len(rows) + 1))}
        for name, _, value in cells:
            row[plain(name)] = f":yellow-background[{plain(value)}]" if quoted and value.strip() else plain(value)
        rows.append(row)
    if left_out > 1:  # more than the header: there are rows of another kind
        return {}
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name, "") for row in rows] for name in names}


def _page(citation: Citation, key: str, language: Language) -> bool:
    """The page as a picture, and the ways to those around it; False where there is none, which is then said."""
    number = _shown_page(citation, key)
    try:
        with st.spinner(text("ui.source_drawing", language), show_time=False):
            image = _image(citation, number, _stamp(citation))
    except RagError as failure:
        st.caption(small(failure.text(language)))
        return False
    if citation.pages > 1:
        _paging(citation, number, key, language)
    st.image(image.png, width="stretch", alt=text("ui.source_alt", language, page=number))
    if number == citation.page and not image.rectangles:
        st.caption(text("ui.source_unmarked", language))
    return True


def _paging(citation: Citation, number: int, key: str, language: Language) -> None:
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center", gap="small"):
        for step, icon, label in ((-1, "chevron_left", "before"), (1, "chevron_right", "after")):
            st.button(
                f":material/{icon}:",
                key=f"page_{label}_{key}",
                type="tertiary",
                disabled=not 1 <= number + step <= citation.pages,
                help=text(f"ui.source_{label}", language),
                on_click=_turn,
                args=(key, number + step),
            )
            if step < 0:
                st.caption(text("ui.source_page", language, page=number, pages=citation.pages), width="content")


def _turn(key: str, page: int) -> None:
    st.session_state[f"page_{key}"] = page


def _shown_page(citation: Citation, key: str) -> int:
    return int(st.session_state.get(f"page_{key}", citation.page))


def _stamp(citation: Citation) -> tuple[int, int]:
    """What a picture is drawn anew for: the file's size and time."""
    try:
        found = citation.path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


@st.cache_data(max_entries=60, show_spinner=False)
def _image(citation: Citation, page: int, stamp: tuple[int, int]) -> PageImage:
    return open_app().page_image(citation, page, _WIDTH)
