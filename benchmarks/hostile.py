"""Files made to break readers: what becomes of each, what it costs, and whether this process survives.

    python -m benchmarks.hostile ../shared/eval/hostile [--tsv FILE] [--texts FOLDER] [--only pdf_cjk/]

The folder holds ``index.tsv`` (path, …, expected). Each file is read by a worker with the usual limits, and cut into
chunks here. Two passes, so that memory that is not given back shows. Archives are never unpacked but by the reader.
"""

from __future__ import annotations

import argparse
import csv
import gc
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, fields
from pathlib import Path

from benchmarks.outcomes import Outcome, Watch, chunker, memory_mb, outcome
from ingest.sandbox import DEFAULT_WORKERS, Sandbox
from ingest.types import Document


def main() -> None:
    """Run over the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="paths that contain this")
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--tsv", type=Path, help="write the outcomes of the first pass here, times left out")
    parser.add_argument("--texts", type=Path, help="write what was read here, a file each")
    options = parser.parse_args()
    with (options.folder / "index.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if options.only in row["path"]]
    with Watch() as watch:
        for number in range(1, options.passes + 1):
            before = memory_mb()
            done = read_all(options.folder, [row["path"] for row in rows], options.texts if number == 1 else None)
            gc.collect()
            if number == 1:
                show(done, {row["path"]: row["expected"] for row in rows})
                if options.tsv:
                    write(options.tsv, done)
            print(f"pass {number}: this process held {before:.0f} MiB at its start, {memory_mb():.0f} at its end")
    print(f"the most a worker held: {watch.most:.0f} MiB; the most this process held: {memory_mb(what='VmHWM'):.0f}")
    print("this process survived")


def read_all(folder: Path, names: Sequence[str], texts: Path | None) -> list[Outcome]:
    cutter = chunker()

    def one(name: str) -> Outcome:
        found, document = outcome(sandbox, cutter, folder / name, name)
        if texts is not None and document is not None:
            keep(document, texts / f"{name}.out.txt")
        return found

    with Sandbox() as sandbox, ThreadPoolExecutor(DEFAULT_WORKERS) as threads:
        return list(threads.map(one, names))


def keep(document: Document, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [f"== {document.title} [{document.format}]", *(f"!! {warning.text()}" for warning in document.warnings)]
    parts += [f"-- {page.number} {page.label or ''} {page.kind}\n{page.text}" for page in document.pages]
    path.write_text("\n".join(parts), encoding="utf-8", errors="replace")


def show(done: Sequence[Outcome], expected: dict[str, str]) -> None:
    print("path | outcome | pages | characters | chunks | seconds | reason or first warning | expected")
    for one in done:
        how = f"{one.status} {one.kind}".strip()
        print(f"{one.name} | {how} | {one.pages} | {one.characters} | {one.chunks} | {one.seconds:.1f} | "
              f"{one.reason[:150]} | {expected[one.name]}")  # fmt: skip
    print("\n" + ", ".join(f"{count} {status}" for status, count in Counter(one.status for one in done).most_common()))
    kinds = Counter(f"{one.kind} {one.key}" for one in done if one.kind)
    print("refused: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    print(f"crashes: {sum(one.failed for one in done)}, hangs: {sum(one.slow for one in done)}")
    longest = max(done, key=lambda one: one.seconds)
    print(f"longest: {longest.name}, {longest.seconds:.1f} s")


def write(path: Path, done: Sequence[Outcome]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(field.name for field in fields(Outcome) if field.name != "seconds")
        writer.writerows(astuple(one)[:-1] for one in done)


if __name__ == "__main__":
    main()
