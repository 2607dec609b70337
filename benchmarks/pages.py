"""Questions with a known page, through the real pipeline: is the page found, and the answer among the quotes?

    python -m benchmarks.pages ../shared/eval/zh_pdf --questions 300

The folder holds pdfs/ and evidence.jsonl. Prints hit@1/5/10 of the evidence page over retrieved passages, the share
of questions refused, and of those whose gold answer stands in the quotes shown, with the mean length of an answer.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from rag_app import RagApp

_DEPTHS = (1, 5, 10)


def main() -> None:
    """Run over the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--pdfs", default="pdfs", help="subfolder of the documents")
    arguments = parser.parse_args()
    cases = [json.loads(line) for line in (arguments.folder / "evidence.jsonl").read_text("utf-8").splitlines()]
    chosen = np.random.default_rng(7).permutation(len(cases))[: arguments.questions]
    with tempfile.TemporaryDirectory() as data, RagApp.open(data_dir=data, answers="quotes") as app:
        app.ingest(arguments.folder / arguments.pdfs)
        hits: dict[int, int] = dict.fromkeys(_DEPTHS, 0)
        refused = answered = length = 0
        for case in (cases[i] for i in chosen):
            found = [(p.document, p.page) for p in app.retrieve(case["question"], limit=30).passages]
            pages = list(dict.fromkeys(found))
            for depth in _DEPTHS:
                hits[depth] += any((case["doc"], page) in pages[:depth] for page in case["pages"])
            answer = app.ask(case["question"])
            refused += answer.refused
            length += len(answer.text)
            answered += any(_bare(gold) in _bare(answer.text) for gold in case.get("answers") or [case["answer"]])
    asked = len(chosen)
    shares = "  ".join(f"hit@{depth} {hits[depth] / asked:.3f}" for depth in _DEPTHS)
    print(
        f"{asked} questions  {shares}  refused {refused / asked:.3f}  answer in the quotes {answered / asked:.3f}  "
        f"mean length {length / asked:.0f} characters"
    )


def _bare(text: str) -> str:
    return "".join(text.split()).casefold()


if __name__ == "__main__":
    main()
