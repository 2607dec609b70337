"""``rag-app ingest``, also ``python -m ingest``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ingest.errors import UserError
from ingest.types import FileReport, Progress

from ..app import RagApp
from .output import Output
from .session import session
from .texts import Texts


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the command."""

    @app.command(help=texts.help("cli.ingest", "rag-app ingest ~/papers report.pdf --kb work"))
    def ingest(
        paths: Annotated[
            list[Path], typer.Argument(metavar="PATH…", help=texts("cli.ingest_paths"), show_default=False)
        ],
        kb: Annotated[str | None, texts.kb_option()] = None,
        password: Annotated[
            list[str] | None, typer.Option("--password", help=texts("cli.ingest_password"), show_default=False)
        ] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            raise typer.Exit(run(rag, output, paths, kb, password or []))


def run(rag: RagApp, output: Output, paths: list[Path], kb: str | None, passwords: Sequence[str] = ()) -> int:
    """Ingest and report; returns the exit code. Ctrl-C reports what was finished."""
    reports: dict[Path, FileReport] = {}
    interrupted = False
    failure: UserError | None = None
    try:
        _ingest(rag, output, paths, kb, passwords, reports)
        for path in [path for path, report in reports.items() if report.needs_password]:
            while reports[path].needs_password and (password := output.ask_password("cli.password", name=path.name)):
                _ingest(rag, output, [path], kb, [password], reports)
    except KeyboardInterrupt:
        interrupted = True
    except UserError as error:
        failure = error
    if failure is not None and not reports:
        raise failure
    _summary(output, list(reports.values()), interrupted, failure)
    if failure is not None:
        return 1
    if interrupted:
        return 130
    return 0 if all(report.status in ("read", "unchanged") for report in reports.values()) else 1


def _ingest(
    rag: RagApp,
    output: Output,
    paths: list[Path],
    kb: str | None,
    passwords: Sequence[str],
    reports: dict[Path, FileReport],
) -> None:
    """Ingest, noting each finished file's report."""
    with output.progress() as bar:

        def show(step: Progress) -> None:
            bar.show(step)
            if step.report is not None:
                reports[step.report.path] = step.report

        rag.ingest(*paths, kb=kb, passwords=passwords, progress=show)


def _summary(output: Output, reports: list[FileReport], interrupted: bool, failure: UserError | None) -> None:
    if output.json:
        files = [
            {
                "path": report.path,
                "status": report.status,
                "reason": report.reason or "",
                "pages": report.pages,
                "recognized": report.recognized,
                "empty": report.empty,
                "chunks": report.chunks,
                "seconds": round(report.seconds, 3),
                "warnings": report.warnings,
            }
            for report in reports
        ]
        failed = {} if failure is None else output.failure(failure)
        output.print_json({"files": files, "interrupted": interrupted, **failed})
        return
    counts = {
        status: sum(report.status == status for report in reports)
        for status in ("read", "partial", "unchanged", "refused")
    }
    named = ", ".join(f"{output.texts(f'status.{status}')}: {count}" for status, count in counts.items() if count)
    fresh = [report for report in reports if report.status in ("read", "partial")]
    output.line(
        output.texts(
            "cli.ingest_done",
            counts=named or "0",
            pages=sum(report.pages for report in fresh),
            chunks=sum(report.chunks for report in fresh),
            seconds=f"{sum(report.seconds for report in reports):.1f}",
        )
    )
    recognized = sum(len(report.recognized) for report in fresh)
    if recognized:
        output.line(output.texts("cli.recognized", count=recognized))
    if failure is not None:
        output.error(failure)
    if interrupted or failure is not None:
        output.note(output.texts("cli.interrupted"), style="yellow")
