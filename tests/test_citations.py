"""Markers in every style that small models write, however the stream is cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_app.chat.cleaning import MarkerCleaner
from rag_app.chat.markers import Marker, Part
from rag_app.chat.sentences import Sentence, SentenceCutter

PASSAGES = 6

STYLES = [
    ("Foo [1].", "Foo ⟦1⟧."),
    ("Foo [1][3] bar", "Foo ⟦1⟧⟦3⟧ bar"),
    ("Foo [1] [3] bar", "Foo ⟦1⟧ ⟦3⟧ bar"),
    ("Foo [1, 3].", "Foo ⟦1⟧⟦3⟧."),
    ("Foo [1-3].", "Foo ⟦1⟧⟦2⟧⟦3⟧."),
    ("Foo [1；3]。", "Foo ⟦1⟧⟦3⟧。"),
    ("Foo [1、3]。", "Foo ⟦1⟧⟦3⟧。"),
    ("Foo [1 and 3].", "Foo ⟦1⟧⟦3⟧."),
    ("Foo [[1]].", "Foo ⟦1⟧."),
    ("Foo [^1].", "Foo ⟦1⟧."),
    ("Foo^1^ bar", "Foo⟦1⟧ bar"),
    ("Foo^[2] bar", "Foo⟦2⟧ bar"),
    (r"Foo \[1\].", "Foo ⟦1⟧."),
    ("内存【1】。", "内存⟦1⟧。"),
    ("内存【1】【2】。", "内存⟦1⟧⟦2⟧。"),
    ("内存【1†source】。", "内存⟦1⟧。"),
    ("内存【3†a long name, p. 4】。", "内存⟦3⟧。"),
    ("内存［1］。", "内存⟦1⟧。"),
    ("Foo (source 2).", "Foo ⟦2⟧."),
    ("Foo (Source: 2, 3).", "Foo ⟦2⟧⟦3⟧."),
    ("Foo (see passage 2 and 3).", "Foo ⟦2⟧⟦3⟧."),
    ("Foo (Document 2).", "Foo ⟦2⟧."),
    ("Foo ([1]) and (see [2], [3]).", "Foo ⟦1⟧ and ⟦2⟧⟦3⟧."),
    ("Foo [Passage 1].", "Foo ⟦1⟧."),
    ("Foo [Source 1, Passage 2].", "Foo ⟦1⟧⟦2⟧."),
    ("Foo [1, p. 3].", "Foo ⟦1⟧."),
    ("Foo [段落1]。", "Foo ⟦1⟧。"),
    ("Foo（来源1）。", "Foo⟦1⟧。"),
    ("Foo（段落 2、3）。", "Foo⟦2⟧⟦3⟧。"),
    ("Foo（见第2段）。", "Foo⟦2⟧。"),
    ("It needs 8 GB (1).", "It needs 8 GB ⟦1⟧."),
    ("It ends.¹ Next.", "It ends.⟦1⟧ Next."),
    ("As passage 2 says, it is.", "As passage ⟦2⟧ says, it is."),
    ("根据段落2，是的。", "根据段落⟦2⟧，是的。"),
    ("[1] At the start", "⟦1⟧ At the start"),
    ("Foo [1][1] [1] bar", "Foo ⟦1⟧ bar"),
    ("```py\na[1] = b[2]\n```\nFoo [2]", "```py\na[1] = b[2]\n```\nFoo ⟦2⟧"),
]
NONE = [
    "in [2024] and 2024",
    "1. one\n2. two",
    "(1) first (2) second",
    "f(1) = 2. See equation (1).",
    "见公式(1)。",
    "values in [0, 1] only",
    "`a[1]` and ``b[`1]``",
    "~~~\na[1]\n~~~",
    "$x_{[1]}$ costs $5 or $10",
    "10^2^ is 100 m²",
    "(page 3) and (2024) and (3 items)",
    "compassage 2",
    "[x] [a1] [] ( )",
    "[link](http://example.com)",
]


def cleaned(pieces: list[str], passages: int = PASSAGES) -> tuple[str, int]:
    cleaner = MarkerCleaner(passages)
    parts: list[Part] = []
    for piece in pieces:
        parts += cleaner.feed(piece)
    parts += cleaner.finish()
    return "".join(map(shown, parts)), cleaner.dropped


def shown(part: Part) -> str:
    return part if isinstance(part, str) else "".join(f"⟦{passage}⟧" for passage in part.passages)


def sentences(pieces: list[str]) -> tuple[str, list[tuple[Sentence, int]]]:
    """The text, and each sentence with where it ended."""
    cleaner, cutter = MarkerCleaner(PASSAGES), SentenceCutter()
    text, found = "", []
    for parts in (*map(cleaner.feed, pieces), cleaner.finish(), None):
        for item in cutter.finish() if parts is None else cutter.feed(parts):
            if isinstance(item, Sentence):
                found.append((item, len(text)))
            else:
                text += shown(item)
    return text, found


@pytest.mark.parametrize(("written", "wanted"), STYLES, ids=[written for written, _ in STYLES])
def test_a_style_is_understood_at_any_cut(written: str, wanted: str) -> None:
    assert cleaned([written]) == (wanted, 0)
    for cut in range(1, len(written)):
        assert cleaned([written[:cut], written[cut:]]) == (wanted, 0)
    assert cleaned(list(written)) == (wanted, 0)


@pytest.mark.parametrize("written", NONE)
def test_what_is_no_marker_stays(written: str) -> None:
    assert cleaned([written]) == cleaned(list(written)) == (written, 0)


@pytest.mark.parametrize(
    ("written", "wanted", "dropped"),
    [
        ("Foo [9].", "Foo.", 1),
        ("Foo [9] bar [1][8].", "Foo bar ⟦1⟧.", 2),
        ("Foo [7][1].", "Foo ⟦1⟧.", 1),
        ("Foo [1, 9].", "Foo ⟦1⟧.", 1),
        ("Foo（来源 12）。", "Foo。", 1),
        ("As passage 9 says.", "As passage 9 says.", 1),
        ("Foo [1", "Foo", 0),
        ("Foo 【1", "Foo", 0),
        ("Foo (1", "Foo (1", 0),
    ],
)
def test_unknown_numbers_are_dropped_and_counted(written: str, wanted: str, dropped: int) -> None:
    assert cleaned([written]) == cleaned(list(written)) == (wanted, dropped)


def test_half_a_marker_is_never_shown() -> None:
    for written, wanted in STYLES:
        if "`" in written or "passage" in written.lower() or "段落2，" in written:
            continue
        cleaner = MarkerCleaner(PASSAGES)
        seen = ""
        for char in written:
            seen += "".join(map(shown, cleaner.feed(char)))
            assert wanted.startswith(seen), (written, seen)


BITS = st.sampled_from(
    [
        *"[]()（）【】^`$\\~ ,，、.。-\n¹²†12390axp",
        *("[1]", "[2][3]", "【1】", "```", "passage ", "Passages", "source", "段落", "来源", "见", "and", "第", "24"),
        *("e.g. ", ". ", "！", "” ", "1. ", "- ", "\n\n", "\ud800", "| a |"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(BITS, max_size=40), st.integers(1, 9))
def test_any_cut_gives_the_same(bits: list[str], size: int) -> None:
    written = "".join(bits)
    whole = cleaned([written])
    assert cleaned(list(written)) == whole
    assert cleaned([written[at : at + size] for at in range(0, len(written), size)]) == whole
    parts = sentences([written])
    assert sentences(list(written)) == parts
    assert parts[0].strip() == whole[0].strip()


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("Foo one. Bar [1]. Baz. [2] [3] Next [1] and more [2].", [(), (1,), (2, 3), (1, 2)]),
        ("内存为8GB。[1]显存[2]不够！", [(1,), (2,)]),
        ("Title:\n[1] first. more\n[2] second\n\n[4]", [(), (1,), (), (2, 4)]),
        ("Only\n[1]\nThen", [(1,), ()]),
    ],
)
def test_markers_belong_to_their_sentence(written: str, wanted: list[tuple[int, ...]]) -> None:
    assert [sentence.passages for sentence, _ in sentences([written])[1]] == wanted


def test_the_part_before_a_marker_is_what_it_cites() -> None:
    (sentence, _), *_ = sentences(["Foo [1] and bar [2][3]."])[1]
    assert sentence.cites == (("Foo", (1,)), ("and bar", (2, 3)))


def test_lines_of_code_are_told() -> None:
    found = sentences(["See:\n```sh\nollama pull llama3\n```\nDone [1]."])[1]
    assert [sentence.code for sentence, _ in found] == [False, True, True, True, False]


def test_a_marker_names_passages() -> None:
    assert MarkerCleaner(3).feed("x [2] y") == ["x", " ", Marker((2,)), " y"]
