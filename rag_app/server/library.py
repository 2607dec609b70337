"""``/api/v1``: knowledge bases and their documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from ingest.types import FileReport

from ..listing_types import FileOrder, FileState
from ..types import KnowledgeBase
from .failures import ApiError
from .house import House, model_name, needs, spoken_in
from .views import (
    DocumentList,
    KnowledgeBaseView,
    PageList,
    ReportView,
    document_view,
    knowledge_base_view,
    page_view,
    report_view,
)

PREFIX = "/api/v1/knowledge-bases"
_DOCUMENTS = f"{PREFIX}/{{kb}}/documents"
_FORM_BYTES = 1 << 20  # of an upload beside its file
_BIG = (1 << 63) - 1  # SQLite's largest number

Name = Annotated[str, InPath(description="The knowledge base's name.")]
Identifier = Annotated[int, InPath(ge=0, le=_BIG)]


class Part(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid")

    offset: int = Field(default=0, ge=0, le=_BIG)
    limit: int = Field(default=50, ge=1, le=500)


class Wanted(Part):
    """Which files."""

    search: str = Field(default="", max_length=500, description="Words of the name or the title.")
    state: list[FileState] = []
    order: FileOrder = "name"


class NewKnowledgeBase(BaseModel):
    """A knowledge base to be made."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)


def upload_bytes(upload_mb: int) -> int:
    """Most of the body of an upload."""
    return (upload_mb << 20) + _FORM_BYTES


def routes(house: House) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["Knowledge bases"], dependencies=[Depends(needs("reader"))])

    @router.get(PREFIX)
    def knowledge_bases() -> list[KnowledgeBaseView]:
        """All knowledge bases, by name."""
        return [_view(kb) for kb in house.rag.knowledge_bases()]

    @router.post(PREFIX, status_code=201, dependencies=[Depends(needs("editor"))])
    def create(asked: NewKnowledgeBase) -> KnowledgeBaseView:
        """A new, empty one."""
        return _view(house.rag.create_knowledge_base(asked.name))

    @router.get(f"{PREFIX}/{{kb}}")
    def knowledge_base(kb: Name) -> KnowledgeBaseView:
        """One of them."""
        return _view(house.kb(kb))

    @router.delete(f"{PREFIX}/{{kb}}", status_code=204, dependencies=[Depends(needs("admin"))])
    async def delete(kb: Name) -> Response:
        """Delete one with all it holds, from the disk too; the files that were read are not touched."""
        async with house.writing:
            await run_in_threadpool(lambda: house.rag.delete_knowledge_base(house.kb(kb).name))
        return Response(status_code=204)

    _add_documents(router, house)
    _add_document(router, house)
    return router


def _add_documents(router: APIRouter, house: House) -> None:
    @router.get(_DOCUMENTS)
    def documents(request: Request, kb: Name, wanted: Annotated[Wanted, Query()]) -> DocumentList:
        """The files that a knowledge base has seen, refused ones too."""
        found = house.rag.list_files(
            house.kb(kb).name,
            search=wanted.search,
            states=wanted.state,
            order=wanted.order,
            offset=wanted.offset,
            limit=wanted.limit,
        )
        views = [document_view(file, spoken_in(request)) for file in found.files]
        return DocumentList(total=found.total, documents=views)

    @router.post(
        _DOCUMENTS,
        status_code=201,
        dependencies=[Depends(needs("editor"))],
        responses={200: {"model": ReportView, "description": "The same file was there already."}},
    )
    async def add(
        request: Request,
        response: Response,
        kb: Name,
        file: Annotated[UploadFile, File(description="The document.")],
        password: Annotated[list[str] | None, Form(description="For an encrypted file; it is not stored.")] = None,
    ) -> ReportView:
        """Put a document in; answered when it has been read and can be asked. One file at a time is worked on."""
        base = await run_in_threadpool(house.kb, kb)
        async with house.writing:
            data = await file.read()
            report = await run_in_threadpool(_put, house, base, file.filename or "", data, tuple(password or ()))
        response.status_code = 200 if report.status == "unchanged" else 201
        identifier = await run_in_threadpool(_id_of, house, base, report.path)
        return report_view(report, identifier, spoken_in(request))


def _add_document(router: APIRouter, house: House) -> None:
    @router.delete(f"{_DOCUMENTS}/{{document}}", status_code=204, dependencies=[Depends(needs("editor"))])
    async def remove(kb: Name, document: Identifier) -> Response:
        """Take a document out, its text and vectors from the disk too; a file that was not uploaded is not touched."""
        async with house.writing:
            base = await run_in_threadpool(house.kb, kb)
            found = await run_in_threadpool(house.document, base, document)
            await run_in_threadpool(lambda: house.rag.remove(*found.paths, kb=base.name))
        return Response(status_code=204)

    @router.get(f"{_DOCUMENTS}/{{document}}/pages")
    def pages(kb: Name, document: Identifier, part: Annotated[Part, Query()]) -> PageList:
        """What was read of a document, page by page."""
        found = house.rag.read_pages(house.document(house.kb(kb), document).id, part.offset, part.limit)
        return PageList(total=found.total, pages=[page_view(page) for page in found.pages])


def _put(house: House, kb: KnowledgeBase, name: str, data: bytes, passwords: tuple[str, ...]) -> FileReport:
    """Store a file and read it; what can't be read is not kept.

    Raises:
        ApiError: it can't be read. UserError.
    """
    path = house.rag.store_upload(name, data, kb.name)
    try:
        report = next(one for one in house.rag.ingest(path, kb=kb.name, passwords=passwords).files if one.path == path)
    finally:
        house.rag.drop_upload(path, kb.name)  # only if it was never read
    if report.status == "refused":
        if not report.kept:
            house.rag.remove(path, kb=kb.name)
        raise ApiError(422, "file_refused", "api.file_refused", param="file", document=path.name, cause=report.reason)
    return report


def _id_of(house: House, kb: KnowledgeBase, path: Path) -> int | None:
    return next((one.id for one in house.rag.documents(kb.name) if path in one.paths), None)


def _view(kb: KnowledgeBase) -> KnowledgeBaseView:
    return knowledge_base_view(kb, model_name(kb))
