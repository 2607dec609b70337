"""LlamaIndex both ways: an app as its retriever, engines and tool, and its parts as the app's.

::

    from rag_app import RagApp
    from rag_app.llamaindex import parts

    with RagApp.open(parts=parts(embed_model=OllamaEmbedding("bge-m3"), llm=Ollama("llama3.1:8b"))) as app:
        app.ingest("papers/")
        tool = app.as_tool()

This package alone imports llama_index, which takes seconds; ``import rag_app`` does not import it.
"""

from .chat_engine import KnowledgeBaseChatEngine
from .embedding import LlamaIndexEmbedder
from .engine import CitedResponse, KnowledgeBaseQueryEngine
from .given import parts
from .importing import import_collection
from .llm import KnowledgeBaseLLM
from .model import LlamaIndexModel
from .nodes import node_of
from .postprocessing import LlamaIndexRefiner
from .reading import LlamaIndexReader
from .retriever import KnowledgeBaseRetriever
from .splitting import LlamaIndexCutter
from .tool import KnowledgeBaseTool

__all__ = [
    "CitedResponse",
    "KnowledgeBaseChatEngine",
    "KnowledgeBaseLLM",
    "KnowledgeBaseQueryEngine",
    "KnowledgeBaseRetriever",
    "KnowledgeBaseTool",
    "LlamaIndexCutter",
    "LlamaIndexEmbedder",
    "LlamaIndexModel",
    "LlamaIndexReader",
    "LlamaIndexRefiner",
    "import_collection",
    "node_of",
    "parts",
]
