"""Answers on a terminal."""

from collections.abc import Callable, Mapping, Sequence

from ingest.messages import Language, Message

from ..chat.answering import AnswerStream, Thought, Withdrawn
from ..chat.conversation_stream import ConversationStream
from ..chat.drafting import Checked
from ..protocols import ChatMessage
from ..types import Answer, Citation
from .output import Output
from .shapes import AnswerJson, CitationJson, PageJson


def show(stream: AnswerStream | ConversationStream, output: Output) -> Answer:
    """Print an answer as it is written, then its sources and what is worth knowing about it."""
    told = False
    try:
        with output.waiting() as waits:
            for event in stream.events():
                if not told and isinstance(stream, ConversationStream) and stream.condensed is not None:
                    told = True
                    _tell_rewritten(stream, output, waits)
                if isinstance(event, str):
                    waits(None)
                    output.piece(event)
                elif isinstance(event, Thought):
                    output.thought(event.text)
                elif isinstance(event, Checked):
                    if mark := event.sentence.mark(output.texts.language):
                        output.piece(f" {mark}", style="dim")
                elif isinstance(event, Withdrawn):
                    output.line()
                    output.line(event.text, style="yellow")
                else:
                    waits(event.message if event.name != "writing" else None)
    finally:
        stream.close()
        output.line()
    answer = stream.answer
    show_sources(answer, output)
    if answer.context_tokens and answer.prompt_tokens:
        output.note(output.texts("cli.tokens", used=answer.prompt_tokens, available=answer.context_tokens))
    if not answer.complete:
        output.note(output.texts("cli.incomplete"), style="yellow")
    if answer.notice is not None:
        output.note(answer.notice)
    return answer


def show_prompt(stream: AnswerStream | ConversationStream, output: Output) -> None:
    """Print what the model was sent."""
    output.line()
    if not stream.prompt:
        output.note(output.texts("cli.no_prompt"))
    for message in stream.prompt:
        output.line(f"── {message.role}", style="bold")
        output.line(message.text, style="dim")
        if message.images:
            output.note(output.texts("cli.prompt_images", count=len(message.images)))


def show_sources(answer: Answer, output: Output) -> None:
    """Print the citations of an answer."""
    if answer.citations:
        output.line()
        output.line(output.texts("cite.sources"), style="bold")
    for citation in answer.citations:
        quote = citation.quote or output.texts("conversation.deleted")
        output.line(f"[{citation.number}] {citation.document}, {citation.where(output.texts.language)}", style="cyan")
        output.line(f"    {' '.join(quote.split())}", style="dim")
        if citation.suspicious:
            output.line(f"    {output.texts('cite.suspicious')}", style="yellow")


def _tell_rewritten(stream: ConversationStream, output: Output, waits: Callable[[Message | None], None]) -> None:
    if stream.condensed is not None and stream.condensed.how != "none":
        waits(None)
        output.note(output.texts("conversation.rewritten", question=stream.rewritten))


def as_json(
    answer: Answer, prompt: Sequence[ChatMessage] | None = None, pages: Mapping[int, PageJson] | None = None
) -> AnswerJson:
    """An answer as ``--json`` prints it.

    Args:
        prompt: what the model was sent, where that was asked for.
        pages: by the citation's number, where pictures of them were.
    """
    shown: AnswerJson = {
        "question": answer.question,
        "text": answer.text,
        "model": answer.model,
        "language": answer.language,
        "refused": answer.refused,
        "complete": answer.complete,
        "citations": [_citation(citation, answer.language, pages or {}) for citation in answer.citations],
        "sentences": answer.sentences,
        "dropped_markers": answer.dropped_markers,
        "notice": answer.notice or "",
        "thinking": answer.thinking,
        "prompt_tokens": answer.prompt_tokens,
        "answer_tokens": answer.answer_tokens,
        "context_tokens": answer.context_tokens,
    }
    if prompt is not None:
        shown["prompt"] = [{"role": one.role, "text": one.text} for one in prompt]
    return shown


def _citation(citation: Citation, language: Language, pages: Mapping[int, PageJson]) -> CitationJson:
    shown: CitationJson = {
        "number": citation.number,
        "document": citation.document,
        "path": citation.path,
        "page": citation.page,
        "page_label": citation.page_label,
        "headings": citation.headings,
        "lines": citation.lines,
        "ocr": citation.ocr,
        "described": citation.described,
        "suspicious": citation.suspicious,
        "where": citation.where(language),
        "quote": citation.quote,
        "start": citation.start,
        "end": citation.end,
    }
    if citation.number in pages:
        shown["image"] = pages[citation.number]
    return shown
