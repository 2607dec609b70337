"""Conversations to take along: Markdown with footnotes to read, JSON to read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from ingest.messages import Language, text

from ..conversation_types import ConversationInfo, ConversationMessage
from ..errors import ConversationError
from ..plain import plain, restored
from ..types import Citation

Format = Literal["markdown", "json"]

_VERSION = 1
_MARKER = re.compile(r"\[(\d{1,3})\]")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\s.]+')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # names that Windows keeps for devices
_MOST_NAME = 60  # characters; with Chinese, 180 bytes of the 255 that a name may have
_SUFFIXES: dict[Format, str] = {"markdown": "md", "json": "json"}


def as_markdown(info: ConversationInfo, messages: Sequence[ConversationMessage], language: Language) -> str:
    """A conversation to be read: questions as headings, answers with a footnote for each citation."""
    lines = [f"# {_in_line(info.title)}", ""]
    about = text(
        "conversation.about", language, kbs=", ".join(info.kbs) or "–", created=f"{info.created:%Y-%m-%d %H:%M}"
    )
    lines += [about, ""]
    notes: list[str] = []
    for one in messages:
        if one.role == "user":
            lines += [f"## {_in_line(one.text)}", ""]
            if one.rewritten:
                lines += [f"*{text('conversation.rewritten', language, question=_in_line(one.rewritten))}*", ""]
            continue
        lines += [*_answer(one, notes, language), ""]
    return "\n".join([*lines, *_spaced(notes)]).rstrip() + "\n"


def as_json(info: ConversationInfo, messages: Sequence[ConversationMessage]) -> str:
    """All of a conversation; :func:`from_json` reads it back."""
    value = {"rag-app conversation": _VERSION, "info": plain(info), "messages": plain(tuple(messages))}
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def from_json(exported: str, source: str = "JSON") -> tuple[ConversationInfo, tuple[ConversationMessage, ...]]:
    """What :func:`as_json` was given.

    Args:
        source: what to name in an error.

    Raises:
        ConversationError: it is no exported conversation.
    """
    try:
        value = json.loads(exported)
        if value["rag-app conversation"] > _VERSION:
            raise ValueError(f"version {value['rag-app conversation']}")
        messages = tuple(restored(ConversationMessage, one) for one in value["messages"])
        return restored(ConversationInfo, value["info"]), messages
    except (ValueError, KeyError, TypeError) as error:
        raise ConversationError("conversation.bad_export", source=source, cause=error) from error


def file_name(info: ConversationInfo, format: Format) -> str:
    """A name that every system takes, from the title."""
    name = _UNSAFE.sub(" ", info.title).strip()[:_MOST_NAME].strip()
    name = name.encode("utf-8", "ignore").decode()
    if not name or _RESERVED.fullmatch(name):
        name = f"conversation {info.id}"
    return f"{name.replace(' ', '-')}.{_SUFFIXES[format]}"


def _answer(message: ConversationMessage, notes: list[str], language: Language) -> Iterator[str]:
    """An answer's lines; its footnotes are added to ``notes``, numbered through the whole conversation."""
    numbers: dict[int, int] = {}
    for citation in message.answer.citations if message.answer else ():
        notes.append(_footnote(len(notes) + 1, citation, language))
        numbers[citation.number] = len(notes)

    def reference(match: re.Match[str]) -> str:
        number = numbers.get(int(match[1]))
        return f"[^{number}]" if number is not None else match[0]

    yield _MARKER.sub(reference, message.text)
    if message.state != "complete":
        yield ""
        why = message.error.text(language) if message.error else text(f"conversation.{message.state}", language)
        yield f"*{why}*"


def _footnote(number: int, citation: Citation, language: Language) -> str:
    if not citation.quote:
        return f"[^{number}]: {citation.document}: {text('conversation.deleted', language)}"
    return f"[^{number}]: {citation.document}, {citation.where(language)}: “{_in_line(citation.quote)}”"


def _spaced(notes: Sequence[str]) -> list[str]:
    return [line for note in notes for line in (note, "")]


def _in_line(said: str) -> str:
    return " ".join(said.split())
