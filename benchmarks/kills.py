"""Kill an ingestion at random moments, again and again, and look for what is lost, doubled or left over.

    python -m benchmarks.kills sample_docs --runs 200 --seed 1

Each run changes the folder a little (files come, go, change, get copied), lets a fresh process sync it, kills that
process (``SIGKILL``) at a seeded random moment between its first step and the usual end, then opens the data folder
and looks: every document that was committed before the kill is still there. Then it syncs, and all must be as an
undisturbed run leaves it: the same pages and chunks of the same files, vectors and chunks of the same ids, every
vector where an undisturbed run puts it.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np

from rag_app import RagApp

CHILD = """
import sys
from rag_app import RagApp
app = RagApp.open(data_dir=sys.argv[1], answers="quotes")
app.prepare()
print("ready", flush=True)
app.ingest(sys.argv[2])
print("done", flush=True)
"""
LEAST_COSINE = 0.97  # int8 rounds by what is in the batch
VARIANTS = 3
TEXT = {".md", ".txt", ".html"}

Content = tuple[object, ...]


def variants(files: list[Path], folder: Path) -> list[Path]:
    """Each file, and other versions of those that are text, under names of their own."""
    made = []
    for number, file in enumerate(files):
        for variant in range(VARIANTS if file.suffix in TEXT else 1):
            path = folder / f"{number}-{variant}{file.suffix}"
            data = file.read_bytes()
            path.write_bytes(data + f"\n\nThis is version {variant} of it.\n".encode() if variant else data)
            made.append(path)
    return made


def contents(app: RagApp) -> dict[str, tuple[Content, dict[tuple[int, int, int], int]]]:
    """Digest of a file → (all that is stored of it, place of each chunk → its id)."""
    database = app._store.catalog.database
    found = {}
    for document, digest, pages in database.rows("SELECT id, digest, pages FROM document"):
        texts = database.rows("SELECT number, text, label FROM page WHERE document = ? ORDER BY number", (document,))
        chunks = database.rows(
            "SELECT page.number, start, stop, headings, chunk.id FROM chunk JOIN page ON page.id = chunk.page "
            "WHERE page.document = ? ORDER BY 1, 2",
            (document,),
        )
        places = {(page, start, stop): chunk for page, start, stop, _, chunk in chunks}
        found[digest] = ((pages, tuple(texts), tuple(row[:4] for row in chunks)), places)
    return found


def committed(data: Path) -> list[tuple[str, str]]:
    """(path, digest) of all files that are stored, read without opening the app."""
    with closing(sqlite3.connect(data / "catalog.sqlite3")) as database:
        return database.execute("SELECT path, digest FROM file WHERE document IS NOT NULL").fetchall()


def shuffle(folder: Path, pool: list[Path], dice: random.Random) -> None:
    """Some files come, go, change, or get copied."""
    for path in sorted(folder.iterdir()):
        if dice.random() < 0.35:
            path.unlink()
    for path in dice.sample(pool, 5):
        target = folder / f"{path.stem.split('-')[0]}{path.suffix}"
        shutil.copyfile(path, target)
        if dice.random() < 0.2:
            shutil.copyfile(path, folder / f"copy of {target.name}")


class Undisturbed:
    """What an ingestion that nobody kills makes of every version of every file."""

    def __init__(self, pool: list[Path], data: Path) -> None:
        with RagApp.open(data_dir=data, answers="quotes") as app:
            assert app.ingest(*pool).ok
            collection = app._store.catalog.knowledge_bases.index(app.knowledge_bases()[0].id).collection
            self.contents = contents(app)
            self.vectors = {
                digest: app._store.vectors.get(collection, list(places.values()))
                for digest, (_, places) in self.contents.items()
            }

    def faults(self, app: RagApp, folder: Path) -> list[str]:
        """How the app's state differs."""
        store = app._store
        kb = app.knowledge_bases()[0].id
        collection = store.catalog.knowledge_bases.index(kb).collection
        found = contents(app)
        files = {path: known.digest for path, known in store.catalog.files.known(kb).items()}
        faults = [f"{path.name} is stored though it is gone" for path in files if not path.exists()]
        faults += [f"{path.name} is missing" for path in folder.iterdir() if path not in files]
        documents = [row[0] for row in store.catalog.database.rows("SELECT digest FROM document")]
        faults += [f"{digest[:8]} is stored {count} times" for digest, count in Counter(documents).items() if count > 1]
        if set(documents) != set(files.values()):
            faults.append("documents without a file, or files without a document")
        faults += [f"{digest[:8]} differs" for digest in found if found[digest][0] != self.contents[digest][0]]
        chunks = set(store.catalog.documents.chunk_ids(kb))
        if chunks != set(store.vectors.ids(collection)):
            faults.append("the ids of chunks and vectors differ")
        if store.catalog.documents.pending(kb):
            faults.append("something is still pending")
        vectors = store.vectors.get(collection, sorted(chunks))
        for digest, (_, places) in found.items():
            for place, chunk in places.items():
                there = self.vectors[digest][self.contents[digest][1][place]]
                if chunk not in vectors or float(np.dot(vectors[chunk], there)) < LEAST_COSINE:
                    faults.append(f"{digest[:8]} has another vector at {place}")
        return faults


def killed(data: Path, folder: Path, delay: float) -> tuple[bool, float]:
    """Sync in a process of its own and kill it after ``delay`` seconds; (whether it had ended, seconds it ran)."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(data), str(folder)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    began = time.monotonic()
    try:
        child.wait(delay)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
    child.wait()
    return child.returncode == 0, time.monotonic() - began


def run(source: Path, runs: int, seed: int) -> list[str]:
    """All runs; returns every fault."""
    dice = random.Random(seed)
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        (base / "pool").mkdir()
        (base / "docs").mkdir()
        pool = variants(sorted(path for path in source.iterdir() if path.is_file()), base / "pool")
        undisturbed = Undisturbed(pool, base / "undisturbed")
        longest, ended = 4.0, 0
        for number in range(runs):
            shuffle(base / "docs", pool, dice)
            before = dict(committed(base / "data")) if number else {}
            done, seconds = killed(base / "data", base / "docs", dice.uniform(0, longest))
            ended += done
            longest = 0.8 * longest + 0.2 * seconds * 1.3 if done else longest
            stored = committed(base / "data")
            with RagApp.open(data_dir=base / "data", answers="quotes") as app:
                lost = [path for path, digest in stored if digest not in contents(app)]
                app.ingest(base / "docs")
                wrong = [f"{path} was lost" for path in lost] + undisturbed.faults(app, base / "docs")
            faults += [f"run {number}: {fault}" for fault in wrong]
            line = {"run": number, "killed": not done, "known": len(before), "committed": len(stored), "faults": wrong}
            print(json.dumps(line, ensure_ascii=False), flush=True)
        print(f"{runs} runs, seed {seed}: {runs - ended} killed, {ended} had ended; {len(faults)} faults")
    return faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    sys.exit(1 if run(arguments.folder, arguments.runs, arguments.seed) else 0)


if __name__ == "__main__":
    main()
