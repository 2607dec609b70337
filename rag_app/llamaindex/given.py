"""Parts of LlamaIndex, given to an app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import LLM
from llama_index.core.node_parser import NodeParser
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.readers.base import BaseReader

from ..parts import Parts
from .embedding import LlamaIndexEmbedder
from .model import LlamaIndexModel
from .postprocessing import LlamaIndexRefiner
from .reading import LlamaIndexReader
from .splitting import LlamaIndexCutter


def parts(
    *,
    embed_model: BaseEmbedding | None = None,
    llm: LLM | None = None,
    readers: Mapping[str, BaseReader] | None = None,
    node_parser: NodeParser | None = None,
    node_postprocessors: Sequence[BaseNodePostprocessor] = (),
    window: int | None = None,
) -> Parts:
    """Parts for :meth:`rag_app.RagApp.open`; all that is not given is as the settings say.

    Args:
        embed_model: embeds passages and questions; asked once for a vector.
        llm: writes answers.
        readers: suffix with its dot, as ".xyz" → what reads such files.
        node_parser: cuts pages into passages. node_postprocessors: work on the passages that were found, in order.
        window: tokens that ``embed_model`` reads at once, where it does not say so itself.

    Raises:
        What ``embed_model`` raises.
    """
    return Parts(
        embedder=LlamaIndexEmbedder(embed_model, window) if embed_model is not None else None,
        model=LlamaIndexModel(llm) if llm is not None else None,
        readers={suffix.lower(): LlamaIndexReader(reader) for suffix, reader in (readers or {}).items()},
        cutter=LlamaIndexCutter(node_parser) if node_parser is not None else None,
        refiners=tuple(map(LlamaIndexRefiner, node_postprocessors)),
    )
