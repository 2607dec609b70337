"""Questions drafted by the configured model from the user's own passages, each checked before a person sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from ..app import RagApp
from ..catalog import Catalog
from ..chat.amounts import values_and_rest
from ..chat.prompt import harmless
from ..chat.prompts import Prompt
from ..errors import DatasetError
from ..llm.completing import ModelCompletion
from ..protocols import Completion
from ..retrieval.language import language_of
from ..types import KnowledgeBase, Passage
from .answer_datasets import AnswerQuestion, question_id
from .answer_measures import contains, has_all

Flaw = Literal["no_json", "not_in_passage", "gives_itself_away", "points_at_passage", "not_found", "repeated"]
_LEAST_CHARACTERS = 80  # of a passage: a heading holds no fact
_MOST_CHARACTERS = 2000
_MOST_ANSWER = 200
_MOST_WORDS = 2  # beside the numbers of an answer that is told by its numbers alone
_TRIES = 3  # passages for each question that is wanted
_SPREAD = 10  # chunks looked at for each passage that is tried
_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"question": {"type": "string"}, "answer": {"type": "string"}},
    "required": ["question", "answer"],
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model made of a passage.

    Attributes:
        question: in the state "draft"; None where it can't be used. flaw: why.
    """

    passage: Passage
    question: AnswerQuestion | None
    flaw: Flaw | None = None


def draft_questions(app: RagApp, count: int, kb: str | None = None) -> Iterator[Draft]:
    """Draft until there are ``count`` good questions, or three passages for each were tried; flawed ones come too.

    Passages are spread over the documents and over each document. A good question has its answer in its passage, word
    for word or as numbers of the same value, stands by itself, and finds its page.

    Raises:
        UnknownKnowledgeBase; DatasetError: the knowledge base is empty. ModelError: the model can't be had.
    """
    base = app._store.kb(kb)
    model = ModelCompletion(app._store.models.chat_model(), app.settings.answer_tokens)
    prompt = app._store.models.prompt("drafting")
    if not base.chunks:
        raise DatasetError("eval.empty_kb", kb=base.name)
    seen: set[str] = set()
    for passage in _passages(app._store.catalog, base, _TRIES * count):
        draft = _draft(app, base.name, model, prompt, passage)
        if draft.question is not None and draft.question.id in seen:
            draft = Draft(passage, None, "repeated")
        yield draft
        if draft.question is not None:
            seen.add(draft.question.id)
            if len(seen) == count:
                return


def _passages(catalog: Catalog, base: KnowledgeBase, most: int) -> list[Passage]:
    """In turns one of each document, those of a document evenly spread."""
    chunks = catalog.passages.some_chunk_ids(base.id, most * _SPREAD)
    by_document: dict[str, list[Passage]] = {}
    for one in catalog.passages.of(chunks).values():
        if len(one.text) >= _LEAST_CHARACTERS and not one.described:
            by_document.setdefault(str(one.path), []).append(one)
    share = -(-most // max(1, len(by_document)))
    turns = zip_longest(*(_spread(own, max(share, 1)) for own in by_document.values()))
    chosen = [one for turn in turns for one in turn if one is not None]
    return chosen[:most]


def _spread(passages: list[Passage], most: int) -> list[Passage]:
    """First those evenly spread, then the others."""
    step = max(1, len(passages) // most)
    first = passages[step // 2 :: step]
    return [*first, *(one for one in passages if one not in first)]


def _draft(app: RagApp, kb: str, model: Completion, prompt: Prompt, passage: Passage) -> Draft:
    language = language_of(passage.text)
    text = harmless(passage.text[:_MOST_CHARACTERS])
    headings = harmless(" › ".join(passage.headings)) or "–"
    asked = prompt.text("draft", language, title=harmless(passage.title), headings=headings, text=text)
    question, answer = _written(model.complete(asked, _SCHEMA))
    flaw = _flaw(question, answer, passage, prompt.phrases("pointing", language))
    if flaw is None and not _finds(app, kb, question, passage):
        flaw = "not_found"
    if flaw is not None:
        return Draft(passage, None, flaw)
    evidence = (((passage.document, passage.page),),)
    return Draft(passage, AnswerQuestion(question_id(question), question, (answer,), evidence, "draft", passage.text))


def _written(said: str) -> tuple[str, str]:
    """Question and answer, empty where the model wrote something else."""
    try:
        row = json.loads(said)
        question, answer = row["question"], row["answer"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", ""
    if not isinstance(question, str) or not isinstance(answer, str):
        return "", ""
    return " ".join(question.split()), answer.strip()


def _flaw(question: str, answer: str, passage: Passage, pointing: tuple[str, ...]) -> Flaw | None:
    if not question or not answer or len(answer) > _MOST_ANSWER:
        return "no_json"
    if not supports(passage.text, answer):
        return "not_in_passage"
    if contains(question, answer):
        return "gives_itself_away"
    if any(phrase.casefold() in question.casefold() for phrase in pointing):
        return "points_at_passage"
    return None


def supports(passage: str, answer: str) -> bool:
    """Whether a passage has an answer word for word, or all its numbers by value where it is little else."""
    if contains(passage, answer):
        return True
    wanted, rest = values_and_rest(answer)
    few = len(rest.replace("\0", " ").split()) <= _MOST_WORDS
    return bool(wanted) and few and has_all(values_and_rest(passage)[0], wanted)


def _finds(app: RagApp, kb: str, question: str, passage: Passage) -> bool:
    found = app.retrieve(question, kb).passages
    return any(one.path == passage.path and one.page == passage.page for one in found)
