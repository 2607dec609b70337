"""How often a text of unknown encoding is read right, by language, encoding and length.

    python -m benchmarks.text_encodings [--library] [CORPUS.jsonl …]

Without arguments: the texts of ``tests/languages.py``. With the corpora: 300 pieces of each as GB18030 and UTF-16.
``--library`` measures charset-normalizer alone.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ingest.errors import DamagedFile
from ingest.loaders.encoding import decode
from tests.languages import TEXTS, windows

LENGTHS = (10, 30, 200)


def library(data: bytes) -> str:
    from charset_normalizer import from_bytes

    return str(from_bytes(data).best())


def main(arguments: list[str]) -> None:
    alone = "--library" in arguments
    score: dict[tuple[str, str, int], list[bool]] = defaultdict(list)
    verbose = "-v" in arguments
    for language, (_, encodings) in TEXTS.items():
        for encoding in encodings:
            for length in LENGTHS:
                for piece in windows(language, length):
                    data = piece.encode(encoding)
                    try:
                        read = library(data) if alone else decode(data)
                    except DamagedFile:
                        read = "(refused)"
                    score[language, encoding, length].append(read == piece)
                    if verbose and read != piece:
                        print(language, encoding, length, repr(piece[:30]), "→", repr(read[:30]))
    for path in (Path(one) for one in arguments if not one.startswith("-")):
        rows = [json.loads(line)["text"] for line in path.open(encoding="utf-8")][
            1::2
        ]  # the frequencies know the others
        for encoding in ("gb18030", "utf-16-le"):
            for length in LENGTHS:
                for row in rows[:300]:
                    piece = row[20 : 20 + length]
                    if len(piece) == length and not piece.isascii():
                        data = piece.encode(encoding)
                        try:
                            read = library(data) if alone else decode(data)
                        except DamagedFile:
                            read = "(refused)"
                        score[path.parent.name, encoding, length].append(read == piece)
                        if verbose and read != piece:
                            print(path.parent.name, encoding, length, repr(piece[:30]), "→", repr(read[:30]))
    print("| language | encoding | 10 | 30 | 200 |\n|---|---|---|---|---|")
    for language, encoding in dict.fromkeys((language, encoding) for language, encoding, _ in score):
        cells = []
        for length in LENGTHS:
            found = score[language, encoding, length]
            cells.append(f"{sum(found)}/{len(found)}")
        print(f"| {language} | {encoding} | {' | '.join(cells)} |")
    for length in LENGTHS:
        flat = [one for key, found in score.items() if key[2] == length for one in found]
        print(f"{length} characters: {sum(flat)}/{len(flat)} = {sum(flat) / len(flat):.1%}")


if __name__ == "__main__":
    main(sys.argv[1:])
