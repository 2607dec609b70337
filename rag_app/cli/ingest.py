"""``rag-app ingest``, also ``python -m ingest``, and ``rag-app sync``."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ingest.errors import UserError
from ingest.types import FileReport, IngestReport, Progress

from ..app import RagApp
from ..errors import RagError
from .exits import Exit
from .output import Output
from .reporting import exit_code, planned, summary
from .session import session
from .texts import Texts

Ingest = Callable[[Callable[[Progress], None]], IngestReport]


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the commands."""
    dry_run_option = typer.Option("--dry-run", help=texts("cli.dry_run"))

    @app.command(help=texts.help("cli.ingest", "rag-app ingest ~/papers report.pdf --kb work"))
    def ingest(
        paths: Annotated[
            list[Path], typer.Argument(metavar="PATH…", help=texts("cli.ingest_paths"), show_default=False)
        ],
        kb: Annotated[str | None, texts.kb_option()] = None,
        password: Annotated[
            list[str] | None, typer.Option("--password", help=texts("cli.ingest_password"), show_default=False)
        ] = None,
        dry_run: Annotated[bool, dry_run_option] = False,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            if dry_run:
                planned(output, rag.plan(*paths, kb=kb).files)
                return
            raise typer.Exit(run(rag, output, paths, kb, password or []))

    @app.command(help=texts.help("cli.sync", "rag-app sync ~/papers --watch"))
    def sync(
        folders: Annotated[
            list[Path] | None, typer.Argument(metavar="FOLDER…", help=texts("cli.sync_folders"), show_default=False)
        ] = None,
        kb: Annotated[str | None, texts.kb_option()] = None,
        watch: Annotated[bool, typer.Option("--watch", help=texts("cli.sync_watch"))] = False,
        dry_run: Annotated[bool, dry_run_option] = False,
        listed: Annotated[bool, typer.Option("--list", help=texts("cli.sync_list"))] = False,
        forgotten: Annotated[
            Path | None,
            typer.Option("--forget", metavar="FOLDER", help=texts("cli.sync_forget"), show_default=False),
        ] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        named = folders or []
        with session(json=json) as (rag, output):
            if forgotten is not None:
                _forget(rag, forgotten, kb)
            if listed or forgotten is not None:
                _folders(rag.folders(kb), output)
            elif dry_run:
                planned(output, rag.plan(*(named or rag.folders(kb)), kb=kb).files)
            elif watch:
                raise typer.Exit(_watch(rag, output, named, kb))
            else:
                raise typer.Exit(_run(output, lambda show: rag.sync(*named, kb=kb, progress=show)))


def _forget(rag: RagApp, folder: Path, kb: str | None) -> None:
    """Let sync forget a folder.

    Raises:
        RagError: it does not remember it.
    """
    remembered = folder if folder in rag.folders(kb) else folder.expanduser().resolve()
    if remembered not in rag.folders(kb):
        raise RagError("cli.sync_unknown", folder=folder)
    rag.leave_folder(remembered, kb)


def _folders(folders: Sequence[Path], output: Output) -> None:
    if output.json:
        output.print_json({"folders": folders})
        return
    for folder in folders:
        output.line(str(folder))
    if not folders:
        output.note(output.texts("cli.sync_none"))


def run(rag: RagApp, output: Output, paths: list[Path], kb: str | None, passwords: Sequence[str] = ()) -> int:
    """Ingest and report; returns the exit code. Ctrl-C reports what was finished."""

    def ingest(show: Callable[[Progress], None]) -> IngestReport:
        return rag.ingest(*paths, kb=kb, passwords=passwords, progress=show)

    def unlock(path: Path, password: str) -> Ingest:
        return lambda show: rag.ingest(path, kb=kb, passwords=[password], progress=show)

    return _run(output, ingest, unlock)


def _run(output: Output, ingest: Ingest, unlock: Callable[[Path, str], Ingest] | None = None) -> int:
    reports: dict[Path, FileReport] = {}
    interrupted = False
    failure: UserError | None = None
    try:
        _shown(output, ingest, reports)
        for path in [path for path, report in reports.items() if report.needs_password and unlock]:
            while reports[path].needs_password and (password := output.ask_password("cli.password", name=path.name)):
                assert unlock is not None  # noqa: S101  as above
                _shown(output, unlock(path, password), reports)
    except KeyboardInterrupt:
        interrupted = True
    except UserError as error:
        failure = error
    if failure is not None and not reports:
        raise failure
    by_path = [reports[path] for path in sorted(reports)]
    summary(output, by_path, interrupted, failure)
    if failure is not None:
        return Exit.FAILED
    return Exit.INTERRUPTED if interrupted else exit_code(by_path)


def _shown(output: Output, ingest: Ingest, reports: dict[Path, FileReport]) -> None:
    """Ingest behind a progress bar, noting each finished file's report."""
    with output.progress() as bar:

        def show(step: Progress) -> None:
            bar.show(step)
            if step.report is not None:
                reports[step.report.path] = step.report

        ingest(show)


def _watch(rag: RagApp, output: Output, folders: Sequence[Path], kb: str | None) -> int:
    """Keep folders in step until Ctrl-C; a line for each time something changed."""
    stop = threading.Event()
    output.note(output.texts("cli.sync_watching"))
    try:
        with output.progress() as bar:
            for report in rag.watch(*folders, kb=kb, stop=stop, progress=bar.show):
                if any(file.status not in ("unchanged", "refused") for file in report.files):
                    summary(output, report.files, interrupted=False, failure=None)
    except KeyboardInterrupt:
        return 0
    finally:
        stop.set()
    return 0
