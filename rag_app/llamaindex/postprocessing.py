"""A node postprocessor of LlamaIndex over the app's passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llama_index.core.postprocessor.types import BaseNodePostprocessor

from ..types import Passage
from .nodes import nodes_of


class LlamaIndexRefiner:
    """Implements :class:`rag_app.parts.Refiner` by any :class:`BaseNodePostprocessor`.

    It may leave out passages, order them anew and give them other scores. Text that it changes, and nodes that it
    brings in, are passed over: what is cited is what the documents say.
    """

    def __init__(self, postprocessor: BaseNodePostprocessor) -> None:
        self._postprocessor = postprocessor
        self.name = type(postprocessor).__name__

    def refine(self, question: str, passages: Sequence[Passage]) -> list[Passage]:
        """Some of the passages, best first.

        Raises:
            What the postprocessor raises.
        """
        nodes = nodes_of(passages)
        by_id = {node.node.node_id: passage for node, passage in zip(nodes, passages, strict=True)}
        left = self._postprocessor.postprocess_nodes(nodes, query_str=question)
        chosen = {node.node.node_id: node.score for node in left if node.node.node_id in by_id}
        return [
            by_id[name] if score is None else replace(by_id[name], score=float(score)) for name, score in chosen.items()
        ]
