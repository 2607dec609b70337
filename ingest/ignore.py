"""What a ``.ragignore`` leaves out, in gitignore's syntax; the only pathspec import.

As with git, a file's rules hold for its folder and all below; the deepest folder that says something of a path
decides, and what lies in an ignored folder can't be taken in again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .errors import BadIgnoreFile

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

FILE_NAME = ".ragignore"


class Ignore:
    """The rules in force in one folder.

    Args:
        folder: a folder that is walked. parent: the rules of the folder it lies in.

    Raises:
        BadIgnoreFile: its ``.ragignore`` can't be read, or a rule is none. Reading on could take in what is private.
    """

    def __init__(self, folder: Path, parent: Ignore | None = None) -> None:
        self._folder = folder
        own = _rules(folder / FILE_NAME)
        above = parent._rules if parent else ()
        self._rules: tuple[tuple[Path, GitIgnoreSpec], ...] = ((folder, own), *above) if own else above

    def ignores(self, name: str, *, is_folder: bool) -> bool:
        """Whether a file or folder of this folder is left out."""
        for folder, rules in self._rules:  # the deepest first
            path = (self._folder / name).relative_to(folder).as_posix()
            verdict = rules.check_file(f"{path}/" if is_folder else path).include
            if verdict is not None:
                return verdict
        return False


def _rules(file: Path) -> GitIgnoreSpec | None:
    try:
        lines = file.read_text(encoding="utf-8-sig", errors="surrogateescape").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BadIgnoreFile("ingest.bad_ignore_file", path=file, cause=error.strerror or error) from error
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise BadIgnoreFile("ingest.bad_ignore_file", path=file, cause=error) from error
