"""A real sentence-transformers model small enough to export in a second: random weights, 32 dimensions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from rag_app.embedding.sentence_transformer import save_weights
from rag_app.embedding.tokenizer import unigram_tokenizer

HIDDEN, LAYERS, HEADS, FEED_FORWARD, WINDOW = 32, 2, 2, 64, 64


def tiny_model(folder: Path, *, pooling: str = "mean", extra_module: bool = False) -> Path:
    """Write the model's folder; the vocabulary is single characters."""
    folder.mkdir(parents=True)
    pieces = _tokenizer(folder)
    save_weights(_encoder(pieces), folder / "model.safetensors")
    modules = ["Transformer", "Pooling", "Normalize"] + (["Normalize"] if extra_module else [])
    contents: dict[str, object] = {
        "config.json": {"architectures": ["BertModel"], **_config(pieces)},
        "tokenizer_config.json": _TOKENIZER_CONFIG,
        "modules.json": [
            {
                "idx": i,
                "name": str(i),
                "path": "" if not i else f"{i}_{name}",
                "type": f"sentence_transformers.models.{name}",
            }
            for i, name in enumerate(modules)
        ],
        "sentence_bert_config.json": {"max_seq_length": WINDOW, "do_lower_case": False},
        "1_Pooling/config.json": {
            "word_embedding_dimension": HIDDEN,
            "pooling_mode_mean_tokens": pooling == "mean",
            "pooling_mode_cls_token": pooling == "cls",
            "pooling_mode_max_tokens": pooling == "max",
        },
        "config_sentence_transformers.json": {"prompts": {"query": "q: ", "document": "d: "}},
    }
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    for i, name in enumerate(modules[2:], 2):
        (folder / f"{i}_{name}").mkdir(exist_ok=True)
        (folder / f"{i}_{name}" / "config.json").write_text("{}", encoding="utf-8")
    return folder


def tiny_cross_encoder(folder: Path, *, labels: int = 1) -> Path:
    """Write the folder of a CrossEncoder with as many scores for a pair."""
    folder.mkdir(parents=True)
    pieces = _tokenizer(folder)
    random = np.random.default_rng(5)
    tensors = {f"bert.{name}": tensor for name, tensor in _encoder(pieces).items()}
    tensors["classifier.weight"] = random.standard_normal((labels, HIDDEN)).astype(np.float32)
    tensors["classifier.bias"] = np.zeros(labels, np.float32)
    save_weights(tensors, folder / "model.safetensors")
    names = {str(number): f"LABEL_{number}" for number in range(labels)}
    config = {
        "architectures": ["BertForSequenceClassification"],
        **_config(pieces),
        "id2label": names,
        "label2id": {name: int(number) for number, name in names.items()},
    }
    for name, content in {"config.json": config, "tokenizer_config.json": _TOKENIZER_CONFIG}.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


_TOKENIZER_CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "model_max_length": WINDOW,
    "bos_token": "<s>",
    "eos_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
}


def _tokenizer(folder: Path) -> int:
    """Write the tokenizer; returns the size of its vocabulary."""
    special = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    characters = sorted(
        set(
            "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,.?!:$%-' "
            "大语言模型在回答之前先从文档中检索相关段落"
        )
    )
    pieces = [(name, 0.0) for name in special] + [(char, -5.0) for char in characters]
    unigram_tokenizer(pieces, special).save(str(folder / "tokenizer.json"))
    return len(pieces)


def _config(pieces: int) -> dict[str, object]:
    return {
        "model_type": "bert",
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": FEED_FORWARD,
        "vocab_size": pieces,
        "max_position_embeddings": WINDOW,
        "type_vocab_size": 2,
        "pad_token_id": 1,
    }


def _encoder(pieces: int) -> dict[str, np.ndarray]:
    """Random weights of a BERT encoder."""
    random = np.random.default_rng(3)

    def weights(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.2).astype(np.float32)

    def norm(name: str) -> dict[str, np.ndarray]:
        return {f"{name}.weight": np.ones(HIDDEN, np.float32), f"{name}.bias": np.zeros(HIDDEN, np.float32)}

    tensors = {
        "embeddings.word_embeddings.weight": weights(pieces, HIDDEN),
        "embeddings.position_embeddings.weight": weights(WINDOW, HIDDEN),
        "embeddings.token_type_embeddings.weight": weights(2, HIDDEN),
        "pooler.dense.weight": weights(HIDDEN, HIDDEN),
        "pooler.dense.bias": weights(HIDDEN),
        **norm("embeddings.LayerNorm"),
    }
    shapes = {
        "attention.self.query": (HIDDEN, HIDDEN),
        "attention.self.key": (HIDDEN, HIDDEN),
        "attention.self.value": (HIDDEN, HIDDEN),
        "attention.output.dense": (HIDDEN, HIDDEN),
        "intermediate.dense": (FEED_FORWARD, HIDDEN),
        "output.dense": (HIDDEN, FEED_FORWARD),
    }
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}"
        for name, shape in shapes.items():
            tensors[f"{prefix}.{name}.weight"] = weights(*shape)
            tensors[f"{prefix}.{name}.bias"] = weights(shape[0])
        tensors |= norm(f"{prefix}.attention.output.LayerNorm") | norm(f"{prefix}.output.LayerNorm")
    return tensors
