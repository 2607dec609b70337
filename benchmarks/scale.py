"""Many files: a sync of unchanged ones against their first ingestion, and memory at ten times as many.

    python -m benchmarks.scale --files 10000

Makes text files of a few lines each, every one different. Each step runs in a process of its own; the sync counts,
with an audit hook, how many of the files it opens (bar: none) and takes a share of the first ingestion's time (bar:
1/50); memory is the largest sum over the process and its children (bar: 1.3 times at ten times the files).
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.ingest import watched

CHILD = """
import json, sys, time
folder, data = sys.argv[1:3]
opened = []
sys.addaudithook(lambda event, args: event == "open" and str(args[0]).startswith(folder) and opened.append(args[0]))
from rag_app import RagApp
app = RagApp.open(data_dir=data, answers="quotes")
app.prepare()
opened.clear()
began = time.perf_counter()
report = app.sync(folder)
seconds = time.perf_counter() - began
statuses = [file.status for file in report.files]
print(json.dumps({"seconds": seconds, "opened": [p for p in opened if str(p).endswith(".txt")][:3],
                  "statuses": {s: statuses.count(s) for s in set(statuses)}}))
"""
WORDS = (
    "memory model answer page folder question laptop kernel vector sentence walrus river contract invoice budget "
    "protein galaxy kettle harbour winter 合同 发票 预算 模型 内存 文件夹 问题 页码 港口 冬天"
).split()


def make(folder: Path, count: int) -> None:
    """Files of some lines of words, by a fixed seed."""
    dice = random.Random(5)
    for number in range(count):
        path = folder / f"{number // 500:03}" / f"{number:06}.txt"
        path.parent.mkdir(exist_ok=True)
        lines = [" ".join(dice.choices(WORDS, k=9)) + "." for _ in range(4)]
        path.write_text(f"Note {number}.\n" + "\n".join(lines), encoding="utf-8")


def synced(folder: Path, data: Path) -> dict[str, Any]:
    """A sync in a fresh process: its own words, and ``rss_mb``."""
    said, peak = watched([sys.executable, "-c", CHILD, str(folder), str(data)])
    return said | {"rss_mb": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    count = parser.parse_args().files
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        found = {}
        for label, files, data in (
            ("a tenth", count // 10, "small"),
            ("all", count, "large"),
            ("again", count, "large"),
        ):
            folder = base / f"docs-{files}"
            if not folder.exists():
                folder.mkdir()
                make(folder, files)
            found[label] = one = synced(folder, base / data)
            print(
                f"{label:8} {files:6} files {one['seconds']:8.1f} s {files / one['seconds']:8.1f} files/s "
                f"{one['rss_mb']:6.0f} MB  {one['statuses']} opened: {one['opened'] if label == 'again' else '…'}",
                flush=True,
            )
    print(f"unchanged against first: 1/{found['all']['seconds'] / found['again']['seconds']:.0f}")
    print(f"memory at ten times the files: {found['all']['rss_mb'] / found['a tenth']['rss_mb']:.2f} ×")


if __name__ == "__main__":
    main()
