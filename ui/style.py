"""Looks of all pages and of the chat, and the numbers in an answer that open its sources; nothing of a document."""

from __future__ import annotations

import streamlit as st

_HOUSE = """<style>
.stMainBlockContainer { padding-top: 3.5rem; }
[data-testid="stBaseButton-primary"]:enabled, [data-testid="stBaseButton-primaryFormSubmit"]:enabled {
  color: light-dark(#fff, #06201c); }
[data-testid^="stBaseButton-primary"] .stMarkdownColoredText, [data-testid="stAlert"] .stMarkdownColoredText {
  color: inherit !important; }
</style>"""  # the dark theme's accent is too light for white words; ui.markup's seams must not be seen
_LOOKS = """<style>
.stMainBlockContainer, [data-testid="stBottomBlockContainer"] { max-width: 84rem; }
[data-testid="stChatMessage"], [class*="st-key-panel_"] { scroll-margin-top: 4rem; }
.st-key-chats button { justify-content: flex-start; text-align: left; min-height: 2.1rem; padding: 0 .5rem; }
.st-key-chats button > div { justify-content: flex-start; }
[class*="st-key-chat_row_"] { border-radius: .5rem; }
[class*="st-key-chat_row_"]:hover, [class*="st-key-chat_row_on_"] {
  background: color-mix(in srgb, currentColor 8%, transparent); }
[class*="st-key-answer_"] .stMarkdownBadge { cursor: pointer; }
[class*="st-key-sources_"] button { min-height: 2rem; padding: .1rem .6rem; font-size: .85rem; max-width: 100%; }
[class*="st-key-actions_"] button, [class*="st-key-question_"] button { min-height: 1.9rem; padding: 0 .3rem; }
[class*="st-key-panel_"] img { border: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
[class*="st-key-passage_"] { max-height: 65vh; overflow-y: auto; flex-wrap: nowrap; }
[class*="st-key-passage_"] > * { flex-shrink: 0; }
[class*="st-key-copied_"] [data-testid="stCodeCopyButton"] { opacity: 1; transform: none; }
.st-key-suggested button { justify-content: flex-start; text-align: left; }
.st-key-suggested button > div { justify-content: flex-start; }
</style>"""
_CHIPS = """<script>
if (!window.ragChips) {
  window.ragChips = true;
  const named = (element, start) => [...element.classList].find((name) => name.startsWith(start)) || "";
  const top = (element) => element.getBoundingClientRect().top;
  const look = (answer) => {  // the panel is below the answer on a phone, and the quote may be far down in a passage
    const panel = document.querySelector(".st-key-panel_" + named(answer, "st-key-answer_").slice(14));
    if (!panel) return;
    const passage = panel.querySelector("[class*=st-key-passage_]");
    const quote = passage && passage.querySelector(".stMarkdownColoredBackground");
    if (quote) passage.scrollTop += top(quote) - top(passage) - 48;
    if (top(panel) > window.innerHeight * 0.7) panel.scrollIntoView({ behavior: "smooth", block: "start" });
  };
  document.addEventListener("click", (event) => {
    const answer = event.target.closest("[class*=st-key-answer_]");
    if (!answer) return;
    if (event.target.closest("[class*=st-key-cite_]"))
      return [200, 600, 1500].forEach((wait) => setTimeout(look, wait, answer));
    const badge = event.target.closest(".stMarkdownBadge");
    if (!badge || !/^\\d+$/.test(badge.textContent.trim())) return;
    for (const source of answer.querySelectorAll("[class*=st-key-cite_]"))
      if (named(source, "st-key-cite_").endsWith("_" + badge.textContent.trim()))
        source.querySelector("button").click();
  });
}
</script>"""
_SCROLL = """<script>
(function look(tries) {  // %d
  const all = document.querySelectorAll("[class*=st-key-question_]");
  const last = all.length && all[all.length - 1].closest("[data-testid=stChatMessage]");
  if (last && last.querySelector(".st-key-question_%d")) last.scrollIntoView({ block: "start" });
  else if (tries > 0) setTimeout(look, 50, tries - 1);
})(60);
</script>"""


def everywhere() -> None:
    """What all pages share."""
    st.html(_HOUSE)


def apply() -> None:
    """Once a page."""
    st.html(_LOOKS)
    st.html(_CHIPS, unsafe_allow_javascript=True)


def scroll_to(question: int) -> None:
    """Bring the last question into view, once: a script is run when it is another one than before.

    Args:
        question: id of its message.
    """
    st.html(_SCROLL % (question, question), unsafe_allow_javascript=True)
