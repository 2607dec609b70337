"""Which sentences of an answer claim anything, and which deny."""

from __future__ import annotations

import re

_CITING = re.compile(
    r"(?:sources?|references?|citations?|passages?|documents?|answer|note|来源|出处|参考|引用|段落|回答|答案|答|注)"
    r"[\s:：,，、\d.]*",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？][\"'”’」』）)】*_]*$")
_ANNOUNCES = re.compile(r"[:：][*_]*$")
_HEADING = re.compile(r"^#{1,6}\s|^(?:\*\*|__)[^*_]{1,60}(?:\*\*|__)[:：]?$")
_RULE = re.compile(r"^[\s|:*_=-]+$")
_YES_NO = re.compile(
    r"(?:yes|no|sure|certainly|of course|ok(?:ay)?|hello|hi|thanks?|thank you|you're welcome"
    r"|是的?|不是|对|不对|好的?|当然|您好|你好|谢谢)"
    r"[\s,.!。，！~]*",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"\b(?:let me know|feel free|i hope (?:this|that)|happy to help|here (?:is|are) (?:the|a|an|some|my)\b|based on the"
    r" (?:provided |given )?(?:passages?|documents?|context|information)[,:]?$)"
    r"|希望(?:这|以上)?(?:对您|对你|能)|如有(?:其他|任何)?(?:问题|疑问)|请告诉我|以下是",
    re.IGNORECASE,
)
_SOURCES = r"(?:passages?|documents?|sources?|context|text|information|excerpts?|material)"
_UNKNOWN = re.compile(
    rf"\b{_SOURCES}\b[^.]{{0,40}}\b(?:do(?:es)?(?: not|n['’]t)|did(?: not|n['’]t)|(?:is|are) not|never|no)\b"
    r"[^.]{0,30}\b(?:contain|mention|say|provide|include|state|specify|give|answer|discuss|address|information|describe|tell|cover)"
    rf"|\b(?:no|not enough|insufficient) (?:information|mention|answer|details?|data)\b"
    rf"|\b(?:not|isn['’]t|aren['’]t) (?:\w+ ){{0,2}}(?:mentioned|provided|stated|specified|found|given|answered|"
    rf"contained|included|discussed|said)\b[^.]{{0,30}}\b{_SOURCES}"
    r"|\bi(?:'m| am)? (?:do(?: not|n['’]t) know|can(?:not|['’]?t) (?:answer|find|tell|say)|not sure|unable to|sorry)"
    r"|(?:文档|段落|资料|文中|原文|文件|材料|上下文|文本|来源)[^。]{0,12}(?:没有|没|未|并未|不)[^。]{0,8}"
    r"(?:提到|提及|说明|说|包含|提供|给出|涉及|记载|回答|找到|答案|信息|指出|含)"
    r"|(?:没有|无|未)(?:找到|提供|足够的?|相关的?)[^。]{0,10}(?:信息|内容|答案|资料)|(?:我)?(?:不知道|不清楚|无法(?:回答|确定|得知|找到))|抱歉",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:not|no|never|neither|nor|without|none|nobody|nothing|cannot|unable|fail(?:s|ed)?|lacks?|isnt|dont|doesnt|cant)\b"
    r"|n['’]t\b|不(?!仅|但|只|同|过|断|少|久|论|管|得不|如)|没|未(?!来)|无(?!线|人机|论)|否(?!则)|勿|莫|非(?!常|洲)",
    re.IGNORECASE,
)
_SAYS = re.compile(r"[^\W_]")
_WORD = re.compile(r"[a-z0-9]+|[^\W\x00-\x7f]")
_MANY_WORDS, _FEW_SHARE = 8, 0.4


def says_unknown(sentence: str) -> bool:
    """Whether a sentence says that the documents do not tell."""
    return bool(_UNKNOWN.search(sentence))


def is_babble(sentence: str) -> bool:
    """Whether a model has lost itself: a few words again and again."""
    words = _WORD.findall(sentence.casefold())
    return len(words) >= _MANY_WORDS and len(set(words)) <= _FEW_SHARE * len(words)


def is_claim(sentence: str) -> bool:
    """Whether a sentence claims something: no heading, question, greeting, list of sources or refusal."""
    bare = sentence.strip(" \t*_-•>")
    if not _SAYS.search(bare) or _RULE.match(bare):
        return False
    if any(pattern.fullmatch(bare) for pattern in (_CITING, _YES_NO)):
        return False
    if any(pattern.search(sentence) for pattern in (_ASKS, _ANNOUNCES, _HEADING, _POLITE)):
        return False
    return not says_unknown(sentence)


def denies(text: str) -> bool:
    """Whether anything in a text is denied."""
    return bool(_DENIES.search(text))
