"""The markers that a reader of an answer sees."""

from __future__ import annotations

import re

from rag_app import Answer

_CODE = re.compile(r"^[ \t]*(`{3,}|~{3,}).*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)|(`+)(?!`)[^\n]*?[^\n`]\2(?!`)", re.M | re.S)


def markers_of(answer: Answer) -> list[int]:
    """Numbers [n] in the text, code aside."""
    return [int(number) for number in re.findall(r"\[(\d{1,3})\]", _CODE.sub(" ", answer.text))]
