"""Texts of unknown encoding are read right or refused, never as other characters."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ingest.errors import DamagedFile
from ingest.loaders import load
from ingest.loaders.encoding import decode, decode_html

from .languages import TEXTS, windows

CHINESE = TEXTS["zh-Hans"][0]
CASES = [(language, encoding) for language, (_, encodings) in TEXTS.items() for encoding in encodings]
ALPHABETS_ALIKE = {"pl", "cs", "fr", "el", "he", "th"}  # ten letters of these may be those of another language


@pytest.mark.parametrize(("language", "encoding"), CASES, ids=[f"{a}-{b}" for a, b in CASES])
def test_every_language_in_every_encoding(language: str, encoding: str) -> None:
    for length in (200, 30, 10):
        pieces = windows(language, length)
        wrong = [piece for piece in pieces if decode(piece.encode(encoding)) != piece]
        bearable = (
            0.5 if length == 10 and language in ALPHABETS_ALIKE else 0.15 if language in ALPHABETS_ALIKE else 0.04
        )
        assert len(wrong) <= bearable * len(pieces), wrong


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("今天下午三点开会。", "gb18030"),
        ("合同", "gb18030"),
        ("今天下午三點開會。", "big5"),
        ("今天下午三点开会。", "utf-16-le"),
        ("今天下午三点开会。", "utf-16-be"),
        ("Only ASCII here.", "utf-16-le"),
        ("Only ASCII here.", "utf-32-be"),
        ("約翰·漢考克", "gb18030"),
        ("今日は会議です。", "cp932"),
        ("今日は会議です。", "euc_jp"),
        ("오늘 회의가 있습니다.", "euc_kr"),
    ],
)
def test_short_texts(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_marks_decide_and_go(encoding: str) -> None:
    assert decode("\r\n".join(["中文", "é"]).encode(encoding)) == "中文\né"


def test_few_wrong_bytes_cost_only_themselves() -> None:
    for encoding in ("utf-8", "gb18030"):
        data = (CHINESE * 5).encode(encoding)
        assert decode(data[:-1]).startswith(CHINESE * 4)
    damaged = bytearray((CHINESE * 5).encode())
    damaged[2001] = 0xFF
    assert decode(bytes(damaged)).count("\ufffd") <= 3


@pytest.mark.parametrize("seed", range(12))
def test_what_is_no_text_is_refused(seed: int) -> None:
    data = random.Random(seed).randbytes(600 + 400 * (seed % 3))
    with pytest.raises(DamagedFile):
        decode(data)
    with pytest.raises(DamagedFile):
        decode(data.replace(b"\0", b"\1"))


def test_an_encoding_python_lacks_is_refused_not_garbled() -> None:
    # EUC-TW keeps CNS 11643 in the bytes where GB 2312 has quite different characters.
    data = bytes.fromhex(
        "eac4d9d7c4cbcca8a1bebfcfafa1a2eabde6fbd2b3f6f0a1a7e2f5c5b2c4b6cfa1a1a3c6bed6c0cbc6a1a3dcb8c4a9ca"
    )
    with pytest.raises(DamagedFile):
        decode(data * 4)


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("gb2312", "gb18030"),  # right, by its usual name
        ("utf-8", "gb18030"),
        ("iso-8859-1", "gb18030"),
        ("big5", "gb18030"),
        ("gb2312", "utf-8"),
        ("shift_jis", "utf-8"),
        ("windows-1252", "utf-8-sig"),
        ("nonsense", "gb18030"),
        ("euc-kr", "utf-16"),
    ],
)
def test_a_wrong_charset_does_not_win(tmp_path: Path, declared: str, encoding: str) -> None:
    page = f'<html><head><meta charset="{declared}"><title>通知</title></head><body><p>{CHINESE}</p></body></html>'
    path = tmp_path / "a.html"
    path.write_bytes(page.encode(encoding))
    document = load(path)
    assert document.title == "通知"
    assert document.pages[0].text == CHINESE


def test_a_right_charset_tips_the_balance() -> None:
    page = "<?xml version='1.0' encoding='{}'?><p>żółw</p>"
    assert "żółw" in decode_html(page.format("iso-8859-2").encode("iso8859_2"))
    assert "żółw" in decode_html(page.format("windows-1250").encode("cp1250"))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_tables_of_digits_without_a_mark(encoding: str) -> None:
    rows = "DateTime,Bid,Ask\n" + "07/19/2015 21:00:15.469,1.08335,1.08402\n" * 30
    assert decode(rows.encode(encoding)) == rows
