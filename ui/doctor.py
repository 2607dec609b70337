"""What is right and wrong with this machine, in words, with commands to copy."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from rag_app import Check, Language, Message, RagApp, text

from .jobs import Job, jobs
from .markup import plain
from .progress import follow
from .shared import show_error

_KEY = ("doctor",)
_ICONS = {"ok": ":green[:material/check_circle:]", "warn": ":orange[:material/warning:]"}
_ICONS["fail"] = ":red[:material/error:]"
_COMMAND = re.compile(r"(?:rag-app|pip|OLLAMA_\w+=|RAG_\w+=).*?(?=\s{4}|[。（]|\.?\Z)", re.DOTALL)
_OWN = "port"  # it is taken by this very page


def show(app: RagApp, language: Language) -> None:
    """The findings, those to mend first; they are looked for when the page is first opened."""
    job = jobs().get(_KEY) or jobs().start(_KEY, lambda _: app.doctor())
    if not job.finished:
        follow(job, lambda one: _figures(one, language), language)
        return
    if job.error is not None:
        show_error(job.error)
    elif not job.cancelled:
        _findings([check for check in job.result if check.name != _OWN], language)
    label = text("ui.doctor_again", language)
    st.button(label, icon=":material/refresh:", key="doctor_again", on_click=jobs().forget, args=(_KEY,))


def _figures(job: Job, language: Language) -> tuple[float, str]:
    return 0.5, text("ui.doctor_looking", language)


def _findings(checks: Sequence[Check], language: Language) -> None:
    wrong = [check for check in checks if check.status != "ok"]
    if not wrong:
        st.success(text("ui.doctor_good", language), icon=":material/check_circle:")
    for check in [*wrong, *(check for check in checks if check.status == "ok")]:
        with st.container(border=check.status != "ok"):
            st.markdown(f"{_ICONS[check.status]} {plain(check.finding.text(language))}")
            if check.remedy is not None:
                said, command = check.remedy.text(language), _command(check.remedy, language)
                if said != command:
                    st.markdown(plain(said))
                if command:
                    st.code(command, language=None, wrap_lines=True)


def _command(remedy: Message, language: Language) -> str:
    """What to type, if that is all there is to it."""
    named = dict(remedy.values)
    given = named.get("command", named.get("setting"))
    if given is not None:
        return given.text(language) if isinstance(given, Message) else str(given)
    found = _COMMAND.search(remedy.text(language))
    return found[0].strip() if found else ""
