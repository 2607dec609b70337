"""Passages as LlamaIndex's nodes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from llama_index.core.schema import NodeRelationship, NodeWithScore, RelatedNodeInfo, TextNode

from ..types import Citation, Passage

_FOR_PROGRAMS = ["file_path", "kb", "page", "pages", "start", "end", "score", "similarity", "citation", "quote"]
"""Metadata that says nothing to a model."""


def node_id(passage: Passage) -> str:
    """The same for the same passage at every question, as long as its file is not read anew."""
    return str(uuid5(NAMESPACE_URL, f"rag-app:{passage.kb}\n{passage.path}\n{passage.page}\n{passage.chunk_id}"))


def node_of(passage: Passage, citation: Citation | None = None) -> NodeWithScore:
    """A passage with its score, 0–1.

    Its metadata: ``file_path``, ``file_name``, ``title``, ``page`` (1-based physical page), ``page_label`` (as it is
    printed, or a sheet's name), ``label`` (the place as a person reads it), ``headings``, ``kb``, ``score``,
    ``similarity``, and of a passage that an answer cites ``citation`` (n of its marker [n]) and ``quote``.
    """
    metadata: dict[str, object] = {
        "file_name": passage.document,
        "file_path": str(passage.path),
        "title": passage.title,
        "page": passage.page,
        "page_label": passage.page_label or str(passage.page),
        "pages": passage.pages,
        "label": passage.where(),
        "headings": " › ".join(passage.headings),
        "kb": passage.kb,
        "start": passage.start,
        "end": passage.end,
        "score": passage.score,
        "similarity": passage.similarity,
    }
    if citation is not None:
        metadata |= {"citation": citation.number, "quote": citation.quote}
    node = TextNode(
        id_=node_id(passage),
        text=passage.text,
        metadata=metadata,
        start_char_idx=passage.start,
        end_char_idx=passage.end,
        excluded_llm_metadata_keys=_FOR_PROGRAMS,
        excluded_embed_metadata_keys=_FOR_PROGRAMS,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=str(passage.path))},
    )
    return NodeWithScore(node=node, score=passage.score)


def nodes_of(passages: Sequence[Passage], citations: Sequence[Citation] = ()) -> list[NodeWithScore]:
    """All passages; citation n is of the n-th."""
    cited = {citation.number: citation for citation in citations}
    return [node_of(passage, cited.get(number)) for number, passage in enumerate(passages, 1)]
