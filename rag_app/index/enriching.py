"""LLaMA-assisted indexing: for each passage a language model writes what it is about and which questions it answers.

Both are searched with the passage's own words and never shown or cited. One passage is one commit: a run that was
stopped goes on where it was. (A context for each chunk: Anthropic, "Contextual Retrieval", 2024; questions for each
chunk: Nogueira et al. 2019, arXiv:1904.08375.)
"""

from __future__ import annotations

import json
from collections.abc import Callable

from ..catalog import Catalog
from ..errors import ModelError
from ..protocols import Completion
from ..retrieval.language import language_of
from ..retrieval.tokens import tokens
from ..types import KnowledgeBase, Passage

_MOST_CHARACTERS = 2000  # of a passage, and of a note: a small model may not find an end
_PROMPTS = {
    "en": "Document: {title}\nSection: {headings}\n\n{text}\n\nWrite one sentence that says what this passage is about "
    "within its document, and up to three questions that it answers. Use only what the passage says.",
    "zh": "文档：{title}\n章节：{headings}\n\n{text}\n\n用一句话说明这段文字在文档中讲什么，"
    "再写出它能回答的问题，最多三个。只使用这段文字里的内容。",
}
_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "context": {"type": "string"},
        "questions": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
    },
    "required": ["context", "questions"],
}


def enrich(catalog: Catalog, kb: KnowledgeBase, model: Completion, progress: Callable[[int, int], None]) -> int:
    """Write the notes that are missing; returns how many passages got none, as the model wrote no JSON.

    Args:
        progress: called with (passages done, passages in all); an exception out of it stops.

    Raises:
        ModelError: the model can't be had; what was written stays.
    """
    missing = catalog.notes.missing(kb.id)
    failed = 0
    for done, (content, chunk) in enumerate(missing, 1):
        stored = catalog.passages.of([chunk]).get(chunk)
        if stored is not None:
            note = _note(model.complete(_prompt(stored), _SCHEMA))
            if note:
                catalog.notes.write(kb.id, content, note, tokens)
            failed += not note
        progress(done, len(missing))
    if missing and failed == len(missing):
        raise ModelError("ollama.no_notes", model=model.name)
    return failed


def forget(catalog: Catalog, kb: KnowledgeBase) -> None:
    """Drop all notes, from the disk too."""
    catalog.notes.clear(kb.id)
    catalog.lexical.purge(kb.id)
    catalog.database.truncate_log()


def _prompt(passage: Passage) -> str:
    headings = " › ".join(passage.headings) or "–"
    text = passage.text[:_MOST_CHARACTERS]
    return _PROMPTS[language_of(text)].format(title=passage.title, headings=headings, text=text)


def _note(written: str) -> str:
    """The note in one text, "" where the model wrote something else."""
    try:
        answer = json.loads(written)
        lines = [answer["context"], *answer["questions"]]
    except (ValueError, KeyError, TypeError):
        return ""
    return "\n".join(str(line) for line in lines if str(line).strip())[:_MOST_CHARACTERS]
