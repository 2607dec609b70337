"""Rerankers: a small real CrossEncoder made here, its export, and a language model's grades."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rag_app import RagApp, RagError
from rag_app.errors import ModelError
from rag_app.reranking.cross_encoder import OnnxCrossEncoder, OriginalCrossEncoder, agreement, prepare
from rag_app.reranking.llm import LlmReranker

from .test_app import write
from .tiny_model import tiny_cross_encoder

TEXTS = ["alpha beta gamma", "the walrus weighs much", "回答之前先检索", "delta " * 40]


def test_an_export_agrees_with_its_original(tmp_path: Path) -> None:
    folder = tiny_cross_encoder(tmp_path / "model")
    original = OriginalCrossEncoder(str(folder), "tiny")
    exported = prepare(str(folder), "tiny", tmp_path / "export")
    assert isinstance(exported, OnnxCrossEncoder)
    assert agreement(original, exported) >= 0.98
    theirs, ours = original.scores("walrus?", TEXTS), exported.scores("walrus?", TEXTS)
    assert np.argsort(theirs).tolist() == np.argsort(ours).tolist()
    assert isinstance(prepare(str(folder), "tiny", tmp_path / "export"), OnnxCrossEncoder)  # from the cache


def test_a_reranker_changes_the_order_and_says_so(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="The walrus weighs much.", b="A walrus is not a seal.", c="Walrus and pier.")
    app.ingest(folder)
    model = tiny_cross_encoder(tmp_path / "model")
    with RagApp.open(data_dir=tmp_path / "data", answers="quotes", reranker=str(model)) as reranked:
        passages = reranked.retrieve("walrus", limit=3).passages
    original = OriginalCrossEncoder(str(model), "tiny")
    scores = original.scores("walrus", [f"{one.title}\n{one.text}" for one in passages])
    assert scores == sorted(scores, reverse=True)
    assert len(passages) == 3
    for passage in passages:
        assert passage.trace is not None
        assert [step.key for step in passage.trace.steps] == ["explain.reranked"]


def test_a_model_that_is_no_reranker_is_refused(tmp_path: Path) -> None:
    model = tiny_cross_encoder(tmp_path / "model", labels=3)
    with pytest.raises(RagError, match="3 scores"):
        prepare(str(model), "nli", tmp_path / "export")
    assert not (tmp_path / "export").exists()


def test_a_folder_that_is_not_there_is_named(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "docs", a="The walrus weighs much."))
    missing = tmp_path / "missing"
    with (
        RagApp.open(data_dir=tmp_path / "data", answers="quotes", reranker=str(missing)) as other,
        pytest.raises(RagError, match="missing"),
    ):
        other.retrieve("walrus")


class Grader:
    """Writes what it is told; a model behind it is tested in test_ollama.py."""

    name = "grader"

    def __init__(self, written: str) -> None:
        self.written = written
        self.prompt = ""

    def complete(self, prompt: str, schema: dict[str, object]) -> str:
        self.prompt = prompt
        assert schema["required"] == ["1", "2", "3"]
        return self.written


def test_grades_of_a_language_model() -> None:
    model = Grader(json.dumps({"1": 2, "3": 99}))
    assert LlmReranker(model).scores("海象多重？", ["一", "二", "三"]) == [2.0, -1.0, 10.0]
    assert "[3] 三" in model.prompt
    assert "海象多重？" in model.prompt
    for written in ("no JSON", "[1, 2]", '{"1": "much"}'):
        with pytest.raises(ModelError, match="no grades"):
            LlmReranker(Grader(written)).scores("q", ["a", "b", "c"])
