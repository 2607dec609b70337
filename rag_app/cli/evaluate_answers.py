"""``rag-app eval answers`` and ``rag-app eval runs``: answers measured end to end, and the runs that are kept."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ingest.types import Progress

from ..app import RagApp
from ..errors import DatasetError
from ..evaluation import AnswerRun, AnswerSet, Change, compare, evaluate_answers, list_runs, load_answers, load_run
from ..evaluation.answer_measures import QUALITY
from ..evaluation.answers import open_judge
from ..evaluation.report import Comparison, Report, figure, write_report
from ..evaluation.throwaway import filled
from ..settings import Settings, language
from .exits import Exit
from .output import Output
from .texts import Texts

_TOLERANCE = 0.02


def add(group: typer.Typer, texts: Texts) -> None:
    """Add the commands."""

    @group.command(help=texts.help("cli.eval_answers", "rag-app eval answers questions.jsonl --report report/"))
    def answers(
        questions: Annotated[
            Path, typer.Argument(metavar="QUESTIONS", help=texts("cli.eval_questions"), show_default=False)
        ],
        kb: Annotated[str | None, texts.kb_option()] = None,
        documents: Annotated[Path | None, typer.Option("--documents", help=texts("cli.eval_documents"))] = None,
        limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help=texts("cli.eval_limit"))] = None,
        save: Annotated[Path | None, typer.Option("--save", help=texts("cli.eval_run_save"))] = None,
        resume: Annotated[Path | None, typer.Option("--resume", help=texts("cli.eval_resume"))] = None,
        against: Annotated[Path | None, typer.Option("--compare", help=texts("cli.eval_run_compare"))] = None,
        tolerance: Annotated[
            float, typer.Option("--tolerance", min=0, max=1, help=texts("cli.eval_run_tolerance"))
        ] = _TOLERANCE,
        report: Annotated[Path | None, typer.Option("--report", help=texts("cli.eval_report"))] = None,
        judge: Annotated[bool, typer.Option("--judge", help=texts("cli.eval_judge"))] = False,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        settings = Settings.load()
        output = Output(language(settings), json=json)
        asked = load_answers(questions).some(limit)
        if asked.waiting:
            output.note(output.texts("eval.waiting", count=asked.waiting, path=questions))
        path = _path(questions, save, resume)
        before = _before(against, asked)
        with _app(settings, asked, documents, output) as (app, source):
            job = _Job(app, asked, path, kb, source, resume is not None, judge)
            run = _run(job, output)
        changes = compare(before, run) if before is not None else []
        worse = [one for one in changes if one.measure in QUALITY and one.difference < -tolerance]
        comparison = Comparison(str(against), tuple(changes)) if before is not None else None
        page = write_report(run, report, output.texts.language, comparison) if report is not None else None
        if json:
            compared = {"compared": changes, "regressions": [one.measure for one in worse]} if before else {}
            output.print_json({**run.as_json(), **compared, "run": path, "report": page})
        else:
            _show(Report(run, output.texts.language, comparison), output)
            output.note(output.texts("eval.saved", path=path))
            if page is not None:
                output.note(output.texts("eval.reported", path=page))
            _show_worse(worse, tolerance, output)
        raise typer.Exit(Exit.FAILED if worse else Exit.DONE)

    @group.command(help=texts.help("cli.eval_runs", "rag-app eval runs"))
    def runs(
        folder: Annotated[Path, typer.Argument(metavar="FOLDER", help=texts("cli.eval_runs_folder"))] = Path(),
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        output = Output(language(Settings.load()), json=json)
        found = list_runs(folder)
        if json:
            output.print_json({"runs": [{"file": path, **run.as_json()} for path, run in found]})
        elif not found:
            output.note(output.texts("eval.no_runs", path=folder))
        else:
            columns = [output.texts(f"eval.{name}") for name in ("file", "started", "dataset", "model", "cases")]
            output.table([*columns, output.texts("measure.contains")], [_row(path, run) for path, run in found])


def _path(questions: Path, save: Path | None, resume: Path | None) -> Path:
    """Where the run is written; what is wrong with it is told before minutes of work."""
    if resume is not None:
        if save is not None:
            raise DatasetError("eval.save_or_resume")
        return resume
    path = save or Path(f"{questions.resolve().stem}-{datetime.now():%Y%m%d-%H%M%S}.run.jsonl")
    if path.exists():
        raise DatasetError("eval.run_exists", path=path)
    return path


def _before(against: Path | None, asked: AnswerSet) -> AnswerRun | None:
    """The run to compare with; likewise."""
    if against is None:
        return None
    before = load_run(against)
    if not set(before.questions) & {question.id for question in asked.questions}:
        raise DatasetError("eval.nothing_shared", one=before.dataset, other=asked.name)
    return before


@dataclass(frozen=True, slots=True)
class _Job:
    """What to ask, of what, and where to keep it."""

    app: RagApp
    asked: AnswerSet
    path: Path
    kb: str | None
    source: str | None
    resume: bool
    judge: bool


@contextmanager
def _app(
    settings: Settings, asked: AnswerSet, documents: Path | None, output: Output
) -> Iterator[tuple[RagApp, str | None]]:
    """The app to ask, and the name of the documents where it was filled with some for this."""
    given = documents or asked.documents
    if given is None:
        with RagApp.open(settings, notify=output.note) as app:
            yield app, None
        return
    with ExitStack() as stack:
        with output.counting("eval.reading") as counted:

            def read(step: Progress) -> None:
                counted(step.files_done, step.files_total)

            app, _ = stack.enter_context(filled(settings, given, progress=read, notify=output.note))
        yield app, asked.name if documents is None else str(documents)


def _run(job: _Job, output: Output) -> AnswerRun:
    """Ask; stopped with Ctrl-C, say how to go on."""
    try:
        with output.counting("eval.answering") as counted:
            return evaluate_answers(
                job.app,
                job.asked,
                job.path,
                kb=job.kb,
                source=job.source,
                resume=job.resume,
                judge=open_judge(job.app) if job.judge else None,
                progress=counted,
            )
    except KeyboardInterrupt:
        if job.path.exists():
            done, total = len(load_run(job.path).cases), len(job.asked.questions)
            output.note(output.texts("eval.stopped", done=done, total=total, path=job.path))
        raise


def _show(report: Report, output: Output) -> None:
    run = report.run
    about = {"dataset": run.dataset, "source": run.about.source, "model": run.about.model}
    counts = {"asked": len(run.cases), "total": run.about.total, "errors": run.errors}
    output.line(output.texts("eval.run_about", **about, **counts))
    output.table([output.texts(f"eval.{name}") for name in ("measure", "mean", "interval", "cases")], report.summary)
    output.note(output.texts("eval.costs_note"))
    if report.changes:
        output.line()
        columns = [output.texts(f"eval.{name}") for name in ("measure", "before", "after", "difference")]
        output.table(columns, report.changes)


def _show_worse(worse: list[Change], tolerance: float, output: Output) -> None:
    for one in worse:
        name = output.texts(f"measure.{one.measure}")
        said = output.texts("eval.worse", measure=name, by=f"{-one.difference:.4f}", tolerance=tolerance)
        output.note(said, style="red")


def _row(path: Path, run: AnswerRun) -> tuple[str, ...]:
    about = run.about
    right = figure("contains", run.mean("contains")) if "contains" in run.measures else "–"
    return (path.name, about.started, run.dataset, about.model, f"{len(run.cases)}/{about.total}", right)
