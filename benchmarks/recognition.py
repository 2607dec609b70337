"""OCR through the real reading path: answers that stand in a chunk of their page on scans without any text layer.

python -m benchmarks.recognition ../shared/eval/zh_pdf

Reads each ``scanned/*_scan.pdf`` in a worker, as ingestion does, and asks the questions of its twin.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from ingest.chunking import Chunker
from ingest.sandbox import Sandbox, result
from ingest.types import Limits


def count_tokens(text: str) -> int:
    """About what the embedding model counts: a token each for a Chinese character and a quarter of a word."""
    return sum(1 if char > "\x7f" else 0.25 for char in text).__ceil__()


def main(folder: Path) -> None:
    evidence = [json.loads(line) for line in (folder / "evidence.jsonl").open(encoding="utf-8")]
    chunker = Chunker(count_tokens, 384)
    found = total = pages = 0
    began = time.perf_counter()
    with Sandbox(Limits(ocr_pages=1000)) as sandbox:
        scans = sorted((folder / "scanned").glob("*_scan.pdf"))
        for path, future in [(path, sandbox.submit(path)) for path in scans]:
            document = result(future)
            assert all(page.ocr for page in document.pages if page.text)
            pages += len(document.pages)
            chunks: dict[int, list[str]] = {}
            for chunk in chunker.chunks(document):
                chunks.setdefault(chunk.page, []).append("".join(chunk.text.split()))
            twin = path.name.replace("_scan", "")
            for one in evidence:
                if one["doc"] != twin or one["page"] > len(document.pages):  # the scans are the first pages only
                    continue
                answers = ["".join(answer.split()) for answer in one["answers"]]
                hit = any(answer in text for text in chunks.get(one["page"], []) for answer in answers)
                found, total = found + hit, total + 1
                if not hit:
                    print("missed", path.name, one["page"], one["answers"])
    seconds = time.perf_counter() - began
    print(f"{found} of {total} answers in a chunk of their page = {found / total:.1%}; {pages} pages, two at a time, "
          f"{seconds / pages:.1f} s a page")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    main(parser.parse_args().folder)
