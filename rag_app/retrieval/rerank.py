"""A second look at the best candidates, by a model that reads question and passage together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ingest.messages import message

from ..parts import Refiner
from ..protocols import Reranker
from ..types import Passage

RERANKED = 20
"""Passages that a reranker reads: the cost of each is that of embedding it with the question."""


def rerank(reranker: Reranker, question: str, passages: Sequence[Passage]) -> list[Passage]:
    """The first of ``passages`` in the reranker's order, the others after them.

    Raises:
        EmbedderError, ModelError: what the reranker raises.
    """
    read, rest = passages[:RERANKED], passages[RERANKED:]
    scores = reranker.scores(question, [f"{passage.title}\n{passage.text}" for passage in read])
    order = sorted(range(len(read)), key=lambda place: (-scores[place], place))
    moved = []
    for rank, place in enumerate(order, 1):
        passage = read[place]
        step = message("explain.reranked", model=reranker.name, score=f"{scores[place]:.3f}", old=place + 1, new=rank)
        trace = replace(passage.trace, steps=(*passage.trace.steps, step)) if passage.trace else None
        moved.append(replace(passage, trace=trace))
    return [*moved, *rest]


def refine(refiner: Refiner, question: str, passages: Sequence[Passage]) -> list[Passage]:
    """What a refiner leaves of the passages, in its order.

    Raises:
        What the refiner raises.
    """
    places = {passage.chunk_id: place for place, passage in enumerate(passages, 1)}
    left = []
    for rank, passage in enumerate(refiner.refine(question, passages), 1):
        step = message("explain.refined", name=refiner.name, old=places[passage.chunk_id], new=rank)
        trace = replace(passage.trace, steps=(*passage.trace.steps, step)) if passage.trace else None
        left.append(replace(passage, trace=trace))
    return left
