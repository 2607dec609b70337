"""What retrieval has to hold, on all sets: dense and lexical alone beside the fused result, through the real pipeline.

    python -m benchmarks.retrieval ../shared/eval
    python -m benchmarks.retrieval ../shared/eval --only xquad/en cmrc2018

Prints nDCG@10, hit@1 and hit@10 with 95 % bootstrap intervals, the bar of each set, and by how much the fused result
is better or worse than the better of its parts. Sets asked in another language ingest their passages again.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from rag_app.evaluation import RetrievalReport, evaluate_retrieval, load_dataset

_NO_WORSE = 0.005


@dataclass(frozen=True, slots=True)
class Bar:
    """What a set has to reach: measure → least mean. ``queries`` is where its questions are, if elsewhere."""

    corpus: str
    least: dict[str, float]
    queries: str | None = None

    @property
    def name(self) -> str:
        """As ``--only`` names it."""
        return f"{self.queries}+{self.corpus}" if self.queries else self.corpus


BARS = (
    Bar("xquad/en", {"ndcg@10": 0.98}),
    Bar("xquad/zh", {"ndcg@10": 0.975}),
    Bar("xquad/en", {"ndcg@10": 0.84}, "xquad/zh"),
    Bar("xquad/zh", {"ndcg@10": 0.84}, "xquad/en"),
    Bar("cmrc2018", {"ndcg@10": 0.99}),
    Bar("scifact", {"ndcg@10": 0.72}),
    Bar("zh_pdf", {"hit@1": 0.97, "hit@10": 0.998}),
    Bar("erc2", {"hit@10": 0.75}),
)


def main() -> None:
    """Run over the evaluation data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", help="names of sets")
    arguments = parser.parse_args()
    for bar in BARS:
        if arguments.only is None or bar.name in arguments.only:
            queries = arguments.data / bar.queries if bar.queries else None
            _print(bar, evaluate_retrieval(load_dataset(arguments.data / bar.corpus, queries)))


def _print(bar: Bar, report: RetrievalReport) -> None:
    print(f"{bar.name}: {len(report.questions)} questions, {report.units} passages or pages")
    for stage in report.values:
        cells = []
        for measure in ("ndcg@10", "hit@1", "hit@10"):
            low, high = report.interval(stage, measure)
            cells.append(f"{measure} {report.mean(stage, measure):.4f} ({low:.3f}–{high:.3f})")
        print(f"  {stage:<8}" + "  ".join(cells))
    better = max(report.mean(stage, "ndcg@10") for stage in ("dense", "lexical"))
    gained = report.mean("fused", "ndcg@10") - better
    print(f"  against the better part {gained:+.4f}{'' if gained >= -_NO_WORSE else '  WORSE'}")
    for measure, least in bar.least.items():
        reached = report.mean("fused", measure)
        print(f"  {measure} {reached:.4f}, bar {least}: {'held' if reached >= least else 'MISSED'}", flush=True)


if __name__ == "__main__":
    main()
