"""``rag-app eval``: how good retrieval is, on questions whose passages or pages are known; the other evaluations."""

from pathlib import Path
from typing import Annotated

import typer

from ingest.types import Progress

from ..evaluation import MEASURES, Change, RetrievalReport, compare, load_dataset, load_report, save_report
from ..evaluation.retrieval import evaluate_retrieval
from ..settings import Settings, language
from . import evaluate_answers, evaluate_drafts
from .exits import Exit
from .output import Output
from .texts import Texts

_TOLERANCE = 0.005


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the commands."""
    group = typer.Typer(help=texts("cli.eval"), no_args_is_help=True, rich_markup_mode="markdown")
    app.add_typer(group, name="eval")

    @group.command(help=texts.help("cli.eval_retrieval", "rag-app eval retrieval questions/ --save before.json"))
    def retrieval(
        folder: Annotated[Path, typer.Argument(metavar="FOLDER", help=texts("cli.eval_folder"), show_default=False)],
        queries: Annotated[Path | None, typer.Option("--queries", help=texts("cli.eval_queries"))] = None,
        save: Annotated[Path | None, typer.Option("--save", help=texts("cli.eval_save"))] = None,
        against: Annotated[Path | None, typer.Option("--compare", help=texts("cli.eval_compare"))] = None,
        tolerance: Annotated[
            float, typer.Option("--tolerance", min=0, max=1, help=texts("cli.eval_tolerance"))
        ] = _TOLERANCE,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        settings = Settings.load()
        output = Output(language(settings), json=json)
        before = load_report(against) if against is not None else None  # known to be there before minutes of work
        report = _run(folder, queries, settings, output)
        if save is not None:
            save_report(report, save)
        changes = compare(before, report) if before is not None else []
        worse = [one for one in changes if one.stage == "fused" and one.difference < -tolerance]
        if json:
            compared = {"compared": changes, "regressions": [one.measure for one in worse]} if before else {}
            output.print_json({**report.as_json(), **compared})
        else:
            _show(report, output)
            if changes:
                _show_changes(changes, output)
            for one in worse:
                output.note(
                    output.texts("eval.worse", measure=one.measure, by=f"{-one.difference:.4f}", tolerance=tolerance),
                    style="red",
                )
        raise typer.Exit(Exit.FAILED if worse else Exit.DONE)

    evaluate_answers.add(group, texts)
    evaluate_drafts.add(group, texts)


def _run(folder: Path, queries: Path | None, settings: Settings, output: Output) -> RetrievalReport:
    dataset = load_dataset(folder, queries)
    with output.counting("eval.asked") as counted:

        def read(step: Progress) -> None:
            counted(step.files_done, step.files_total + len(dataset.questions))

        def asked(done: int, total: int) -> None:
            counted(dataset.documents + done, dataset.documents + total)

        return evaluate_retrieval(dataset, settings, progress=read, asked=asked, notify=output.note)


def _show(report: RetrievalReport, output: Output) -> None:
    output.line(output.texts("eval.about", dataset=report.dataset, questions=len(report.questions), units=report.units))
    rows = []
    for stage in report.values:
        cells = []
        for name in MEASURES:
            low, high = report.interval(stage, name)
            cells.append(f"{report.mean(stage, name):.4f}\n{low:.3f}–{high:.3f}")
        rows.append((stage, *cells))
    output.table((output.texts("eval.stage"), *MEASURES), rows)
    output.note(output.texts("eval.intervals"))


def _show_changes(changes: list[Change], output: Output) -> None:
    output.line()
    columns = [output.texts(f"eval.{name}") for name in ("stage", "measure", "before", "after", "difference")]
    output.table(
        columns,
        [
            (
                one.stage,
                one.measure,
                f"{one.before:.4f}",
                f"{one.after:.4f}",
                f"{one.difference:+.4f} ({one.low:+.4f} … {one.high:+.4f})",
            )
            for one in changes
        ],
    )
