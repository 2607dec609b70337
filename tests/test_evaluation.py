"""`rag-app eval retrieval` and rag_app.evaluation: real ingestion, real metrics, files that are wrong."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from rag_app import RagError
from rag_app.evaluation import MEASURES, compare, evaluate_retrieval, load_dataset, load_report, save_report

from .conftest import SAMPLES
from .test_cli import rag  # noqa: F401  a fixture

PASSAGES = {
    "w": ("Walrus", "The walrus weighs nine hundred kilograms."),
    "b": ("Bees", "Bees make honey from nectar."),
    "t": ("Tea", "Green tea is steeped at eighty degrees."),
    "k": ("", "The keyboard of a piano has eighty-eight keys."),
}


def lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Four passages and three questions; one question has two relevant passages."""
    folder = tmp_path / "questions"
    folder.mkdir()
    lines(folder / "corpus.jsonl", [{"_id": i, "title": t, "text": x} for i, (t, x) in PASSAGES.items()])
    asked = {"1": "How heavy is a walrus?", "2": "How hot is the water for green tea?", "3": "What do bees make?"}
    lines(folder / "queries.jsonl", [{"_id": i, "text": text} for i, text in {**asked, "4": "unjudged"}.items()])
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\tw\t1\n2\tt\t2\n3\tb\t1\n3\tk\t1\n4\tw\t0\n")
    return folder


def test_a_report_has_every_measure_of_every_stage(questions: Path, tmp_path: Path) -> None:
    report = evaluate_retrieval(load_dataset(questions))
    assert report.questions == ("1", "2", "3")
    assert report.units == 4
    for stage in ("dense", "lexical", "fused"):
        assert list(report.values[stage]) == list(MEASURES)
    assert report.values["fused"]["hit@1"] == (1.0, 1.0, 1.0)
    assert report.values["lexical"]["recall@10"][2] == 0.5  # "k" shares no word with the question
    assert report.values["lexical"]["ndcg@10"][2] == pytest.approx(1 / (1 + 1 / math.log2(3)))
    low, high = report.interval("lexical", "recall@10")
    assert 0.5 <= low <= report.mean("lexical", "recall@10") <= high <= 1
    found = report.as_json()
    assert found["fused"]["hit@1"] == 1.0  # type: ignore[index]
    save_report(report, tmp_path / "saved.json")
    assert load_report(tmp_path / "saved.json") == report
    assert all(change.difference == change.low == change.high == 0 for change in compare(report, report))


def test_pages_are_the_unit_where_evidence_names_them(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    (folder / "pdfs").mkdir(parents=True)
    name = "llama3-on-your-pc.pdf"
    (folder / "pdfs" / name).write_bytes((SAMPLES / name).read_bytes())
    cases = [
        {"_id": "a", "question": "Where is the Ollama server log on Windows?", "doc": name, "page": 13},
        {
            "_id": "b",
            "question": "How large would the KV cache be per token without grouped-query attention?",
            "reference_pools": [[{"doc": name, "page": 7}]],
        },
        {"_id": "c", "question": "Who knows?", "doc": name},
    ]
    lines(folder / "evidence.jsonl", cases)
    report = evaluate_retrieval(load_dataset(folder))
    assert report.questions == ("a", "b")
    assert report.units > 10
    assert report.mean("fused", "hit@1") == 1.0


def test_the_command_prints_saves_compares_and_fails_on_a_regression(
    questions: Path,
    tmp_path: Path,
    rag: Any,  # noqa: F811
) -> None:
    kept = tmp_path / "before.json"
    first = rag("eval", "retrieval", str(questions), "--save", str(kept), "--json")
    assert first.code == 0
    assert {"dense", "lexical", "fused", "intervals"} <= set(first.json)
    assert {"ndcg@10", "recall@10", "mrr@10", "hit@1"} <= set(first.json["fused"])
    same = rag("eval", "retrieval", str(questions), "--compare", str(kept))
    assert same.code == 0
    assert "ndcg@10" in same.out
    better = json.loads(kept.read_text(encoding="utf-8"))
    better["values"]["fused"]["ndcg@10"] = [1.5, 1.5, 1.5]
    kept.write_text(json.dumps(better), encoding="utf-8")
    worse = rag("eval", "retrieval", str(questions), "--compare", str(kept))
    assert worse.code == 1
    assert "ndcg@10" in worse.err


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("queries.jsonl", "{not json", "queries.jsonl, line 1"),
        ("queries.jsonl", '{"_id": "1"}\n', "line 1, can't be used: text"),
        ("queries.jsonl", "", "no questions"),
        ("qrels.tsv", "head\n1 w 1\n", "qrels.tsv, line 2"),
        ("qrels.tsv", None, "qrels.tsv can't be read"),
        ("corpus.jsonl", None, "holds neither corpus.jsonl nor a folder pdfs"),
    ],
)
def test_what_is_wrong_is_named(questions: Path, name: str, content: str | None, named: str) -> None:
    if content is None:
        (questions / name).unlink()
    else:
        (questions / name).write_text(content, encoding="utf-8")
    with pytest.raises(RagError, match=named):
        load_dataset(questions)


def test_a_report_that_is_none_is_named_before_any_work(questions: Path, tmp_path: Path, rag: Any) -> None:  # noqa: F811
    (tmp_path / "no.json").write_text('{"format": 1}', encoding="utf-8")
    result = rag("eval", "retrieval", str(questions), "--compare", str(tmp_path / "no.json"))
    assert result.code == 1
    assert "is no report" in result.err
