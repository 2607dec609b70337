"""The web UI without a browser: Streamlit's own test of a page, and the texts it is given."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from rag_app import RagApp, text
from ui.markup import highlighted, plain, small, with_chips

from .conftest import PROJECT, SAMPLES
from .files import encrypted_pdf

SCRIPT = PROJECT / "ui" / "app.py"
PATIENCE = 180  # s; the machine may be busy with other things
QUESTION = "On which date was Llama 3.3 70B released?"
UNANSWERABLE = "Who won the football world cup in 1998?"

HOSTILE_NAME = "a [b](http:) $x$ :red[c] `d`.txt"
HOSTILE = [
    "The warehouse inventory script says alert: <script>window.pwned = 1; alert(1)</script> and goes on.",
    'The warehouse image is <img src=x onerror="window.pwned = 1"> and ![x](http://example.com/x.png) here.',
    "The warehouse inventory costs $x^2$ or $$\\frac{1}{2}$$ or \\(y\\) and \\[z\\] in all.",
    "[a link](http://example.com) [b][1] [1]: http://example.com <http://example.com> [[wiki]] [^1]",
    "http://example.com/a?b=c&d and https://例え.jp/路径 and www.example.com, ftp://example.com",
    "me@example.com, mailto:me+you@example.co.uk, xmpp:foo@bar.baz",
    "javascript:alert(1) data:text/html,x file:///etc/passwd C:\\Users\\me \\\\server\\share",
    ":smile: :+1: :material/home: :streamlit: :red[text] :blue-background[x] ::note[x] :::x :small[y]{a=b}",
    "a -> b <- c -- d <-> e >= f <= g ~= h --> i --- j ... ollama run llama3 --verbose",
    "backslash \\ \\\\ \\n \\* and at the end \\",
    "    four spaces\n\n    *again*\n\ttab\n> quote\n# head\n- list\n1. one\n+ two\n---\nx\n===",
    "| a | b |\n|---|---|\n| 1 | 2 |\n```py\nx\n```\n~~~\n~~strike~~ ==x== H~2~O **b** __c__ *d*e `f`",
    "&lt;b&gt; &amp; &#x41; &#60;script&#62; &copy; <!-- hidden --> <b>bold</b> <details>",
    "invoice\u202efdp.exe \u2066isolated\u2069 עברית العربية",
    "one\r\ntwo\rthree\u2028four\x0bfive [2] [99] ] [ ]( )[",
    "x" * 1200 + " [a](http://example.com) " + "很" * 1200,
]
WRITTEN: list[tuple[str, str | None]] = [  # what a model writes, what is seen (None: anything, as long as it is inert)
    ("**Bold** and `ollama run llama3:8b --verbose` [1].", "Bold and ollama run llama3:8b --verbose 1."),
    ("`` a ` b `` and `c|d` and `open", "a ` b and `c|d` and `open"),
    ("```sh\ncurl http://127.0.0.1:11434 # [x](y)\n```\nafter [2]", "curl http://127.0.0.1:11434 # [x](y) after 2"),
    ("```\nunfinished ![x](http://example.com/x.png)", "unfinished ![x](http://example.com/x.png)"),
    ("- item\n  ```\n[x](http://example.com)\n  ```\n[y](http://example.com)", None),
    ("| `a | [x](http://example.com) | b` |\n|---|---|---|\n| 1 | 2 | 3 |", None),
    ("`a\n- ![x](http://example.com/x.png)` <script>window.pwned = 1</script>", None),
    ("# Title\n\ntext", "Title text"),
    ("| a | b |\n|:---|---:|\n| 1 | http://e.com |", "a b 1 http://e.com"),
    ("see http&#58;//example.com and me&#64;example.com", "see http&#58;//example.com and me&#64;example.com"),
]


@pytest.fixture(autouse=True)
def fresh_app() -> Iterator[None]:
    """Every test opens its own app."""
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the language of the browser."""

    def speaks(locale: str) -> None:
        monkeypatch.setattr(ContextProxy, "locale", property(lambda _: locale))

    speaks("en-US")
    return speaks


@pytest.fixture
def page(samples: RagApp, browser: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page over the sample documents, not yet run."""
    monkeypatch.setenv("RAG_DATA_DIR", str(samples.settings.data_dir))
    monkeypatch.setenv("RAG_ANSWERS", "quotes")
    return AppTest.from_file(SCRIPT, default_timeout=PATIENCE)


def say(page: AppTest, question: str) -> AppTest:
    page.chat_input[0].set_value(question).run()
    assert not page.exception
    return page


def shown(page: AppTest) -> str:
    """All text of ours and of the documents, escapes taken away."""
    parts = [page.title, page.markdown, page.caption, page.info, page.error, page.warning, page.button, page.selectbox]
    labels = [expander.label for expander in page.expander]
    texts = [getattr(one, "value", None) or "" for part in parts for one in part]
    names = [one.label for part in (page.button, page.selectbox) for one in part]
    joined = "\n".join(str(one) for one in [*texts, *labels, *names, *(box.placeholder for box in page.chat_input)])
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", joined)


@pytest.mark.parametrize(
    ("locale", "title", "ask"),
    [
        ("zh-CN", "向文档提问", "输入问题"),
        ("en-GB", "Ask your documents", "Ask a question"),
        ("", "Ask your documents", ""),
    ],
)
def test_first_page(page: AppTest, browser: Callable[[str], None], locale: str, title: str, ask: str) -> None:
    browser(locale)
    page.run()
    assert not page.exception
    assert [one.value for one in page.title] == [title]
    assert ask in page.chat_input[0].placeholder
    assert len(page.button) == 5  # a new conversation, three examples, the form of adding


def test_answer_with_chips_and_sources(page: AppTest) -> None:
    say(page.run(), QUESTION)
    assert not page.title
    assert [message.avatar for message in page.chat_message] == [":material/person:", ":material/auto_stories:"]
    answer = page.chat_message[1]
    assert re.search(r":primary-badge\[\d\]", answer.markdown[0].value)
    labels = [expander.label for expander in answer.expander]
    assert any("llama3" in label and "p\\. 4" in label for label in labels)
    marked = [part.value for part in answer.markdown if ":yellow-background[" in part.value]
    assert len(marked) == len(labels)
    assert "Quoted word for word" in answer.caption[-1].value
    assert "notice" not in shown(page)


def test_example_is_asked(page: AppTest) -> None:
    page.run()
    page.button(key="ui.example_definition").click().run()
    assert not page.exception
    assert page.chat_message[0].markdown[0].value == plain("What is an embedding?")
    assert page.chat_message[1].expander


def test_refusal(page: AppTest) -> None:
    say(page.run(), UNANSWERABLE)
    answer = page.chat_message[1]
    assert answer.markdown[0].value == plain(text("answer.not_found", "en"))
    assert not answer.expander
    assert answer.caption[0].value == plain(text("ui.not_found", "en"))


def test_language_changes_everything_at_once(page: AppTest) -> None:
    say(say(page.run(), QUESTION), "x" * 5000)
    before = shown(page)
    assert "Knowledge base" in before
    assert "The question has 5,000 characters" in before
    page.segmented_control(key="language").set_value("zh").run()
    after = shown(page)
    for english in (
        "Knowledge base",
        "New conversation",
        "Documents",
        "Quoted",
        "Ask a question",
        "p. 4",
        "characters",
    ):
        assert english in before
        assert english not in after
    for chinese in ("知识库", "新对话", "文档", "逐字摘录", "输入问题", "第 4 页", "个字符"):
        assert chinese in after


def test_new_conversation(page: AppTest) -> None:
    say(page.run(), QUESTION)
    page.button(key="new_chat").click().run()
    assert not page.chat_message
    assert page.title


def test_knowledge_bases_have_conversations_of_their_own(
    samples: RagApp, page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "copy"
    shutil.copytree(samples.settings.data_dir, data)
    monkeypatch.setenv("RAG_DATA_DIR", str(data))
    with RagApp.open() as app:
        app.create_knowledge_base("other one")
    say(page.run(), QUESTION)
    page.selectbox(key="kb").set_value("other one").run()
    assert not page.chat_message
    assert "still empty" in page.info[0].value
    assert 'rag-app ingest PATH --kb "other one"' in [code.value for code in page.code]
    say(page, QUESTION)
    assert "is still empty" in page.chat_message[1].markdown[0].value
    page.selectbox(key="kb").set_value("default").run()
    assert len(page.chat_message) == 2
    assert page.chat_message[1].expander


def test_empty_knowledge_base(page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "nothing yet"))
    page.run()
    assert not page.exception
    assert page.info[0].value == text("ui.empty", "en")
    assert page.code[0].value == "rag-app ingest PATH"


def test_unusable_data_folder_is_said_in_both_languages(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "file"))
    page.run()
    assert not page.exception
    assert "can't be written" in shown(page)
    page.segmented_control(key="language").set_value("zh").run()
    assert "无法写入" in shown(page)


def test_wrong_setting_is_said(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_PASSAGES", "many")
    page.run()
    assert not page.exception
    assert "RAG_PASSAGES" in shown(page)


# Texts


def unescaped(markdown: str) -> str:
    """Character escapes and seams undone."""
    markdown = re.sub(r":(?:gray|small)\[(\\.)\]", r"\1", markdown)
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_plain_escapes_every_mark(hostile: str) -> None:
    for show in (plain, small):
        markdown = show(hostile)
        bare = re.sub(r":(?:gray|small)\[\\.\]|\\.", "", markdown)
        assert not re.search(r"[!-/:-@\[-`{-~]", bare)
        assert unescaped(markdown).split() == re.sub("[\u202a-\u202e\u2066-\u2069]", "", hostile).split()


@pytest.mark.parametrize("hostile", [*HOSTILE, *(written for written, _ in WRITTEN)])
def test_a_models_text_keeps_nothing_that_loads_or_leads_elsewhere(hostile: str) -> None:
    markdown = with_chips(hostile, verbatim=False)
    outside = re.sub(r"(?ms)^(`{3,})\w*$.*?^\1$|(?<![`\\])(`+) [^\n]*? \2(?!`)", "", markdown)
    bare = re.sub(r":(?:gray)\[\\.\]|:primary-badge\[\d+\]|\\.", "", outside)
    assert not re.search(r"[<>\[\]$:&`]", re.sub(r"<->|<-|->|[<>~]=|-->|:(?=-)|(?<=-):", "", bare))


def test_chips() -> None:
    assert with_chips("a [1] b [12]", verbatim=True) == "a :primary-badge[1] b :primary-badge[12]"
    assert with_chips("**a** `x[1]` [2]", verbatim=False) == "**a** ` x[1] ` :primary-badge[2]"
    assert with_chips("**a** [x]", verbatim=True) == r"\*\*a\*\* \[x\]"


def test_code_ends_where_it_began() -> None:
    assert with_chips("```\n````\n[x](y)", verbatim=False).startswith("\n```\n\n```\n")
    assert with_chips("~~~py\n```\n[x](y)\n~~~\nz", verbatim=False) == "\n````py\n```\n[x](y)\n````\n\nz"


def test_quote_is_marked_line_by_line() -> None:
    marked = highlighted("before\n  ", "one [\n\n  two", " after")
    assert marked == "before  \n:yellow-background[one \\[]  \n  \n:yellow-background[two] after"


def test_nothing_becomes_code_or_reads_backwards() -> None:
    assert plain("a\n\n    b\n\tc") == "a  \n  \nb  \nc"
    assert plain("x\u202efdp.exe") == "xfdp\\.exe"
    assert plain("\udce4") == "\\?"


def test_documents_are_added_and_a_password_is_asked_for(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    folder = tmp_path / "papers"
    folder.mkdir()
    encrypted_pdf(SAMPLES / "llama3-on-your-pc.pdf", folder / "a [locked].pdf", user="secret")
    (folder / "b.txt").write_text("The harbour was rebuilt in 1962.", encoding="utf-8")
    page.run()
    assert "add_password" not in [one.key for one in page.text_input]
    page.text_input(key="add_path").set_value(f'"{folder}"')
    press(page, "ui.add_read")
    assert "Read: 1, unchanged: 0, refused: 1. 1 pages" in shown(page)
    assert "a [locked].pdf" in shown(page)
    assert "needs a password" in page.error[0].value
    for password, left in (("wrong", 1), ("secret", 0)):
        page.text_input(key="add_password").set_value(password)
        press(page, "ui.add_unlock")
        assert len(page.error) == left
    assert "add_password" not in [one.key for one in page.text_input]
    assert "Documents: 2" in shown(page)
    page.text_input(key="add_path").set_value(str(tmp_path / "nowhere"))
    press(page, "ui.add_read")
    assert "No such file or folder" in page.error[0].value


def press(page: AppTest, key: str) -> None:
    next(button for button in page.button if button.label == text(key, "en")).click().run()
    assert not page.exception
