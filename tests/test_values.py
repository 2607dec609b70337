"""Numbers, dates, amounts and names compared by what they mean."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_app.chat.amounts import values
from rag_app.chat.numerals import in_digits, in_figures
from rag_app.chat.values import missing_names, missing_values, names

SAME = [
    "3.5M|3,5 million|350万|三百五十万|3.500.000|3,500,000|3500000|3 500 000|3.5 million",
    "二〇二四年|2024|2024年",
    "5%|百分之五|5 percent|五个百分点|百分之 5|５％",
    "2024-03-05|March 5, 2024|2024年3月5日|5 March 2024|二〇二四年三月五日|5th of March 2024|2024/3/5",
    "$3.5 billion|35亿美元|US$3,500 million",
    "1.2亿|一点二亿|120 million|1亿2000万",
    "一半|50%|half|½",
    "8 GB|8GB|8,000 MB|8 gigabytes|8G",
    "twenty-five|25|二十五个",
    "four|4|四次",
    "70B|70 billion|700亿",
    "1990s|20世纪90年代",
    "6½|6.5",
    "1.5小时|90 minutes|90分钟",
    "128K|128,000|131072",
    "half an hour|半小时|半个小时|30 minutes|0.5小时",
    "12 kg|12公斤|12000 g",
    "1,234.56|1.234,56",
    "Q3 2024|2024 Q3",
]
OTHER = [
    ("8 GB", "8 MB"),
    ("2024", "2023"),
    ("5%", "5 km"),
    ("March 5, 2024", "March 6, 2024"),
    ("0.33.0", "0.33.1"),
    ("3.5M", "3.6M"),
    ("二〇二四年", "二〇二三年"),
    ("about 3.5 million", "3.9 million"),
    ("一百", "一千"),
    ("3月5日", "3月6日"),
    ("3,5", "35"),
    ("$5", "€5"),
]
PART = [
    ("about 3.5 million", "3,512,000 people"),
    ("大约350万", "3,512,000 people"),
    ("2024", "in 2024年3月5日"),
    ("March 2024", "2024年3月5日"),
    ("March 5, 2024", "In 2024 it opened, on 5 March."),
    ("version 0.33.0", "v0.33.0-rc2"),
    ("Llama 3", "the llama3 model"),
    ("1,2,3", "1 2 3"),
    ("第十章十分重要，一些人统一了看法", "nothing"),
]


@pytest.mark.parametrize("row", SAME)
def test_spellings_of_one_value(row: str) -> None:
    for one, other in itertools.product(row.replace("3 500 000", "3\u00a0500\u00a0000").split("|"), repeat=2):
        assert missing_values(f"在 {one} 里", [f"共有 {other}。"]) == (), (one, other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_values(one: str, other: str) -> None:
    assert missing_values(one, [other])
    assert missing_values(other, [one])


@pytest.mark.parametrize(("claim", "source"), PART)
def test_a_source_may_say_more(claim: str, source: str) -> None:
    assert missing_values(claim, [source]) == ()


def test_a_missing_value_is_named_as_it_is_written() -> None:
    assert missing_values("It has 3,600 gates since 二〇二四年.", ["It has 3,500 gates since 2024."]) == ("3,600",)


@pytest.mark.parametrize(
    ("written", "readings"),
    [("3,500", {3500}), ("3,5", {3.5}), ("3.500", {3.5, 3500}), ("3.500.000", {3500000}), ("0.500", {0.5}),
     ("1,234.5", {1234.5}), ("1.234,5", {1234.5}), ("0.33.0", set()), ("7", {7})],
)  # fmt: skip
def test_points_and_commas(written: str, readings: set[float]) -> None:
    assert in_digits(written) == readings


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9))
def test_digits_separators_and_figures_agree(number: int) -> None:
    assert number in in_digits(f"{number:,}")
    assert in_figures(figures(number)) == number
    assert missing_values(f"{number:,} 个", [f"{figures(number)}个" if number > 1 else f"{number}个"]) == ()


def figures(number: int) -> str:
    """A number in Chinese figures."""
    for unit, sign in ((10**8, "亿"), (10**4, "万"), (1000, "千"), (100, "百"), (10, "十")):
        if number >= unit:
            head, rest = divmod(number, unit)
            gap = "零" if rest and rest < unit // 10 else ""
            return f"{figures(head)}{sign}{gap}{figures(rest) if rest else ''}"
    return "零一二三四五六七八九"[number]


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789.,年月日%$亿万千百十一二三零〇点半 abGBkKM-/:", max_size=40))
def test_nothing_breaks_it(text: str) -> None:
    assert all(value.is_in(values(text)) for value in values(text))


def test_names() -> None:
    text = (
        "The Carolina Panthers beat Meta in March. According to Tom Brady, Llama 3.1 is fine. It is.《红楼梦》 is old."
    )
    assert names(text) == ["红楼梦", "Carolina Panthers", "Meta", "Tom Brady", "Llama"]
    assert missing_names(text, ["Carolina panthers, META, tom brady; llama3: 紅樓夢"]) == ()
    assert missing_names("Tom Brady won.", ["Peyton Manning won."]) == ("Tom Brady",)
    assert missing_names("Memory is good.", ["x"]) == ()


def test_a_name_in_another_script_is_passed_over() -> None:
    assert missing_names("Mario Addison had six sacks.", ["马里奥·爱迪生贡献了六次擒杀。"]) == ()
    assert missing_names("黑豹队的 Short 领先。", ["Addison led the team."]) == ("Short",)
