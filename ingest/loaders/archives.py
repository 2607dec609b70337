"""ZIP archives: a container of the other formats, unpacked one member at a time and never to a path it names.

What is in an archive is not trusted: members whose name leaves it, links, bombs and encrypted ones are refused one by
one; an archive that unpacks to more than the limits is refused as a whole, by the bytes really unpacked.
"""

from __future__ import annotations

import posixpath
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import DamagedFile, EncryptedFile, FileRefused, NoText
from ..messages import Message, message
from ..recognition import Recognition
from ..types import Document, Heading, Limits, Page
from .files import read_bytes
from .members import is_litter, member_names, safe_name, stays_inside
from .packages import PARSER_FAILURES

_AT_ONCE = 1 << 20
_RATIO_COUNTS_FROM = 4 << 20  # small members of great ratio harm nobody: empty templates, blank pictures
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may unpack to.

    Attributes:
        unpacked: bytes of all members together, those of inner archives included. files: members, likewise.
        ratio: unpacked to packed size of one member. depth: archives in each other.
    """

    unpacked: int = 1 << 30
    files: int = 10_000
    ratio: int = 200
    depth: int = 2


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    Attributes:
        name: its path in the archive, inner archives included: "inner.zip/folder/a.pdf".
        path: an unpacked copy of the same file name, until the next member is asked for; None if it is refused.
        refused: why it was not unpacked.
    """

    name: str
    path: Path | None
    refused: Message | None = None


def load(
    path: Path,
    limits: Limits | None = None,
    *,
    passwords: Sequence[str] = (),
    recognition: Recognition | None = None,
) -> Document:
    """Read an archive: the pages of its members one after the other, each member a heading of the first level.

    Args:
        passwords: of encrypted members that are PDFs; the archive's own encryption is not opened.
        recognition: one for all members, so that they share its budget.

    Raises:
        NoText, EncryptedFile: no member could be read. DamagedFile, Unreadable. FileRefused: beyond the limits.
    """
    from . import load as load_member

    limits = limits or Limits()
    recognition = recognition or Recognition(limits)
    pages: list[Page] = []
    failed: list[tuple[str, Message]] = []
    partial: list[tuple[str, Message]] = []
    encrypted = total = 0
    for member in open_archive(path, ArchiveLimits(unpacked=limits.unpacked_mb << 20)):
        total += 1
        if member.path is None:
            if member.refused:
                failed.append((member.name, member.refused))
                encrypted += member.refused.key == "file.encrypted"
            continue
        try:
            document = load_member(member.path, limits, passwords=passwords, recognition=recognition)
        except FileRefused as error:
            failed.append((member.name, error.message))
            encrypted += isinstance(error, EncryptedFile)
        else:
            pages += [_member_page(member.name, page, len(pages) + i) for i, page in enumerate(document.pages, 1)]
            partial += [(member.name, warning) for warning in document.warnings]
    if not pages:
        if not failed:
            raise NoText("archive.empty")
        if encrypted == len(failed):
            raise EncryptedFile(failed[0][1].key)
        raise NoText("archive.nothing", member=failed[0][0], reason=failed[0][1])
    return Document(path.stem, "zip", tuple(pages), tuple(_warnings(failed, partial, total)))


def open_archive(path: Path, limits: ArchiveLimits = ArchiveLimits()) -> Iterator[Member]:
    """The files of an archive and of archives in it, in the archive's order, folders and system litter left out.

    Raises:
        DamagedFile: not a zip archive. NoText, Unreadable: see :func:`read_bytes`.
        FileRefused: it unpacks to more than ``limits`` allow.
    """
    read_bytes(path)
    with tempfile.TemporaryDirectory() as folder:
        yield from _Opening(limits, Path(folder)).members(path, "", 1)


class _Opening:
    """One archive being opened: what was unpacked so far, inner archives included."""

    def __init__(self, limits: ArchiveLimits, folder: Path) -> None:
        self._limits = limits
        self._folder = folder
        self._bytes = 0
        self._files = 0

    def members(self, path: Path, prefix: str, depth: int) -> Iterator[Member]:
        try:
            archive = zipfile.ZipFile(path)
        except PARSER_FAILURES as error:
            raise DamagedFile("file.damaged", format="ZIP", cause=error) from error
        with archive:
            entries = archive.infolist()
            for entry, name in zip(entries, member_names(entries), strict=True):
                if entry.is_dir() or is_litter(name):
                    continue
                self._files += 1
                if self._files > self._limits.files:
                    raise FileRefused("archive.too_many", most=self._limits.files)
                yield from self._member(archive, entry, name, prefix, depth)

    def _member(
        self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, prefix: str, depth: int
    ) -> Iterator[Member]:
        from . import check_supported

        shown = prefix + (posixpath.normpath(name.replace("\\", "/")).lstrip("/") or "?")
        copy = self._folder / f"{depth}" / safe_name(posixpath.basename(shown))
        try:
            if not stays_inside(name, entry):
                raise FileRefused("archive.unsafe_name")
            if entry.flag_bits & 0x1:
                raise EncryptedFile("file.encrypted")
            check_supported(copy)
            inner = copy.suffix.lower() == ".zip"
            if inner and depth >= self._limits.depth:
                raise FileRefused("archive.too_deep")
            copy.parent.mkdir(exist_ok=True)
            self._unpack(archive, entry, copy)
        except _BeyondLimits as error:
            raise FileRefused("archive.too_large", most=_size(self._limits.unpacked)) from error
        except FileRefused as error:
            yield Member(shown, None, error.message)
            return
        try:
            if inner:
                yield from self._inner(copy, shown, depth)
            else:
                yield Member(shown, copy)
        finally:
            copy.unlink(missing_ok=True)

    def _inner(self, copy: Path, shown: str, depth: int) -> Iterator[Member]:
        try:
            yield from self.members(copy, f"{shown}/", depth + 1)
        except DamagedFile as error:
            yield Member(shown, None, error.message)

    def _unpack(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, copy: Path) -> None:
        size = 0
        most = max(_RATIO_COUNTS_FROM, entry.compress_size * self._limits.ratio)
        try:
            with archive.open(entry) as source, copy.open("wb") as target:
                while data := source.read(_AT_ONCE):
                    size += len(data)
                    self._bytes += len(data)
                    if size > most:
                        raise FileRefused("archive.bomb", most=self._limits.ratio)
                    if self._bytes > self._limits.unpacked:
                        raise _BeyondLimits
                    target.write(data)
        except PARSER_FAILURES as error:
            raise DamagedFile("file.damaged", format="ZIP", cause=error) from error


class _BeyondLimits(Exception):
    """The archive as a whole unpacks to too much."""


def _member_page(name: str, page: Page, number: int) -> Page:
    """A member's page as one of the archive's: counted on, named, its headings below the member's name."""
    match page.kind:
        case "text":
            label = name
        case "sheet":
            label = f"{name} {page.label or page.number}"
        case _:
            label = f"{name} p. {page.number}"
    headings = tuple(replace(heading, level=heading.level + 1) for heading in page.headings)
    if page.number == 1:
        headings = (Heading(0, 1, name), *headings)
    return replace(page, number=number, label=label, headings=headings)


def _warnings(failed: list[tuple[str, Message]], partial: list[tuple[str, Message]], total: int) -> Iterator[Message]:
    """First the sum of it, since some doors show one warning only, then each."""
    if len(failed) > 1:
        names = ", ".join(name for name, _ in failed[:_MOST_NAMED]) + (" …" if len(failed) > _MOST_NAMED else "")
        yield message("archive.members_failed", count=len(failed), total=total, names=names)
    for name, reason in (failed + partial)[: _MOST_NAMED * 5]:
        yield message("archive.member", member=name, reason=reason)


def _size(size: int) -> str:
    return f"{size >> 30} GiB" if size >> 30 else f"{size >> 20} MiB"
