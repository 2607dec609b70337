"""``/v1/models`` and ``/v1/embeddings``.

A chat client lets people choose a model and nothing else, so a knowledge base is one: ``rag:default``. Who writes the
answer is the app's own setting. The embedding model is listed too, under its own name.
"""

from __future__ import annotations

import base64
import struct
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from ..types import KnowledgeBase
from .chat_schemas import Word
from .failures import ApiError
from .house import House, model_name, needs
from .working import Gone, unless_gone

_OWNER = "rag-app"
_MOST_TEXTS = 2048  # OpenAI's
_MOST_CHARACTERS = 1_000_000
_BATCH = 16  # between two looks at whether somebody still waits
_CLOSED = 499

Text = Annotated[str, Field(min_length=1, max_length=_MOST_CHARACTERS)]


class ModelView(BaseModel):
    """OpenAI's model; ``rag`` says what it is."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = _OWNER
    rag: dict[str, Any]


class ModelList(BaseModel):
    """OpenAI's."""

    object: Literal["list"] = "list"
    data: list[ModelView]


class EmbeddingRequest(BaseModel):
    """Texts to vectors, by the app's embedding model."""

    model_config = ConfigDict(extra="forbid")

    model: Word = Field(description="The embedding model's name, as /v1/models lists it.")
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=_MOST_TEXTS)] = Field(
        description="Texts; however long one is, nothing is cut off. Lists of token numbers are refused: they would be "
        "of another model's vocabulary."
    )
    encoding_format: Literal["float", "base64"] | None = Field(
        default="float", description="base64: little-endian 32-bit floats."
    )
    input_type: Literal["query", "passage"] | None = Field(
        default=None,
        description="Whether the texts are questions or passages: the model reads them differently. Clients that say "
        "nothing find most when both are read as questions, so that is the default.",
    )
    dimensions: StrictInt | None = Field(default=None, description="Only the model's own.")
    user: str | None = Field(default=None, description="Accepted and ignored.")


class EmbeddingView(BaseModel):
    """One vector, of length 1."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingList(BaseModel):
    """OpenAI's."""

    object: Literal["list"] = "list"
    data: list[EmbeddingView]
    model: str
    usage: dict[str, int]


def routes(house: House) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["OpenAI"], dependencies=[Depends(needs("reader"))])

    @router.get("/v1/models")
    def models() -> ModelList:
        """The knowledge bases, each as a model, and the embedding model."""
        return ModelList(data=_models(house))

    @router.get("/v1/models/{model}")
    def one_model(model: str) -> ModelView:
        """One of them."""
        known = _models(house)
        for found in known:
            if found.id.casefold() == model.casefold():
                return found
        names = ", ".join(one.id for one in known)
        raise ApiError(404, "model_not_found", "api.unknown_model", param="model", model=model[:100], known=names)

    @router.post("/v1/embeddings", response_model=EmbeddingList)
    async def vectors(asked: EmbeddingRequest, request: Request) -> EmbeddingList | Response:
        """Unit vectors of texts."""
        try:
            return await unless_gone(request, _embedded(house, asked))
        except Gone:
            return Response(status_code=_CLOSED)

    return router


async def _embedded(house: House, asked: EmbeddingRequest) -> EmbeddingList:
    info = await house.workshop.run(house.rag.embedder_info)
    if asked.model != info.name:
        raise ApiError(
            404, "model_not_found", "api.unknown_embedder", param="model", model=asked.model[:100], known=info.name
        )
    if asked.dimensions not in (None, info.dimension):
        raise ApiError(400, "bad_dimensions", "api.bad_dimensions", param="dimensions", dimension=info.dimension)
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    query = asked.input_type != "passage"
    views: list[EmbeddingView] = []
    tokens = 0
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        made = await house.workshop.run(lambda batch=batch: house.rag.embed(*batch, query=query))  # type: ignore[misc]
        tokens += made.tokens
        for row in made.vectors:
            encoded = asked.encoding_format == "base64"
            vector = base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode() if encoded else list(row)
            views.append(EmbeddingView(index=len(views), embedding=vector))
    return EmbeddingList(data=views, model=info.name, usage={"prompt_tokens": tokens, "total_tokens": tokens})


def _models(house: House) -> list[ModelView]:
    info = house.rag.embedder_info()
    bases = [_base(kb) for kb in house.rag.knowledge_bases()]
    about = {"kind": "embedding", "dimension": info.dimension, "tokens": info.window}
    return [*bases, ModelView(id=info.name, created=0, rag=about)]


def _base(kb: KnowledgeBase) -> ModelView:
    about = {"kind": "knowledge_base", "name": kb.name, "documents": kb.documents, "chunks": kb.chunks}
    return ModelView(id=model_name(kb), created=int(kb.created.timestamp()), rag=about)
