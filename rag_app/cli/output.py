"""What commands print: rich text for people, one JSON object for programs; the only rich import."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from getpass import getpass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from ingest.errors import UserError
from ingest.messages import Language, Message
from ingest.values import jsonable, to_json

from .figures import clock
from .texts import Texts

if TYPE_CHECKING:
    from ingest.types import FileReport
    from ingest.types import Progress as Step

    from .shapes import FailureJson

_MOST_WARNINGS = 5  # of one file, in a terminal
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # an escape sequence in a name must not reach the terminal


class Output:
    """Results go to standard output, everything else to standard error.

    Args:
        json: print objects instead of text; nothing but one object then goes to standard output.
    """

    def __init__(self, language: Language, *, json: bool = False) -> None:
        self.json = json
        self.texts = Texts(language)
        self._language = language
        self._out = Console(highlight=False)
        self._err = Console(stderr=True, highlight=False)

    def print_json(self, value: Any) -> None:
        """Print a value as one JSON object."""
        print(to_json(value, self._language, indent=1))

    def one_line(self, value: Any) -> str:
        """A value as one line of JSON."""
        return to_json(value, self._language)

    def report(self, value: Any, key: str, /, **values: object) -> None:
        """What a command did: the object for programs, a sentence of the catalogue for people."""
        if self.json:
            self.print_json(value)
        else:
            self.line(self.texts(key, **values))

    def plain(self, value: Any) -> Any:
        """A value as JSON has it, messages in the language of the output."""
        return jsonable(value, self._language)

    def line(self, text: str = "", style: str = "") -> None:
        """A line of the result; ``text`` is printed as it is."""
        self._out.print(_safe(text), style=style or None, soft_wrap=True)

    def piece(self, text: str, style: str = "") -> None:
        """A piece of an answer, without a newline, at once."""
        self._out.print(_safe(text), end="", style=style or None, soft_wrap=True)

    def thought(self, text: str) -> None:
        """A piece of what a model thinks, beside the result and only where somebody looks."""
        if not self.json and self._err.is_terminal:
            self._err.print(_safe(text), end="", style="dim italic", soft_wrap=True)

    @contextmanager
    def waiting(self) -> Iterator[Callable[[Message | None], None]]:
        """What is waited for, on a terminal: call it with that, or with None when the waiting is over."""
        status = self._err.status("", spinner="dots")
        shown = False

        def show(message: Message | None) -> None:
            nonlocal shown
            if message is not None and self._err.is_terminal and not self.json:
                status.update(_safe(message.text(self._language)))
                status.start()
                shown = True
            elif shown:
                status.stop()
                shown = False

        try:
            yield show
        finally:
            show(None)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table of the result."""
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*map(_safe, row))
        self._out.print(table)

    def note(self, message: Message | str, style: str = "dim") -> None:
        """Something worth knowing that is not the result."""
        text = message.text(self._language) if isinstance(message, Message) else message
        self._err.print(_safe(text), style=style, soft_wrap=True)

    def ask_password(self, key: str, /, **values: object) -> str:
        """Ask for a password without showing it; "" where nobody can be asked."""
        if self.json or not (sys.stdin.isatty() and self._err.is_terminal):
            return ""
        self._err.print(_safe(self.texts(key, **values)), end=": ", soft_wrap=True)
        try:
            return getpass("")
        except EOFError:
            return ""

    def error(self, error: UserError) -> None:
        """A failure: for programs an object with ``error`` and ``kind``, for people a line on standard error."""
        if self.json:
            self.print_json(self.failure(error))
        else:
            self._err.print(
                f"[red]{_safe(self.texts('cli.error'))}[/red] {_safe(error.text(self._language))}", soft_wrap=True
            )

    def failure(self, error: UserError) -> FailureJson:
        """A failure as JSON has it."""
        return {"error": error.text(self._language), "kind": type(error).__name__}

    @contextmanager
    def counting(self, key: str, *, hidden: bool = False) -> Iterator[Callable[[int, int | None], None]]:
        """A progress bar for something that is counted: call it with (done, in all)."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total}"),
        )
        hidden = hidden or self.json or not self._err.is_terminal
        with Progress(*columns, TimeRemainingColumn(), console=self._err, transient=True, disable=hidden) as bar:
            task = bar.add_task(_safe(self.texts(key)), total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    @contextmanager
    def following(self) -> Iterator[Callable[[str, float | None, str], None]]:
        """A progress bar, on a terminal: call it with what is done, its share if that is known, and figures."""
        with _bar(self._err, hidden=self.json) as bar:
            task = bar.add_task("", total=None, counts="")

            def show(what: str, share: float | None, figures: str) -> None:
                total = None if share is None else 1.0
                bar.update(task, description=_safe(what), total=total, completed=share or 0.0, counts=_safe(figures))

            yield show

    @contextmanager
    def progress(self) -> Iterator[IngestProgress]:
        """A progress bar on standard error, where that is a terminal."""
        with IngestProgress(self._err, self.texts, quiet=self.json) as bar:
            yield bar


class IngestProgress:
    """Shows how far an ingestion is: files, pages, chunks, rate and time left; a line for each file with trouble."""

    def __init__(self, console: Console, texts: Texts, *, quiet: bool) -> None:
        self._console = console
        self._texts = texts
        self._quiet = quiet
        self._bar = _bar(console, hidden=quiet)
        self._task = self._bar.add_task("", total=1.0, counts="")

    def __enter__(self) -> IngestProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, step: Step) -> None:
        """One step of the ingestion."""
        left = step.seconds_left
        counts = self._texts(
            "cli.progress",
            done=step.files_done,
            total=step.files_total,
            pages=step.pages,
            chunks=step.chunks,
            rate=f"{step.chunks_per_second:.1f}",
            left=clock(left) if left is not None else "–",
        )
        name = step.path.name if len(step.path.name) <= 32 else f"{step.path.name[:31]}…"
        if step.recognizing is not None:
            done, pages = step.recognizing
            name = f"{name} · {self._texts('cli.recognizing', page=done + 1, pages=pages)}"
        if step.describing is not None:
            done, pictures = step.describing
            name = f"{name} · {self._texts('cli.describing', picture=done + 1, pictures=pictures)}"
        self._bar.update(self._task, completed=step.fraction, description=_safe(name), counts=counts)
        if step.report is not None and not self._quiet:
            self._report(step.report)

    def _report(self, report: FileReport) -> None:
        """A line for a file with trouble, one for each further warning."""
        path = _safe(str(report.path))
        status = self._texts(f"status.{report.status}")
        if report.reason is None:
            return  # in a terminal the bar tells it; elsewhere only trouble is worth a line
        style = "red" if report.status == "refused" else "yellow"
        lines = [message.text(self._texts.language) for message in (report.reason, *report.warnings[1:_MOST_WARNINGS])]
        if len(report.warnings) > _MOST_WARNINGS:
            lines.append(self._texts("cli.more_warnings", count=len(report.warnings) - _MOST_WARNINGS))
        self._console.print(f"[{style}]{status}[/{style}] {path}: {_safe(lines[0])}", soft_wrap=True)
        for line in lines[1:]:
            self._console.print(f"  {_safe(line)}", soft_wrap=True)


def _safe(text: str) -> str:
    """Text of documents and names for a terminal: no markup, no control characters, no half characters."""
    return escape(_printable(_CONTROL.sub("\ufffd", text)))


def _printable(text: str) -> str:
    """A file's name may hold bytes that are no text."""
    return text.encode("utf-8", "replace").decode()


def _bar(console: Console, *, hidden: bool) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("[dim]{task.fields[counts]}[/dim]"),
        console=console,
        transient=True,
        disable=hidden or not console.is_terminal,
    )
