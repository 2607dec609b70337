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


def byte_level_tokenizer(
    vocabulary: dict[str, int], merges: list[tuple[str, str]], splits: Sequence[str], *, whole_words: bool
) -> TextTokenizer:
    """A GPT-2-style byte-level BPE tokenizer.

    Args:
        splits: regular expressions that cut a text before merging, one after the other.
        whole_words: whether a piece that is a token stays one, whatever the merges say.
    """
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=whole_words))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            *(pre_tokenizers.Split(Regex(expression), behavior="isolated") for expression in splits),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return TextTokenizer(tokenizer)


class TextTokenizer:
    """Encodes texts for a model and counts their tokens.

    Args:
        source: a Hugging Face ``tokenizer.json``, or the tokenizer itself.
    """

    def __init__(self, source: Path | Tokenizer) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(source)) if isinstance(source, Path) else source
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def save(self, file: Path) -> None:
        """Write it as ``tokenizer.json``; the file is there whole or not at all.

        Raises:
            OSError.
        """
        part = file.with_name(f"{file.name}.part")
        part.write_text(self._tokenizer.to_str(), encoding="utf-8")
        part.replace(file)

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
