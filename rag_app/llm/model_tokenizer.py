"""A language model's own tokenizer, made from the vocabulary that Ollama and GGUF files carry.

Byte-level BPE (Sennrich et al. 2016, arXiv:1508.07909) as LLaMA 3, Qwen 2 and SmolLM use it. How a text is split
before it is merged is not in the vocabulary: the expressions are those of llama.cpp, ``src/llama-vocab.cpp``.
Of models that split otherwise, nothing is claimed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..embedding.tokenizer import TextTokenizer, byte_level_tokenizer

_LETTERS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
_ENDINGS = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
_SIGNS = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_SPLITS: dict[str, tuple[str, ...]] = {
    "llama-bpe": (rf"{_ENDINGS}|{_LETTERS}|\p{{N}}{{1,3}}|{_SIGNS}",),
    "qwen2": (rf"{_ENDINGS}|{_LETTERS}|\p{{N}}|{_SIGNS}",),
    "smollm": (r"\p{N}", _GPT2),
    "gpt-2": (_GPT2,),
}
_WHOLE_WORDS = {"llama-bpe"}  # a word that is a token is not merged letter by letter


def is_known(model_info: Mapping[str, object]) -> bool:
    """Whether a model's tokenizer can be made of its vocabulary.

    Args:
        model_info: of a GGUF file or of Ollama's ``/api/show``.
    """
    return model_info.get("tokenizer.ggml.model") == "gpt2" and model_info.get("tokenizer.ggml.pre") in _SPLITS


def tokenizer_of(model_info: Mapping[str, object], file: Path | None = None) -> TextTokenizer | None:
    """The model's tokenizer; None where its vocabulary is not there, or is split in a way we don't know.

    Args:
        model_info: with the arrays ``tokenizer.ggml.tokens`` and ``tokenizer.ggml.merges`` (``verbose`` in Ollama).
        file: where the tokenizer is kept; it takes a second to make.
    """
    tokens, merges = (model_info.get(f"tokenizer.ggml.{name}") for name in ("tokens", "merges"))
    if not is_known(model_info) or not isinstance(tokens, list) or not isinstance(merges, list) or not tokens:
        return None
    split = str(model_info["tokenizer.ggml.pre"])
    pairs = [(first, second) for first, _, second in (str(merge).partition(" ") for merge in merges)]
    made = byte_level_tokenizer(
        {str(token): number for number, token in enumerate(tokens)},
        pairs,
        _SPLITS[split],
        whole_words=split in _WHOLE_WORDS,
    )
    if file is not None:
        with suppress(OSError):  # a full disk, say: it is made anew next time
            file.parent.mkdir(parents=True, exist_ok=True)
            made.save(file)
    return made


def kept(file: Path) -> TextTokenizer | None:
    """A tokenizer that was kept; None where there is none, or only a damaged one."""
    try:
        json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return TextTokenizer(file)
