"""What conversations keep of a deleted document: that it was cited, by number and name, and none of its words.

An answer loses the sentences that cite it, and those that repeat a piece of it, cited or not; its citations lose their
quotes. Where a new version of the same file still says what was quoted, that stays. Questions, titles and comments are
a person's own words and stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.messages import Language, text

from ..catalog import Catalog
from ..conversation_types import ConversationMessage
from ..types import Answer, Citation, Passage
from .needles import Needles

_SEGMENT = re.compile(r"(?P<said>.*?)(?P<markers>\[\d{1,3}\](?:\s*\[\d{1,3}\])*|\Z)", re.DOTALL)
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was deleted.

    Attributes:
        old: its texts. still: texts in which the same words may stand on. stands: whether a passage is still stored.
    """

    old: Sequence[str]
    still: Sequence[str]
    stands: Callable[[Passage], bool]

    def repeated_by(self, texts: Sequence[str]) -> set[int]:
        """Which of the texts, by place, have a piece of what was deleted that does not stand on."""
        pieces, deleted = Needles(), Needles()
        own = [pieces.add(one.strip(), step=1) for one in texts]
        gone = pieces.within("\n".join(self.old)) - pieces.within("\n".join(self.still))
        for one in self.old:  # the other way round too: what was deleted may be shorter than a piece
            deleted.add(one.strip())
        deleted.discard("\n".join(self.still))
        return {place for place, held in enumerate(own) if held & gone or deleted.within(texts[place])}


def forget(catalog: Catalog, document: int, path: Path | None = None) -> None:
    """Take a document's words out of all conversations; inside the transaction that deletes it, before it is deleted.

    Args:
        path: of the file that had it; what it has now is the new version.
    """
    conversations = catalog.conversations.with_document(document)
    if not conversations:
        return
    old = catalog.documents.texts(document)
    news = catalog.files.documents_at(path) - {document} if path is not None else set()
    still = [page for new in sorted(news) for page in catalog.documents.texts(new)]

    def stands(passage: Passage) -> bool:
        of = catalog.conversations.documents_of([passage.chunk_id]).get(passage.chunk_id)
        return of not in (None, document) or any(passage.text in page for page in still)

    for conversation in conversations:
        asked: dict[int | None, str] = {}
        for message in catalog.conversations.messages(conversation):
            asked[message.id] = message.text
            sources = set(catalog.conversations.sources(message.id))
            if document in sources:
                sources = sources - {document} | news
            _forget(catalog, message, asked.get(message.parent, ""), Deleted(old, still, stands), sources)


def _forget(catalog: Catalog, message: ConversationMessage, asked: str, what: Deleted, sources: set[int]) -> None:
    if message.summary:
        catalog.conversations.summarize(message.id, "")
    if message.role == "user":
        if message.rewritten and what.repeated_by([message.rewritten]):
            catalog.conversations.rewrite(message.id, "", "none")
        return
    if message.answer is None:
        said = without(message.text, (), what, "en")
        catalog.conversations.keep(message.id, message.state, said, None, message.error, sources)
        return
    answer = redacted(message.answer, asked, what)
    catalog.conversations.keep(message.id, message.state, answer.text, answer, message.error, sources)


def redacted(answer: Answer, asked: str, what: Deleted) -> Answer:
    """An answer without the words of what was deleted; itself if it has none.

    Args:
        asked: its question in the person's own words.
    """
    passages, citations = list(answer.passages), list(answer.citations)
    gone: list[int] = []
    for place, citation in enumerate(citations):
        passage = passages[citation.number - 1]
        if not citation.quote or what.stands(passage):
            continue
        if any(citation.quote in page for page in what.still):
            passages[citation.number - 1] = replace(
                passage, text=citation.quote, start=citation.start, end=citation.end, lines=()
            )
            continue
        gone.append(citation.number)
        citations[place] = _bare_citation(citation)
        passages[citation.number - 1] = _bare_passage(passage)
    said = without(answer.text, gone, what, answer.language)
    rewritten = bool(what.repeated_by([answer.question])) and answer.question != asked
    thought = bool(what.repeated_by([answer.thinking]))
    if not gone and said == answer.text and not thought and not rewritten and passages == list(answer.passages):
        return answer
    return Answer(  # made anew: whatever else an answer has may hold words of the document too
        question=asked if rewritten else answer.question,
        text=said,
        model=answer.model,
        language=answer.language,
        refused=answer.refused,
        citations=tuple(citations),
        passages=tuple(passages),
        notice=answer.notice,
        prompt_tokens=answer.prompt_tokens,
        answer_tokens=answer.answer_tokens,
        context_tokens=answer.context_tokens,
        thinking="" if thought or gone else answer.thinking,
        complete=answer.complete,
    )


def without(said: str, gone: Sequence[int], what: Deleted, language: Language) -> str:
    """A text with a note for each part that cites one of ``gone`` or repeats what was deleted; markers stay."""
    parts = [(match["said"], match["markers"]) for match in _SEGMENT.finditer(said) if match[0]]
    repeated = what.repeated_by([part for part, _ in parts])
    note = text("conversation.deleted", language)
    shown = ""
    for place, (part, markers) in enumerate(parts):
        cites = {int(number) for number in _NUMBER.findall(markers)} & set(gone)
        if part.strip() and (cites or place in repeated):
            lead = part[: len(part) - len(part.lstrip())]
            part = f"{lead}{note} " if markers else f"{lead}{note}"
        shown += part + markers
    return shown


def _bare_citation(citation: Citation) -> Citation:
    return replace(
        citation, path=Path(citation.document), page_label=None, headings=(), quote="", lines=None, kind="page"
    )


def _bare_passage(passage: Passage) -> Passage:
    return replace(
        passage,
        path=Path(passage.document),
        title=passage.document,
        page_label=None,
        headings=(),
        text="",
        kind="page",
        lines=(),
        trace=None,
    )
