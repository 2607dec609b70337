"""RagApp: open → ingest, retrieve, ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ingest.messages import Language, Message, message
from ingest.privacy import no_telemetry
from ingest.types import IngestReport, Progress

from . import filling, locating, settings_view, tagging, uploads
from .asking import Asking, checked
from .chat.answering import AnswerStream, Refusal
from .chat.comparing import Side
from .chat.conversation import Conversation
from .chat.images import picture
from .chat.planning import LOOKUP
from .conversation_types import ConversationInfo
from .errors import UnknownConversation
from .index import archive, enriching, erasure, rebuild
from .listing_types import FileCounts, FileList, FileOrder, FileState, ReadPages
from .llm.completing import ModelCompletion
from .llm.hardware import look
from .llm.library import ChosenModel, Library, ModelEntry
from .llm.pulling import Pull
from .llm.quoting import NAME as QUOTES
from .llm.recommend import Recommendation, recommend
from .overviews import Overviews
from .page_images import PageImage, page_image, source_note
from .retrieval.relevance import is_relevant
from .settings import Settings
from .settings_view import SettingView
from .store import Store
from .suggesting import suggestions
from .types import Answer, Check, Citation, Filters, KnowledgeBase, Rectangle, Retrieval, StoredDocument, Turn


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
        self._store = Store(settings, notify)
        self._asking = Asking(self._store)
        self._overviews = Overviews(self._store, self._asking)

    @classmethod
    def open(
        cls,
        settings: Settings | None = None,
        *,
        notify: Callable[[Message], None] | None = None,
        **arguments: Any,
    ) -> Self:
        """Open the data folder, made if it is not there; what a killed writer left is cleaned up.

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
        self._asking.retriever.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Knowledge bases

    def knowledge_bases(self) -> list[KnowledgeBase]:
        """All knowledge bases, by name."""
        return self._store.catalog.knowledge_bases.all()

    def create_knowledge_base(self, name: str) -> KnowledgeBase:
        """A new, empty knowledge base.

        Raises:
            BadKnowledgeBaseName, KnowledgeBaseExists.
        """
        return self._store.catalog.knowledge_bases.create(name)

    def rename_knowledge_base(self, name: str, new_name: str) -> KnowledgeBase:
        """Rename a knowledge base.

        Raises:
            UnknownKnowledgeBase, BadKnowledgeBaseName, KnowledgeBaseExists.
        """
        return self._store.catalog.knowledge_bases.rename(name, new_name)

    def delete_knowledge_base(
        self, name: str, *, verify: bool = False, tell: Callable[[Message], None] | None = None
    ) -> KnowledgeBase:
        """Delete a knowledge base with all it holds, from the disk too; returns what it was.

        Args:
            verify: then search all files of the data folder for pieces of the text.
            tell: is told what the search found, rather than the ``notify`` of :meth:`open`.

        Raises:
            UnknownKnowledgeBase, StorageLocked, StorageError; NotErased: there are some.
        """
        kb = self._store.catalog.knowledge_bases.get(name)
        erasure.delete(self._store, kb, tell or self._store.notify, verify=verify)
        return kb

    def export_knowledge_base(self, name: str, file: str | Path) -> KnowledgeBase:
        """Write a knowledge base to one file: documents, chunks, vectors, and where the files were.

        Raises:
            UnknownKnowledgeBase, ArchiveError, StorageLocked, StorageError.
        """
        kb = self._store.catalog.knowledge_bases.get(name)
        archive.export(self._store, kb, Path(file))
        return kb

    def import_knowledge_base(self, file: str | Path, name: str | None = None) -> KnowledgeBase:
        """Make a knowledge base of such a file, under its own name or another; a damaged file is refused whole.

        Raises:
            ArchiveError, BadKnowledgeBaseName, KnowledgeBaseExists, StorageLocked, StorageError.
        """
        return archive.bring_in(self._store, Path(file), name)

    def reindex(
        self,
        embedder: str | None = None,
        kb: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> KnowledgeBase:
        """Embed all chunks with another model, or anew; meanwhile questions are answered from the old vectors.

        The new vectors are checked, then serve in one commit. After a kill, the same call goes on.

        Args:
            embedder: as the setting of that name; the one in force unless given.
            progress: called with (chunks done, chunks in all).

        Raises:
            UnknownKnowledgeBase, EmbedderError, StorageLocked, StorageError.
        """
        return rebuild.run(self._store, self._store.kb(kb), embedder, progress or (lambda done, total: None))

    # Documents

    def documents(self, kb: str | None = None) -> list[StoredDocument]:
        """The documents of a knowledge base, by path.

        Raises:
            UnknownKnowledgeBase.
        """
        return self._store.catalog.documents.all(self._store.kb(kb).id)

    def tag(
        self, *paths: str | Path, add: Sequence[str] = (), drop: Sequence[str] = (), kb: str | None = None
    ) -> list[StoredDocument]:
        """Give documents, or all documents of folders, tags to filter by; returns them as they are then.

        A tag belongs to the file's path: a new version of the file keeps it, a removed file loses it.

        Raises:
            UnknownKnowledgeBase, UnknownDocument; BadTag: a tag is empty or too long.
        """
        return tagging.tag(self._store, self._store.kb(kb), [Path(path) for path in paths], add, drop)

    def remove(
        self,
        *paths: str | Path,
        kb: str | None = None,
        verify: bool = False,
        tell: Callable[[Message], None] | None = None,
    ) -> list[StoredDocument]:
        """Take documents, or all documents of folders, out of a knowledge base; returns what they were.

        All or none; the files themselves are not touched, but for the app's own copies (:meth:`store_upload`), which
        go. Text and vectors are gone from the data folder's files.

        Args:
            verify: then search all files of the data folder for pieces of the text.
            tell: is told what the search found, rather than the ``notify`` of :meth:`open`.

        Raises:
            UnknownKnowledgeBase, UnknownDocument, StorageLocked, StorageError; NotErased: there are some pieces.
        """
        named = [Path(path) for path in paths]
        return erasure.erase(self._store, self._store.kb(kb), named, tell or self._store.notify, verify=verify)

    def list_files(
        self,
        kb: str | None = None,
        *,
        search: str = "",
        states: Sequence[FileState] = (),
        formats: Sequence[str] = (),
        tags: Sequence[str] = (),
        order: FileOrder = "name",
        offset: int = 0,
        limit: int = 50,
    ) -> FileList:
        """Part of the files that a knowledge base has seen, refused ones too; however many there are, it is quick.

        Args:
            search: words that must all stand in the path or the title.
            states, formats, tags: a file has one of each that is given.

        Raises:
            UnknownKnowledgeBase.
        """
        chosen: dict[str, Any] = {"search": search, "states": states, "formats": formats, "tags": tags}
        folder = uploads.folder_of(self.settings.data_dir, (base := self._store.kb(kb)).id)
        return self._store.catalog.listing.files(base.id, folder, **chosen, order=order, offset=offset, limit=limit)

    def file_counts(self, kb: str | None = None) -> FileCounts:
        """How many files of each state, format and tag there are.

        Raises:
            UnknownKnowledgeBase.
        """
        return self._store.catalog.listing.counts(self._store.kb(kb).id)

    def read_pages(self, document: int, offset: int = 0, limit: int = 20) -> ReadPages:
        """What was read of a :attr:`ListedFile.document`, page by page with its chunks; none once it is gone."""
        return self._store.catalog.listing.pages(document, offset, limit)

    def readable_types(self) -> tuple[str, ...]:
        """The suffixes of the files that can be read, with their dots."""
        from ingest.loaders import LOADERS

        return tuple(LOADERS)

    def store_upload(self, name: str, data: bytes | memoryview, kb: str | None = None) -> Path:
        """Keep a copy of a file that came through a browser, to be named to :meth:`ingest`; returns its path.

        Args:
            name: as the browser gave it; whatever it is, the copy lies in the knowledge base's own folder.

        Raises:
            UnknownKnowledgeBase, UnsupportedFormat; OverLimit: it is above the setting ``upload_mb``. StorageError.
        """
        folder = uploads.folder_of(self.settings.data_dir, self._store.kb(kb).id)
        return uploads.store(folder, name, data, self.settings.upload_mb)

    def unread_uploads(self, kb: str | None = None) -> list[Path]:
        """Copies that were never read, because the reading was stopped.

        Raises:
            UnknownKnowledgeBase.
        """
        base = self._store.kb(kb)
        known = self._store.catalog.files.known(base.id)
        return uploads.unread(uploads.folder_of(self.settings.data_dir, base.id), known)

    def drop_upload(self, path: Path, kb: str | None = None) -> None:
        """Delete such a copy; any other path is left alone.

        Raises:
            UnknownKnowledgeBase, StorageError.
        """
        if path in self.unread_uploads(kb):
            uploads.delete(uploads.folder_of(self.settings.data_dir, self._store.kb(kb).id), [path])

    def ingest(
        self,
        *paths: str | Path,
        kb: str | None = None,
        passwords: Sequence[str] = (),
        progress: Callable[[Progress], None] | None = None,
    ) -> IngestReport:
        """Make a knowledge base equal to files and folders: what is new or changed is read, what left a folder leaves.

        Unchanged files cost a look at their size and time. Ctrl-C, or an error, loses the files at work only.

        Args:
            passwords: tried one after the other on encrypted files; never stored.
            progress: called with each step; a step that finishes a file carries its report.

        Raises:
            PathNotFound, NothingToRead, BadIgnoreFile, NoWorkers, UnknownKnowledgeBase, EmbedderError, StorageError.
        """
        named = [Path(path) for path in paths]
        return filling.fill(self._store, self._store.kb(kb), named, passwords, progress or (lambda step: None))

    def plan(self, *paths: str | Path, kb: str | None = None) -> IngestReport:
        """What :meth:`ingest` would do, without doing it; a file that would be read has the status "read".

        Raises:
            PathNotFound, NothingToRead, BadIgnoreFile, UnknownKnowledgeBase, EmbedderError.
        """
        return filling.plan(self._store, self._store.kb(kb), [Path(path) for path in paths])

    def sync(
        self,
        *folders: str | Path,
        kb: str | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> IngestReport:
        """:meth:`ingest` folders and remember them; without any, all that are remembered.

        Raises:
            SettingsError: no folder is given and none remembered. And what :meth:`ingest` raises.
        """
        base = self._store.kb(kb)
        in_step = filling.folders_in_step(self._store, base, [Path(folder) for folder in folders])
        return filling.fill(self._store, base, in_step, (), progress or (lambda step: None))

    def watch(
        self,
        *folders: str | Path,
        kb: str | None = None,
        stop: threading.Event | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Iterator[IngestReport]:
        """:meth:`sync` now and whenever something changed and came to rest; yields each report, until ``stop`` is set.

        Raises:
            What :meth:`sync` raises.
        """
        base = self._store.kb(kb)
        in_step = filling.folders_in_step(self._store, base, [Path(folder) for folder in folders])
        return filling.watch(self._store, base, in_step, progress or (lambda step: None), stop or threading.Event())

    def changes(self, kb: str | None, stop: threading.Event) -> Iterator[None]:
        """Yields now, and whenever something in the folders that :meth:`sync` remembers changed and came to rest.

        Args:
            stop: ends it when it is set.

        Raises:
            SettingsError: no folder is remembered. PathNotFound: one is gone. UnknownKnowledgeBase.
        """
        return filling.changes_of(self._store, self._store.kb(kb), stop)

    def folders(self, kb: str | None = None) -> list[Path]:
        """The folders that :meth:`sync` remembers.

        Raises:
            UnknownKnowledgeBase.
        """
        return self._store.catalog.files.folders(self._store.kb(kb).id)

    def leave_folder(self, folder: str | Path, kb: str | None = None) -> None:
        """Let :meth:`sync` forget a folder; what was read of it stays.

        Raises:
            UnknownKnowledgeBase.
        """
        self._store.catalog.files.leave_folder(self._store.kb(kb).id, Path(folder))

    def enrich(self, kb: str | None = None, progress: Callable[[int, int], None] | None = None) -> int:
        """Let the answering model write, for each passage, what it is about and which questions it answers.

        Both are searched with the passage, never shown or cited. Passages that have this are passed over, so a run
        that was stopped goes on. Returns how many passages the model wrote nothing useful of.

        Args:
            progress: called with (passages done, passages in all).

        Raises:
            UnknownKnowledgeBase; ModelError: the model can't be had.
        """
        model = ModelCompletion(self._store.models.chat_model(), self.settings.answer_tokens)
        base = self._store.kb(kb)
        return enriching.enrich(self._store.catalog, base, model, progress or (lambda done, total: None))

    def forget_notes(self, kb: str | None = None) -> None:
        """Drop what :meth:`enrich` wrote.

        Raises:
            UnknownKnowledgeBase.
        """
        enriching.forget(self._store.catalog, self._store.kb(kb))

    # Questions

    def retrieve(
        self,
        question: str,
        kb: str | Sequence[str] | None = None,
        limit: int | None = None,
        filters: Filters | None = None,
    ) -> Retrieval:
        """The passages that best fit a question.

        Args:
            kb: one knowledge base or several. filters: what of them to search.
            limit: most passages; unless given, the settings ``passages`` and ``passage_tokens`` bound them.

        Raises:
            QuestionError, UnknownKnowledgeBase, UnknownDocument, EmbedderError, StorageError; ModelError from an LLM
            that reranks.
        """
        with self._store.precedence.asking():
            return self._asking.retrieve(question, self._asking.knowledge_bases(kb), limit, filters)

    def stream(
        self,
        question: str,
        kb: str | Sequence[str] | None = None,
        history: Sequence[Turn] = (),
        filters: Filters | None = None,
        images: Sequence[str | Path | bytes] = (),
    ) -> AnswerStream:
        """The answer as it is written: iterate for its pieces, then read ``.answer``.

        Args:
            images: PNG, JPEG or WebP, as files or their contents, for a model that sees; made smaller where large.

        Raises:
            What :meth:`retrieve` raises; QuestionError: an image can't be read. ModelError while iterating, or here
            if a model was asked for by name, or an image was given, and it can't be had.
        """
        with self._store.precedence.asking():
            stream = self._stream(checked(question), kb, history, filters, images)
        if stream.verbatim:  # no model writes, so the rest takes but a moment too
            stream.inside(self._store.precedence.asking)
        return stream

    def _stream(
        self,
        question: str,
        kb: str | Sequence[str] | None,
        history: Sequence[Turn],
        filters: Filters | None,
        images: Sequence[str | Path | bytes],
    ) -> AnswerStream:
        pictures = [picture(image) for image in images]
        bases = self._asking.knowledge_bases(kb)
        if not pictures and not any(base.chunks for base in bases):
            empty = Retrieval(question, (), 0.0, 0.0)
            return AnswerStream(empty, Refusal(message("answer.empty_kb", kb=bases[0].name)), history)
        wanted = LOOKUP if pictures else self._overviews.plan(question, bases, filters)
        embedder = self._store.embedder_of(self._store.catalog.knowledge_bases.index(bases[0].id))
        if wanted.documents:
            return self._overviews.stream(wanted, question, bases, history, self._store.models.answerer(embedder))
        sides: tuple[Side, ...] = ()
        if wanted.kind == "compare":
            retrieval, sides = self._overviews.compared(wanted, question, bases, filters)
        else:
            retrieval = self._asking.retrieve(question, bases, None, filters)
        strict = self.settings.mode == "strict"
        beside = not pictures and not sides and not is_relevant(retrieval)  # else the answer may be in the image
        if beside and strict:
            return AnswerStream(retrieval, Refusal(message("answer.not_found")), history)
        answerer = self._store.models.answerer(embedder, pictures)
        if beside and answerer.writer.name == QUOTES:  # quotes can't go beyond the documents
            return AnswerStream(retrieval, Refusal(message("answer.not_found")), history)
        grounder = self._asking.grounder(embedder, retrieval.passages, strict=strict and not pictures)
        return AnswerStream(retrieval, self._overviews.comparing(answerer, sides), history, grounder)

    def ask(
        self,
        question: str,
        kb: str | Sequence[str] | None = None,
        history: Sequence[Turn] = (),
        filters: Filters | None = None,
        images: Sequence[str | Path | bytes] = (),
    ) -> Answer:
        """The answer, finished.

        Raises:
            What :meth:`stream` raises.
        """
        return self.stream(question, kb, history, filters, images).answer

    def suggested_questions(self, kb: str | None = None, count: int = 4, language: Language = "en") -> list[str]:
        """Questions that the documents' headings promise an answer to, those in ``language`` first.

        Raises:
            UnknownKnowledgeBase.
        """
        return suggestions(self._store.catalog.passages, self._store.kb(kb).id, count, language)

    # Sources

    def locate(self, citation: Citation, password: str | None = None) -> tuple[Rectangle, ...]:
        """Where a citation's quote stands on its PDF page, one rectangle a line; none for what has no fixed pages.

        Args:
            password: of an encrypted PDF.

        Raises:
            UnknownDocument: it is no longer stored. NotLocated: the file is gone, or has changed.
        """
        return locating.locate(self._store, citation, password)

    def page_image(self, citation: Citation, page: int | None = None, width: int = 1000) -> PageImage:
        """The page of a PDF that a citation is of, the quote marked; or another page of the same file.

        Args:
            page: 1-based. width: of the picture, in pixels.

        Raises:
            SourceError: the file is gone, has changed, is no PDF, or can't be drawn.
        """
        return page_image(self._store, citation, page, width)

    def source_note(self, citation: Citation) -> Message | None:
        """Why a citation's file is no longer what was read: it is gone, or has changed; None where it still is."""
        return source_note(self._store, citation)

    # Conversations

    def conversations(
        self, search: str | None = None, kb: str | None = None, owner: str | None = None
    ) -> list[ConversationInfo]:
        """The stored conversations, the latest first.

        Args:
            search: only those whose title and messages contain all of these words. kb: only those about this one.
            owner: only theirs, where several people share the web UI.

        Raises:
            UnknownKnowledgeBase.
        """
        about = self._store.kb(kb).id if kb is not None else None
        return self._store.catalog.conversations.all(search, about, owner)

    def conversation(
        self, id: int | None = None, kb: str | Sequence[str] | None = None, owner: str | None = None
    ) -> Conversation:
        """A stored conversation, or a new one about one knowledge base or several.

        Args:
            owner: whose it is to be, or has to be.

        Raises:
            UnknownConversation: there is none, or it is somebody else's. UnknownKnowledgeBase.
        """
        conversations = self._store.catalog.conversations
        if id is None:
            id = conversations.create([base.id for base in self._asking.knowledge_bases(kb)], owner or "")
        info = conversations.info(id)
        if owner is not None and info.owner != owner:
            raise UnknownConversation("conversation.unknown", id=id)
        return Conversation(self._store, self.stream, id)

    def sees_images(self) -> bool:
        """Whether there is a model that an image in a question can go to."""
        return self._store.models.sees_images()

    def preload(self) -> None:
        """Bring the answering model into memory, in the background, so that the first answer need not wait for it.

        What goes wrong shows at the question.
        """
        self._store.models.preload()

    # Models and the machine

    def models(self) -> list[ModelEntry]:
        """The models that Ollama has, by name.

        Raises:
            OllamaUnreachable, ModelError.
        """
        return self._library.models()

    def before_pull(self, name: str) -> tuple[Message, ...]:
        """What to know before fetching a model of the LLaMA 3 family: too large for the memory, or for the disk."""
        return self._library.before_pull(name)

    def pull_model(self, name: str) -> Pull:
        """Fetch a model from Ollama's library: iterate for its steps; ``cancel`` stops it, a later pull goes on.

        Raises:
            ModelNotInstalled: there is no such model. OllamaUnreachable, ModelError. All while iterating.
        """
        return self._library.pull(name)

    def use_model(self, name: str) -> ChosenModel:
        """Answer with an installed model from the next question on; it is stored in the ``rag.toml`` in force.

        Raises:
            ModelNotInstalled; NotSupported: it is an embedding model. SettingsError: the file can't be written.
            OllamaUnreachable, ModelError.
        """
        chosen = self._library.use(name)
        self.settings = self.settings.model_copy(update={"model": chosen.name})
        self._store.models.use(chosen.name)
        return chosen

    def remove_model(self, name: str) -> ModelEntry:
        """Delete a model from Ollama's disk; returns what it was.

        Raises:
            ModelNotInstalled, OllamaUnreachable, ModelError.
        """
        return self._library.remove(name)

    def recommend(self, *, vision: bool = False) -> Recommendation:
        """Which LLaMA 3 suits this machine, and why.

        Args:
            vision: one that takes images.
        """
        return recommend(look(), vision=vision)

    @property
    def _library(self) -> Library:
        return Library(self._store.models.server, self.settings)

    def setting_views(self) -> dict[str, SettingView]:
        """Every setting by name: its value, where that comes from, and what else it could be.

        Raises:
            SettingsError: what is set now, for the next start, is wrong.
        """
        return settings_view.view(self.settings)

    def change_setting(self, name: str, value: str | int | bool) -> Path:
        """Store a setting in the ``rag.toml`` in force; it holds from the next :meth:`open` on. Returns the file.

        Raises:
            SettingsError: it can't have that value, or the file can't be written.
        """
        return settings_view.change(name, value)

    def doctor(self) -> list[Check]:
        """What is right and wrong with this machine, and what mends it."""
        from .doctor import examine

        return examine(self.settings)

    def prepare(self) -> None:
        """Make the embedding model ready now rather than at the first question.

        Raises:
            EmbedderError.
        """
        self._store.embedder()
