"""How good the answers are: questions of one's own, runs, their scores over time."""

from __future__ import annotations

import streamlit as st

from rag_app import Keeping, text

from .. import access, questions, runs
from ..shared import choose_knowledge_base, open_app
from ..shared import language as spoken


def page() -> None:
    """The page."""
    app, language = open_app(), spoken()
    kb = choose_knowledge_base(app)
    kept = Keeping(app, kb.name)
    change = access.may("ingest")
    st.title(text("ui.page_evaluate", language), anchor=False)
    st.markdown(text("ui.eval_about", language))
    ready = sum(one.state == "accepted" for one in kept.questions())
    if change:
        runs.begin(kb, kept, language, ready=ready)
    made = kept.runs()
    names = [text(f"ui.eval_tab_{name}", language) for name in ("scores", "questions", "compare")]
    scores, asked, compared = st.tabs(names, default=names[0] if made else names[1])
    with scores:
        if made:
            runs.overview(made, language)
            runs.one_run(kept, made, language, change=change)
        else:
            st.info(text("ui.eval_no_runs", language), icon=":material/info:")
    with asked:
        questions.show(app, kb, kept, language, change=change)
    with compared:
        if len(made) > 1:
            runs.two_runs(kept, made, language)
        else:
            st.info(text("ui.eval_two_needed", language), icon=":material/info:")
