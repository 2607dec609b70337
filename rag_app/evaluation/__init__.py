"""How good retrieval is, measured on questions whose passages or pages are known.

::

    from rag_app.evaluation import evaluate_retrieval, load_dataset

    report = evaluate_retrieval(load_dataset("my-questions/"))
    print(report.mean("fused", "ndcg@10"))
"""

from .compare import Change, compare, load_report, save_report
from .datasets import Dataset, Question, load_dataset
from .retrieval import MEASURES, RetrievalReport, evaluate_retrieval

__all__ = [
    "MEASURES",
    "Change",
    "Dataset",
    "Question",
    "RetrievalReport",
    "compare",
    "evaluate_retrieval",
    "load_dataset",
    "load_report",
    "save_report",
]
