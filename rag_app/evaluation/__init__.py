"""How good retrieval and answers are, measured on questions whose passages, pages or answers are known.

::

    from rag_app import RagApp
    from rag_app.evaluation import evaluate_answers, evaluate_retrieval, load_answers, load_dataset, write_report

    report = evaluate_retrieval(load_dataset("my-questions/"))
    print(report.mean("fused", "ndcg@10"))

    with RagApp.open() as app:
        run = evaluate_answers(app, load_answers("questions.jsonl"), "today.run.jsonl")
    print(run.mean("contains"))
    write_report(run, "report/", "en")
"""

from .answer_datasets import AnswerQuestion, AnswerSet, load_answers
from .answers import evaluate_answers
from .cases import AnswerRun, Case
from .compare import Change, compare, load_report, save_report
from .datasets import Dataset, Question, load_dataset
from .drafting import Draft, draft_questions
from .keeping import Keeping
from .report import Comparison, write_report
from .retrieval import MEASURES, RetrievalReport, evaluate_retrieval
from .reviewing import Review
from .runs import list_runs, load_run

__all__ = [
    "MEASURES",
    "AnswerQuestion",
    "AnswerRun",
    "AnswerSet",
    "Case",
    "Change",
    "Comparison",
    "Dataset",
    "Draft",
    "Keeping",
    "Question",
    "RetrievalReport",
    "Review",
    "compare",
    "draft_questions",
    "evaluate_answers",
    "evaluate_retrieval",
    "list_runs",
    "load_answers",
    "load_dataset",
    "load_report",
    "load_run",
    "save_report",
    "write_report",
]
