"""Questions that need what was said before them: found by their words, and made to stand alone without a model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..retrieval.language import language_of
from ..types import Turn

_WORD = re.compile(r"[A-Za-z0-9][\w'’.\-/+%]*")

# English: words that point at something said before, unless the question itself says at what
_POINTS = re.compile(
    r"\b(?:it|its|it's|they|them|their|theirs|he|him|his|she|her|hers|the (?:former|latter|above|same|other one|rest)|"
    r"(?:first|second|third|last|previous|next|other) (?:one|ones|two|point|part|step|item)|others|"
    r"(?:this|these|those)(?= (?:ones?|two|three|points?|models?|methods?|steps?|papers?|documents?|numbers?|values?)\b"
    r")|(?:this|that|these|those)(?= (?:is|was|are|were|do|does|did|can|could|will|would|still|also|too|mean|work|"
    r"happen|apply|then|in\b|and\b)|[?.!,]|$)|of (?:this|that|these|those|them)|"
    r"(?:is|was|are|were) (?:this|that|these|those))\b",
    re.IGNORECASE,
)
_DUMMY = re.compile(
    r"\b(?:(?:is|was|does|did|will|would|can|could) it "
    r"(?:true|possible|necessary|safe|legal|allowed|take|cost|rain|matter)|"
    r"it (?:is|was|'s) (?:true|possible|necessary|safe|legal|allowed|raining)|(?:when|if|once) it (?:rains|snows))\b",
    re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"\b(?:\w+(?:s|er|ar|el|le|ge|rm|ory|ion)) (?:that|those) (?=(?:is|was|are|were|does|do|can|could|will|would)\b)",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"^(?:(?:and|or|but|also|so|then|ok(?:ay)?|well|now)\b[ ,]+|what (?:about|else|if not)\b|how (?:about|come|so)\b|"
    r"why (?:not|so|is that)\b|same (?:question|thing)\b|(?:tell|show|give) me (?:more|another|an example)|"
    r"more\b|another\b|for (?:example|instance)\b|in (?:more )?(?:detail|short)\b|continue\b|go on\b|"
    r"please (?:continue|explain)\b)",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|am|be|do|does|did|has|have|had|can|could|may|might|must|shall|should|will|would|what|which|"
    r"who|whom|whose|when|where|why|how|list|name|show|compare|explain|describe|summari[sz]e|define|find|tell|give)\b|"
    r"n't\b",
    re.IGNORECASE,
)
_SAYS = re.compile(r"\b(?:is|are|was|were|do|does|did|has|have|had|can|could|must|should|will|would)\b", re.IGNORECASE)
FUNCTION_WORDS = frozenset(
    "a an and are as at be been but by can could did do does for from had has have how i if in into is it its of on or "
    "our s should so such t than that the their them then there these they this those to too was we were what when "
    "where which who whom whose why will with would you your me my us he she him her his also just only not no any "
    "some all each every may might must shall am being about above more most much many please let's".split()
)
_GENERIC = frozenset(
    "one ones thing things way ways example examples detail details reason reasons else more much many use using take "
    "mean find get go know say said make point explain expand elaborate summarize above please come happen need long "
    "fast cheap cheaper better best alternative default value other another room".split()
)

# Chinese
_ZH_POINTS = re.compile(
    r"[它他她](?:们)?(?!山|人|乡|处|用|国)|"
    r"(?<![A-Za-z0-9] )(?<![A-Za-z0-9》”])"  # "RAG 这个名称" says itself which
    r"这(?:个|些|件|样|种|里|时|点|一[步点个]|两[个种]|几[个种]|是|会|有|和|又|算|怎)|"
    r"那(?:个|些|样|种|里|时候|一[步点个]|两[个种]|几[个种])|"
    r"前者|后者|上面|上述|以上|前面|刚才|如上|此外|除此|同样的|其(?:中(?:哪|的?第)|他的|余的)|"
    r"该(?:模型|方法|论文|文档|书|公司|项目|章|步骤|作者)|"
    r"第[一二三四五六七八九十两\d]+(?:个|种|点|条|步|项)(?:是|怎|有|呢|什么|的)"
)
_ZH_SELF = re.compile(r"(?:如果|当|若|假如|把|让|因为|虽然)[^，,。]{2,}[，,].*[它他她]|这(?:个应用|份|篇)|那么多")
_ZH_ALONE = re.compile(
    r"^(?:那么?|还有|还能|还可以|另外|再(?!生)|然后|后来|接着|继续|所以|但是?|可是|而且|换成|换做|具体|举个例|比如|例如|"
    r"为什么呢?|为何|什么时候|怎么(?:办|做|样|设置|用|改)?|在哪(?:里|儿)?|多少(?:钱)?|是谁|"
    r"请?(?:总结|概括|解释|说明)(?:一下)?)[？?。！!]*$"
)
_ZH_OPENS = re.compile(
    r"[？?。！!]\s*那|^(?:那(?!曲)|还有别|还有什么|还有哪|还能|还可以|另外|再(?:详|说|举|来|给|讲|解)|然后|后来|接着|继续|所以|"
    r"可是|换成|换做|具体|举个例)"
)
_ZH_ASKS = re.compile(r"什么|为何|哪|多少|几|谁|怎|如何|是否|吗|能否|可否")
_ZH_IMPERATIVE = re.compile(r"^(?:请|列出|比较|总结|解释|说明|介绍|列举|描述|翻译|概括)")
_ZH_NO_SUBJECT = re.compile(r"^(?:在哪|实际|太|能|会|要|需要|有(?:什么|哪|没有)|多久|何时)[^A-Za-z]{0,6}$")
_FEW = 4  # words or characters


def needs_rewriting(question: str, history: Sequence[Turn]) -> bool:
    """Whether a question can't be understood without what was said before.

    Told by its words: pronouns and demonstratives, beginnings such as "and …", "what about …", "那…呢", and questions
    with hardly a word of their own. A complete question is left alone, whatever was said before.
    """
    if not any(turn.role == "user" for turn in history):
        return False
    asked = question.strip()
    return _chinese(asked) if language_of(asked) == "zh" else _english(asked)


def says_something(word: str) -> bool:
    """Whether an English word is none of those that every question has."""
    return word.casefold() not in FUNCTION_WORDS


def _english(asked: str) -> bool:
    if _OPENS.search(asked):
        return True
    words = _WORD.findall(asked)
    own = _RELATIVE.sub(" ", _DUMMY.sub(" ", asked))
    if (match := _POINTS.search(own)) and not _said_before(own[: match.start()], match[0]):
        return True
    telling = [word for word in words if word.casefold() not in _GENERIC and says_something(word)]
    if not telling:
        return True
    if len(telling) == 1 and len(words) <= _FEW and not _SAYS.search(asked) and asked.endswith("?"):
        return True  # "Which folder?"
    return asked.endswith("?") and not _VERB.search(asked)  # "The 70B version?"


def _said_before(before: str, pronoun: str) -> bool:
    """Whether the question itself says what a pronoun means: "the paper …, and who wrote it"."""
    clause = re.search(r"(?:,|;| and| or| if| when| but| because| so) [^,;]*$", before)
    if clause is None or pronoun.casefold() in ("the above", "the former", "the latter"):
        return False
    return len([word for word in _WORD.findall(before[: clause.start()]) if says_something(word)]) >= 2


def _chinese(asked: str) -> bool:
    if _ZH_ALONE.search(asked) or _ZH_OPENS.search(asked):
        return True
    if _ZH_POINTS.search(asked) and not _ZH_SELF.search(asked):
        return True
    bare = asked.rstrip("？?。！! ")
    asks = _ZH_ASKS.search(bare)
    if _ZH_NO_SUBJECT.search(bare):
        return True
    if bare.endswith("呢") and not asks:
        return True
    return not asks and not _ZH_IMPERATIVE.search(bare) and len(bare) <= _FEW
