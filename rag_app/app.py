"""RagApp: open → ingest, retrieve, ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ingest.messages import Message, message
from ingest.privacy import no_telemetry
from ingest.types import FileReport, IngestReport, Progress

from .catalog import Catalog
from .chat.answering import AnswerStream, Refusal
from .errors import QuestionError, SettingsError, StorageError, UnknownDocument, UnknownKnowledgeBase
from .index import check_embedder, writing
from .llm.select import choose_answerer
from .protocols import Embedder
from .retrieval.hybrid import Retriever
from .retrieval.relevance import is_relevant
from .settings import Settings
from .types import Answer, Check, KnowledgeBase, Retrieval, StoredDocument, Turn
from .vectors import Vectors

MOST_QUESTION_CHARACTERS = 4000
_DEFAULT_KB = "default"


class RagApp:
    """Documents in, cited answers out. Use :meth:`open`; safe to share between threads.

    ::

        with RagApp.open() as app:
            app.ingest("papers/")
            print(app.ask("How much memory does the 8B model need?").text)
    """

    def __init__(self, settings: Settings, notify: Callable[[Message], None]) -> None:
        no_telemetry()
        self.settings = settings
        self._notify = notify
        self._lock = threading.Lock()
        self._embedder: Embedder | None = None
        _make_folder(settings.data_dir)
        self._catalog = Catalog(settings.data_dir)
        self._vectors = Vectors(settings.data_dir / "vectors")

    @classmethod
    def open(
        cls,
        settings: Settings | None = None,
        *,
        notify: Callable[[Message], None] | None = None,
        **arguments: Any,
    ) -> Self:
        """Open the data folder, made if it is not there.

        Args:
            settings: ready ones; otherwise they are loaded, ``arguments`` winning over all other sources.
            notify: told before something that takes a while, such as preparing the embedding model.

        Raises:
            SettingsError: a setting is wrong, or its folder can't be used.
            StorageError: the catalog can't be opened.
        """
        return cls(settings or Settings.load(**arguments), notify or (lambda _: None))

    def close(self) -> None:
        """Close the files."""
        self._catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Knowledge bases

    def knowledge_bases(self) -> list[KnowledgeBase]:
        """All knowledge bases, by name."""
        return self._catalog.knowledge_bases.all()

    def create_knowledge_base(self, name: str) -> KnowledgeBase:
        """A new, empty knowledge base.

        Raises:
            BadKnowledgeBaseName, KnowledgeBaseExists.
        """
        return self._catalog.knowledge_bases.create(name)

    def rename_knowledge_base(self, name: str, new_name: str) -> KnowledgeBase:
        """Rename a knowledge base.

        Raises:
            UnknownKnowledgeBase, BadKnowledgeBaseName, KnowledgeBaseExists.
        """
        return self._catalog.knowledge_bases.rename(name, new_name)

    def delete_knowledge_base(self, name: str) -> KnowledgeBase:
        """Delete a knowledge base with all it holds; returns what it was.

        Raises:
            UnknownKnowledgeBase, StorageLocked.
        """
        kb = self._catalog.knowledge_bases.get(name)
        with writing(self.settings.data_dir, self._catalog, self._vectors, kb):
            self._catalog.knowledge_bases.delete(kb.id)
            self._vectors.drop(kb.id)
        return kb

    # Documents

    def documents(self, kb: str | None = None) -> list[StoredDocument]:
        """The documents of a knowledge base, by path.

        Raises:
            UnknownKnowledgeBase.
        """
        return self._catalog.documents.all(self._kb(kb).id)

    def remove(self, *paths: str | Path, kb: str | None = None) -> list[StoredDocument]:
        """Take documents, or all documents of folders, out of a knowledge base; returns what they were.

        All or none; the files themselves are not touched.

        Raises:
            UnknownKnowledgeBase, UnknownDocument, StorageLocked.
        """
        base = self._kb(kb)
        found = list({document.id: document for path in paths for document in self._find(base, Path(path))}.values())
        with writing(self.settings.data_dir, self._catalog, self._vectors, base) as writer:
            writer.remove([document.id for document in found])
        return found

    def ingest(
        self,
        *paths: str | Path,
        kb: str | None = None,
        passwords: Sequence[str] = (),
        progress: Callable[[Progress], None] | None = None,
    ) -> IngestReport:
        """Read files and folders into a knowledge base; files that did not change are passed over.

        Each finished file is one commit: Ctrl-C, or an error, loses the file at work only.

        Args:
            passwords: tried one after the other on encrypted files; never stored.
            progress: called with each step; a step that finishes a file carries its report.

        Raises:
            PathNotFound, NothingToRead, NoWorkers, UnknownKnowledgeBase, EmbedderError, StorageError.
        """
        from ingest.pipeline import run

        began = time.monotonic()
        base = self._kb(kb)
        reports: list[FileReport] = []
        embedder = self._open_embedder()
        with writing(self.settings.data_dir, self._catalog, self._vectors, base) as writer:
            writer.use_embedder(embedder.info)
            tokens = min(self.settings.chunk_tokens, embedder.info.window - 16)
            steps = run(
                [Path(path) for path in paths],
                writer,
                embedder,
                tokens,
                leave_out=self.settings.data_dir,
                limits=self.settings.parse_limits,
                workers=self.settings.parse_workers,
                passwords=passwords,
            )
            with closing(steps):
                for step in steps:
                    if step.report is not None:
                        reports.append(step.report)
                    if progress is not None:
                        progress(step)
        return IngestReport(tuple(reports), time.monotonic() - began)

    # Questions

    def retrieve(self, question: str, kb: str | None = None, limit: int | None = None) -> Retrieval:
        """The passages that best fit a question.

        Args:
            limit: most passages; the setting ``passages`` unless given.

        Raises:
            QuestionError, UnknownKnowledgeBase, EmbedderError.
        """
        question = _checked(question)
        base = self._kb(kb)
        embedder = self._open_embedder()
        check_embedder(self._catalog, base.id, base.name, embedder.info)
        retriever = Retriever(self._catalog, self._vectors, embedder)
        found = retriever.retrieve(base.id, question, limit or self.settings.passages)
        if base.chunks and not found.best_similarity and not self._vectors.count(base.id):
            raise StorageError("storage.no_vectors", kb=base.name)
        return found

    def stream(self, question: str, kb: str | None = None, history: Sequence[Turn] = ()) -> AnswerStream:
        """The answer as it is written: iterate for its pieces, then read ``.answer``.

        Raises:
            QuestionError, UnknownKnowledgeBase, EmbedderError; ModelError while iterating, or here if Ollama was
            asked for by name and is not there.
        """
        question = _checked(question)
        base = self._kb(kb)
        if not base.chunks:
            empty = Retrieval(question, (), 0.0, 0.0)
            return AnswerStream(empty, Refusal(message("answer.empty_kb", kb=base.name)), history)
        retrieval = self.retrieve(question, kb)
        if not is_relevant(retrieval):
            return AnswerStream(retrieval, Refusal(message("answer.not_found")), history)
        return AnswerStream(retrieval, choose_answerer(self.settings, self._open_embedder()), history)

    def ask(self, question: str, kb: str | None = None, history: Sequence[Turn] = ()) -> Answer:
        """The answer, finished.

        Raises:
            What :meth:`stream` raises.
        """
        return self.stream(question, kb, history).answer

    def doctor(self) -> list[Check]:
        """What is right and wrong with this machine, and what mends it."""
        from .doctor import examine

        return examine(self.settings)

    def prepare(self) -> None:
        """Make the embedding model ready now rather than at the first question.

        Raises:
            EmbedderError.
        """
        self._open_embedder()

    def _open_embedder(self) -> Embedder:
        with self._lock:
            if self._embedder is None:
                from .embedding.select import open_embedder

                self._embedder = open_embedder(self.settings, self._notify)
            return self._embedder

    def _kb(self, name: str | None) -> KnowledgeBase:
        """The named knowledge base; the default one comes into being when it is first asked for."""
        wanted = name if name is not None else self.settings.kb
        bases = self._catalog.knowledge_bases
        try:
            return bases.get(wanted)
        except UnknownKnowledgeBase:
            if wanted != _DEFAULT_KB:
                raise
            return bases.create(wanted)

    def _find(self, kb: KnowledgeBase, path: Path) -> list[StoredDocument]:
        """By path or folder, else by file name."""
        documents = self._catalog.documents
        try:
            full = path.expanduser().resolve()
        except RuntimeError as error:  # "~nobody"
            raise UnknownDocument("document.unknown", path=path, kb=kb.name) from error
        found = documents.below(kb.id, full)
        if not found and path.name == str(path):
            found = [document for document in documents.all(kb.id) if document.path.name == path.name]
        if not found:
            raise UnknownDocument("document.unknown", path=path, kb=kb.name)
        return found


def _checked(question: str) -> str:
    question = question.encode("utf-8", "replace").decode().strip()  # half a character from a terminal
    if not question:
        raise QuestionError("question.empty")
    if len(question) > MOST_QUESTION_CHARACTERS:
        raise QuestionError("question.too_long", length=len(question), most=MOST_QUESTION_CHARACTERS)
    return question


def _make_folder(folder: Path) -> None:
    """Make the data folder and make sure it can be written."""
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError("settings.folder", folder=folder, cause=error.strerror or error) from error
