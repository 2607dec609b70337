"""What is to be done with a file, as far as its size, its time and its content tell."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from .discover import Found, can_be_trusted, digest_of
from .errors import OverLimit
from .given import Cutter, Reader
from .loaders import check_supported, may_hold_pictures
from .types import FileReport, KnownFile, Limits, SourceFile

READER = "1"
"""Raised when files should be read anew because reading or cutting got better."""

_DESCRIBED = "/described by "

Content = tuple[str, str]
"""Digest and suffix: the suffix chooses how the same bytes are read."""


@dataclass(frozen=True, slots=True)
class Readers:
    """What names how a file is read; it is read anew when neither is what it was read by.

    What describes pictures is part of it for files that may hold some. While nothing does, descriptions that are
    there stay, so files that were read with any are current.

    Attributes:
        well: where all of it was read. troubled: where limits may be why it was not.
        describer: what describes pictures, empty where nothing does. pictures: how many of a file.
        own: suffix → the identity of a reader that was brought along for such files.
    """

    well: str
    troubled: str
    describer: str = ""
    pictures: int = 0
    own: Mapping[str, str] = field(default_factory=dict)

    def name(self, path: Path, *, troubled: bool) -> str:
        """What is noted of a file that is read now."""
        own = self._own(path)
        reader = f"{self.troubled if troubled else self.well}{own}"
        if own or not self.describer or not may_hold_pictures(path):
            return reader
        return f"{reader}{_DESCRIBED}{self.describer}" + (f", {self.pictures}" if troubled else "")

    def both(self, path: Path) -> tuple[str, str]:
        """Either."""
        return self.name(path, troubled=False), self.name(path, troubled=True)

    def are(self, path: Path, reader: str) -> bool:
        """Whether a file would be read now as it was by ``reader``."""
        own = self._own(path)
        if own or (self.describer and may_hold_pictures(path)):
            return reader in self.both(path)
        return reader.partition(_DESCRIBED)[0] in (self.well, self.troubled)

    def _own(self, path: Path) -> str:
        identity = self.own.get(path.suffix.lower(), "")
        return f"/read by {identity}" if identity else ""

    @classmethod
    def of(
        cls,
        chunk_tokens: int,
        limits: Limits,
        describer: str = "",
        own: Mapping[str, Reader] | None = None,
        cutter: Cutter | None = None,
    ) -> Readers:
        """Those of a run."""
        well = f"{READER}/{chunk_tokens}" + (f"/cut by {cutter.identity}" if cutter is not None else "")
        brought = {suffix: reader.identity for suffix, reader in (own or {}).items()}
        return cls(well, f"{well}/{limits}", describer, limits.pictures, brought)


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that was looked at.

    Attributes:
        source: its time is -1 where a later change may not change it.
        content: digest (SHA-256, hexadecimal) and suffix; the digest is empty where it was not needed.
        unchanged: what is known of it, where that still holds. touched: only its time is another.
    """

    source: SourceFile
    content: Content
    unchanged: KnownFile | None = None
    touched: bool = False


class Changes:
    """Files against what is known of them.

    Args:
        unlocking: passwords are at hand, so that files that need one are not known any more.
        loaders: suffixes that are read besides those of :data:`ingest.loaders.LOADERS`.
    """

    def __init__(
        self,
        found: Found,
        known: Mapping[Path, KnownFile],
        readers: Readers,
        limits: Limits,
        *,
        unlocking: bool = False,
        loaders: Collection[str] = (),
    ) -> None:
        self._known = known
        self._readers = readers
        self._limits = limits
        self._unlocking = unlocking
        self._loaders = loaders
        self.gone = found.gone(known)
        self.leaving = dict.fromkeys(path for path in self.gone if known[path].is_stored)
        self._by_content: dict[Content, Path] = {
            (one.digest, path.suffix.lower()): path
            for path, one in known.items()
            if one.report.status != "refused" and readers.are(path, one.reader)
        }

    def look(self, source: SourceFile) -> Seen:
        """Look at a file: its size and time, and where they are not as they were, its content.

        Raises:
            FileRefused: it can't be opened, is too large, or nothing reads it.
        """
        known = self._known.get(source.path)
        if known is not None and not self._is_current(source.path, known):
            known = None
        if known is not None and (known.size, known.modified_ns) == (source.size, source.modified_ns):
            return Seen(source, ("", source.path.suffix.lower()), known)
        check_supported(source.path, self._loaders)
        if source.size > self._limits.file_mb << 20:
            raise OverLimit("file.too_large", size=source.size >> 20, most=self._limits.file_mb)
        stamp = source if can_be_trusted(source) else replace(source, modified_ns=-1)
        content = digest_of(source.path), source.path.suffix.lower()
        if known is not None and known.digest == content[0]:
            return Seen(stamp, content, known, touched=True)
        return Seen(stamp, content)

    def other(self, path: Path, content: Content) -> FileReport | None:
        """The report of a file whose content another file has, or had before it went."""
        other = self._by_content.get(content)
        if other is None or other == path:
            return None
        known = self._known.get(other)
        report = known.report if known is not None else FileReport(path, "duplicate")
        return replace(report, path=path, status="moved" if other in self.leaving else "duplicate", other=other)

    def readers(self, path: Path, content: Content) -> set[str]:
        """What may have read the same content so that it need not be read again as this file."""
        known = self._known.get(self._by_content.get(content, Path()))
        return {*self._readers.both(path)} | ({known.reader} if known is not None else set())

    def add(self, path: Path, content: Content) -> None:
        """A file with this content is stored now."""
        self._by_content.setdefault(content, path)

    def _is_current(self, path: Path, known: KnownFile) -> bool:
        return self._readers.are(path, known.reader) and not (self._unlocking and known.report.needs_password)
