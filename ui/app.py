"""The web UI: its pages, and what stands around them."""

from __future__ import annotations

import streamlit as st

from rag_app import UserError, text
from ui import access, style
from ui.pages import chat, documents, evaluate, models, settings
from ui.shared import choose_language, show_error


def main() -> None:
    """Language, who is there, and the page that was chosen."""
    language = choose_language()
    st.set_page_config(page_title=text("ui.title", language), page_icon="📖", layout="wide")
    style.everywhere()
    pages = [
        st.Page(page, title=text(f"ui.page_{name}", language), icon=f":material/{icon}:", url_path=name, default=first)
        for name, page, icon, first in (
            ("chat", chat.page, "forum", True),
            ("documents", documents.page, "description", False),
            ("models", models.page, "memory", False),
            ("evaluate", evaluate.page, "insights", False),
            ("settings", settings.page, "settings", False),
        )
    ]
    chosen = st.navigation(pages, position="sidebar" if access.is_known() else "hidden")
    try:
        if access.is_granted():
            chosen.run()
    except UserError as failure:
        show_error(failure)


if __name__ == "__main__":
    main()
