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

from rag_app import RagApp
from ui.jobs import jobs
from ui.markup import highlighted, plain, small, with_chips

from .conftest import PROJECT

SCRIPT = f"import runpy\nrunpy.run_path({str(PROJECT / 'ui' / 'app.py')!r}, run_name='__main__')"
PATIENCE = 180  # s; the machine may be busy with other things
QUESTION = "On which date was Llama 3.3 70B released?"

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
    '<iframe srcdoc="<script>parent.pwned = 1</script>"></iframe> <svg onload=window.pwned=1> <math><mi>x</mi></math>',
    "![x](data:image/svg+xml;base64,PHN2Zy8+) ![y](/media/x.png) <img src=//example.com/x.png> [![z](http://e.com)](y)",
    "<style>body { display: none }</style> <base href=//example.com> <meta http-equiv=refresh content=0;url=//e.com>",
    "<form action=http://example.com><input name=a autofocus onfocus=window.pwned=1><button>Send</button></form>",
    "\\begin{align} a &= b \\\\ c \\end{align} \\href{http://example.com}{x} $\\text{a}$ \\(\\ce{H2O}\\)",
    "\u2067txt.exe\u2069 \u202dabc\u202c \u200fשלום\u200f \u061cسلام (a) [b] <c>",
    "[x]: http://example.com 'title'\n[x] [x][] ![x] ![x][x]\n\n[^1]: a note http://example.com",
    "{{7*7}} ${7*7} #{7*7} <%= 7*7 %> {% include 'x' %} %s %(a)s {0} {name}",
    '<a href="javascript:window.pwned=1" onmouseover=window.pwned=1>link</a> <object data=x><embed src=x>',
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
def page(samples: RagApp, browser: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
    """The page over a copy of the sample documents, not yet run."""
    data = tmp_path / "copy"
    shutil.copytree(samples.settings.data_dir, data)
    monkeypatch.setenv("RAG_DATA_DIR", str(data))
    monkeypatch.setenv("RAG_ANSWERS", "quotes")
    return AppTest.from_string(SCRIPT, default_timeout=PATIENCE)


def say(page: AppTest, question: str) -> AppTest:
    """Ask, and wait for the answer."""
    page.chat_input[0].set_value(question).run()
    return settle(page)


def settle(page: AppTest) -> AppTest:
    """The page when no answer is being written any more."""
    for kind in ("answer", "doctor"):
        for job in jobs().running(kind):
            assert job.wait(PATIENCE)
    page.run()
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
    assert sum(str(button.key).startswith("suggestion_") for button in page.button) == 4


def test_language_changes_everything_at_once(page: AppTest) -> None:
    say(say(page.run(), QUESTION), "x" * 5000)
    before = shown(page)
    assert "Knowledge base" in before
    assert "The question has 5,000 characters" in before
    page.segmented_control(key="language").set_value("zh").run()
    after = shown(page)
    for english in ("Knowledge base", "New conversation", "Quoted", "Ask a question", "p. 4", "characters"):
        assert english in before
        assert english not in after
    for chinese in ("知识库", "新对话", "逐字摘录", "输入问题", "第 4 页", "个字符"):
        assert chinese in after


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
