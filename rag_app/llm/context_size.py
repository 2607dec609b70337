"""How large a context fits into memory: weights + KV cache + compute buffers, and the largest step below a limit."""

from __future__ import annotations

from collections.abc import Mapping

STEPS = (2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152, 65536, 98304, 131072)

# Bytes per element; a block of 32 is a 2-byte scale (and for *_1 a 2-byte minimum) before the packed values
# (ggml-common.h: block_q8_0, block_q4_0, …).
CACHE_TYPES = {
    "f32": 4.0,
    "f16": 2.0,
    "bf16": 2.0,
    "q8_0": 34 / 32,
    "q5_1": 24 / 32,
    "q5_0": 22 / 32,
    "q4_1": 20 / 32,
    "q4_0": 18 / 32,
    "iq4_nl": 18 / 32,
}

_BUFFER_BYTES = 300 << 20  # the logits of a batch, 512 × 128,256 × 4 bytes for LLaMA 3 (250 MiB), and host buffers
_BUFFER_SHARE = 100  # activations grow with the model: 1 % of its weights
_BUFFER_BYTES_PER_TOKEN = 8192


def kv_bytes_per_token(model_info: Mapping[str, object], cache_type: str = "f16") -> float | None:
    """Bytes of KV cache that one token of context takes: Σ over layers of KV heads × (key + value size) × element.

    Sliding-window layers count as full ones and heads that are not told as not shared, so it is an upper bound.

    Args:
        model_info: of Ollama's ``/api/show``; arrays of more than five elements are null there.
        cache_type: ``OLLAMA_KV_CACHE_TYPE``; what Ollama does not know it takes for f16.

    Returns:
        None where the model does not say enough.
    """
    prefix = model_info.get("general.architecture")
    layers = _number(model_info.get(f"{prefix}.block_count"))
    if layers is None:
        return None
    per_layer = _kv_heads(model_info, f"{prefix}.attention", layers)
    sizes = [_head_size(model_info, str(prefix), name) for name in ("key_length", "value_length")]
    if per_layer is None or sizes[0] is None or sizes[1] is None:
        return None
    return per_layer * (sizes[0] + sizes[1]) * CACHE_TYPES.get(cache_type.lower(), CACHE_TYPES["f16"])


def compute_bytes(context: int, weights: int) -> int:
    """Upper bound of the compute buffers (flash attention, batch of 512) of a model with ``weights`` bytes.

    Per token a server measured 1,024 bytes between contexts of 2,048 and 4,096 (the attention mask, 512 × f16) and
    6,531 between 4,096 and 8,192; 8,192 bounds both. The rest is the buffer of a batch's logits, 258.5 MiB for LLaMA 3
    in Ollama's own log (ollama/ollama#9311: ``memory.graph.full``).
    """
    return _BUFFER_BYTES + weights // _BUFFER_SHARE + _BUFFER_BYTES_PER_TOKEN * context


def memory_needed(context: int, weights: int, kv_bytes: float) -> int:
    """Bytes that a loaded model takes: weights + KV cache + compute buffers."""
    return weights + round(kv_bytes * context) + compute_bytes(context, weights)


def context_that_fits(
    *,
    wanted: int,
    trained: int | None,
    kv_bytes: float | None,
    weights: int | None,
    memory: int | None,
    least: int = 2048,
) -> int:
    """The largest of :data:`STEPS` that is wanted, was trained and fits into memory.

    Args:
        wanted: tokens, at most.
        trained: tokens the model was trained for, None where it does not say.
        kv_bytes: of KV cache per token of context; times the slots where the server answers several at once.
        weights: bytes of the model's file.
        memory: bytes there are for the model, None where unknown.
        least: tokens, returned when no step fits.
    """
    most = wanted if trained is None else min(wanted, trained)
    steps = [step for step in STEPS if step <= most]
    if memory is not None and kv_bytes is not None:
        steps = [step for step in steps if memory_needed(step, weights or 0, kv_bytes) <= memory]
    return max(steps, default=least)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _kv_heads(model_info: Mapping[str, object], prefix: str, layers: int) -> int | None:
    """KV heads of all layers together."""
    for name in ("head_count_kv", "head_count"):
        value = model_info.get(f"{prefix}.{name}")
        if isinstance(value, list) and value:
            return sum(_number(heads) or 0 for heads in value)
        heads = _number(value)
        if heads is not None:
            return heads * layers
    return None


def _head_size(model_info: Mapping[str, object], architecture: str, name: str) -> int | None:
    told = _number(model_info.get(f"{architecture}.attention.{name}"))
    if told is not None:
        return told
    heads = model_info.get(f"{architecture}.attention.head_count")
    if isinstance(heads, list):
        heads = max((_number(one) or 0 for one in heads), default=0)
    count = _number(heads)
    width = _number(model_info.get(f"{architecture}.embedding_length"))
    return None if count is None or width is None else width // count
