"""The texts of a Chroma collection as documents of a knowledge base."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ingest.chunking import Chunker
from ingest.embedding import EmbeddingStage
from ingest.types import Document, FileReport, IngestReport, Page, Progress, ReadFile, SourceFile

from ..filling import chunk_tokens
from ..index.erasure import purge
from ..index.writer import IndexWriter
from ..store import Store
from ..types import KnowledgeBase
from .chroma import Node, nodes_in
from .reading import numbered

_READER = "llamaindex collection 1"
_LEAST_OVERLAP = 12  # characters; fewer in common are chance


def import_collection(
    store: Store, kb: KnowledgeBase, folder: Path, collection: str, progress: Callable[[Progress], None] | None
) -> IngestReport:
    """Bring a collection into a knowledge base; a file that was read from the disk there is left as it is.

    Raises:
        What :meth:`rag_app.RagApp.import_llamaindex` raises.
    """
    began = time.monotonic()
    files = _files(nodes_in(folder, collection), folder)
    state = store.catalog.knowledge_bases.index(kb.id)
    embedder = store.embedder_of(state)
    chunker = Chunker(embedder.count_tokens, chunk_tokens(store, embedder.info.window), store.parts.cutter)
    reports: list[FileReport] = []
    pages = chunks = 0
    with store.writing(kb) as writer, EmbeddingStage(embedder, writer.vectors) as stage:
        writer.use_embedder(embedder.info, store.setting_of(state))
        try:
            for path, document in files.items():
                report = _stored(path, document, writer, stage, chunker)
                reports.append(report)
                if report.status == "read":
                    pages, chunks = pages + report.pages, chunks + report.chunks
                done, seconds = len(reports), time.monotonic() - began
                step = Progress(path, done, len(files), pages, chunks, done / len(files), seconds, report)
                (progress or (lambda _: None))(step)
        finally:
            if writer.removed_something:
                purge(writer, vectors=False)
    return IngestReport(tuple(sorted(reports, key=lambda one: one.path)), time.monotonic() - began)


def _stored(path: Path, document: Document, writer: IndexWriter, stage: EmbeddingStage, chunker: Chunker) -> FileReport:
    text = "\f".join(page.text for page in document.pages)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    known = writer.known().get(path)
    if known is not None and known.is_stored and (known.reader != _READER or known.digest == digest):
        return known.report
    chunks = tuple(chunker.chunks(document))
    source = SourceFile(path, len(text.encode("utf-8", "surrogatepass")), -1)  # whoever finds the file reads it anew
    file = ReadFile(source, digest, _READER, document, chunks)
    group = stage.start([file])
    writer.put(group.files, group.vectors())
    report = FileReport.of(path, document, len(chunks))
    return FileReport(path, "read", pages=report.pages, chunks=report.chunks)


def _files(nodes: Iterable[Node], folder: Path) -> dict[Path, Document]:
    """Documents by path; what names no absolute path is given one in the collection's folder."""
    by_file: dict[str, list[Node]] = {}
    for node in nodes:
        by_file.setdefault(node.file or "collection", []).append(node)
    made = {}
    for name, own in by_file.items():
        path = Path(name)
        path = path if path.is_absolute() else folder.resolve() / path
        title = next((node.title for node in own if node.title), path.stem)
        made[path] = Document(title, path.suffix.lower().lstrip(".") or "text", _pages(own))
    return made


def _pages(nodes: Sequence[Node]) -> tuple[Page, ...]:
    """The pages of a file: those of one label, or of one LlamaIndex document, belong together."""
    by_page: dict[tuple[str, str], list[Node]] = {}
    for node in nodes:
        by_page.setdefault((node.page, "" if node.page else node.document), []).append(node)
    pages = [(label, joined(own)) for (label, _), own in by_page.items()]
    if all(label.isdecimal() for label, _ in pages):
        pages.sort(key=lambda page: int(page[0]))
    if len(pages) == 1 and not pages[0][0]:
        return (Page(1, pages[0][1], kind="text"),)
    return numbered(pages)


def joined(nodes: Sequence[Node]) -> str:
    """The text that nodes were cut from, as far as they have it: what two of them share is there once."""
    ordered = sorted(nodes, key=lambda node: (node.start is None, node.start or 0, node.order))
    text, end = "", 0
    for node in ordered:
        if not text:
            text, end = node.text, node.end or 0
            continue
        shared = end - node.start if node.start is not None else 0
        if not (0 < shared <= len(node.text) and text.endswith(node.text[:shared])):
            shared = _overlap(text, node.text)
        if node.text in text[-2 * len(node.text) :]:
            continue
        touching = shared or (node.start is not None and node.start == end)
        text += ("" if touching else "\n") + node.text[shared:]
        end = max(end, node.end or 0)
    return text


def _overlap(before: str, after: str) -> int:
    """Characters at the end of one text that another begins with; 0 where they are so few that it may be chance."""
    for size in range(min(len(before), len(after)), _LEAST_OVERLAP - 1, -1):
        if before.endswith(after[:size]):
            return size
    return 0
