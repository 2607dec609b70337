"""Reading PDFs: speed against a plain pypdf loop, answers found in chunks of their page, pages that differ.

    python -m benchmarks.reading EVAL [--answers]

EVAL holds ``zh_pdf`` and ``erc2``. Both readers run in a process of their own, one after the other, in one run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.differences import APART, characters, distance, explain, running_lines


def ours(folder: Path) -> dict[str, list[str]]:
    from ingest.loaders.pdf import load
    from ingest.types import Limits

    text_only = Limits(ocr=False)
    return {path.name: [page.text for page in load(path, text_only).pages] for path in sorted(folder.glob("*.pdf"))}


def plain(folder: Path) -> dict[str, list[str]]:
    import logging

    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    return {
        path.name: [page.extract_text() for page in pypdf.PdfReader(path).pages]
        for path in sorted(folder.glob("*.pdf"))
    }


def timed(reader: str, folder: Path) -> tuple[float, float, dict[str, list[str]]]:
    """Seconds by the clock, of the processor, and the texts of a fresh process; imports are not counted."""
    code = (
        "import json, sys, time; from pathlib import Path; from benchmarks import reading\n"
        "import ingest.loaders.pdf, pypdf, pypdfium2\n"
        "start = time.perf_counter(); texts = getattr(reading, sys.argv[1])(Path(sys.argv[2]))\n"
        "print(json.dumps([time.perf_counter() - start, time.process_time(), texts]))"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, reader, str(folder)], cwd=root, stdout=subprocess.PIPE, check=True, text=True
    )
    seconds, cpu, texts = json.loads(done.stdout)
    return seconds, cpu, texts


def answers_found(folder: Path) -> None:
    from ingest.chunking import Chunker
    from ingest.loaders.pdf import load

    chunker = Chunker(lambda text: len(text) - text.count(" ") // 2, 400)
    chunks: dict[tuple[str, int], list[str]] = {}
    pages: dict[tuple[str, int], str] = {}
    start = time.perf_counter()
    for path in sorted((folder / "pdfs").glob("*.pdf")):
        document = load(path)
        for page in document.pages:
            pages[path.name, page.number] = "".join(page.text.split())
        for chunk in chunker.chunks(document):
            chunks.setdefault((path.name, chunk.page), []).append("".join(chunk.text.split()))
    seconds = time.perf_counter() - start
    asked = [json.loads(line) for line in (folder / "evidence.jsonl").open(encoding="utf-8")]
    found = on_page = 0
    missing = []
    for one in asked:
        place = one["doc"], one["page"]
        answers = ["".join(answer.split()) for answer in one["answers"]]
        hit = any(answer in chunk for chunk in chunks.get(place, []) for answer in answers)
        found += hit
        on_page += any(answer in pages[place] for answer in answers)
        if not hit:
            missing.append(f"  {one['_id']} {place} {one['answers'][0]}")
    print(f"{folder.name}: {found}/{len(asked)} answers in a chunk of the page ({found / len(asked):.2%}), "
          f"{on_page} on the page; {seconds:.1f} s with chunking")  # fmt: skip
    print("\n".join(missing[:15]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--answers", action="store_true", help="only the answers")
    options = parser.parse_args()
    answers_found(options.folder / "zh_pdf")
    if options.answers:
        return
    folder = options.folder / "erc2" / "pdfs"
    our_seconds, our_cpu, our_texts = timed("ours", folder)
    their_seconds, their_cpu, their_texts = timed("plain", folder)
    pages = sum(map(len, our_texts.values()))
    print(f"{pages} pages: ours {pages / our_seconds:.0f}/s, plain pypdf {pages / their_seconds:.1f}/s, "
          f"ratio {their_seconds / our_seconds:.1f}; processor time {our_cpu:.1f} s and {their_cpu:.1f} s, "
          f"ratio {their_cpu / our_cpu:.1f}")  # fmt: skip
    classes: Counter[str] = Counter()
    for name, texts in sorted(our_texts.items()):
        dropped = running_lines(folder / name)
        for number, (mine, theirs) in enumerate(zip(texts, their_texts[name], strict=True), 1):
            if why := explain(mine, theirs, dropped[number - 1]):
                classes[why.split(":")[0]] += 1
                share = distance(characters(mine), characters(theirs))
                print(f"  {share:6.1%} {name} p. {number}: {len(mine)} and {len(theirs)} characters; {why}")
    print(f"{classes.total()} pages differ by more than {APART:.0%}: {dict(classes)}")


if __name__ == "__main__":
    main()
