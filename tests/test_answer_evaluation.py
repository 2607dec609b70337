"""`rag-app eval answers` and rag_app.evaluation: real documents and questions, broken datasets, hostile text."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from rag_app import RagApp, RagError
from rag_app.errors import OllamaUnreachable, PromptTooLong, QuestionError
from rag_app.evaluation import (
    AnswerQuestion,
    AnswerSet,
    compare,
    evaluate_answers,
    load_answers,
    load_run,
    write_report,
)
from rag_app.evaluation.answer_measures import contains, failed_marks, marks, token_f1
from rag_app.evaluation.cases import About, AnswerRun, Case, Cited, Shown
from rag_app.types import Answer, AnswerSentence, Citation

from .conftest import DATA, NOBODY
from .test_cli import rag, sample_data  # noqa: F401  fixtures

SAMPLE_QUESTIONS = DATA / "sample_questions.jsonl"
UNANSWERABLE = ["红烧肉怎么做才好吃？", "Who won the football world cup in 1954?"]


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def few(*places: int) -> AnswerSet:
    """Some of the sample questions, and those without an answer."""
    asked = load_answers(SAMPLE_QUESTIONS)
    none = [AnswerQuestion(f"none{place}", text, ()) for place, text in enumerate(UNANSWERABLE)]
    return AnswerSet("few", (*(asked.questions[place] for place in places), *none))


# Datasets


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize(
    "header", [("id", "question", "answers", "document", "pages"), ("编号", "问题", "所有答案", "文档", "所有页")]
)
def test_a_table_is_read_as_spreadsheets_save_it(
    tmp_path: Path, delimiter: str, encoding: str, header: tuple[str, ...]
) -> None:
    rows = [
        header,
        ("a", '"How heavy, really; is a walrus?\nAnd why?"', "900 kg|nine hundred kilograms", "animals.pdf", "3|4"),
        ("b", "谁知道？", "", "", ""),
        ("", "多少页？", "12 页", "说明.docx", ""),
    ]
    path = tmp_path / "q.csv"
    path.write_bytes("\r\n".join(delimiter.join(row) for row in rows).encode(encoding))
    walrus, nobody, pages = load_answers(path).questions
    assert walrus.question == "How heavy, really; is a walrus?\nAnd why?"
    assert walrus.answers == ("900 kg", "nine hundred kilograms")
    assert walrus.evidence == ((("animals.pdf", 3),), (("animals.pdf", 4),))
    assert (nobody.id, nobody.answerable, nobody.evidence) == ("b", False, ())
    assert pages.id.startswith("q")
    assert pages.evidence == ((("说明.docx", None),),)


def test_an_id_that_nobody_gave_stays_when_rows_come_and_go(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"question": "One?", "answer": 1}, {"question": "Two?", "answers": ["2"]}]
    both = load_answers(jsonl(tmp_path / "both.jsonl", rows))
    second = load_answers(jsonl(tmp_path / "second.jsonl", rows[1:]))
    assert both.questions[1] == second.questions[0]
    assert both.questions[0].answers == ("1",)
    assert both.digest != second.digest


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("q.csv", "question,answer\nA?,a\n,b\n", "q.csv, line 3, column question"),
        ("q.csv", 'question,answer,page,document\n\n"A\n?",a,first,x.pdf\n', "line 3, column page: pages are whole"),
        ("q.csv", "question,answer\nA?,a,b\n", "line 2: 3 cells under 2"),
        ("q.csv", "frage,antwort\nA?,a\n", "line 1: the header needs .* it has: frage, antwort"),
        ("q.csv", "question,answer\n", "no questions with answers"),
        ("q.csv", b"question,answer\n\xce\xca?,a\n", "not UTF-8"),
        ("q.csv", None, "q.csv can't be read"),
        ("q.xlsx", "", "csv, .tsv or .jsonl"),
        ("q.jsonl", '{"question": "A?", "answer": "a"}\n{"question": "B?"\n', "q.jsonl, line 2"),
        ("q.jsonl", '"A?"\n', "line 1"),
        ("q.jsonl", '{"question": "A?"}', "line 1, column answers: the right answer is missing"),
        ("q.jsonl", '{"question": "A?", "answers": [["a"]]}', "column answers: a text"),
        ("q.jsonl", '{"question": "A?", "answer": "a", "document": 3}', "column document"),
        ("q.jsonl", '{"question": "A?", "answer": "a", "document": "x", "page": 0}', "column page"),
        ("q.jsonl", '{"question": "A?", "answer": "a", "evidence": ["x"]}', "column evidence"),
        ("q.jsonl", '{"question": "A?", "answer": "a", "state": "new"}', "column state: .*draft, accepted, rejected"),
        ("q.jsonl", '{"id": 1, "question": "A?", "answer": "a"}\n' * 2, "line 2, column id: '1' stands there twice"),
        ("q.jsonl", '{"question": "A?", "answer": "a", "state": "draft"}', "rag-app eval review"),
        ("q.jsonl", "[" * 100_000, "line 1"),
    ],
)
def test_what_is_wrong_with_a_dataset_is_named(
    tmp_path: Path, name: str, content: str | bytes | None, named: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(RagError, match=named):
        load_answers(tmp_path / name)


def test_the_layouts_of_datasets_are_read(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    (pages / "pdfs").mkdir(parents=True)
    pools = [[{"doc": "a.pdf", "page": 2}, {"doc": "b.pdf", "page": 3}], [{"doc": "c.pdf", "page": 4}]]
    jsonl(
        pages / "evidence.jsonl",
        [
            {
                "_id": "1",
                "question": "A?",
                "answer": "a",
                "answers": ["a", "b"],
                "doc": "a.pdf",
                "page": 2,
                "pages": [2],
            },
            {"_id": "2", "question": "B?", "answers": ["True"], "reference_pools": pools, "doc": "c.pdf", "page": 4},
        ],
    )
    jsonl(pages / "unanswerable.jsonl", [{"_id": "3", "question": "C?", "answers": ["N/A"], "reference_pools": []}])
    one, two, none = load_answers(pages).questions
    assert (one.answers, one.evidence) == (("a", "b"), ((("a.pdf", 2),),))
    assert two.evidence == ((("a.pdf", 2), ("b.pdf", 3)), (("c.pdf", 4),))
    assert not none.answerable
    passages = tmp_path / "passages"
    passages.mkdir()
    jsonl(passages / "corpus.jsonl", [{"_id": "w", "title": "", "text": "x"}, {"_id": "t", "title": "T", "text": "y"}])
    jsonl(passages / "queries.jsonl", [{"_id": "1", "text": "Y?"}, {"_id": "2", "text": "no answer known"}])
    jsonl(passages / "answers.jsonl", [{"_id": "1", "answers": ["y"]}])
    (passages / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\tt\t1\n2\tw\t1\n")
    (only,) = load_answers(passages).questions
    assert (only.id, only.answers, only.evidence) == ("1", ("y",), ((("000001.md", None),),))


def test_some_questions_are_spread_evenly() -> None:
    asked = load_answers(SAMPLE_QUESTIONS)
    assert [asked.questions.index(one) for one in asked.some(4).questions] == [0, 4, 8, 12]
    assert asked.some(99) is asked


# Measures


@pytest.mark.parametrize(
    ("text", "gold", "found"),
    [
        ("It weighs 48GB.", "48 GB", True),
        ("共 5,570 個字元", "5570 个字元", True),
        ("ＡＢＣ　公司", "abc公司", True),
        ("在2025年5月8日举行。", "2025 年 5 月 8 日", True),
        ("He paid 155 dollars", "55", False),
        ("version 1.5", "5", False),
        ("concatenate", "cat", False),
        ("The cat.", "cat", True),
        ("说是三千五百元", "三千五", True),
        ("1+1 (a)", "1+1 (a).", True),
        ("anything", "。", False),
        ("", "x", False),
    ],
)
def test_an_answer_contains_the_right_one(text: str, gold: str, found: bool) -> None:
    assert contains(text, gold) is found


@pytest.mark.parametrize(
    ("text", "gold", "f1"),
    [
        ("The cat sat.", "a cat sat down", 0.8),  # SQuAD: without articles and punctuation, 2 of 2 and 2 of 3
        ("cat cat", "cat", 2 / 3),
        ("dog", "cat", 0.0),
        ("the", "the", 1.0),
        ("黑豹队丢了308分", "308分", 4 / 9),  # CMRC 2018: 黑 豹 队 丢 了 308 分 against 308 分
        ("分308", "308分", 0.5),  # its longest common run is one token
        ("臺灣", "台湾", 1.0),
    ],
)
def test_token_f1_is_that_of_the_datasets(text: str, gold: str, f1: float) -> None:
    assert token_f1(text, gold) == pytest.approx(f1)


def answer(text: str, *pages: tuple[str, int], refused: bool = False, **more: Any) -> Answer:
    citations = tuple(
        Citation(number, document, Path(document), page, None, 9, (), "q", 0, 1)
        for number, (document, page) in enumerate(pages, 1)
    )
    return Answer("?", text, "m", "en", refused, citations, (), **more)


def test_marks_of_an_answer() -> None:
    asked = AnswerQuestion(
        "1", "How much?", ("3,500 yuan", "500 euros"), ((("a.pdf", 1), ("b.pdf", 2)), (("c.pdf", None),))
    )
    found = marks(asked, answer("It is three thousand and 3500 yuan [1][2].", ("b.pdf", 2), ("c.pdf", 7), ("d.pdf", 1)))
    assert found["contains"] == found["answered"] == found["numbers"] == found["citation_recall"] == 1.0
    assert found["citation_precision"] == pytest.approx(2 / 3)
    assert "supported" not in found
    wrong = marks(asked, answer("It is 3,600 yuan or 500 dollars.", ("a.pdf", 3)))
    assert (wrong["contains"], wrong["numbers"], wrong["citation_recall"], wrong["citation_precision"]) == (0, 0, 0, 0)
    refused = marks(asked, answer("3,500 yuan is what I do not find.", refused=True))
    assert (refused["contains"], refused["answered"], refused["numbers"]) == (0, 0, 0)
    assert "citation_precision" not in refused  # nothing was cited
    assert failed_marks(asked) == dict.fromkeys(refused, 0.0)


def test_marks_of_refusals_and_of_sentences() -> None:
    nobody = AnswerQuestion("1", "Who?", ())
    assert marks(nobody, answer("The documents do not say.", refused=True)) == {"refused": 1.0}
    sentences = tuple(AnswerSentence(0, 1, kind) for kind in ("supported", "partly", "none", "unsupported"))
    assert marks(nobody, answer("Me.", sentences=sentences)) == {"refused": 0.0, "supported": pytest.approx(1 / 3)}
    assert failed_marks(nobody) == {"refused": 0.0}


# Runs


def test_sample_questions_and_unanswerable_ones_end_to_end(samples: RagApp, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    run = evaluate_answers(samples, few(0, 4, 12), tmp_path / "a.run.jsonl", progress=lambda *one: seen.append(one))
    assert seen == [(0, 5), (1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert [case.good for case in run.cases] == [True] * 5
    for name in ("contains", "numbers", "citation_recall", "answered", "refused"):
        assert run.mean(name) == 1.0
    assert len(run.defined("refused")) == 2
    assert run.cases[1].model == "quotes"
    assert ("llama3-on-your-pc.pdf", 13) in [(one.document, one.page) for one in run.cases[1].citations]
    assert run.cases[4].citations == ()
    assert load_run(tmp_path / "a.run.jsonl") == run
    low, high = run.interval("f1")
    assert 0 < low <= run.mean("f1") <= high < 1
    changes = {change.measure: change for change in compare(run, run)}
    assert set(changes) == set(run.measures)
    assert all(change.difference == 0 for change in changes.values())


class Stop(KeyboardInterrupt):
    """Ctrl-C."""


def test_a_run_that_was_stopped_goes_on_and_asks_again_what_failed(
    samples: RagApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, path = few(0, 4), tmp_path / "a.run.jsonl"
    ask = RagApp.ask
    asked_for: list[str] = []

    def fails_once(app: RagApp, question: str, *arguments: Any) -> Answer:
        asked_for.append(question)
        if question == asked.questions[0].question and len(asked_for) == 1:
            raise PromptTooLong("ollama.context_too_small", tokens=9, context=8, model="m")
        return ask(app, question, *arguments)

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise Stop

    monkeypatch.setattr(RagApp, "ask", fails_once)
    with pytest.raises(Stop):
        evaluate_answers(samples, asked, path, progress=stop)
    half = load_run(path)
    assert [bool(case.error) for case in half.cases] == [True, False]
    assert half.cases[0].marks["contains"] == 0.0
    with path.open("a", encoding="utf-8") as file:
        file.write('{"cut off by a kill')
    run = evaluate_answers(samples, asked, path, resume=True)
    assert asked_for.count(asked.questions[1].question) == 1
    assert run.questions == tuple(one.id for one in asked.questions)
    assert run.errors == 0
    assert sorted(load_run(path).questions) == sorted(run.questions)


def test_a_run_is_not_mixed_with_another(samples: RagApp, tmp_path: Path) -> None:
    path = tmp_path / "a.run.jsonl"
    evaluate_answers(samples, few(), path)
    with pytest.raises(RagError, match="is there already"):
        evaluate_answers(samples, few(), path)
    with pytest.raises(RagError, match="it is of other questions"):
        evaluate_answers(samples, few(0), path, resume=True)
    with pytest.raises(RagError, match="it is of other documents"):
        evaluate_answers(samples, few(), path, source="elsewhere", resume=True)
    (tmp_path / "no.jsonl").write_text('{"format": "other"}\n')
    with pytest.raises(RagError, match="is no run"):
        load_run(tmp_path / "no.jsonl")
    with pytest.raises(RagError, match="can't be written"):
        evaluate_answers(samples, few(), path / "below" / "a.run.jsonl")


def test_what_every_question_would_meet_ends_the_run(samples: RagApp, tmp_path: Path) -> None:
    settings = samples.settings.model_copy(update={"answers": "ollama", "ollama_url": NOBODY})
    with RagApp.open(settings) as app, pytest.raises(OllamaUnreachable):
        evaluate_answers(app, few(0), tmp_path / "a.run.jsonl")
    assert load_run(tmp_path / "a.run.jsonl").cases == ()


def test_a_question_that_can_not_be_asked_is_a_case(samples: RagApp, tmp_path: Path) -> None:
    asked = AnswerSet("long", (AnswerQuestion("1", "x" * 9000, ("a",)),))
    run = evaluate_answers(samples, asked, tmp_path / "a.run.jsonl")
    assert run.errors == 1
    assert "9,000" in run.cases[0].error
    with pytest.raises(QuestionError):
        samples.ask("x" * 9000)


# Reports

HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    '"><a href="javascript:alert(1)">x</a>',
    "```\n# heading\n[link](javascript:alert(1)) ![i](http://example.org/x)\n````\n<b>out</b>",
    "</style><style>body{display:none}</style> &lt;b&gt; \x1b[31mred\x00 \u202egnp.exe \ud800",
    "| a | b |\n|---|---|\n---\n\n> quote\n\n<http://example.org> https://example.org",
]


class Elements(HTMLParser):
    """Elements with their attributes, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile_run() -> AnswerRun:
    cases = [
        Case(
            question=AnswerQuestion(str(place), evil, (evil,), (((evil, 1),),)),
            text=evil,
            model=evil,
            notice=evil,
            error=evil if place == 1 else "",
            citations=(Cited(1, evil, 1, evil, evil),),
            passages=(Shown(evil, 1, evil, evil),),
            marks={"contains": 0.0, "faithfulness": 1.0},
            verdicts={"relevancy": evil},
        )
        for place, evil in enumerate(HOSTILE)
    ]
    return AnswerRun(About(HOSTILE[0], "d", len(cases), HOSTILE[1], HOSTILE[2], HOSTILE[3], HOSTILE[4]), tuple(cases))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_hostile_text_does_nothing_in_a_report(tmp_path: Path, language: Any) -> None:
    page = write_report(hostile_run(), tmp_path, language)
    read = Elements()
    read.feed(page.read_text(encoding="utf-8"))
    tags = [tag for tag, _ in read.found]
    assert set(tags).isdisjoint({"script", "img", "b", "link", "iframe"})
    assert tags.count("style") == 1
    assert {name for _, own in read.found for name in own if name.startswith("on") or name == "src"} == set()
    links = [own["href"] for tag, own in read.found if tag == "a"]
    assert links == [f"#case-{number}" for number in range(1, 6)]
    assert "\x1b" not in read.text
    assert "\u202e" not in read.text
    assert HOSTILE[0] in read.text
    assert HOSTILE[2] in read.text
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(page.with_suffix(".md").read_text("utf-8"))
    kinds = [one.type for token in tokens for one in (token, *(token.children or ()))]
    assert set(kinds).isdisjoint({"html_block", "html_inline", "link_open", "image", "blockquote_open", "hr"})
    assert kinds.count("heading_open") == 1 + 2 + len(HOSTILE)
    assert HOSTILE[2] + "\n" in [token.content for token in tokens if token.type == "fence"]


def test_a_report_has_every_case_in_both_languages(samples: RagApp, tmp_path: Path) -> None:
    run = evaluate_answers(samples, few(4), tmp_path / "a.run.jsonl")
    for language, word in (("en", "Right answer"), ("zh", "正确答案")):
        page = write_report(run, tmp_path / language, language)  # type: ignore[arg-type]
        for text in (page.read_text(encoding="utf-8"), page.with_suffix(".md").read_text(encoding="utf-8")):
            assert word in text
            assert text.count("llama3-on-your-pc.pdf") + text.count(r"llama3\-on\-your\-pc.pdf") >= 2
            assert all(case.question.question.split("？")[0][:9] in text for case in run.cases)
    assert "<details>" in (tmp_path / "en" / "report.html").read_text(encoding="utf-8")


# The command


@pytest.fixture
def kept(rag: Any, sample_data: None, tmp_path: Path) -> Path:  # noqa: F811
    """Questions, and a run of them."""
    asked = [question.as_json() for question in few(0, 4, 12).questions]
    jsonl(tmp_path / "q.jsonl", asked)
    result = rag("eval", "answers", "q.jsonl", "--save", "before.run.jsonl", "--report", "report", "--json")
    assert result.code == 0
    assert result.json["measures"]["contains"] == {"mean": 1.0, "interval": [1.0, 1.0], "cases": 3}
    assert (tmp_path / "report" / "report.html").is_file()
    return tmp_path / "before.run.jsonl"


def test_a_worse_run_is_told_and_fails(
    kept: Path,
    rag: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    same = rag("eval", "answers", "q.jsonl", "--compare", str(kept))
    assert same.code == 0
    assert "right answer in the text" in same.out
    ask = RagApp.ask

    def worse(app: RagApp, question: str, *arguments: Any) -> Answer:
        return replace(ask(app, question, *arguments), text="I don't know, but here is something.", refused=False)

    monkeypatch.setattr(RagApp, "ask", worse)
    result = rag("eval", "answers", "q.jsonl", "--compare", str(kept), "--save", "after.run.jsonl", "--report", "r2")
    assert result.code == 1
    assert "Worse than before: right answer in the text by 1.0000" in result.err
    assert "Worse than before: unanswerable ones refused by 1.0000" in result.err
    assert "seconds by" not in result.err
    assert "-1.000" in Path("r2/report.md").read_text(encoding="utf-8").replace("\\", "")
    found = rag("eval", "answers", "q.jsonl", "--compare", str(kept), "--save", "again.run.jsonl", "--json")
    assert found.code == 1
    assert {"contains", "refused"} <= set(found.json["regressions"])
    listed = {Path(one["file"]).name: one for one in rag("eval", "runs", "--json").json["runs"]}
    assert {"before.run.jsonl", "after.run.jsonl", "again.run.jsonl"} <= set(listed)
    assert "q.jsonl" not in listed
    assert "before.run.jsonl" in rag("eval", "runs").out


def test_ctrl_c_says_how_to_go_on(kept: Path, rag: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    ask = RagApp.ask

    def stopped(app: RagApp, question: str, *arguments: Any) -> Answer:
        if question == UNANSWERABLE[0]:
            raise Stop
        return ask(app, question, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(RagApp, "ask", stopped)
        result = rag("eval", "answers", "q.jsonl", "--save", "half.run.jsonl")
    assert result.code == 130
    assert "3 of 5" in result.err
    assert "--resume half.run.jsonl" in result.err
    done = rag("eval", "answers", "q.jsonl", "--resume", "half.run.jsonl", "--json")
    assert done.code == 0
    assert done.json["asked"] == 5


def test_what_is_wrong_with_a_run_is_told_before_any_work(
    kept: Path,
    rag: Any,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: Any) -> Answer:
        raise AssertionError

    monkeypatch.setattr(RagApp, "ask", never)
    jsonl(tmp_path / "other.jsonl", [{"question": "Something else?", "answer": "x"}])
    for arguments, named in (
        (["q.jsonl", "--resume", str(kept), "--save", "x.jsonl"], "--save starts a new run"),
        (["q.jsonl", "--save", str(kept)], "is there already"),
        (["q.jsonl", "--compare", "q.jsonl"], "is no run"),
        (["other.jsonl", "--compare", str(kept)], "no question in common"),
        (["other.jsonl", "--resume", str(kept)], "other questions"),
    ):
        result = rag("eval", "answers", *arguments)
        assert result.code == 1
        assert named in result.err


def test_a_folder_of_documents_is_asked_without_touching_the_knowledge_base(rag: Any, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "walrus.md").write_text("# Walrus\n\nThe walrus weighs nine hundred kilograms.")
    jsonl(tmp_path / "q.jsonl", [{"question": "How heavy is a walrus?", "answer": "900 kg", "document": "walrus.md"}])
    result = rag("eval", "answers", "q.jsonl", "--documents", "files", "--json")
    assert result.code == 0
    found = result.json["measures"]
    assert (found["contains"]["mean"], found["numbers"]["mean"], found["citation_recall"]["mean"]) == (0.0, 1.0, 1.0)
    assert rag("docs", "list", "--json").json["documents"] == []
