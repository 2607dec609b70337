"""A program that uses every public name, to be checked by type checkers; it is never run."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import rag_app
from rag_app import AsyncConversation, AsyncRagApp, Conversation, RagApp


def open_in_every_way(embedder: rag_app.Embedder, model: rag_app.ChatModel, reranker: rag_app.Reranker) -> None:
    settings: rag_app.Settings = rag_app.Settings.load(answers="quotes")
    parts = rag_app.Parts(embedder=embedder, model=model, reranker=reranker)
    heard: list[rag_app.Message] = []
    with RagApp.open(settings, parts=parts, notify=heard.append) as app, RagApp.open(data_dir="other") as other:
        used: rag_app.Settings = app.settings
        print(used, other)
    RagApp.open().close()


def knowledge_bases(app: RagApp) -> list[rag_app.KnowledgeBase]:
    made: rag_app.KnowledgeBase = app.create_knowledge_base("papers")
    app.rename_knowledge_base(made.name, "articles")
    app.export_knowledge_base("articles", "articles.ragkb")
    app.import_knowledge_base("articles.ragkb", name="copy")
    app.reindex(kb="copy", progress=lambda done, total: print(done / total))
    app.delete_knowledge_base("copy", verify=True, tell=print)
    return app.knowledge_bases()


def files(app: RagApp) -> None:
    def show(step: rag_app.Progress) -> None:
        report: rag_app.FileReport | None = step.report
        print(step.fraction, report and report.status)

    folder: Path | None = rag_app.sample_folder()
    report: rag_app.IngestReport = app.ingest(folder or "papers", passwords=["secret"], progress=show)
    planned: rag_app.IngestReport = app.plan("papers")
    synced: rag_app.IngestReport = app.sync("papers", progress=show)
    for _ in app.changes("articles", threading.Event()):
        print("something changed")
    for seen in app.watch("papers", stop=threading.Event()):
        print(seen.ok, report.ok, planned.ok, synced.ok)
    folders: list[Path] = app.folders()
    app.leave_folder(folders[0])
    without: int = app.enrich(progress=lambda done, total: None)
    app.forget_notes()
    stored: list[rag_app.StoredDocument] = app.documents()
    tagged: list[rag_app.StoredDocument] = app.tag("a.pdf", add=["law"], drop=["draft"])
    gone: list[rag_app.StoredDocument] = app.remove("a.pdf", verify=True)
    state: rag_app.FileState = "partial"
    order: rag_app.FileOrder = "newest"
    listed: rag_app.FileList = app.list_files(states=[state], order=order)
    one: rag_app.ListedFile = listed.files[0]
    counts: rag_app.FileCounts = app.file_counts()
    pages: rag_app.ReadPages = app.read_pages(one.document or 0)
    page: rag_app.ReadPage = pages.pages[0]
    types: tuple[str, ...] = app.readable_types()
    copy: Path = app.store_upload("a.pdf", b"%PDF")
    unread: list[Path] = app.unread_uploads()
    app.drop_upload(copy)
    print(without, stored, tagged, gone, counts, page.text, types, unread)


def questions(app: RagApp) -> str:
    filters = rag_app.Filters(types=("pdf",), tags=("law",))
    found: rag_app.Retrieval = app.retrieve("What is due?", kb=["papers", "law"], limit=5, filters=filters)
    passage: rag_app.Passage = found.passages[0]
    trace: rag_app.Trace | None = passage.trace
    answer: rag_app.Answer = app.ask("What is due?", filters=filters, images=["photo.png"])
    citation: rag_app.Citation = answer.citations[0]
    sentence: rag_app.AnswerSentence = answer.sentences[0]
    language: rag_app.Language = answer.language
    history = [rag_app.Turn("user", answer.question), rag_app.Turn("assistant", answer.text)]
    follow_up: rag_app.Condensed = app.condense("And then?", history)
    stream: rag_app.AnswerStream = app.stream(follow_up.rewritten, history=history)
    prompt: tuple[rag_app.ChatMessage, ...] = stream.prompt
    for event in stream.events():
        said(event)
    reply: rag_app.ReplyStream = app.reply("And then?", history)
    whose: dict[int, int] = app.document_ids(reply.retrieval.passages)
    made_with: rag_app.EmbedderInfo = app.embedder_info()
    print(whose, made_with)
    rectangles: tuple[rag_app.Rectangle, ...] = app.locate(citation, password="secret")
    picture: rag_app.PageImage = app.page_image(citation, width=800)
    note: rag_app.Message | None = app.source_note(citation)
    suggested: list[str] = app.suggested_questions(language=language)
    vectors: rag_app.Embeddings = app.embed("one", "two", query=True)
    print(trace, sentence.mark(language), prompt, rectangles, picture, note, suggested, vectors.dimension)
    return rag_app.to_json([found, answer], "zh", indent=1)


def said(event: rag_app.Event) -> str:
    match event:
        case rag_app.Stage():
            return event.message.text("en")
        case rag_app.Thought() | rag_app.Withdrawn():
            return event.text
        case rag_app.Checked():
            return event.sentence.support
        case str():
            return event


def conversations(app: RagApp) -> None:
    known: list[rag_app.ConversationInfo] = app.conversations(search="due", owner="ann")
    talk: Conversation = app.conversation(known[0].id)
    first: rag_app.Answer = talk.ask("What is due?")
    stream: rag_app.ConversationStream = talk.stream("And then?", rewritten="And what is due then?")
    message: rag_app.ConversationMessage = talk.messages[-1]
    role: rag_app.Role | str = message.role
    talk.regenerate(message).close()
    talk.edit(talk.all_messages[0], "What was due?").close()
    talk.branch(message)
    talk.select(message.id)
    talk.rate(message, 1, "good")
    info: rag_app.ConversationInfo = talk.rename("Dues")
    print(first, stream.answer, role, info, talk.info, talk.summary, talk.export("json"), talk.id)
    talk.delete(verify=True)


def machine(app: RagApp) -> None:
    entries: list[rag_app.ModelEntry] = app.models()
    before: tuple[rag_app.Message, ...] = app.before_pull("llama3.1:8b")
    pull: rag_app.Pull = app.pull_model("llama3.1:8b")
    steps: list[rag_app.PullStep] = list(pull)
    chosen: rag_app.ChosenModel = app.use_model("llama3.1:8b")
    removed: rag_app.ModelEntry = app.remove_model("llama3.1:8b")
    advice: rag_app.Recommendation = app.recommend(vision=True)
    views: dict[str, rag_app.SettingView] = app.setting_views()
    file: Path = app.change_setting("mode", "strict")
    checks: list[rag_app.Check] = app.doctor()
    seeing: bool = app.sees_images()
    app.preload()
    app.prepare()
    print(entries, before, steps, chosen, removed, advice, views, file, checks, seeing)


def evaluation(app: RagApp) -> None:
    asked: rag_app.AnswerSet = rag_app.load_answers("questions.csv")
    question = rag_app.AnswerQuestion("q1", "What is due?", ("5 euros",))
    run: rag_app.AnswerRun = app.evaluate([question], save="run.jsonl", resume=True, judge=True)
    again: rag_app.AnswerRun = app.evaluate(asked, progress=lambda done, total: None)
    case: rag_app.Case = run.cases[0]
    dataset: rag_app.Dataset = rag_app.load_dataset("questions/")
    wanted: rag_app.Question = dataset.questions[0]
    report: rag_app.RetrievalReport = app.evaluate_retrieval(dataset)
    change: type[rag_app.Change] = rag_app.Change
    kept = rag_app.Keeping(app)
    print(again, case.good, wanted, report.mean("fused", "ndcg@10"), change, kept)


def llamaindex(app: RagApp) -> None:
    print(app.as_retriever(limit=5).retrieve("What is due?")[0].score)
    print(app.as_query_engine(streaming=True).query("What is due?").source_nodes)
    print(app.as_chat_engine().chat("What is due?").response)
    print(app.as_tool("papers").metadata.name, app.as_llm().metadata.context_window)
    report: rag_app.IngestReport = app.import_llamaindex("chroma", "papers", kb="papers")
    print(report)


class Shouting:
    """Every kind of part that a program can bring along."""

    identity = "shouting 1"
    name = "shouting"

    def read(self, path: Path) -> rag_app.Document:
        if not path.suffix:
            raise rag_app.FileRefused("file.no_text")
        heading = rag_app.Heading(0, 1, path.name)
        return rag_app.Document(path.stem, "shout", (rag_app.Page(1, path.read_text().upper(), headings=(heading,)),))

    def cut(self, text: str) -> Sequence[tuple[int, int]]:
        return [(0, len(text))]

    def refine(self, question: str, passages: Sequence[rag_app.Passage]) -> Sequence[rag_app.Passage]:
        return [passage for passage in passages if passage.score > 0.5]

    def pieces(self, stream: rag_app.ChatStream, about: rag_app.ModelDescription) -> list[rag_app.ModelPiece]:
        return list(stream) if about.vision else []


def parts(info: rag_app.EmbedderInfo) -> rag_app.Parts:
    own = Shouting()
    reader: rag_app.Reader = own
    cutter: rag_app.Cutter = own
    refiner: rag_app.Refiner = own
    print(info.dimension)
    return rag_app.Parts(readers={".shout": reader}, cutter=cutter, refiners=[refiner])


ERRORS: Mapping[str, type[rag_app.UserError]] = {
    "engine": rag_app.RagError,
    "ingestion": rag_app.IngestError,
    "settings": rag_app.SettingsError,
    "kb": rag_app.KnowledgeBaseError,
    "no kb": rag_app.UnknownKnowledgeBase,
    "kb there": rag_app.KnowledgeBaseExists,
    "kb name": rag_app.BadKnowledgeBaseName,
    "document": rag_app.UnknownDocument,
    "place": rag_app.NotLocated,
    "source": rag_app.SourceError,
    "tag": rag_app.BadTag,
    "question": rag_app.QuestionError,
    "conversation": rag_app.ConversationError,
    "no conversation": rag_app.UnknownConversation,
    "storage": rag_app.StorageError,
    "locked": rag_app.StorageLocked,
    "not erased": rag_app.NotErased,
    "dataset": rag_app.DatasetError,
    "archive": rag_app.ArchiveError,
    "embedder": rag_app.EmbedderError,
    "model": rag_app.ModelError,
    "ollama": rag_app.OllamaUnreachable,
    "no model": rag_app.ModelNotInstalled,
    "long": rag_app.PromptTooLong,
    "busy": rag_app.ModelBusy,
    "refused": rag_app.ModelRefused,
    "not supported": rag_app.NotSupported,
}


def rest(value: rag_app.Value) -> object:
    stored: str = rag_app.hash_password("correct horse battery staple")
    right: bool = rag_app.password_matches("correct horse battery staple", stored)
    told: rag_app.Message = rag_app.message("answer.not_found")
    words: str = rag_app.text("answer.not_found", "zh")
    print(right, told, words, value.to_dict("zh"), value.to_json())
    return rag_app.jsonable({"values": [value]})


async def the_same_in_asyncio() -> None:
    opened: AsyncRagApp = await AsyncRagApp.open(answers="quotes")
    settings: rag_app.Settings = opened.settings
    blocking: RagApp = opened.blocking
    await opened.aclose()
    async with AsyncRagApp.open(settings, parts=rag_app.Parts()) as app:
        made: rag_app.KnowledgeBase = await app.create_knowledge_base("papers")
        await app.rename_knowledge_base(made.name, new_name="articles")
        await app.export_knowledge_base("articles", "articles.ragkb")
        await app.import_knowledge_base("articles.ragkb", name="copy")
        await app.reindex(kb="copy", progress=lambda done, total: print(done / total))
        await app.delete_knowledge_base("copy", verify=True, tell=print)
        bases: list[rag_app.KnowledgeBase] = await app.knowledge_bases()
        report: rag_app.IngestReport = await app.ingest("papers", kb="articles", passwords=["secret"])
        planned: rag_app.IngestReport = await app.plan("papers")
        synced: rag_app.IngestReport = await app.sync("papers")
        async for _ in app.changes("articles"):
            print("something changed")
        watched: rag_app.AsyncStream[rag_app.IngestReport] = app.watch("papers")
        async for seen in watched:
            print(seen.ok, report.ok, planned.ok, synced.ok, bases, blocking)
        folders: list[Path] = await app.folders()
        await app.leave_folder(folders[0])
        without: int = await app.enrich()
        await app.forget_notes()
        documents: list[rag_app.StoredDocument] = await app.documents()
        await app.tag("a.pdf", add=["law"])
        await app.remove("a.pdf", verify=True)
        listed: rag_app.FileList = await app.list_files(search="a", limit=5)
        counts: rag_app.FileCounts = await app.file_counts()
        pages: rag_app.ReadPages = await app.read_pages(1, limit=2)
        types: tuple[str, ...] = await app.readable_types()
        await app.drop_upload(await app.store_upload("a.pdf", b"%PDF"))
        unread: list[Path] = await app.unread_uploads()
        print(without, documents, listed, counts, pages, types, unread)
        await ask_in_asyncio(app)
        await the_rest_in_asyncio(app)


async def ask_in_asyncio(app: AsyncRagApp) -> None:
    found: rag_app.Retrieval = await app.retrieve("What is due?", limit=5)
    answer: rag_app.Answer = await app.ask("What is due?", kb="papers")
    stream: rag_app.AsyncAnswerStream = app.stream("What is due?", filters=rag_app.Filters(types=("pdf",)))
    async with stream:
        async for piece in stream:
            print(piece.strip())
        whole: rag_app.Answer = await stream.answer()
    async for event in app.stream("What is due?").events():
        said(event)
    reply: rag_app.AsyncAnswerStream = app.reply("And then?", [rag_app.Turn("user", "What is due?")])
    whose: dict[int, int] = await app.document_ids((await reply.answer()).passages)
    made_with: rag_app.EmbedderInfo = await app.embedder_info()
    print(whose, made_with)
    await app.locate(answer.citations[0])
    await app.page_image(answer.citations[0], width=800)
    await app.source_note(answer.citations[0])
    suggested: list[str] = await app.suggested_questions(count=2)
    vectors: rag_app.Embeddings = await app.embed("one", query=True)
    condensed: rag_app.Condensed = await app.condense("And then?", [rag_app.Turn("user", "What is due?")])
    known: list[rag_app.ConversationInfo] = await app.conversations(search="due")
    talk: AsyncConversation = await app.conversation(known[0].id)
    first: rag_app.Answer = await talk.ask("What is due?")
    async for piece in talk.stream("And then?"):
        print(piece.strip())
    message: rag_app.ConversationMessage = (await talk.messages())[-1]
    await talk.regenerate(message).answer()
    await talk.edit((await talk.all_messages())[0], "What was due?").answer()
    await talk.branch(message)
    await talk.select(message.id)
    await talk.rate(message, -1, comment="wrong")
    info: rag_app.ConversationInfo = await talk.rename("Dues")
    print(await talk.info(), await talk.summary(), await talk.export("markdown"), talk.id, talk.blocking, info)
    await talk.delete(verify=True)
    print(found, whole, suggested, vectors, condensed, first)


async def the_rest_in_asyncio(app: AsyncRagApp) -> None:
    entries: list[rag_app.ModelEntry] = await app.models()
    await app.before_pull("llama3.1:8b")
    async for step in app.pull_model("llama3.1:8b"):
        print(step.fraction)
    chosen: rag_app.ChosenModel = await app.use_model("llama3.1:8b")
    await app.remove_model("llama3.1:8b")
    advice: rag_app.Recommendation = await app.recommend(vision=True)
    views: dict[str, rag_app.SettingView] = await app.setting_views()
    await app.change_setting("mode", "strict")
    checks: list[rag_app.Check] = await app.doctor()
    seeing: bool = await app.sees_images()
    await app.preload()
    await app.prepare()
    run: rag_app.AnswerRun = await app.evaluate("questions.csv", judge=True)
    report: rag_app.RetrievalReport = await app.evaluate_retrieval("questions/")
    await app.import_llamaindex("chroma", "papers")
    print((await app.as_retriever(limit=5)).retrieve("What is due?")[0].score)
    print((await app.as_query_engine()).query("What is due?").source_nodes)
    print((await app.as_chat_engine()).chat("What is due?").response)
    print((await app.as_tool()).metadata.name, (await app.as_llm()).metadata.context_window)
    print(entries, chosen, advice, views, checks, seeing, run, report)


USED: tuple[Callable[..., object], ...] = (
    *(open_in_every_way, knowledge_bases, files, questions, conversations, machine),
    *(evaluation, llamaindex, parts, rest, the_same_in_asyncio),
)
