"""The API in asyncio: the same results, prompt ends, callbacks in the event loop; and many threads at once."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rag_app import AsyncRagApp, Filters, Parts, QuestionError, RagApp, Stage, UnknownKnowledgeBase
from rag_app.protocols import ChatMessage, ModelDescription, ModelPiece

from .conftest import SAMPLES

QUESTION = "Where is the Ollama server log on Windows?"


class EndlessStream(Iterator[ModelPiece]):
    """Words without end, the first at once and the others slowly."""

    def __init__(self, model: EndlessModel) -> None:
        self._model = model
        self._stopped = threading.Event()
        self._said = False

    def __next__(self) -> ModelPiece:
        if self._said:
            self._stopped.wait(60)
        self._said = True
        if self._stopped.is_set():
            raise StopIteration
        return ModelPiece("The log is server.log. ")

    def cancel(self) -> None:
        if not self._stopped.is_set():
            self._stopped.set()
            self._model.freed.release()


class EndlessModel:
    """A model that only stops when it is told to. ``freed``: counts how often it was."""

    name = "endless"

    def __init__(self) -> None:
        self.freed = threading.Semaphore(0)

    def describe(self) -> ModelDescription:
        return ModelDescription(self.name, "llamaindex", 8192)

    def count(self, messages: Sequence[ChatMessage]) -> int:
        return sum(len(message.text) // 2 for message in messages)

    def stream(
        self, messages: Sequence[ChatMessage], *, answer_tokens: int, schema: dict[str, object] | None = None
    ) -> EndlessStream:
        return EndlessStream(self)

    def prepare(self) -> EndlessStream:
        ended = EndlessStream(EndlessModel())
        ended.cancel()
        return ended

    def preload(self) -> None:
        """It is there."""

    def close(self) -> None:
        """It holds nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Path:
    """A data folder with one document."""
    data = tmp_path_factory.mktemp("async")
    with RagApp.open(data_dir=data, model_dir=model_dir, answers="quotes") as app:
        app.ingest(SAMPLES / "ollama-cheatsheet.md")
    return data


@pytest.fixture
def endless(folder: Path) -> Iterator[tuple[RagApp, EndlessModel]]:
    model = EndlessModel()
    with RagApp.open(data_dir=folder, answers="auto", parts=Parts(model=model)) as app:
        yield app, model


def test_the_same_as_without_asyncio(folder: Path) -> None:
    async def main() -> None:
        async with AsyncRagApp.open(data_dir=folder, answers="quotes") as app:
            assert await app.documents() == app.blocking.documents()
            assert await app.ask(QUESTION) == app.blocking.ask(QUESTION)
            found = await app.retrieve(QUESTION, limit=1, filters=Filters(types=("markdown",)))
            assert len(found.passages) == 1
            stream = app.stream(QUESTION)
            assert stream.retrieval is None
            pieces = [piece async for piece in stream]
            answer = await stream.answer()
            assert "".join(pieces) == answer.text
            assert stream.retrieval is not None
            assert stream.verbatim
            with pytest.raises(QuestionError):
                await app.ask(" ")
            with pytest.raises(QuestionError):
                async for _ in app.stream(""):
                    pass
            with pytest.raises(UnknownKnowledgeBase):
                await app.documents("nobody")
        assert repr(app).startswith("AsyncRagApp(")

    asyncio.run(main())


def test_a_conversation(folder: Path) -> None:
    async def main() -> None:
        app = await AsyncRagApp.open(data_dir=folder, answers="quotes")
        talk = await app.conversation()
        first = await talk.ask(QUESTION)
        stream = talk.stream("And on Linux?")
        async for _ in stream:
            pass
        assert stream.condensed is not None
        assert stream.condensed.how == "terms"
        messages = await talk.messages()
        assert [one.role for one in messages] == ["user", "assistant"] * 2
        assert messages[1].text == first.text
        assert stream.message == messages[3].id
        assert (await talk.info()).title == QUESTION
        await talk.delete()
        await app.aclose()

    asyncio.run(main())


def test_progress_is_told_in_the_event_loop_and_an_error_there_stops(tmp_path: Path) -> None:
    class Enough(Exception):
        """Somebody has seen enough."""

    async def main() -> None:
        loop = threading.get_ident()
        async with AsyncRagApp.open(data_dir=tmp_path / "data", answers="quotes") as app:
            seen: list[int] = []
            report = await app.ingest(
                SAMPLES / "reading-list.md", progress=lambda step: seen.append(threading.get_ident())
            )
            assert report.ok
            assert set(seen) == {loop}

            async def refuse(step: object) -> None:
                await asyncio.sleep(0)
                raise Enough

            with pytest.raises(Enough):
                await app.ingest(SAMPLES, progress=refuse)
            assert len(await app.documents()) == 1

    asyncio.run(main())


def test_cancelling_an_ingestion_stops_it_and_lets_go_of_the_folder(tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncRagApp.open(data_dir=tmp_path / "data", answers="quotes") as app:
            begun = asyncio.Event()
            task = asyncio.create_task(app.ingest(SAMPLES, progress=lambda step: begun.set()))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(await app.documents()) < 12
            assert (await app.ingest(SAMPLES / "reading-list.md")).ok  # the lock is free

    asyncio.run(main())


async def ask_until_cancelled(app: AsyncRagApp) -> None:
    await app.ask(QUESTION)


async def stream_until_cancelled(app: AsyncRagApp) -> None:
    async for _ in app.stream(QUESTION):
        pass


async def work_between_two_pieces(app: AsyncRagApp) -> None:
    async for _ in app.stream(QUESTION):
        await asyncio.sleep(60)


@pytest.mark.parametrize("work", [ask_until_cancelled, stream_until_cancelled, work_between_two_pieces])
def test_cancelling_a_task_frees_the_model(
    endless: tuple[RagApp, EndlessModel], work: Callable[[AsyncRagApp], asyncio.Future[None]]
) -> None:
    blocking, model = endless

    async def main() -> None:
        app = AsyncRagApp(blocking)
        task = asyncio.create_task(work(app))  # type: ignore[arg-type]
        stream = app.stream(QUESTION)
        await anext(aiter(stream))  # so the other has been asked before or at the same time
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(model.freed.acquire, timeout=30)
        await stream.aclose()
        assert await asyncio.to_thread(model.freed.acquire, timeout=30)

    asyncio.run(main())


def test_a_stream_that_is_left_or_dropped_frees_the_model(endless: tuple[RagApp, EndlessModel]) -> None:
    blocking, model = endless

    async def main() -> None:
        app = AsyncRagApp(blocking)
        async with app.stream(QUESTION) as stream:
            async for piece in stream:
                assert piece.strip()
                break
        assert model.freed.acquire(timeout=0)  # aclose waits for it
        answer = await stream.answer()
        assert not answer.complete
        assert "server.log" in answer.text
        dropped = app.stream(QUESTION)
        await anext(dropped.events())
        del dropped
        gc.collect()
        assert await asyncio.to_thread(model.freed.acquire, timeout=30)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await app.ask(QUESTION)
        assert await asyncio.to_thread(model.freed.acquire, timeout=30)

    asyncio.run(main())


def test_a_stream_that_is_stopped_before_it_begins(folder: Path) -> None:
    async def main() -> None:
        async with AsyncRagApp.open(data_dir=folder, answers="quotes") as app:
            stream = app.stream(QUESTION)
            stream.cancel()
            assert [piece async for piece in stream] == []
            with pytest.raises(asyncio.CancelledError):
                await stream.answer()
            await app.stream(QUESTION).aclose()

    asyncio.run(main())


def test_events_say_what_is_waited_for(endless: tuple[RagApp, EndlessModel]) -> None:
    blocking, _ = endless

    async def main() -> None:
        async with AsyncRagApp(blocking).stream(QUESTION) as stream:
            async for event in stream.events():
                assert isinstance(event, str | Stage)
                if isinstance(event, str):
                    break

    asyncio.run(main())


def test_a_folder_is_watched_until_the_app_closes(tmp_path: Path) -> None:
    async def main() -> None:
        folder = tmp_path / "notes"
        folder.mkdir()
        (folder / "a.md").write_text("# Keys\n\nThe key hangs in room 12.\n")
        app = await AsyncRagApp.open(data_dir=tmp_path / "data", answers="quotes")
        seen: list[float] = []
        changes = app.watch(folder, progress=lambda step: seen.append(step.fraction))
        assert (await anext(changes)).files[0].status == "read"
        assert seen[-1] == 1
        waiting = asyncio.create_task(anext(changes, None))
        await asyncio.sleep(0.1)
        await app.aclose()
        assert await waiting is None

    asyncio.run(main())


def test_several_apps_in_one_process(tmp_path: Path) -> None:
    """Of other folders and of the same one; none sees what another holds, and one that closes disturbs no other."""
    (tmp_path / "a.md").write_text("# Keys\n\nThe key of the archive hangs in room 12.\n")
    (tmp_path / "b.md").write_text("# Keys\n\nThe key of the cellar lies under the mat.\n")
    with (
        RagApp.open(data_dir=tmp_path / "one", answers="quotes") as one,
        RagApp.open(data_dir=tmp_path / "two", answers="quotes") as two,
    ):
        one.ingest(tmp_path / "a.md")
        two.ingest(tmp_path / "b.md")
        with RagApp.open(data_dir=tmp_path / "one", answers="quotes") as again:
            assert again.documents() == one.documents()
        for app, word, other in ((one, "room 12", "mat"), (two, "mat", "room 12")):
            answer = app.ask("Where is the key?")
            assert word in answer.text
            assert other not in answer.text


FACTS = {
    f"machine-{number}.md": (f"What is the torque of machine M{number}?", f"{number * 7 + 3} newton metres")
    for number in range(1, 9)
}


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[RagApp]:
    """An app with eight documents that differ in what they are about."""
    files = tmp_path_factory.mktemp("machines")
    for name, (_, value) in FACTS.items():
        number = name.partition("-")[2].partition(".")[0]
        (files / name).write_text(f"# Machine M{number}\n\nThe torque of machine M{number} is {value}.\n")
    data = tmp_path_factory.mktemp("data")
    with RagApp.open(data_dir=data, model_dir=model_dir, answers="quotes") as app:
        app.ingest(files)
        yield app


def check_answer(app_answer: object, name: str) -> None:
    from rag_app import Answer

    assert isinstance(app_answer, Answer)
    question, value = FACTS[name]
    assert app_answer.question == question
    assert app_answer.citations[0].document == name
    assert value in app_answer.text


def test_threads_and_tasks_ask_while_one_ingests(machines: RagApp, tmp_path: Path) -> None:
    """A tenth of what benchmarks/concurrency.py does."""
    ask_while_one_ingests(machines, tmp_path, threads=4, each=2, tasks=20)


@pytest.mark.slow
def test_sixteen_threads_and_two_hundred_tasks_ask_while_one_ingests(machines: RagApp, tmp_path: Path) -> None:
    ask_while_one_ingests(machines, tmp_path, threads=16, each=10, tasks=200)


def ask_while_one_ingests(app: RagApp, folder: Path, *, threads: int, each: int, tasks: int) -> None:
    names = list(FACTS)
    stop = threading.Event()

    def ingest() -> int:
        count = 0
        while not stop.is_set():
            (folder / f"note-{count % 3}.md").write_text(f"# Note {count}\n\nLunch number {count} is soup.\n")
            assert app.ingest(folder).ok
            count += 1
        return count

    def ask(worker: int) -> None:
        for turn in range(each):
            name = names[(worker + turn) % len(names)]
            check_answer(app.ask(FACTS[name][0]), name)

    async def ask_all() -> None:
        beside = AsyncRagApp(app)
        answers = await asyncio.gather(*(beside.ask(FACTS[names[task % len(names)]][0]) for task in range(tasks)))
        for task, answer in enumerate(answers):
            check_answer(answer, names[task % len(names)])

    with ThreadPoolExecutor(threads + 1) as pool:
        ingesting = pool.submit(ingest)
        asking = [pool.submit(ask, worker) for worker in range(threads)]
        try:
            asyncio.run(ask_all())
            for one in asking:
                one.result()
        finally:
            stop.set()
        assert ingesting.result() > 0


@pytest.mark.slow
def test_memory_does_not_grow_over_5000_questions(machines: RagApp) -> None:
    import psutil

    process = psutil.Process()
    names = list(FACTS)

    def ask(count: int) -> int:
        for turn in range(count):
            machines.ask(FACTS[names[turn % len(names)]][0])
        gc.collect()
        return int(process.memory_info().rss)

    warm = ask(500)
    began = time.monotonic()
    after = ask(5000)
    print(f"{warm / 1e6:.1f} MB → {after / 1e6:.1f} MB, {(time.monotonic() - began) / 5000 * 1e3:.1f} ms a question")
    assert after - warm < 16e6  # 3 kB a question would be a leak of every answer
