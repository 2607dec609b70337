"""What is put into an answer's text, how it is taken out again, and what a client must not load by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.messages import Language, message, text
from rag_app import Answer, Citation, Turn
from rag_app.chat.replying import answered, is_refusal
from rag_app.server.appended import mark, note, references, separated
from rag_app.server.failures import spoken
from rag_app.server.harmless import Harmless


def answer(*names: str, language: Language = "en") -> Answer:
    citations = tuple(
        Citation(number, name, Path("/x") / name, number, None, 9, (), "quote", 0, 5)
        for number, name in enumerate(names, 1)
    )
    return Answer("Q?", "A [1].", "m", language, False, citations, ())


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["report.pdf", "a_b_c [draft] *2*.docx", "合同 `x` <b>.md", "![x](http://e.x).txt"])
def test_what_was_appended_comes_off_again(name: str, language: Language) -> None:
    said = answer(name, "other.pdf", language=language)
    doubt = mark(text("mark.unsupported", language)) + mark(text("mark.missing", language, values="12, 2021"))
    shown = f"First [1].{doubt} Second [2].{note(message('answer.nothing'), language)}{references(said)}"
    assert "![" not in references(said)
    assert separated(shown) == ("First [1]. Second [2].", (Path(name).stem, "other"))
    assert separated("First [1]. Second [2].") == ("First [1]. Second [2].", ())


def test_an_answer_without_sources_has_no_list() -> None:
    assert references(answer()) == ""


PIECES = ["![x](http://e)", "<img src=x>", "<IMG ", "!", "[", "text ", "\n", "```", "~~~", "`", "<", "im", "g", "a < b"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.data())
def test_nothing_is_loaded_however_the_text_is_cut(parts: list[str], data: st.DataObject) -> None:
    said = "".join(parts)
    whole = Harmless()
    expected = whole.feed(said) + whole.finish()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(said)), max_size=6)))
    piecewise = Harmless()
    pieces = [said[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True)]
    assert "".join(map(piecewise.feed, pieces)) + piecewise.finish() == expected
    assert expected.replace("\u200b", "") == said  # it looks as it was written
    if "`" not in said and "~" not in said:
        assert "![" not in expected
        assert "<img" not in expected.lower()


def test_code_stays_as_it_is() -> None:
    code = '```html\n<img src="a.png">\n![x](y)\n```\n'
    shown = Harmless()
    assert shown.feed(code) + shown.finish() == code
    after = Harmless()
    assert (after.feed(f"{code}![x](http://e)") + after.finish()).endswith("!\u200b[x](http://e)")
    fooled = Harmless()  # only the fence that opened a block ends it
    assert "![" not in fooled.feed("```\n~~~\n```\n``` `\n![x](http://e)\n```") + fooled.finish()


def test_refused_questions_leave_the_history() -> None:
    for language in ("en", "zh"):
        assert is_refusal(text("answer.not_found", language))
        assert is_refusal(text("answer.unsupported", language, document="a.pdf", where="p. 1"))
    assert not is_refusal("I found nothing about this in your documents, except one line [1].")
    kept = Turn("user", "Q1"), Turn("assistant", "A1 [1].")
    refused = Turn("user", "Q2"), Turn("assistant", text("answer.not_found", "en"))
    assert answered([*kept, *refused]) == kept
    assert answered([*refused, *kept]) == kept


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("fr, zh;q=0.3, en;q=0.7", "en"),
        ("de", "en"),
        ("zh;q=x, en", "en"),
        (";;,,q=", "en"),
    ],
)
def test_the_language_a_client_prefers(header: str, expected: str) -> None:
    assert spoken(header, "en") == expected
