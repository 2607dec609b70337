"""Passages that read like instructions to a model: flagged, so that a reader is warned. They are still only quoted.

A document can't be kept from saying "ignore your instructions"; what keeps it harmless is that passages are quoted in
the prompt as data, that an answer's sentences are checked against them, and that quotes are verbatim. The flag is for
the person who reads the answer. It looks for what attempts have in common: to ignore or forget what was said before,
a new role or task, the system prompt, the marks of a chat's roles, orders about the answer itself, and addresses to
an AI.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from ..retrieval.tokens import simplified
from ..types import Passage

_ORDERS = r"instructions?|prompts?|rules?|directives?|directions?|commands?|guidelines?|context|training|programming"
_BEFORE = r"previous|prior|above|earlier|preceding|former|all|any|your|these|those|the|other|original|initial|system"
_EN = (
    rf"\b(?:ignore|disregard|forget|override|bypass|skip|neglect|drop|cancel|do\s+not\s+(?:follow|obey)"
    rf"|stop\s+following)\b"
    rf"(?:\s+(?:about|everything|anything|{_BEFORE}|of|and|that|what|you|were|been|told|given|have)\b){{0,8}}"
    rf"\s+(?:{_ORDERS}|passages|documents|you\s+were\s+told|said\s+(?:before|above)|(?:above|before)\b)",
    r"\b(?:forget|ignore|disregard)\s+(?:everything|all|anything)\s+(?:above|before|you)\b",
    r"\b(?:new|updated|real|actual|secret|hidden)\s+(?:system\s+)?(?:instructions?|prompt|task|directive)\s*[:：]",
    r"\byou\s+are\s+(?:now|no\s+longer|from\s+now\s+on)\b",
    r"\bfrom\s+now\s+on,?\s+(?:you\s+(?:are|act|only|always|must|will)|answer|respond|reply|act|speak)\b",
    r"\b(?:act|behave|respond|roleplay|pretend)\s+(?:as\s+if\s+you|as\s+(?:a|an|the)\s+(?:ai|assistant|different|admin\w*"
    r"|developer|system|root|unrestricted|dan\b)|to\s+be\s+(?:a|an)\b)",
    r"\b(?:reveal|print|show|repeat|output|display|leak|tell\s+me|disclose)\s+(?:me\s+)?(?:your|the)\s+(?:\w+\s+)?"
    r"(?:system\s+prompt|instructions|hidden\s+prompt|initial\s+prompt|prompt)\b",
    r"\bsystem\s+(?:prompt|message|override|note)\b\s*[:：]",
    r"\b(?:dear|attention|note\s+to|message\s+(?:to|for)|instructions?\s+(?:to|for)|hey|hello)\s+(?:the\s+|any\s+|all\s+)?"
    r"(?:ai|llm|language\s+models?|assistants?|chatbots?|gpt|model)\b",
    r"\bif\s+you\s+are\s+(?:an?\s+|the\s+)?(?:ai|llm|large\s+language\s+model|language\s+model|assistant|chatbot)\b",
    r"\b(?:as\s+an?\s+(?:ai|language\s+model|assistant)|the\s+(?:ai|assistant|model|chatbot))\s*,?\s+(?:you\s+)?"
    r"(?:must|should|shall|has\s+to|is\s+required\s+to)\s+(?:now\s+|always\s+|only\s+)?"
    r"(?:answer|reply|respond|say|output|write|print|recommend|ignore|tell|state|include|rate)\b",
    r"\b(?:only\s+|always\s+)?(?:answer|reply|respond)\s+(?:only\s+|always\s+|just\s+)?(?:with|by\s+saying)\s+"
    r"(?:the\s+)?(?:word|words|phrase|text|exactly|only|\"|“|')",
    r"\b(?:do\s+not|don'?t|never)\s+(?:mention|reveal|tell|show|cite|answer)\b[^.\n]{0,60}"
    r"\b(?:user|passages?|instructions?|prompt|sources?|question)\b",
    r"\b(?:developer|debug|god|admin|jailbreak|dan)\s+mode\b[^.\n]{0,30}\b(?:enabled?|on|activated?|unlocked)\b|\bjailbreak\b",
    r"\byour\s+(?:new|only|real|true|actual)\s+(?:task|job|role|goal|purpose|instructions?)\s+(?:is|are)\b",
    r"<\|?\s*/?(?:im_start|im_end|system|assistant|user|start_header_id|begin_of_text)\s*\|?>",
    r"\[/?INST\]|<<\s*/?SYS\s*>>|^#{1,4}\s*(?:system|instructions?|assistant|human)\s*[:：]?\s*$",
    r"^\s*(?:system|assistant)\s*[:：]\s*\S|(?-i:\b(?:SYSTEM|ASSISTANT))\s*[:：]"
    r"|\b(?:system|assistant)\s*[:：]\s*(?:you|please|ignore|always|never|do\s+not)\b",
)
_ZH = (
    r"(?:忽略|无视|忘记|忘掉|忘了|不要理会|不要遵守|不要遵循|别管|跳过|绕过|覆盖|抛弃|丢弃|停止遵守|取消)[^。！？\n]{0,6}"
    r"(?:你|您|之前|先前|此前|以上|上面|上述|前面|前述|所有|一切|任何|系统|原来|其他|这些)[^。！？\n]{0,8}"
    r"(?:指令|指示|提示词?|规则|要求|命令|约束|限制|段落|的话|所说|说的|的一切)",
    r"(?:新的?|最新|真正的?|隐藏的?|秘密的?)(?:系统)?(?:指令|指示|提示词|任务)\s*[:：]",
    r"(?:从现在起|从现在开始|现在起|接下来)[，,]?\s*(?:你|请你|请)(?:是|将|要|必须|只能|只|扮演|充当|就是|不再)",
    r"你(?:现在|已经?)(?:是|变成|不再是|不再受)|你不再(?:是|受)",
    r"(?:请)?(?:扮演|充当|假装(?:你)?(?:是|成)?|模拟)(?:一个|一名|成)?[^。\n]{0,10}(?:AI|助手|模型|管理员|开发者|黑客)",
    r"(?:输出|显示|泄露|透露|告诉我|打印|重复|说出)[^。\n]{0,8}(?:系统提示词?|提示词|系统指令|你的指令|初始指令)",
    r"系统(?:提示词?|消息|指令|指示)\s*[:：]|系统覆盖",
    r"(?:致|给|请|告知|尊敬的|注意)[^。\n]{0,6}(?:AI|人工智能|大?语言模型|大模型|智能助手|机器人)[^。\n]{0,6}[:：，,]",
    r"如果你是[^。\n]{0,8}(?:AI|人工智能|语言模型|大模型|助手|机器人)",
    r"(?:AI|人工智能|语言模型|大模型|助手|模型)[ ]?(?:必须|应当|应该|只能|需要|务必)"
    r"[^。\n]{0,10}(?:回答|回复|输出|说|写|推荐|告诉)",
    r"(?:只|仅|一律|统一|必须|请)(?:能|需|要|可以)?(?:回答|回复|输出|答复)\s*[:：]?\s*[“\"'「『]",
    r"(?:不要|不得|切勿|禁止|别)(?:向用户)?(?:提及|透露|告诉|引用|回答)[^。\n]{0,12}(?:用户|段落|指令|提示|来源|问题|本段)",
    r"(?:开发者|越狱|调试|管理员|上帝)模式",
    r"你(?:的)?(?:新|唯一|真正)的?(?:任务|职责|角色|目标|身份|指令)(?:就)?是",
)
_INVISIBLE = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff\u00ad\U000e0000-\U000e007f]")
_TAGS = {0xE0000 + code: code for code in range(0x20, 0x7F)}  # letters that no font shows
_HAN = re.compile("[\u4e00-\u9fff]")
_PATTERN = re.compile("|".join(f"(?:{one})" for one in (*_EN, *_ZH)), re.IGNORECASE | re.MULTILINE)
_SPREAD = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*]){5,}[^\W\d_](?![^\W_])")


def is_suspicious(text: str) -> bool:
    """Whether a text reads like instructions to a model, invisible characters and odd spellings undone."""
    folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text.translate(_TAGS)))
    folded = _SPREAD.sub(lambda match: re.sub(r"[ .\-_*]", "", match[0]), folded)
    return bool(_PATTERN.search(folded) or (_HAN.search(folded) and _PATTERN.search(simplified(folded))))


def flagged(passages: Iterable[Passage]) -> tuple[Passage, ...]:
    """The passages, those that read like instructions marked."""
    return tuple(replace(one, suspicious=True) if is_suspicious(one.text) else one for one in passages)
