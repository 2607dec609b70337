"""Errors a person can act on.

::

    UserError                     carries a Message in both languages; str() is English
    ├── IngestError
    │   ├── PathNotFound          no such file or folder
    │   ├── NothingToRead         a folder without a file we could try
    │   ├── BadIgnoreFile         a .ragignore that can't be read
    │   ├── NoWorkers             no process to read files in can be started
    │   ├── NotDescribed          one picture can't be described; the others may be
    │   └── FileRefused           one file can't be read; the others go on
    │       ├── UnsupportedFormat
    │       ├── DamagedFile
    │       ├── EncryptedFile
    │       ├── NoText
    │       ├── OverLimit         reading it takes more time, memory, pages or room than the limits grant
    │       ├── ReaderFailed      the code that reads it crashed, or failed in a way nobody foresaw
    │       └── Unreadable        the operating system says no
    └── rag_app.errors.RagError   the rest of the tree
"""

from __future__ import annotations

from .messages import Language, message


class UserError(Exception):
    """An error whose text names the file or setting and the way out.

    Args:
        key: a key of the message catalogue.
        values: what the message names.
    """

    def __init__(self, key: str, /, **values: object) -> None:
        self.message = message(key, **values)
        super().__init__(key)

    def text(self, language: Language = "en") -> str:
        """The error for a person who reads ``language``."""
        return self.message.text(language)

    def __str__(self) -> str:
        return self.text("en")


class IngestError(UserError):
    """Reading files failed."""


class PathNotFound(IngestError):
    """No such file or folder."""


class NothingToRead(IngestError):
    """A folder without a file we could try."""


class BadIgnoreFile(IngestError):
    """A ``.ragignore`` can't be read, so what it leaves out is not known."""


class NoWorkers(IngestError):
    """No process to read files in can be started."""


class NotDescribed(IngestError):
    """One picture can't be described; the others may be."""


class FileRefused(IngestError):
    """One file can't be read."""


class UnsupportedFormat(FileRefused):
    """No loader for this kind of file."""


class DamagedFile(FileRefused):
    """The file is not what its name says, or is broken."""


class EncryptedFile(FileRefused):
    """The file needs a password."""


class NoText(FileRefused):
    """The file holds no text we can read."""


class OverLimit(FileRefused):
    """Reading the file takes more than :class:`ingest.types.Limits` grant."""


class ReaderFailed(FileRefused):
    """The code that reads the file crashed, or failed in a way nobody foresaw."""


class Unreadable(FileRefused):
    """The operating system would not let us read the file."""
