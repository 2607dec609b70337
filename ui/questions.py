"""Questions of one's own: written, imported, or drafted by the model and looked at one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from rag_app import AnswerQuestion, Keeping, KnowledgeBase, Language, RagApp, UserError, text

from .jobs import Job, jobs
from .markup import plain, small
from .progress import follow
from .shared import show_error

_FAILED = "questions_failed"
_MOST_PASSAGE = 900  # characters
_MOST_SHOWN = 200


def show(app: RagApp, kb: KnowledgeBase, kept: Keeping, language: Language, *, change: bool) -> None:
    """Drafts first, then those that will be asked, then how to get more."""
    failure = st.session_state.pop(_FAILED, None)
    if failure is not None:
        show_error(failure)
    questions = kept.questions()
    drafts = [one for one in questions if one.state == "draft"]
    if change:
        if drafts:
            _review(kept, drafts, language)
        _more(app, kb, kept, language)
    accepted = [one for one in questions if one.state == "accepted"]
    st.subheader(text("ui.eval_asked", language, count=len(accepted)), anchor=False)
    if not accepted:
        st.caption(text("ui.eval_none", language))
    for one in accepted[:_MOST_SHOWN]:
        _row(kept, one, language, change=change)
    if len(accepted) > _MOST_SHOWN:
        st.caption(text("ui.more_documents", language, count=len(accepted) - _MOST_SHOWN))


def answers_of(question: AnswerQuestion, language: Language) -> str:
    """The right answers, or that the documents do not say."""
    return " | ".join(question.answers) or text("report.unanswerable", language)


def place_of(question: AnswerQuestion, language: Language) -> str:
    """What should be cited."""
    places = [place for group in question.evidence for place in group[:1]]
    named = (
        document if page is None else f"{document}, {text('cite.page', language, page=page)}"
        for document, page in places
    )
    return "; ".join(named)


def _row(kept: Keeping, one: AnswerQuestion, language: Language, *, change: bool) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container():
            st.markdown(plain(one.question))
            place = place_of(one, language)
            st.caption(small(answers_of(one, language) + (f" · {place}" if place else "")))
        if change:
            with st.popover(text("ui.eval_change", language)):
                _edit(kept, one, language)


def _edit(kept: Keeping, one: AnswerQuestion, language: Language) -> None:
    _fields(one, language)
    arguments = (kept, one.id)
    with st.container(horizontal=True):
        st.button(text("ui.eval_save", language), key=f"save_{one.id}", on_click=_saved, args=arguments, type="primary")
        st.button(text("ui.eval_delete", language), key=f"delete_{one.id}", on_click=_removed, args=arguments)


def _fields(one: AnswerQuestion, language: Language) -> None:
    st.text_area(text("ui.eval_question", language), one.question, key=f"question_{one.id}")
    st.text_input(text("ui.eval_answers", language), " | ".join(one.answers), key=f"answers_{one.id}")


def _typed(name: str) -> tuple[str, list[str]]:
    """What stands in the fields now; a callback's arguments are those of the page as it was drawn before."""
    return str(st.session_state[f"question_{name}"]), str(st.session_state[f"answers_{name}"]).split("|")


def _review(kept: Keeping, drafts: Sequence[AnswerQuestion], language: Language) -> None:
    """The first draft that nobody has decided on."""
    one = drafts[0]
    st.subheader(text("ui.eval_review", language, count=len(drafts)), anchor=False)
    with st.container(border=True, key="draft"):
        _fields(one, language)
        arguments = (kept, one.id)
        with st.container(horizontal=True):
            label = text("ui.eval_accept", language)
            icon = ":material/check:"
            st.button(label, key=f"accept_{one.id}", type="primary", icon=icon, on_click=_accepted, args=arguments)
            label = text("ui.eval_reject", language)
            icon = ":material/close:"
            st.button(label, key=f"reject_{one.id}", icon=icon, on_click=_rejected, args=arguments)
        st.caption(small(place_of(one, language)))
        cut = one.passage[:_MOST_PASSAGE] + ("…" if len(one.passage) > _MOST_PASSAGE else "")
        with st.expander(text("ui.eval_passage", language), expanded=True):
            st.markdown(plain(cut))


def _more(app: RagApp, kb: KnowledgeBase, kept: Keeping, language: Language) -> None:
    write, bring, draft = st.tabs(
        [text("ui.eval_write", language), text("ui.eval_import", language), text("ui.eval_draft", language)]
    )
    with write, st.form("write", clear_on_submit=True, border=False):
        question = st.text_input(text("ui.eval_question", language), key="new_question")
        hint = text("ui.eval_answers_help", language)
        answers = st.text_input(text("ui.eval_answers", language), key="new_answers", help=hint)
        names = [document.path.name for document in app.documents(kb.name)]
        left, right = st.columns([3, 1])
        document = left.selectbox(
            text("ui.eval_document", language), list(dict.fromkeys(names)), index=None, placeholder="–", key="new_doc"
        )
        page = right.number_input(text("ui.eval_page", language), 1, value=None, step=1, key="new_page")
        if st.form_submit_button(text("ui.eval_add", language), type="primary"):
            _try(lambda: kept.add(question, answers.split("|"), document or "", page if document else None))
            st.rerun()
    with bring, st.form("import", clear_on_submit=True, border=False):
        st.markdown(text("ui.eval_import_about", language))
        file = st.file_uploader(text("ui.eval_file", language), ["csv", "tsv", "jsonl"], key="questions_file")
        if st.form_submit_button(text("ui.eval_take", language)) and file is not None:
            name, data = file.name, file.getvalue()
            _try(lambda: kept.take_in(name, data))
            st.rerun()
    with draft:
        _draft(kb, kept, language)


def _draft(kb: KnowledgeBase, kept: Keeping, language: Language) -> None:
    st.markdown(text("ui.eval_draft_about", language))
    key = ("draft", kb.id)
    job = jobs().get(key)
    if job is not None and not job.finished:
        follow(job, lambda one: _figures(one, language), language)
        return
    if job is not None and job.error is not None:
        show_error(job.error)
    elif job is not None and job.step is not None:
        st.success(text("ui.eval_drafted", language, good=job.step[0], tried=job.step[2]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(text("ui.eval_count", language), 1, 200, 5, key="draft_count", width=160)
        st.button(
            text("ui.eval_begin", language),
            key="draft_begin",
            type="primary",
            disabled=not kb.chunks,
            on_click=_start,
            args=(kb, kept),
        )


def _start(kb: KnowledgeBase, kept: Keeping) -> None:
    count = int(st.session_state["draft_count"])

    def work(job: Job) -> None:
        good = tried = 0
        job.is_at((good, count, tried))
        for one in kept.draft(count):
            tried += 1
            good += one.question is not None
            job.is_at((good, count, tried))

    jobs().start(("draft", kb.id), work)


def _figures(job: Job, language: Language) -> tuple[float, str]:
    good, count, tried = job.step or (0, 1, 0)
    return good / count, text("ui.eval_drafting", language, good=good, count=count, tried=tried)


def _try(change: Callable[[], object]) -> None:
    """Do it; what goes wrong is said on the page that is drawn next."""
    try:
        change()
    except UserError as failure:
        st.session_state[_FAILED] = failure


def _saved(kept: Keeping, name: str) -> None:
    _try(lambda: kept.edit(name, *_typed(name)))


def _removed(kept: Keeping, name: str) -> None:
    _try(lambda: kept.remove(name))


def _accepted(kept: Keeping, name: str) -> None:
    def change() -> None:
        kept.edit(name, *_typed(name))
        kept.decide(name, accept=True)

    _try(change)


def _rejected(kept: Keeping, name: str) -> None:
    _try(lambda: kept.decide(name, accept=False))
