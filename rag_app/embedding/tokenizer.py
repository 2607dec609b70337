"""Tokens as an embedding model counts them; the only ``tokenizers`` import."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def unigram_tokenizer(pieces: list[tuple[str, float]], special: dict[str, int]) -> Tokenizer:
    """An XLM-RoBERTa-style SentencePiece Unigram tokenizer (Kudo 2018, arXiv:1804.10959).

    Args:
        pieces: (piece, log probability), in id order.
        special: ids of ``<s>``, ``</s>``, ``<pad>`` and ``<unk>``.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=special["<unk>"], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", special["<s>"]), ("</s>", special["</s>"])],
    )
    tokenizer.add_special_tokens(["<s>", "</s>", "<pad>", "<unk>"])
    return tokenizer


class TextTokenizer:
    """Encodes texts for a model and counts their tokens.

    Args:
        path: a Hugging Face ``tokenizer.json``.
    """

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, with the model's special tokens."""
        return [list(one.ids) for one in self._tokenizer.encode_batch(list(texts))]

    def count(self, text: str) -> int:
        """Tokens of ``text`` without special tokens."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def encode_pair(self, first: str, second: str, most: int) -> tuple[list[int], list[int]]:
        """Token ids and segment ids of two texts as one input; the longer one is cut so that both fit.

        Args:
            most: tokens, special tokens included.
        """
        self._tokenizer.enable_truncation(most, strategy="longest_first")
        try:
            encoded = self._tokenizer.encode(first, second)
        finally:
            self._tokenizer.no_truncation()
        return list(encoded.ids), list(encoded.type_ids)
