"""AsyncRagApp: RagApp for asyncio."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from ingest.messages import Message
from ingest.types import IngestReport, Progress

from ..app import RagApp
from ..llm.pulling import Pull, PullStep
from ..parts import Parts
from ..settings import Settings
from .answers import as_answer, as_stream
from .conversation import AsyncConversation
from .streams import AsyncStream
from .threads import Beside, Relay, Threads, in_thread

T = TypeVar("T")


class AsyncRagApp(Beside[RagApp]):
    """Documents in, cited answers out, in asyncio: :class:`rag_app.RagApp` with coroutines for methods.

    ::

        async with AsyncRagApp.open() as app:
            await app.ingest("papers/")
            async for piece in app.stream("How much memory does the 8B model need?"):
                print(piece, end="")

    Every method takes, returns and raises what the one of :class:`rag_app.RagApp` does. Work runs in threads of the
    app; callbacks are called in the event loop. Cancelling a task stops its answer, and frees the model.

    Args:
        app: an open one; :meth:`aclose` closes it.
    """

    def __init__(self, app: RagApp) -> None:
        super().__init__(app, Threads())

    @staticmethod
    def open(
        settings: Settings | None = None,
        *,
        parts: Parts | None = None,
        notify: Callable[[Message], None] | None = None,
        **arguments: Any,
    ) -> Opening:
        """Open the data folder: ``async with AsyncRagApp.open() as app``, or ``app = await AsyncRagApp.open()``.

        Args:
            As those of :meth:`rag_app.RagApp.open`; ``notify`` is called in whichever thread does what takes a while.

        Raises:
            SettingsError, StorageError.
        """
        return Opening(lambda: RagApp.open(settings, parts=parts, notify=notify, **arguments))

    async def aclose(self) -> None:
        """Stop what is under way, and close the files."""
        self._threads.stop()
        await self._call(self.blocking.close)
        await asyncio.to_thread(self._threads.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"Async{self.blocking!r}"

    @property
    def settings(self) -> Settings:
        """Those in force."""
        return self.blocking.settings

    # Knowledge bases

    knowledge_bases = in_thread(RagApp.knowledge_bases)
    create_knowledge_base = in_thread(RagApp.create_knowledge_base)
    rename_knowledge_base = in_thread(RagApp.rename_knowledge_base)
    delete_knowledge_base = in_thread(RagApp.delete_knowledge_base)
    export_knowledge_base = in_thread(RagApp.export_knowledge_base)
    import_knowledge_base = in_thread(RagApp.import_knowledge_base)
    reindex = in_thread(RagApp.reindex)

    # Documents

    documents = in_thread(RagApp.documents)
    tag = in_thread(RagApp.tag)
    remove = in_thread(RagApp.remove)
    list_files = in_thread(RagApp.list_files)
    file_counts = in_thread(RagApp.file_counts)
    read_pages = in_thread(RagApp.read_pages)
    readable_types = in_thread(RagApp.readable_types)
    store_upload = in_thread(RagApp.store_upload)
    unread_uploads = in_thread(RagApp.unread_uploads)
    drop_upload = in_thread(RagApp.drop_upload)
    ingest = in_thread(RagApp.ingest)
    plan = in_thread(RagApp.plan)
    sync = in_thread(RagApp.sync)
    folders = in_thread(RagApp.folders)
    leave_folder = in_thread(RagApp.leave_folder)
    enrich = in_thread(RagApp.enrich)
    forget_notes = in_thread(RagApp.forget_notes)

    def watch(
        self, *folders: str | Path, kb: str | None = None, progress: Callable[[Progress], Any] | None = None
    ) -> AsyncStream[IngestReport]:
        """:meth:`sync` now and whenever something changed and came to rest; gives each report, until it is stopped.

        Raises:
            What :meth:`sync` raises, while iterating.
        """
        begin = functools.partial(self.blocking.watch, *folders, kb=kb)
        return AsyncStream(_Watched(begin, progress), self._threads)

    def changes(self, kb: str | None = None) -> AsyncStream[None]:
        """A step now, and whenever something in the remembered folders changed and came to rest, until it is stopped.

        Raises:
            SettingsError, PathNotFound, UnknownKnowledgeBase, while iterating.
        """
        return AsyncStream(_Watched(functools.partial(self.blocking.changes, kb)), self._threads)

    # Questions

    retrieve = in_thread(RagApp.retrieve)
    stream = as_stream(RagApp.stream)
    reply = as_stream(RagApp.reply)
    ask = as_answer(RagApp.ask, RagApp.stream)
    suggested_questions = in_thread(RagApp.suggested_questions)
    locate = in_thread(RagApp.locate)
    page_image = in_thread(RagApp.page_image)
    source_note = in_thread(RagApp.source_note)
    document_ids = in_thread(RagApp.document_ids)
    embed = in_thread(RagApp.embed)
    embedder_info = in_thread(RagApp.embedder_info)

    # Conversations

    conversations = in_thread(RagApp.conversations)
    condense = in_thread(RagApp.condense)

    async def conversation(
        self, id: int | None = None, kb: str | Sequence[str] | None = None, owner: str | None = None
    ) -> AsyncConversation:
        """A stored conversation, or a new one about one knowledge base or several.

        Args:
            owner: whose it is to be, or has to be.

        Raises:
            UnknownConversation: there is none, or it is somebody else's. UnknownKnowledgeBase.
        """
        found = await self._call(lambda: self.blocking.conversation(id, kb, owner))
        return AsyncConversation(found, self._threads)

    # Models, settings and the machine

    sees_images = in_thread(RagApp.sees_images)
    preload = in_thread(RagApp.preload)
    models = in_thread(RagApp.models)
    before_pull = in_thread(RagApp.before_pull)

    def pull_model(self, name: str) -> AsyncStream[PullStep]:
        """Fetch a model from Ollama's library: iterate for its steps; stopped, a later pull goes on.

        Raises:
            ModelNotInstalled: there is no such model. OllamaUnreachable, ModelError. All while iterating.
        """
        return AsyncStream(_Pulling(lambda: self.blocking.pull_model(name)), self._threads)

    use_model = in_thread(RagApp.use_model)
    remove_model = in_thread(RagApp.remove_model)
    recommend = in_thread(RagApp.recommend)
    setting_views = in_thread(RagApp.setting_views)
    change_setting = in_thread(RagApp.change_setting)
    doctor = in_thread(RagApp.doctor)
    prepare = in_thread(RagApp.prepare)

    # Evaluation

    evaluate = in_thread(RagApp.evaluate)
    evaluate_retrieval = in_thread(RagApp.evaluate_retrieval)

    # LlamaIndex: what these return has methods of both kinds

    as_retriever = in_thread(RagApp.as_retriever)
    as_query_engine = in_thread(RagApp.as_query_engine)
    as_chat_engine = in_thread(RagApp.as_chat_engine)
    as_tool = in_thread(RagApp.as_tool)
    as_llm = in_thread(RagApp.as_llm)
    import_llamaindex = in_thread(RagApp.import_llamaindex)


class Opening:
    """An app that is being opened: ``async with`` closes it again, ``await`` leaves that to you."""

    def __init__(self, begin: Callable[[], RagApp]) -> None:
        self._begin = begin
        self._app: AsyncRagApp | None = None

    def __await__(self) -> Generator[Any, None, AsyncRagApp]:
        return self._opened().__await__()

    async def __aenter__(self) -> AsyncRagApp:
        self._app = await self._opened()
        return self._app

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._app is not None:
            await self._app.aclose()

    async def _opened(self) -> AsyncRagApp:
        return AsyncRagApp(await asyncio.to_thread(self._begin))


class _Watched(Generic[T]):
    """What comes until an event is set; a source of :class:`AsyncStream`."""

    def __init__(self, begin: Callable[..., Iterable[T]], progress: Callable[[Progress], Any] | None = None) -> None:
        self._stop = threading.Event()
        self._relay = Relay(asyncio.get_running_loop())
        heard = {"progress": self._relay.to(progress)} if progress else {}
        self._begin = functools.partial(begin, stop=self._stop, **heard)

    def events(self) -> Iterable[T]:
        """In their order."""
        return self._begin()

    def stop(self) -> None:
        """At the next step."""
        self._stop.set()
        self._relay.cancel()


class _Pulling:
    """A download; a source of :class:`AsyncStream`."""

    def __init__(self, begin: Callable[[], Pull]) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self._pull: Pull | None = None
        self._stopped = False

    def events(self) -> Iterable[PullStep]:
        """The steps."""
        pull = self._begin()
        with self._lock:
            self._pull = pull
            if self._stopped:
                pull.cancel()
        return pull

    def stop(self) -> None:
        """Close the connection."""
        with self._lock:
            self._stopped = True
            if self._pull is not None:
                self._pull.cancel()
