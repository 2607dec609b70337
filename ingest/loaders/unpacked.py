"""Office files are ZIP archives: how large they get is known before anything is unpacked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from ..errors import DamagedFile, OverLimit, Unreadable
from ..types import Limits

_MOST_RATIO = 1032  # deflate can't do better than 258 bytes in 2 bits
_PIECE = 1 << 20
_LOCAL_HEADER = 30  # bytes before a member's name; the lengths of name and extra field are its last four


def check_unpacked(path: Path, limits: Limits, name: str) -> None:
    """Refuse an archive whose parts, unpacked, are larger than the limit.

    The sizes it declares are asked first. Where they may be lies, the parts are then inflated piece by piece and
    thrown away: ``zipfile`` believes the declared size, but only after it inflated the whole part in one go.

    Args:
        name: the format, for the error: "DOCX".

    Raises:
        OverLimit: larger than ``limits.unpacked_mb``.
        DamagedFile: no archive, or one whose parts no office program would write. Unreadable: see ``read_bytes``.
    """
    most = limits.unpacked_mb << 20
    too_large = OverLimit("file.unpacks_too_large", most=limits.unpacked_mb)
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > most:
                raise too_large
            if sum(member.compress_size for member in members) * _MOST_RATIO <= most:
                return
            left = most
            for member in members:
                left -= _inflated(file, member, left)
                if left < 0:
                    raise too_large
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError) as error:
        raise DamagedFile("file.damaged", format=name, cause=error) from error
    except OSError as error:
        raise Unreadable("file.unreadable", cause=error.strerror or error) from error


def _inflated(file: BinaryIO, member: zipfile.ZipInfo, most: int) -> int:
    """How many bytes a member really holds; counting ends soon after ``most``."""
    if member.compress_type == zipfile.ZIP_STORED:
        return member.compress_size
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise zipfile.BadZipFile(f"compression method {member.compress_type}")
    file.seek(member.header_offset)
    header = file.read(_LOCAL_HEADER)
    file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    size, left = 0, member.compress_size
    piece = b""
    while size <= most and not inflater.eof:
        piece = inflater.unconsumed_tail or file.read(min(_PIECE, left))
        if not piece:
            break
        left -= 0 if inflater.unconsumed_tail else len(piece)
        size += len(inflater.decompress(piece, _PIECE))
    return size
