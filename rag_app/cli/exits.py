"""The exit codes, in one place: ``rag-app --help`` and docs/reference/cli.md print this table."""

from enum import IntEnum

from .texts import Texts


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INTERRUPTED = 130


def table(texts: Texts) -> dict[int, str]:
    """Exit code → what it means."""
    return {int(code): texts(f"exit.{code.name.lower()}") for code in Exit}
