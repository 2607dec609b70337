"""What an ingestion did, or would do, for people and for programs."""

from collections.abc import Sequence

from ingest.errors import UserError
from ingest.types import FileReport

from .exits import Exit
from .output import Output
from .shapes import FileJson, IngestJson

_ORDER = ("read", "partial", "moved", "duplicate", "unchanged", "removed", "refused")
_MOST_PLANNED = 200


def summary(output: Output, reports: Sequence[FileReport], interrupted: bool, failure: UserError | None) -> None:
    """The sum of it."""
    if output.json:
        shown: IngestJson = {"files": files(reports), "interrupted": interrupted}
        if failure is not None:
            failed = output.failure(failure)
            shown["error"], shown["kind"] = failed["error"], failed["kind"]
        output.print_json(shown)
        return
    fresh = [report for report in reports if report.status in ("read", "partial")]
    output.line(
        output.texts(
            "cli.ingest_done",
            counts=_counts(output, reports),
            pages=sum(report.pages for report in fresh),
            chunks=sum(report.chunks for report in fresh),
            seconds=f"{max((report.seconds for report in reports), default=0.0):.1f}",
        )
    )
    recognized = sum(len(report.recognized) for report in fresh)
    if recognized:
        output.line(output.texts("cli.recognized", count=recognized))
    described = sum(report.described for report in fresh)
    if described:
        output.line(output.texts("cli.described", count=described))
    kept = sum(report.kept for report in reports)
    if kept:
        output.line(output.texts("cli.kept", count=kept))
    if failure is not None:
        output.error(failure)
    if interrupted or failure is not None:
        output.note(output.texts("cli.interrupted"), style="yellow")


def planned(output: Output, reports: Sequence[FileReport]) -> None:
    """What would happen to each file that is not unchanged."""
    if output.json:
        output.print_json({"files": files(reports), "dry_run": True})
        return
    shown = [report for report in reports if report.status != "unchanged"]
    for report in shown[:_MOST_PLANNED]:
        status = output.texts("cli.would_read") if report.status == "read" else output.texts(f"status.{report.status}")
        was = f"  ← {report.other}" if report.other is not None else ""
        why = f": {report.reason.text(output.texts.language)}" if report.reason is not None else ""
        output.line(f"{status}  {report.path}{was}{why}")
    if len(shown) > _MOST_PLANNED:
        output.line(output.texts("ui.more_documents", count=len(shown) - _MOST_PLANNED))
    output.line(output.texts("cli.planned", counts=_counts(output, reports)))


def files(reports: Sequence[FileReport]) -> list[FileJson]:
    """The reports as JSON has them."""
    return [
        {
            "path": report.path,
            "status": report.status,
            "reason": report.reason or "",
            "pages": report.pages,
            "recognized": report.recognized,
            "described": report.described,
            "empty": report.empty,
            "chunks": report.chunks,
            "seconds": round(report.seconds, 3),
            "warnings": report.warnings,
            "other": report.other or "",
            "kept": report.kept,
        }
        for report in reports
    ]


def exit_code(reports: Sequence[FileReport]) -> int:
    """0 when every file was read whole."""
    return Exit.FAILED if any(report.status in ("partial", "refused") for report in reports) else Exit.DONE


def _counts(output: Output, reports: Sequence[FileReport]) -> str:
    counts = {status: sum(report.status == status for report in reports) for status in _ORDER}
    return ", ".join(f"{output.texts(f'status.{status}')}: {count}" for status, count in counts.items() if count) or "0"
