"""How large a context fits: the arithmetic against what a real server measured."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rag_app.llm.context_size import STEPS, compute_bytes, context_that_fits, kv_bytes_per_token, memory_needed

from .replay import reply

GIB = 1 << 30
LLAMA_8B_WEIGHTS = 4_920_738_407  # llama3.1:8b, Q4_K_M
LLAMA_8B_KV = 32 * 8 * (128 + 128) * 2  # layers × KV heads × (key + value) × f16
MODEL = "smollm2:135m"


def body(name: str) -> Any:
    return json.loads(reply(name).body)


def measured(name: str, model: str = MODEL) -> tuple[int, int]:
    """Context and bytes of a loaded model, as the server told them."""
    found = next(one for one in body(name)["models"] if one["name"] == model)
    return found["context_length"], found["size"]


def weights(model: str = MODEL) -> int:
    return next(int(one["size"]) for one in body("11-tags")["models"] if one["name"] == model)


def llama(**changes: object) -> dict[str, object]:
    info: dict[str, object] = {
        "general.architecture": "llama",
        "llama.block_count": 32,
        "llama.embedding_length": 4096,
        "llama.attention.head_count": 32,
        "llama.attention.head_count_kv": 8,
    }
    return info | {name.replace("__", "."): value for name, value in changes.items()}


def test_a_recorded_models_cache_is_what_its_shape_says() -> None:
    assert kv_bytes_per_token(body("12-show")["model_info"]) == 30 * 3 * (64 + 64) * 2


def test_twice_the_context_costs_what_the_server_measured() -> None:
    kv = kv_bytes_per_token(body("12-show")["model_info"])
    assert kv is not None
    small, small_size = measured("18-ps-after-options")
    large, large_size = measured("15-ps-loaded")
    assert (small, large) == (2048, 4096)
    mask = 512 * 2  # a batch's rows, f16, per token of context
    assert large_size - small_size == (kv + mask) * (large - small)


@pytest.mark.parametrize("name", ["18-ps-after-options", "15-ps-loaded", "36-ps-num_ctx-above-training"])
def test_the_estimate_is_an_upper_bound_and_not_far_off(name: str) -> None:
    kv = kv_bytes_per_token(body("12-show")["model_info"])
    assert kv is not None
    context, size = measured(name)
    estimate = memory_needed(context, weights(), kv)
    assert size <= estimate <= size + compute_bytes(context, weights())


def test_a_sliding_window_counts_as_full() -> None:
    gemma = {
        "general.architecture": "gemma3",
        "gemma3.block_count": 18,
        "gemma3.attention.head_count": 4,
        "gemma3.attention.head_count_kv": 1,
        "gemma3.attention.key_length": 256,
        "gemma3.attention.value_length": 256,
        "gemma3.attention.sliding_window": 512,
    }
    kv = kv_bytes_per_token(gemma)
    assert kv == 18 * 1 * 512 * 2
    context, size = measured("57-ps-huge", "gemma3:270m")
    assert size <= memory_needed(context, weights("gemma3:270m"), kv)


@pytest.mark.parametrize(
    ("cache_type", "kv"),
    [
        ("f16", LLAMA_8B_KV),
        ("f32", 2 * LLAMA_8B_KV),
        ("bf16", LLAMA_8B_KV),
        ("q8_0", LLAMA_8B_KV / 2 * 34 / 32),
        ("Q4_0", LLAMA_8B_KV / 2 * 18 / 32),
        ("unheard-of", LLAMA_8B_KV),
    ],
)
def test_cache_types(cache_type: str, kv: float) -> None:
    assert kv_bytes_per_token(llama(), cache_type) == kv


def test_head_sizes_and_heads_that_are_told_win() -> None:
    assert kv_bytes_per_token(llama(llama__attention__key_length=64, llama__attention__value_length=192)) == LLAMA_8B_KV
    assert kv_bytes_per_token(llama(llama__attention__head_count_kv=[8, 0] * 16)) == LLAMA_8B_KV / 2
    shared_with_nobody = llama(llama__attention__head_count_kv=None)  # a long array, which /api/show leaves out
    assert kv_bytes_per_token(shared_with_nobody) == 4 * LLAMA_8B_KV


@pytest.mark.parametrize(
    "missing", ["general.architecture", "llama.block_count", "llama.embedding_length", "llama.attention.head_count"]
)
def test_a_model_that_says_too_little_has_no_size(missing: str) -> None:
    info = llama()
    del info[missing]
    assert kv_bytes_per_token(info) is None
    assert kv_bytes_per_token(info | {missing: "many"}) is None


@pytest.mark.parametrize(("memory", "context"), [(5, 2048), (6, 8192), (8, 16384), (12, 49152), (24, 131072)])
def test_the_largest_step_that_fits(memory: int, context: int) -> None:
    """llama3.1:8b: the step fits and the next one does not."""
    found = context_that_fits(
        wanted=131072, trained=131072, kv_bytes=LLAMA_8B_KV, weights=LLAMA_8B_WEIGHTS, memory=memory * GIB
    )
    assert found == context
    if context > STEPS[0]:
        assert memory_needed(context, LLAMA_8B_WEIGHTS, LLAMA_8B_KV) <= memory * GIB
    further = [step for step in STEPS if step > context][:1]
    assert all(memory_needed(step, LLAMA_8B_WEIGHTS, LLAMA_8B_KV) > memory * GIB for step in further)


@pytest.mark.parametrize(
    ("wanted", "trained", "memory", "kv", "context"),
    [
        (131072, 8192, 64 * GIB, LLAMA_8B_KV, 8192),
        (5000, 8192, 64 * GIB, LLAMA_8B_KV, 4096),
        (16384, 131072, None, LLAMA_8B_KV, 16384),
        (16384, 131072, 1 * GIB, None, 16384),
        (16384, None, 64 * GIB, LLAMA_8B_KV, 16384),
        (16384, 131072, 1 * GIB, LLAMA_8B_KV, 2048),
    ],
)
def test_what_limits_a_context(
    wanted: int, trained: int | None, memory: int | None, kv: float | None, context: int
) -> None:
    found = context_that_fits(wanted=wanted, trained=trained, kv_bytes=kv, weights=LLAMA_8B_WEIGHTS, memory=memory)
    assert found == context
