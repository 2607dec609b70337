"""Mutated files of every format through the sandbox: what becomes of them, and whether this process survives.

    python -m benchmarks.fuzzing [--count 2000] [--seed 1] [--only INDEX]

The same seed and index make the same file; ``--only`` reads that one in this process, so that its traceback shows.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.outcomes import Outcome, Watch, chunker, memory_mb, outcome
from ingest.loaders import load
from ingest.sandbox import DEFAULT_WORKERS, Sandbox
from ingest.types import Limits
from tests.mutations import mutant, originals

LIMITS = Limits(seconds=10, memory_mb=2048, pages=2000, unpacked_mb=64)


def run(folder: Path, seed: int, count: int) -> list[Outcome]:
    """Read ``count`` mutants, as many of each format, two at a time."""
    (folder / "originals").mkdir()
    sound = originals(folder / "originals")
    cutter = chunker()

    def one(index: int) -> Outcome:
        path = mutant(sound[index % len(sound)], seed, index, folder)
        try:
            return outcome(sandbox, cutter, path)[0]
        finally:
            path.unlink()

    with Sandbox(LIMITS) as sandbox, ThreadPoolExecutor(DEFAULT_WORKERS) as threads:
        return list(threads.map(one, range(count)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="an index to read in this process")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.only is not None:
            (folder / "originals").mkdir()
            sound = originals(folder / "originals")
            path = mutant(sound[options.only % len(sound)], options.seed, options.only, folder)
            print(load(path, LIMITS))
            return
        with Watch() as watch:
            done = run(folder, options.seed, options.count)
    show(done)
    print(f"the most a worker held: {watch.most:.0f} MiB; this process holds {memory_mb():.0f}; it survived")


def show(done: list[Outcome]) -> None:
    kinds = ["read", "partial", *sorted({one.kind for one in done if one.kind})]
    counts = Counter((Path(one.name).suffix, one.kind or one.status) for one in done)
    print("\t".join(["", *kinds]))
    for suffix in sorted({suffix for suffix, _ in counts}):
        print("\t".join([suffix, *(str(counts[suffix, kind]) for kind in kinds)]))
    print("\t".join(["all", *(str(sum(counts[s, k] for s, k in counts if k == kind)) for kind in kinds)]))
    longest = max(done, key=lambda one: one.seconds)
    failed = [one for one in done if one.failed]
    print(f"{len(failed)} failed or crashed, {sum(one.slow for one in done)} were too slow; the longest took "
          f"{longest.seconds:.1f} s ({longest.name})")  # fmt: skip
    for one in failed:
        print(f"  {one.name}: {one.reason}")


if __name__ == "__main__":
    main()
