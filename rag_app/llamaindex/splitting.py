"""A node parser of LlamaIndex as the app's way of cutting pages."""

from __future__ import annotations

from llama_index.core.node_parser import NodeParser, get_leaf_nodes
from llama_index.core.schema import Document, MetadataMode

from ingest.errors import FileRefused

from .identity import identity


class LlamaIndexCutter:
    """Implements :class:`ingest.given.Cutter` by any :class:`NodeParser` whose nodes are pieces of the text.

    Of a hierarchy the leaves are taken.
    """

    def __init__(self, parser: NodeParser) -> None:
        self._parser = parser
        self.identity = identity(parser)

    def cut(self, text: str) -> list[tuple[int, int]]:
        """Pieces (start, end) in reading order.

        Raises:
            FileRefused: a node is no piece of the text, so that nothing of it could be cited. What the parser raises.
        """
        if not text.strip():
            return []
        spans: list[tuple[int, int]] = []
        earliest = 0
        for node in get_leaf_nodes(self._parser.get_nodes_from_documents([Document(text=text)])):
            piece = node.get_content(MetadataMode.NONE)
            if not piece.strip():
                continue
            start = text.find(piece, earliest)
            if start < 0:
                raise FileRefused("llamaindex.other_text", parser=type(self._parser).__name__, text=piece[:60])
            spans.append((start, start + len(piece)))
            earliest = start + 1
        return spans
