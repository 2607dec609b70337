"""The documents: put in, looked through, read as the app reads them, taken out with proof."""

from __future__ import annotations

import streamlit as st

from rag_app import text

from .. import access, bases, file_list, reading_progress, uploading
from ..shared import choose_knowledge_base, open_app
from ..shared import language as spoken

_LOOKS = """<style>
[class*="st-key-file_row_"] { padding: .35rem .25rem; border-bottom: 1px solid rgba(128, 128, 128, .22);
  flex-wrap: nowrap; }
[class*="st-key-file_row_"]:hover { background: rgba(128, 128, 128, .07); }
[class*="st-key-file_text_"] { min-width: 0; flex: 1 1 0; }
[class*="st-key-file_text_"] button { min-height: 1.6rem; padding: 0; text-align: start; }
[class*="st-key-file_text_"] button p { overflow-wrap: anywhere; font-weight: 600; }
[class*="st-key-menu_tick_"] button svg, [class*="st-key-menu_tick_"] button > div > :last-child:not(:first-child) {
  display: none; }
[class*="st-key-menu_tick_"] button p { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); }
[class*="st-key-chunk_"] { padding: .5rem .75rem; border-radius: .4rem; overflow-wrap: anywhere; }
[class*="st-key-chunk_even"] { background: rgba(15, 118, 110, .07); }
[class*="st-key-chunk_odd"] { background: rgba(128, 128, 128, .08); }
[class*="st-key-upload_"] [data-testid="stFileUploaderDropzone"] { border-style: dashed; }
[data-testid="stDialog"] [data-testid="stImage"] img { border: 1px solid rgba(128, 128, 128, .3); }
[class*="st-key-docs_filters"] [data-testid="stTextInput"] { min-width: 10rem; }
</style>"""


def page() -> None:
    """The page."""
    app, language = open_app(), spoken()
    bases.take_chosen()
    kb = choose_knowledge_base(app)
    may_change = access.may("ingest")
    st.html(_LOOKS)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(text("ui.page_documents", language), anchor=False, width="stretch")
        if may_change:
            bases.menu(app, kb, language)
    reading_progress.show(app, kb, language, may_read=may_change)
    if may_change:
        uploading.form(app, kb, language)
    file_list.show(app, kb, language, may_change=may_change)
