"""What a question wants: passages that answer it, a comparison, or whole documents summed up.

Told by its words, in both languages; a question that is not clearly one of the others is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..types import StoredDocument

Kind = Literal["lookup", "compare", "summary", "overview"]

_SUM_UP = re.compile(
    r"\b(?:summari[sz]e|summary|sum\s+up|outline|main\s+(?:points|ideas)|key\s+(?:points|takeaways)|gist|tl;?dr)\b"
    r"|what\s+(?:is|are|does|do)\s+.{1,80}?\s+(?:about|say)\s*[?.!]*$"
    r"|总结|概括|摘要|概述|归纳|要点|主要内容|大意|讲了(?:些)?什么|说了(?:些)?什么|主要讲|總結|摘要|歸納|要點|大綱|大纲",
    re.IGNORECASE,
)
_THIS_DOCUMENT = re.compile(
    r"\b(?:this|the|that|my)\s+(?:whole\s+|entire\s+)?(?:document|file|paper|report|book|article|pdf)\b"
    r"|(?:这|那|该|整|这个|这份|这篇|这本|全)(?:份|篇|本|个)?(?:文档|文件|论文|报告|书|文章)|本文|全文|全书",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"\bwhat(?:'s|\s+is|\s+do\s+i\s+have)\s+in\s+(?:this|the|my)\s+"
    r"(?:knowledge\s+base|documents|files|collection|library|folder)\b"
    r"|\b(?:which|what)\s+(?:documents|files)\s+(?:are\s+(?:there|in\b)|do\s+i\s+have|have\s+i)"
    r"|\blist\s+(?:all\s+)?(?:(?:the|my)\s+)?(?:documents|files)\b"
    r"|\bwhat\s+are\s+(?:these|the|my)\s+(?:documents|files)\s+about\b"
    r"|\b(?:summari[sz]e|sum\s+up|overview\s+of)\s+(?:everything|all\s+(?:my\s+|the\s+|of\s+)?(?:documents|files|it)|"
    r"(?:this|the|my)\s+(?:knowledge\s+base|documents|files|collection))"
    r"|(?:知识库|知識庫|文档库|资料库|我的文档|这些文档|这些文件|这些资料|所有文档|全部文档)(?:里|中|裡)?(?:面)?"
    r"(?:都|主要|一共)?(?:有(?:些)?什么|有哪些|有啥|包含(?:了)?什么|是什么内容|讲了(?:些)?什么|是关于什么)"
    r"|(?:有哪些|列出(?:所有|全部)?(?:的)?|一共有多少)(?:文档|文件|资料)(?:[?？。]|$)"
    r"|(?:总结|概括|归纳|概述)(?:一下)?(?:整个|全部|所有|这个)?(?:的)?(?:知识库|所有文档|全部文档|这些文档|文档库)",
    re.IGNORECASE,
)
_END = r"(?=\s*(?:[?,;。？，]|\.(?:\s|$)|$))"  # a dot may be part of a name: llama3.2
_COMPARISONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"differen(?:ce|ces|t)\s+(?:is\s+there\s+)?between\s+(?P<a>.+?)\s+and\s+(?P<b>.+?)" + _END,
        r"\bcompar(?:e|ing|ison\s+(?:of|between))\s+(?P<a>.+?)\s+(?:and|with|to|against|vs\.?)\s+(?P<b>.+?)" + _END,
        r"(?P<a>[\w.:+\- ]{2,60}?)\s+(?:vs\.?|versus)\s+(?P<b>.+?)" + _END,
        r"\bhow\s+(?:do|does|is|are)\s+(?P<a>.+?)\s+(?:differ(?:ent)?\s+from|compared?\s+(?:to|with))\s+(?P<b>.+?)"
        + _END,
        r"(?:比较|对比|比較|對比)(?:一下)?(?P<a>[^，。？?]{1,40}?)(?:和|与|跟|同|與|以及)(?P<b>[^，。？?的]{1,40})",
        r"(?P<a>[^，。？?]{1,40}?)(?:和|与|跟|同|與)(?P<b>[^，。？?]{1,40}?)(?:之间)?(?:的|有什么|有何|有哪些|在.{0,12}?有?)*"
        r"(?:区别|差别|不同|差异|异同|區別|差異|相比|对比|比较)",
        r"(?P<a>[^，。？?]{1,40}?)(?:相比|相较)(?:于)?(?P<b>[^，。？?]{1,40})",
    )
)
_IN = re.compile(r"\s+(?:in\s+terms\s+of|in|regarding|with\s+respect\s+to|for)\s+(?P<aspect>.+)$", re.IGNORECASE)
_ASPECT = re.compile(r"在(?P<aspect>[^，。？?]{1,20}?)(?:方面|上|上面)")
_TRIM = " \t\n\"'“”‘’《》「」?？。.，,:："


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is answered.

    Attributes:
        documents: those to sum up. labels, questions: what is compared, and what is looked up for each.
    """

    kind: Kind
    documents: tuple[StoredDocument, ...] = ()
    labels: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


LOOKUP = Plan("lookup")


def may_need_documents(question: str) -> bool:
    """Whether :func:`plan` would look at the documents: listing them takes time where there are thousands."""
    return bool(_SUM_UP.search(question) or _ALL.search(question))


def plan(question: str, documents: Sequence[StoredDocument]) -> Plan:
    """What a question wants.

    Args:
        documents: those it may be about; only looked at when it may want whole ones.
    """
    if _ALL.search(question):
        return Plan("overview", tuple(documents))
    if _SUM_UP.search(question):
        named = [document for document in documents if _is_named(document, question)]
        if named:
            return Plan("summary", tuple(named))
        if len(documents) == 1 and _THIS_DOCUMENT.search(question):
            return Plan("summary", tuple(documents))
    return _comparison(question)


def _is_named(document: StoredDocument, question: str) -> bool:
    """Whether a question names a document by its title, its file's name, or that without its suffix."""
    folded = _folded(question)
    names = {document.title, *(path.name for path in document.paths), *(path.stem for path in document.paths)}
    return any(len(_folded(name)) >= _SHORTEST_NAME and _folded(name) in folded for name in names)


_SHORTEST_NAME = 4


def _folded(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _comparison(question: str) -> Plan:
    for pattern in _COMPARISONS:
        found = pattern.search(question)
        if found is None:
            continue
        first, second = found["a"].strip(_TRIM), found["b"].strip(_TRIM)
        aspect = ""
        if (within := _ASPECT.search(question)) is not None:
            aspect = within["aspect"]
            first, second = (name.split("在")[0] for name in (first, second))
        elif (within := _IN.search(second)) is not None:
            aspect, second = within["aspect"].strip(_TRIM), second[: within.start()]
        first, second = _subject(first), _subject(second)
        if first and second and first.casefold() != second.casefold():
            rest = aspect or _remainder(question, found)
            return Plan(
                "compare", labels=(first, second), questions=tuple(f"{one} {rest}".strip() for one in (first, second))
            )
    return LOOKUP


def _subject(name: str) -> str:
    """Without the words a comparison begins with."""
    name = re.sub(r"^(?:请问|请|帮我|what\s+is|what\s+are|what|the|is|how)\s*", "", name.strip(_TRIM), flags=re.I)
    return name.strip(_TRIM) if len(name) <= 60 else ""


def _remainder(question: str, found: re.Match[str]) -> str:
    """What else the question says, as in "A and B: which needs more memory?"."""
    rest = question[found.end() :].strip(_TRIM)
    return rest if len(rest) <= 120 else ""
