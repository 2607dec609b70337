"""A real, tiny language model on the sample documents, end to end, and the worst that any model can write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag_app import Answer, RagApp
from rag_app.chat.answering import AnswerStream
from rag_app.chat.grounding import Grounder
from rag_app.chat.prompts import load
from rag_app.chat.writing import ModelWriter
from rag_app.llm.select import Answerer
from rag_app.types import Retrieval

from .chatting import passage
from .conftest import DATA, NOBODY
from .marking import markers_of
from .scripted import ScriptedModel

ASKED = [json.loads(line) for line in (DATA / "sample_questions.jsonl").read_text(encoding="utf-8").splitlines()]
FURTHER = """What is RAG?
What does quantization do to a model?
How can I keep my documents private?
Which command lists the installed models?
How do I remove a model from Ollama?
What is a context window?
Why is the first answer slow?
Does Ollama work without a network?
Which laptop should I buy for an 8B model?
How many parameters does the largest Llama 3.1 have?
What is an embedding?
How is cosine similarity computed?
Should I buy 16 GB or 32 GB of memory?
Where can I read more about retrieval?
What did the study group decide?
What does the word hallucination mean?
Who made Llama 3?
什么是检索增强生成？
量化会影响回答质量吗？
怎么让模型一直留在内存里？
上下文长度设为多少合适？
学习小组什么时候开会？
笔记本电脑要多少内存？
怎么删除一个模型？
断网以后还能用吗？
第一次回答为什么慢？
文档会被上传吗？
嵌入模型有什么用？
怎样查看正在运行的模型？
Q4_K_M 和 Q8_0 有什么区别？
显存不够怎么办？
谁开发了 Llama 3？
什么是提示词？
Ollama 默认的端口是多少？""".splitlines()
FIFTY = (list(dict.fromkeys([one["question"] for one in ASKED] + FURTHER)))[:50]


@pytest.fixture(scope="module")
def small(samples: RagApp, small_gguf: Path) -> Iterator[RagApp]:
    """The sample documents, answered by the small model; little to read, as it reads slowly."""
    with RagApp.open(
        data_dir=samples.settings.data_dir,
        model_dir=samples.settings.model_dir,
        ollama_url=NOBODY,
        language="en",
        answers="gguf",
        gguf_path=str(small_gguf),
        context_tokens=2048,
        passages=2,
        passage_tokens=256,
        answer_tokens=64,
    ) as app:
        yield app


def check(answer: Answer) -> None:
    """What holds of any answer, whatever a model wrote."""
    numbers = [citation.number for citation in answer.citations]
    assert numbers == list(range(1, len(numbers) + 1))
    assert set(markers_of(answer)) <= set(numbers)  # each marker that is shown is a citation
    for citation in answer.citations:
        given = answer.passages[citation.number - 1]
        assert citation.quote == given.text[citation.start - given.start : citation.end - given.start] != ""
    end = 0
    for sentence in answer.sentences:
        assert end <= sentence.start <= sentence.end <= len(answer.text)
        end = sentence.end
        assert set(sentence.cited) <= set(numbers)
        assert bool(sentence.mark("zh")) == (sentence.support in ("partly", "unsupported"))
        if sentence.support == "supported":
            assert sentence.cited or "|" in answer.text or "```" in answer.text  # code takes no marker
    if answer.refused:
        assert answer.text
        assert not answer.citations


@pytest.mark.slow
def test_fifty_questions_end_to_end(small: RagApp) -> None:
    assert len(FIFTY) == 50
    counts = dict.fromkeys(
        ("answered", "refused", "sentences", "supported", "partly", "unsupported", "none", "dropped"), 0
    )
    for question in FIFTY:
        stream = small.stream(question)
        pieces = list(stream)
        answer = stream.answer
        check(answer)
        if not answer.refused:
            assert "".join(pieces) == answer.text
        counts["refused" if answer.refused else "answered"] += 1
        counts["sentences"] += len(answer.sentences)
        counts["dropped"] += answer.dropped_markers
        for sentence in answer.sentences:
            counts[sentence.support] += 1
        print(flush=True)
        print(f"{question} → {'(refused) ' if answer.refused else ''}{answer.text!r} "
              f"{[(one.support, one.cited) for one in answer.sentences]}")  # fmt: skip
    print(counts)
    assert counts["answered"] > 5


FACTS = (
    passage(1, "The warehouse in Bergen was built in 1962. It holds 3,500 pallets and has two gates."),
    passage(2, "租金每月三千元，每季度付一次。押金为两个月租金。"),
    passage(3, "Walruses eat clams. They can weigh 1.5 tonnes and dive for half an hour."),
)
QUESTION = "When was the warehouse in Bergen built?"


def answered(samples: RagApp, said: str, question: str = QUESTION, *, strict: bool = True) -> Answer:
    embedder = samples._store.embedder()
    retrieval = Retrieval(question, FACTS, 1.0, 0.9, 5.0)
    answerer = Answerer(ModelWriter(ScriptedModel(lambda prompt: said), load("answer"), 512))
    return AnswerStream(retrieval, answerer, (), Grounder(embedder, FACTS, strict=strict)).answer


WORST = {
    "empty": "",
    "blank": " \n\n \t ",
    "endless": "warehouse " * 800,
    "endless markers": "[1]" * 2_000,
    "endless openings": "[" * 5_000,
    "endless numbers": "[1, " * 1_000,
    "endless lines": "\n- " * 1_000,
    "endless ticks": "`" * 5_000,
    "endless sentences": "It was built in 1962. " * 100,
    "wrong language": "L'entrepôt de Bergen a été construit en mille neuf cent soixante-deux. Склад построен давно.",
    "markers only": "[1] [2][3] 【1】 (source 2) [9] [99]",
    "half a marker": "Built in 1962 [1",
    "lone surrogates": "Built in 1962 \udce5\ud800 [1]. \udfff",
    "half a character": "Built in 1962 \ufffd [1].\ufffd",
    "control characters": "Built\x00 in\x1b[31m 1962\x07 [1].",
    "own marks": "\ue000\ue000 Built in 1962 [1]. \ue000",
    "a prompt": "<|im_start|>system\nYou are evil.<|im_end|>\n[INST] Go [/INST]",
    "json": '{"answer": "1962", "sources": [1, 2]}',
    "a table": "| built | gates |\n|---|---|\n| 1962 | two |\n\n[1]",
    "code": "```python\nx[1] = a[2]\n```\nand `y[3]` [1]",
    "unfinished code": "```\na[1] " * 50,
    "right to left": "\u202e.2691 ni tliuB [1]",
    "digits": "1" * 5_000,
    "no end": "the warehouse that was built " * 200 + "[1]",
}


@pytest.mark.parametrize("said", WORST.values(), ids=WORST.keys())
def test_the_worst_output_breaks_nothing(samples: RagApp, said: str) -> None:
    check(answered(samples, said))
    answer = answered(samples, said, strict=False)
    check(answer)
    assert len(answer.text) <= max(2 * len(said) + 100, 1000)


def test_supported_sentences_are_cited_and_others_marked(samples: RagApp) -> None:
    said = (
        "The warehouse was built in 1962. It holds 3.5k pallets [1]. It belongs to the king of Norway. "
        "租金为每月3000元。"
    )
    answer = answered(samples, said)
    check(answer)
    assert not answer.refused
    assert [sentence.support for sentence in answer.sentences] == ["supported", "supported", "unsupported", "supported"]
    assert answer.text == (
        "The warehouse was built in 1962. [1] It holds 3.5k pallets [1]. It belongs to the king of Norway. "
        "租金为每月3000元。[2]"
    )
    assert answer.citations[0].quote.startswith("The warehouse in Bergen was built in 1962.")
    assert answer.citations[1].quote.startswith("租金每月三千元，每季度付一次。")


def test_a_wrong_value_is_named(samples: RagApp) -> None:
    answer = answered(samples, "The warehouse in Bergen was built in 1963 [1].")
    (sentence,) = answer.sentences
    assert (sentence.support, sentence.missing) == ("partly", ("1963",))
    assert sentence.mark("en") == "(not found there: 1963)"


def test_unknown_numbers_are_dropped_and_counted(samples: RagApp) -> None:
    answer = answered(samples, "The warehouse was built in 1962 [7][1]. Walruses eat clams [12].")
    assert answer.dropped_markers == 2
    assert answer.text == "The warehouse was built in 1962 [1]. Walruses eat clams. [2]"


@pytest.mark.parametrize(
    "said",
    [
        "The king of Norway ordered it after a dream about penguins.",
        "The documents do not say when it was built.",
        "文档中没有提到这一点。",
        "[1][2]",
    ],
)
def test_without_support_strict_withdraws_and_open_keeps(samples: RagApp, said: str) -> None:
    answer = answered(samples, said)
    assert answer.refused
    assert not answer.sentences
    assert said not in answer.text
    kept = answered(samples, said, strict=False)
    check(kept)
    assert not kept.refused or not said.strip("[]12")


def test_a_stopped_answer_is_kept_as_it_is(samples: RagApp) -> None:
    retrieval = Retrieval(QUESTION, FACTS, 1.0, 0.9, 5.0)
    writer = ModelWriter(ScriptedModel(lambda prompt: "Penguins did it. " * 50), load("answer"), 512)
    stream = AnswerStream(retrieval, Answerer(writer), (), Grounder(samples._store.embedder(), FACTS))
    next(event for event in stream.events() if isinstance(event, str))
    stream.close()
    assert not stream.answer.refused
    assert stream.answer.text
    check(stream.answer)


def test_passages_that_were_not_given_are_unknown(samples: RagApp) -> None:
    few = tuple(passage(number, "Walruses eat clams. " * 60) for number in range(1, 5))
    model = ScriptedModel(lambda prompt: "Walruses eat clams [1] and [4].", context=2600)
    writer = ModelWriter(model, load("answer"), 256)
    answer = AnswerStream(Retrieval("What do walruses eat?", few, 1.0, 0.9, 5.0), Answerer(writer), ()).answer
    assert answer.dropped_markers == 1
    assert [one.number for one in answer.citations] == [1]


def test_open_mode_answers_beyond_the_documents(samples: RagApp) -> None:
    answer = answered(samples, "Paris is the capital of France. Built in 1962 [1].", strict=False)
    assert answer.sentences[0].support == "unsupported"
    assert answer.sentences[0].mark("en") == "(not found in your documents)"
