"""Whether a sentence is supported: words, meaning, values, denials, both languages; and a judge of entailment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rag_app import RagApp, Settings
from rag_app.chat.claims import is_babble, is_claim, says_unknown
from rag_app.chat.grounding import Grounder
from rag_app.errors import EmbedderError
from rag_app.reranking.entailment import open_entailment
from rag_app.types import Support

from .chatting import passage
from .tiny_model import tiny_cross_encoder

FACTS = (
    passage(
        1, "The warehouse in Bergen was built in 1962. It holds 3,500 pallets and has two gates. It can't be heated."
    ),
    passage(2, "租金每月三千元，每季度付一次。押金为两个月租金，合同期为三年。"),
    passage(
        3, "Walruses eat clams. They can weigh 1.5 tonnes and dive for half an hour.\n\n```\nollama pull llama3\n```"
    ),
    passage(4, "港口仓库的屋顶在2019年由挪威公司重新铺设。"),
)


@pytest.fixture(scope="module")
def grounder(samples: RagApp) -> Grounder:
    return Grounder(samples._store.embedder(), FACTS)


@pytest.mark.parametrize(
    ("claim", "support", "where"),
    [
        ("The warehouse in Bergen was built in 1962.", "supported", 1),
        ("- **The warehouse** has two gates", "supported", 1),
        ("The Bergen warehouse holds 3.5k pallets.", "supported", 1),
        ("The warehouse was built in 1962 and has two gates.", "supported", 1),
        ("租金为每月3000元。", "supported", 2),
        ("押金是兩個月的租金。", "supported", 2),
        ("The rent is 3,000 yuan a month.", "supported", 2),
        ("海象能下潜半小时。", "partly", 3),  # half an hour is found; across languages meaning alone is less sure
        ("The roof of the harbour warehouse was laid anew in 2019 by a Norwegian company.", "partly", 4),
        ("The warehouse in Bergen was built in 1963.", "partly", 1),
        ("The warehouse in Oslo was built in 1962.", "partly", 1),
        ("租金每月四千元，每季度付一次。", "partly", 2),
        ("Walruses do not eat clams.", "partly", 3),
        ("押金不是两个月租金。", "partly", 2),
        ("Penguins elected a new king in Madrid.", "unsupported", None),
        ("火星上的企鹅喜欢喝咖啡。", "unsupported", None),
    ],
)
def test_support(grounder: Grounder, claim: str, support: Support, where: int | None) -> None:
    verdict = grounder.check(claim)
    assert verdict.support == support
    if where is not None:
        assert verdict.passage == where
    assert 0 <= verdict.score <= 1


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("The warehouse in Bergen was built in 1963.", ("1963",)),
        ("The warehouse in Oslo holds 3,600 pallets.", ("3,600", "Oslo")),
        ("租金每月四千元，每季度付一次。", ("四千元",)),
        ("The warehouse holds 3500 pallets.", ()),
    ],
)
def test_values_that_are_missing_are_named(grounder: Grounder, claim: str, missing: tuple[str, ...]) -> None:
    assert grounder.check(claim).missing == missing


def test_a_passage_that_is_cited_comes_first_and_a_better_one_replaces_it(grounder: Grounder) -> None:
    assert grounder.check("Walruses eat clams.", [3]).passage == 3
    assert grounder.check("Walruses eat clams.", [1]).passage == 3


def test_lines_of_code_are_looked_for_as_they_are(grounder: Grounder) -> None:
    assert grounder.check_code("ollama  pull llama3").passage == 3
    assert grounder.check_code("ollama rm llama3").support == "none"
    assert grounder.check_code("```").support == "none"


@pytest.mark.parametrize(
    "sentence",
    [
        "# Heading",
        "**Memory:**",
        "The models are:",
        "Is it?",
        "是吗？",
        "Yes.",
        "好的。",
        "---",
        "Sources: 1, 2",
        "来源：1",
        "Let me know if you need more.",
        "希望对您有帮助。",
        "The documents do not say when.",
        "I don't know.",
        "There is no information about this in the passages.",
        "文档中没有提到。",
        "根据现有资料，无法确定。",
        "抱歉，我找不到答案。",
    ],
)
def test_what_claims_nothing(grounder: Grounder, sentence: str) -> None:
    assert not is_claim(sentence)
    assert grounder.check(sentence).support == "none"


@pytest.mark.parametrize(
    "sentence",
    [
        "It is 5 GB.",
        "The app does not send anything.",
        "Documents are not uploaded.",
        "文档不会被上传。",
        "No model is needed.",
    ],
)
def test_what_claims_something(sentence: str) -> None:
    assert is_claim(sentence)
    assert not says_unknown(sentence)


class Judge:
    """A judge that a test has decided beforehand."""

    def __init__(self, entailed: float, contradicted: float) -> None:
        self.verdict = (entailed, contradicted)
        self.asked: list[str] = []

    def judge(self, texts: Sequence[str], claim: str) -> list[tuple[float, float]]:
        self.asked.append(claim)
        return [self.verdict for _ in texts]


@pytest.mark.parametrize(
    ("entailed", "contradicted", "claim", "support"),
    [
        (0.9, 0.0, "Walruses like shellfish.", "supported"),
        (0.9, 0.0, "Walruses weigh 1.9 tonnes.", "partly"),
        (0.1, 0.1, "Walruses eat clams.", "partly"),
        (0.1, 0.8, "Walruses eat clams.", "unsupported"),
        (0.1, 0.1, "Penguins rule Madrid.", "unsupported"),
    ],
)
def test_a_judge_takes_the_place_of_words_and_meaning(
    samples: RagApp, entailed: float, contradicted: float, claim: str, support: Support
) -> None:
    judge = Judge(entailed, contradicted)
    assert Grounder(samples._store.embedder(), FACTS, judge).check(claim).support == support
    assert judge.asked == [claim]


def test_a_cross_encoder_judges(tmp_path: Path) -> None:
    folder = tiny_cross_encoder(tmp_path / "nli", labels=3)
    judge = open_entailment(Settings.load(nli_model=str(folder)), lambda message: None)
    assert judge is not None
    judged = judge.judge(["Walruses eat clams.", "x"], "Walruses eat.")
    assert len(judged) == 2
    assert all(
        0 < entailed < 1 and 0 < contradicted < 1 and entailed + contradicted < 1 for entailed, contradicted in judged
    )


def test_labels_go_by_their_names(tmp_path: Path) -> None:
    folder = tiny_cross_encoder(tmp_path / "nli", labels=3)
    unnamed = open_entailment(Settings.load(nli_model=str(folder)), lambda message: None)
    config = folder / "config.json"
    text = config.read_text(encoding="utf-8")
    for label, name in (("LABEL_0", "entailment"), ("LABEL_1", "neutral"), ("LABEL_2", "contradiction")):
        text = text.replace(label, name)
    config.write_text(text, encoding="utf-8")
    named = open_entailment(Settings.load(nli_model=str(folder)), lambda message: None)
    assert unnamed is not None
    assert named is not None
    ((entailed, contradicted),) = named.judge(["clams"], "eat")
    ((second, first),) = unnamed.judge(["clams"], "eat")  # the usual order: contradiction, entailment, neutral
    assert entailed == pytest.approx(first, abs=1e-5)
    assert contradicted == pytest.approx(1 - first - second, abs=1e-5)


def test_no_judge_unless_one_is_set_and_the_wrong_one_is_said(tmp_path: Path) -> None:
    assert open_entailment(Settings.load(), lambda message: None) is None
    ranker = tiny_cross_encoder(tmp_path / "ranker")
    with pytest.raises(EmbedderError, match="1 labels"):
        open_entailment(Settings.load(nli_model=str(ranker)), lambda message: None)
    with pytest.raises(EmbedderError, match="nli_model"):
        open_entailment(Settings.load(nli_model=str(tmp_path / "nowhere")), lambda message: None)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("RAG (Reverse-Ascending-Reverse-Ascending-Reverse-Ascending-Reverse-Ascending-Asc", True),
        ("模型模型模型模型模型模型", True),
        ("The 8B model needs 6 GB and the 70B model needs 43 GB of memory.", False),
        ("8B 模型需要 6 GB 内存，70B 模型需要 43 GB 内存。", False),
        ("no no no", False),
    ],
)
def test_babble_is_told_from_sentences(sentence: str, expected: bool) -> None:
    assert is_babble(sentence) is expected
