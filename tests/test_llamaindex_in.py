"""LlamaIndex's parts as the app's: embeddings, models, readers, node parsers, postprocessors; and its collections."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import CompletionResponse, LLMMetadata
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms import CustomLLM, MockLLM
from llama_index.core.node_parser import (
    HierarchicalNodeParser,
    HTMLNodeParser,
    MarkdownNodeParser,
    SentenceSplitter,
    SentenceWindowNodeParser,
    TokenTextSplitter,
)
from llama_index.core.postprocessor import LongContextReorder, SimilarityPostprocessor
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import Document, MetadataMode, NodeWithScore, QueryBundle, TextNode

from rag_app import EmbedderError, ModelError, Parts, PromptTooLong, RagApp, StorageError
from rag_app.cli import main
from rag_app.llamaindex import LlamaIndexCutter, LlamaIndexEmbedder, LlamaIndexModel, parts
from rag_app.llamaindex.chroma import Node
from rag_app.llamaindex.importing import joined
from rag_app.protocols import ChatMessage

from .conftest import PROJECT, SAMPLES

NOTE = "# Keys\n\nThe key of the archive hangs in room 12.\n\n# Water\n\nThe pump of the well needs 400 volts.\n"


class Hashed(BaseEmbedding):
    """Words hashed into numbers: real vectors without a model. ``salt`` makes another model of it."""

    salt: str = "a"
    model_name: str = "hashed"

    def _vector(self, text: str) -> list[float]:
        vector = np.zeros(64)
        for word in text.lower().split():
            digest = hashlib.sha256((self.salt + word.strip(".,?#")).encode()).digest()
            vector[digest[0] % 64] += 1.0
        return [float(number) for number in vector * 3]  # not of unit length, as many are not

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._vector(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._vector(text)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._vector(query)


class Written(CustomLLM):
    """Says a sentence, word by word."""

    sentence: str = "The key hangs in room 12 [1]."
    context: int = 8192

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=self.context, model_name="written")

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=self.sentence)

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> Generator[CompletionResponse, None, None]:
        text = ""
        for word in self.sentence.split(" "):
            text += f"{word} "
            yield CompletionResponse(text=text, delta=f"{word} ")


class Upper(BaseReader):
    """Reads .shout files: each line a page."""

    def load_data(self, file: Path, extra_info: dict[str, Any] | None = None) -> list[Document]:  # type: ignore[override]
        if file.stat().st_size > 1000:
            raise MemoryError("that is too loud")
        lines = file.read_text(encoding="utf-8").splitlines()
        return [Document(text=line, metadata={"page_label": str(n)}) for n, line in enumerate(lines, 1)]


Opened = Callable[..., RagApp]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens apps with quotes over one data folder, and closes them."""
    apps: list[RagApp] = []

    def open_app(own: Parts | None = None, **settings: Any) -> RagApp:
        apps.append(RagApp.open(data_dir=tmp_path / "data", parts=own, **{"answers": "quotes", **settings}))
        return apps[-1]

    yield open_app
    for app in apps:
        app.close()


@pytest.fixture
def note(tmp_path: Path) -> Path:
    (tmp_path / "note.md").write_text(NOTE)
    return tmp_path / "note.md"


def test_an_embedding_model(opened: Opened, note: Path) -> None:
    app = opened(parts(embed_model=Hashed()))
    assert app.ingest(note).ok
    base = app.knowledge_bases()[0]
    assert base.embedder == "hashed"
    assert "room 12" in app.ask("Where is the key of the archive?").text
    vectors = app.embed("key of the archive", "").vectors
    assert np.linalg.norm(vectors[0]) == pytest.approx(1)
    assert set(vectors[1]) == {0.0}


def test_embedding_models_never_mix(opened: Opened, note: Path) -> None:
    opened(parts(embed_model=Hashed())).ingest(note)
    for other in (parts(embed_model=Hashed(salt="b")), parts(embed_model=MockEmbedding(64)), None):
        app = opened(other)
        with pytest.raises(EmbedderError) as raised:
            app.ask("Where is the key?")
        assert "hashed" in str(raised.value)
        with pytest.raises(EmbedderError):
            app.ingest(note)
    app = opened(parts(embed_model=Hashed(salt="b")))
    app.reindex()
    assert "room 12" in app.ask("Where is the key of the archive?").text


def test_the_identity_of_a_part_is_the_same_in_another_process_and_holds_no_secret() -> None:
    code = (
        "from tests.test_llamaindex_in import Hashed\nfrom rag_app.llamaindex import LlamaIndexEmbedder\n"
        "print(LlamaIndexEmbedder(Hashed(embed_batch_size=3)).info.revision)"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT)
    one = LlamaIndexEmbedder(Hashed())
    assert other.stdout.strip() == one.info.revision
    assert LlamaIndexEmbedder(Hashed(salt="b")).info.revision != one.info.revision
    assert LlamaIndexEmbedder(Hashed(), window=64).info.window == 64


def test_a_model_that_changes_its_dimension_is_refused() -> None:
    embedder = LlamaIndexEmbedder(model := MockEmbedding(8))
    assert embedder.info.dimension == 8
    model.embed_dim = 9
    with pytest.raises(EmbedderError, match="9"):
        embedder.embed_passages(["x"])


def test_a_language_model_answers(opened: Opened, note: Path) -> None:
    app = opened(parts(llm=Written()), answers="auto")
    app.ingest(note)
    answer = app.ask("Where is the key of the archive?")
    assert answer.model == "written"
    assert answer.text.strip() == "The key hangs in room 12 [1]."
    assert answer.citations[0].document == "note.md"
    assert answer.sentences[0].support == "supported"
    assert answer.context_tokens == 8192
    invented = opened(parts(llm=Written(sentence="It costs 99 euros [1].")), answers="auto")
    assert "99" not in invented.ask("Where is the key of the archive?").text  # grounding is the same for all models


def test_a_prompt_that_does_not_fit_is_never_cut(opened: Opened, note: Path) -> None:
    model = LlamaIndexModel(Written(context=128))
    assert model.describe().context_tokens == 128
    with pytest.raises(PromptTooLong, match="128"):
        list(model.stream([ChatMessage("user", "word " * 200)], answer_tokens=16))
    app = opened(parts(llm=Written(context=128)), answers="auto")
    app.ingest(note)
    with pytest.raises(ModelError):
        app.ask("Where is the key of the archive?")


def test_their_mock_model_and_json(opened: Opened, note: Path) -> None:
    app = opened(parts(llm=MockLLM()), answers="auto")
    app.ingest(note)
    assert app.ask("Where is the key of the archive?").model == "MockLLM"
    model = LlamaIndexModel(Written(sentence='Here it is: {"question": "Why?"} Do you like it?'))
    schema: dict[str, object] = {"type": "object"}
    said = "".join(piece.text for piece in model.stream([ChatMessage("user", "?")], answer_tokens=16, schema=schema))
    assert json.loads(said) == {"question": "Why?"}


def test_a_model_is_stopped_between_its_words() -> None:
    model = LlamaIndexModel(Written(sentence="word " * 10_000))
    stream = model.stream([ChatMessage("user", "?")], answer_tokens=16)
    assert next(piece.text for piece in stream if piece.text) == "word "
    stream.cancel()
    assert list(stream) == []
    stream.cancel()


def test_what_a_model_raises_comes_out(opened: Opened, note: Path) -> None:
    class Broken(Written):
        def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
            raise ConnectionError("the plug is out")

    app = opened(parts(llm=Broken()), answers="auto")
    app.ingest(note)
    with pytest.raises(ConnectionError, match="plug"):
        app.ask("Where is the key of the archive?")


def test_a_reader(opened: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.shout").write_text("The key hangs in room 12.\nThe pump needs 400 volts.\n")
    (folder / "b.shout").write_text("x" * 2000)
    app = opened(parts(readers={".SHOUT": Upper()}))
    assert ".shout" in app.readable_types()
    assert [one.status for one in app.plan(folder).files] == ["read", "read"]
    report = app.ingest(folder)
    assert [one.status for one in report.files] == ["read", "refused"]
    assert "too loud" in str(report.files[1].reason)
    answer = app.ask("How many volts does the pump need?")
    assert (answer.citations[0].document, answer.citations[0].page) == ("a.shout", 2)
    assert [one.status for one in app.ingest(folder / "a.shout").files] == ["unchanged"]
    without = opened()
    assert [one.status for one in without.ingest(folder / "a.shout").files] == ["refused"]
    assert "400 volts" in without.ask("How many volts does the pump need?").text  # what it held is kept


def test_a_reader_in_place_of_the_apps_own(opened: Opened, note: Path) -> None:
    class Loud(BaseReader):
        def load_data(self, file: Path) -> list[Document]:  # type: ignore[override]
            return [Document(text=file.read_text().upper())]

    opened().ingest(note)
    app = opened(parts(readers={".md": Loud()}))
    assert [one.status for one in app.ingest(note).files] == ["read"]  # read otherwise, so read anew
    assert "ROOM 12" in app.ask("Where is the key of the archive?").text
    assert [one.status for one in opened().ingest(note).files] == ["read"]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """The note as plain text: a Markdown file's pages no longer have the signs that this parser looks for."""
    (tmp_path / "raw.txt").write_text(NOTE)
    return tmp_path / "raw.txt"


def test_a_node_parser(opened: Opened, raw: Path) -> None:
    app = opened(parts(node_parser=MarkdownNodeParser()))
    app.ingest(raw)
    page = app.read_pages(app.documents()[0].id).pages[0]
    assert [page.text[start:end].splitlines()[0] for start, end in page.chunks] == ["# Keys", "# Water"]
    answer = app.ask("How many volts does the pump need?")
    assert "400 volts" in answer.text
    assert [one.status for one in opened().ingest(raw).files] == ["read"]  # cut otherwise, so read anew


@pytest.mark.parametrize(
    "parser",
    [
        SentenceSplitter(chunk_size=32, chunk_overlap=8),
        TokenTextSplitter(chunk_size=32, chunk_overlap=4),
        SentenceWindowNodeParser.from_defaults(window_size=1),
        HierarchicalNodeParser.from_defaults(chunk_sizes=[128, 32], chunk_overlap=0),
    ],
    ids=["sentences", "tokens", "window", "hierarchy"],
)
def test_their_node_parsers_give_pieces_of_the_text(parser: Any) -> None:
    text = (SAMPLES / "reading-list.md").read_text(encoding="utf-8")
    spans = LlamaIndexCutter(parser).cut(text)
    assert len(spans) > 3
    assert spans == sorted(spans)
    covered = {place for start, end in spans for place in range(start, end)}
    assert all(character.isspace() for place, character in enumerate(text) if place not in covered)
    assert LlamaIndexCutter(parser).cut("  \n") == []


def test_a_piece_that_is_too_long_for_the_embedding_model_is_cut_further(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("".join(f"Sentence number {n} is about the pump. " for n in range(300)))
    app = opened(parts(node_parser=SentenceSplitter(chunk_size=100_000)))
    app.ingest(tmp_path / "long.txt")
    assert app.documents()[0].chunks > 3
    assert "number 299" in app.ask("sentence number 299").text


def test_a_node_parser_that_changes_the_text_is_refused(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("<p>The key <b>hangs</b> in room 12.</p><p>And the pump?</p>")
    report = opened(parts(node_parser=HTMLNodeParser(tags=["p"]))).ingest(tmp_path / "a.txt")
    assert report.files[0].status == "refused"
    assert "HTMLNodeParser" in str(report.files[0].reason)


def test_node_postprocessors(opened: Opened, raw: Path) -> None:
    class Reversed(BaseNodePostprocessor):
        def _postprocess_nodes(
            self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
        ) -> list[NodeWithScore]:
            assert query_bundle is not None
            assert query_bundle.query_str == question
            made_up = NodeWithScore(node=TextNode(text="The key is under the mat."), score=1.0)
            return [made_up, *reversed(nodes)]

    class OnlyWater(BaseNodePostprocessor):
        def _postprocess_nodes(
            self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
        ) -> list[NodeWithScore]:
            return [NodeWithScore(node=one.node, score=0.125) for one in nodes if "Water" in one.get_content()]

    question = "Where is the key of the archive?"
    cutting = MarkdownNodeParser()
    opened(parts(node_parser=cutting)).ingest(raw)
    found = opened(parts(node_parser=cutting, node_postprocessors=[OnlyWater()])).retrieve(question)
    assert found.passages[0].score == 0.125
    assert "Water" in found.passages[0].text
    app = opened(parts(node_postprocessors=[SimilarityPostprocessor(similarity_cutoff=2.0)]))
    assert app.retrieve(question).passages == ()
    assert app.ask(question).refused
    found = opened(parts(node_postprocessors=[LongContextReorder(), Reversed()])).retrieve(question)
    assert found.passages
    assert all("mat" not in passage.text for passage in found.passages)
    trace = found.passages[0].trace
    assert trace is not None
    assert [step.key for step in trace.steps][:2] == ["explain.refined"] * 2


# Collections


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection that LlamaIndex made of documents with files and pages, cut with an overlap."""
    chromadb = pytest.importorskip("chromadb")
    pytest.importorskip("llama_index.vector_stores.chroma")
    from llama_index.core import StorageContext
    from llama_index.vector_stores.chroma import ChromaVectorStore

    folder = tmp_path_factory.mktemp("chroma")
    long = " ".join(f"Sentence {n} of the manual is about part {n}." for n in range(60))
    documents = [
        Document(text="The key of the archive hangs in room 12.", metadata=_about("/docs/keys.pdf", "1")),
        Document(text="The pump of the well needs 400 volts.", metadata=_about("/docs/keys.pdf", "2")),
        Document(text=long, metadata=_about("/docs/manual.txt")),
        Document(text="罗马数字页：前言里写着密码是 4711。", metadata=_about("/docs/前言.pdf", "iv")),
    ]
    client = chromadb.PersistentClient(str(folder), chromadb.Settings(anonymized_telemetry=False))
    client.create_collection("empty")
    store = ChromaVectorStore(chroma_collection=client.create_collection("papers"))
    VectorStoreIndex.from_documents(
        documents,
        StorageContext.from_defaults(vector_store=store),
        transformations=[SentenceSplitter(chunk_size=64, chunk_overlap=20)],
        embed_model=Hashed(),
    )
    client.close()
    return folder


def _about(path: str, page: str | None = None) -> dict[str, str]:
    return {"file_path": path, "file_name": Path(path).name} | ({"page_label": page} if page else {})


def test_a_collection_is_imported_by_file_and_page(opened: Opened, chroma: Path) -> None:
    before = {path: path.read_bytes() for path in chroma.rglob("*") if path.is_file()}
    app = opened()
    seen = []
    report = app.import_llamaindex(chroma, "papers", progress=seen.append)
    assert {path: path.read_bytes() for path in chroma.rglob("*") if path.is_file()} == before
    assert [(one.path.name, one.status, one.pages) for one in report.files] == [
        ("keys.pdf", "read", 2),
        ("manual.txt", "read", 1),
        ("前言.pdf", "read", 1),
    ]
    assert seen[-1].files_done == seen[-1].files_total == 3
    citation = app.ask("How many volts does the pump of the well need?").citations[0]
    assert (citation.document, str(citation.path), citation.page) == ("keys.pdf", "/docs/keys.pdf", 2)
    assert "400 volts" in citation.quote
    citation = app.ask("密码是多少？").citations[0]
    assert (citation.document, citation.page_label) == ("前言.pdf", "iv")
    manual = next(one for one in app.documents() if one.path.name == "manual.txt")
    text = app.read_pages(manual.id).pages[0].text
    assert text == " ".join(f"Sentence {n} of the manual is about part {n}." for n in range(60))  # overlaps are gone
    assert [one.status for one in app.import_llamaindex(chroma, "papers").files] == ["unchanged"] * 3


def test_what_was_read_from_the_disk_is_not_replaced(opened: Opened, tmp_path: Path) -> None:
    chromadb = pytest.importorskip("chromadb")
    file = tmp_path / "a.txt"
    file.write_text("The pump needs 400 volts.")
    client = chromadb.PersistentClient(str(tmp_path / "chroma"), chromadb.Settings(anonymized_telemetry=False))
    collection = client.create_collection("hand-made")
    about = [{"file_path": str(file)}, {"source": "b.txt"}]
    collection.add(["1", "2"], [[0.0, 1.0]] * 2, about, ["The pump needs 230 volts.", "The mast is 12 metres high."])
    client.close()
    app = opened()
    app.ingest(file)
    report = app.import_llamaindex(tmp_path / "chroma", "hand-made")
    assert [one.status for one in report.files] == ["unchanged", "read"]
    assert "400 volts" in app.ask("How many volts does the pump need?").text
    assert "12 metres" in app.ask("How high is the mast?").text
    file.write_text("The pump needs 110 volts.")
    assert app.ingest(file).files[0].status == "read"


def test_a_file_that_is_read_itself_takes_the_place_of_what_was_imported(opened: Opened, tmp_path: Path) -> None:
    chromadb = pytest.importorskip("chromadb")
    file = tmp_path / "a.txt"
    client = chromadb.PersistentClient(str(tmp_path / "chroma"), chromadb.Settings(anonymized_telemetry=False))
    client.create_collection("pumps").add(["1"], [[1.0]], [{"file_path": str(file)}], ["The pump needs 230 volts."])
    client.close()
    app = opened()
    app.import_llamaindex(tmp_path / "chroma", "pumps")
    assert "230 volts" in app.ask("How many volts does the pump need?").text
    file.write_text("The pump needs 400 volts.")
    assert app.ingest(file).files[0].status == "read"
    answer = app.ask("How many volts does the pump need?")
    assert "400 volts" in answer.text
    assert "230" not in answer.text


@pytest.mark.parametrize(
    ("folder", "collection", "said"),
    [(".", "nobody", "papers"), (".", "empty", "empty"), ("no", "papers", "chroma.sqlite3")],
)
def test_what_is_not_there_is_said(opened: Opened, chroma: Path, folder: str, collection: str, said: str) -> None:
    with pytest.raises(StorageError, match=said):
        opened().import_llamaindex(chroma / folder, collection)


def test_a_file_that_is_no_database_is_said(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "chroma.sqlite3").write_text("x" * 5000)
    with pytest.raises(StorageError, match="can't be read"):
        opened().import_llamaindex(tmp_path, "papers")


def test_the_command(chroma: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(["kb", "import-llamaindex", str(chroma), "papers", "--json"])
    assert len(json.loads(capfd.readouterr().out)["files"]) == 3
    run(["ask", "How many volts does the pump need?", "--json"])
    assert json.loads(capfd.readouterr().out)["citations"][0]["path"] == "/docs/keys.pdf"


def run(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert not end.value.code


def test_nodes_without_positions_are_joined_where_they_overlap() -> None:
    def node(text: str, order: int, start: int | None = None) -> Node:
        end = start + len(text) if start is not None else None
        return Node(text, "a", "1", "", "d", start, end, order)

    one, two = "The key hangs in room 12. The pump", "in room 12. The pump needs 400 volts."
    whole = "The key hangs in room 12. The pump needs 400 volts."
    assert joined([node(one, 0), node(two, 1)]) == whole
    assert joined([node(two, 0, 14), node(one, 1, 0)]) == whole
    assert joined([node(one, 0), node(one, 1)]) == one
    assert joined([node("a.", 0), node("b.", 1)]) == "a.\nb."
    assert joined([node("a. ", 0, 0), node("b.", 1, 3)]) == "a. b."


def test_parts_in_asyncio(tmp_path: Path, note: Path) -> None:
    from rag_app import AsyncRagApp

    async def main() -> None:
        own = parts(embed_model=Hashed(), llm=Written())
        async with AsyncRagApp.open(data_dir=tmp_path / "data", parts=own) as app:
            await app.ingest(note)
            assert (await app.ask("Where is the key of the archive?")).model == "written"

    asyncio.run(main())


def test_metadata_that_models_do_not_need_stays_out_of_prompts(samples: RagApp) -> None:
    node = samples.as_retriever(limit=1).retrieve("KV cache")[0].node
    assert "file_path" not in node.get_content(MetadataMode.LLM)
    assert "title: " in node.get_content(MetadataMode.LLM)
