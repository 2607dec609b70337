"""OCR: answers that stand in the recognized text of their page, and seconds a page.

python benchmarks/recognition.py ../shared/eval/zh_pdf [DPI [PAGES]]
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

from ingest.loaders import pdf_ocr
from ingest.ocr import Recognizer


def main(folder: Path, dpi: int = 200, most: int = 12) -> None:
    pdf_ocr._DPI = dpi
    evidence = [json.loads(line) for line in (folder / "evidence.jsonl").open(encoding="utf-8")]
    pages = []
    for path in sorted((folder / "scanned").glob("*_scan.pdf")):
        name = path.name.replace("_scan", "")
        for number in range(1, 7):
            asked = [one for one in evidence if one["doc"] == name and number in one["pages"]]
            pages.append((path, number, asked))
    random.Random(7).shuffle(pages)
    recognizer = Recognizer()
    found = total = 0
    wall, cpu = time.perf_counter(), time.process_time()
    for path, number, asked in pages[:most]:
        ((_, text),) = pdf_ocr.recognize_pages(path.read_bytes(), [number], recognizer)
        text = "".join(text.split())
        for one in asked:
            hit = any("".join(answer.split()) in text for answer in one["answers"])
            found, total = found + hit, total + 1
            if not hit:
                print("missed", path.name, number, one["answers"])
        print(f"{path.name} p. {number}: {found}/{total} so far", flush=True)
    wall, cpu, count = time.perf_counter() - wall, time.process_time() - cpu, min(most, len(pages))
    print(
        f"{dpi} dpi, {count} pages: {found}/{total} = {found / total:.1%};"
        f" a page {wall / count:.1f} s, of the processor {cpu / count:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
