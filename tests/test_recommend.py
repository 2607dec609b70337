"""Which model, with which context, for which machine: what an expert would say, checked against the arithmetic."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ingest.messages import message
from rag_app.cli import main
from rag_app.cli.output import Output
from rag_app.cli.recommending import show
from rag_app.llm.context_size import STEPS
from rag_app.llm.llama_models import family, find
from rag_app.llm.placing import APP_BYTES, Placed, usable_ram, wanted_context
from rag_app.llm.recommend import Recommendation, is_comfortable, recommend

from .machines import GIB, MACHINES, RTX_3090, RTX_4090, machine

TINY = "llama3.2:1b-instruct-q4_K_M"
EXPERT: dict[str, tuple[str | None, int, str]] = {
    "2 GB board": (None, 0, ""),
    "4 GB laptop": (TINY, 2048, "cpu"),
    "8 GB laptop": ("llama3.2:3b", 8192, "cpu"),
    "16 GB office PC, 4 cores": ("llama3.2:3b", 8192, "cpu"),
    "16 GB PC, 8 cores": ("llama3.1:8b", 8192, "cpu"),
    "16 GB laptop with 4 GB card": ("llama3.1:8b", 8192, "split"),
    "16 GB laptop with 6 GB card": ("llama3.1:8b", 4096, "gpu"),
    "32 GB without card": ("llama3.1:8b", 16384, "cpu"),
    "32 GB, RTX 3060": ("llama3.1:8b", 16384, "gpu"),
    "32 GB, RX 7900 XTX": ("llama3.1:8b", 32768, "gpu"),
    "64 GB, RTX 4090": ("llama3.1:8b", 32768, "gpu"),
    "64 GB, 2 × RTX 3090": ("llama3.3:70b", 16384, "gpu"),
    "MacBook Air 8 GB": ("llama3.2:3b", 16384, "unified"),
    "MacBook Pro 16 GB": ("llama3.1:8b", 16384, "unified"),
    "MacBook Pro 36 GB": ("llama3.1:8b", 32768, "unified"),
    "Mac Studio 128 GB": ("llama3.3:70b", 32768, "unified"),
    "server, 256 GB": ("llama3.1:8b", 16384, "cpu"),
    "8 GB container": ("llama3.1:8b", 8192, "cpu"),
    "3 GB container": ("llama3.2:1b", 4096, "cpu"),
    "disk almost full": ("llama3.2:3b", 32768, "gpu"),
    "disk full": (None, 0, ""),
}
GIVEN = [name for name, (model, _, _) in EXPERT.items() if model]


def best_of(name: str) -> Placed:
    best = recommend(MACHINES[name]).best
    assert best is not None
    return best


def keys(found: Recommendation) -> set[str]:
    return {reason.key for reason in found.reasons}


@pytest.mark.parametrize("name", MACHINES)
def test_what_an_expert_would_say(name: str) -> None:
    model, context, where = EXPERT[name]
    best = recommend(MACHINES[name]).best
    if best is None:
        assert model is None
    else:
        assert (best.model.name, best.context, best.place) == (model, context, where)


@pytest.mark.parametrize("name", GIVEN)
def test_weights_cache_and_overhead_fit(name: str) -> None:
    """From first principles: nothing of the code under test but the model's data."""
    best, there = best_of(name), MACHINES[name]
    cache = best.context * best.model.layers * best.model.kv_heads * best.model.head_size * 2 * 2
    overhead = 300 * 2**20
    need = best.model.download + cache + overhead
    assert need <= best.memory <= need * 1.1
    cards = sum(gpu.memory for gpu in there.cards)
    match best.place:
        case "gpu":
            assert best.memory <= cards - len(there.cards) * GIB // 2
        case "split":
            assert cards < best.memory <= cards + there.total_ram - APP_BYTES
            assert 0.1 <= best.on_gpu < cards / best.memory
        case "unified":
            assert there.unified is not None
            assert best.memory <= min(there.unified.memory, there.total_ram - APP_BYTES - GIB)
        case "cpu":
            assert best.memory <= there.total_ram - APP_BYTES
    assert best.model.download < there.free_disk


@pytest.mark.parametrize("name", GIVEN)
def test_the_next_context_is_not_wanted_or_does_not_fit(name: str) -> None:
    best = best_of(name)
    further = STEPS[STEPS.index(best.context) + 1]
    assert further > wanted_context(MACHINES[name], best.place) or best.model.memory(further) > best.available


@pytest.mark.parametrize("name", GIVEN)
def test_the_next_larger_model_does_not_fit_or_is_too_slow(name: str) -> None:
    found = recommend(MACHINES[name])
    offered = [one.name for one in family() if not one.newer and not one.vision]
    at = offered.index(best_of(name).model.name)
    slow = {one.choice.model.name for one in found.alternatives if not is_comfortable(one.choice)}
    assert set(offered[at + 1 :]) <= slow | {one.name for one in found.unfit}


def test_answers_differ() -> None:
    said = {name: (best_of(name).model.name, best_of(name).context, best_of(name).place) for name in GIVEN}
    assert len(set(said.values())) >= 12
    speeds = {name: best_of(name).tokens_per_second for name in GIVEN}
    assert speeds["64 GB, RTX 4090"] > speeds["32 GB, RTX 3060"] > speeds["16 GB PC, 8 cores"]


@pytest.mark.parametrize(
    ("name", "measured"),
    [
        ("64 GB, RTX 4090", 128),  # published figures of llama.cpp for 8B Q4_K_M, and for 70B on two cards
        ("64 GB, 2 × RTX 3090", 16),
        ("32 GB, RTX 3060", 48),
    ],
)
def test_speeds_are_those_that_others_measured(name: str, measured: float) -> None:
    low, high = best_of(name).tokens_per_second
    assert low <= measured <= high


def test_a_card_makes_a_large_model_split_and_slow() -> None:
    larger = recommend(MACHINES["64 GB, RTX 4090"]).alternatives[0]
    assert (larger.choice.model.name, larger.choice.place, larger.why.key) == ("llama3.3:70b", "split", "models.larger")
    assert larger.choice.tokens_per_second[1] < 5


def test_a_server_without_a_card_is_told_how_slow_the_large_model_is() -> None:
    larger = recommend(MACHINES["server, 256 GB"]).alternatives[0]
    assert (larger.choice.model.name, larger.choice.place, larger.why.key) == (
        "llama3.3:70b",
        "cpu",
        "models.larger_wait",
    )


def test_more_of_anything_never_gives_a_smaller_model() -> None:
    sizes = []
    for ram in (2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128):
        best = recommend(machine(ram, 8)).best
        sizes.append(best.model.parameters if best else 0)
    assert sizes == sorted(sizes)
    assert sizes[0] == 0
    one, two = (recommend(machine(64, 16, *cards)).best for cards in ((RTX_4090,), (RTX_4090, RTX_3090)))
    assert one is not None
    assert two is not None
    assert one.model.parameters < two.model.parameters


def test_built_in_graphics_do_not_count_as_a_card() -> None:
    small = replace(RTX_3090, name="Rembrandt [Radeon 680M]", vendor="amd", memory=GIB // 2, bandwidth=None)
    assert recommend(machine(16, 8, small)).best == recommend(machine(16, 8)).best


def test_a_full_disk_and_too_little_memory_say_so_and_name_the_way_without_a_model() -> None:
    for name, why in (("disk full", "models.unfit_disk"), ("2 GB board", "models.unfit_memory")):
        found = recommend(MACHINES[name])
        assert found.best is None
        assert found.commands == ()
        assert {"models.none", "models.none_quotes"} <= keys(found)
        assert {one.why.key for one in found.unfit} == {why}


def test_what_runs_at_the_moment_is_told() -> None:
    quiet, busy = machine(16, 8), machine(16, 8, free=0.1)
    assert keys(recommend(busy)) - keys(recommend(quiet)) == {"models.busy_ram"}
    held = replace(RTX_4090, free=2 * GIB)
    assert "models.busy_gpu" in keys(recommend(machine(64, 16, held)))
    assert "models.busy_gpu" not in keys(recommend(machine(64, 16, RTX_4090)))


def test_a_container_is_told_of_its_limit() -> None:
    assert "models.limited" in keys(recommend(MACHINES["3 GB container"]))
    assert usable_ram(machine(8, 8, limited=True)) > usable_ram(machine(8, 8))


def test_everybody_is_told_that_chinese_is_not_official_and_small_models_err() -> None:
    assert all("models.chinese" in keys(recommend(MACHINES[name])) for name in GIVEN)
    small = {name for name in GIVEN if "models.small" in keys(recommend(MACHINES[name]))}
    assert small == {"4 GB laptop", "3 GB container"}


def test_images() -> None:
    found = recommend(MACHINES["64 GB, RTX 4090"], vision=True)
    assert found.best is not None
    assert found.best.model.name == "llama3.2-vision:11b"
    assert "models.europe" in keys(found)
    assert recommend(MACHINES["MacBook Air 8 GB"], vision=True).best is None
    slow = recommend(MACHINES["16 GB office PC, 4 cores"], vision=True)
    assert "models.slow" in keys(slow)


def test_of_models_that_are_given_only_those() -> None:
    assert recommend(MACHINES["64 GB, RTX 4090"], models=family()[:1]).commands == (
        f"ollama pull {TINY}",
        f"rag-app models pull {TINY}",
    )


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", MACHINES)
def test_it_reads_well_in_both_languages(name: str, language: Any, capsys: pytest.CaptureFixture[str]) -> None:
    found = recommend(MACHINES[name])
    show(found, Output(language))
    printed = capsys.readouterr().out
    assert "{" not in printed
    assert "Message(" not in printed
    for one in (*found.reasons, *(other.why for other in found.alternatives)):
        assert one.text(language) in printed
    if found.best is not None:
        assert f"ollama pull {found.best.model.name}" in printed
        assert message("models.best", name=found.best.model.name).text(language) in printed


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("llama3", "llama3:8b"),
        ("llama3:latest", "llama3:8b"),
        ("llama3:", "llama3:8b"),
        ("LLaMA3:8b-instruct-q4_K_M", "llama3:8b"),
        ("llama3:instruct", "llama3:8b"),
        ("llama3:70b", "llama3:70b"),
        ("llama3.1", "llama3.1:8b"),
        ("llama3.2", "llama3.2:3b"),
        ("llama3.2:1b", "llama3.2:1b"),
        ("llama3.2:1b-instruct-q4_k_m", TINY),
        ("llama3.2:1b-instruct-q8_0", "llama3.2:1b"),
        ("llama3.2-vision", "llama3.2-vision:11b"),
        ("registry.ollama.ai/library/llama3.3", "llama3.3:70b"),
        (" library/llama3.3:70b-instruct-q8_0 ", "llama3.3:70b"),
        ("llama3.1:405b", "llama3.1:405b"),
    ],
)
def test_names_are_understood(name: str, model: str) -> None:
    found = find(name)
    assert found is not None
    assert found.name == model


@pytest.mark.parametrize("name", ["", "mistral", "llama", "llama3.1:9b", "llama2:7b", "someone/llama3"])
def test_others_are_not(name: str) -> None:
    assert find(name) is None


def test_the_family_is_whole_and_in_order() -> None:
    models = family()
    assert [one.parameters for one in models] == sorted(one.parameters for one in models)
    assert len({one.name for one in models}) == len(models)
    for one in models:
        assert one.sources
        assert "zh" not in one.languages
        assert one.newer == "" or find(one.newer) in models
        bits = 8 * one.download / one.parameters
        assert bits == pytest.approx({"Q8_0": 8.5, "Q4_0": 4.6, "Q4_K_M": 5.1}[one.quantization], rel=0.16)
    eight = find("llama3.1:8b")
    assert eight is not None
    assert eight.kv_bytes(131072) == 16 * GIB  # the figure everybody quotes


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_LANGUAGE", "en")
    monkeypatch.setenv("RAG_OLLAMA_URL", "http://192.0.2.7:11434")
    with pytest.raises(SystemExit) as ended:
        main(["models", "recommend", "--json"])
    assert not ended.value.code
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["machine"]["total_ram"] > 0
    assert "http://192.0.2.7:11434" in printed.err
    if found["best"]:
        assert found["best"]["memory"] <= found["best"]["available"]
        assert found["commands"][0].startswith("ollama pull ")
