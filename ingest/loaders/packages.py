"""What the zipped formats share: opening the container, bounded parts, safe XML. The only lxml import."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..errors import DamagedFile, EncryptedFile
from .files import read_bytes

if TYPE_CHECKING:
    from lxml.etree import _Element

    Element: TypeAlias = _Element

PARSER_FAILURES: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    SyntaxError,  # what both lxml's and the standard library's XML errors are
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    RuntimeError,  # NotImplementedError and RecursionError among them
    ArithmeticError,
    EOFError,
    OSError,
)
"""What office libraries raise on broken files: few wrap what happens deep inside them."""

_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
PART_LIMIT = 256 * 1024 * 1024
_OLE = b"\xd0\xcf\x11\xe0"  # an encrypted office file, or a renamed old one, is an OLE container


def refuse_ole(path: Path) -> None:
    """Tell an encrypted or old office file before its library stumbles over it.

    Raises:
        EncryptedFile: it is one. NoText, Unreadable: see :func:`read_bytes`.
    """
    if read_bytes(path)[:4] == _OLE:
        suffix = path.suffix.lower()
        raise EncryptedFile("file.encrypted_office", old=suffix[:4], new=suffix)


@contextmanager
def open_package(path: Path, name: str) -> Iterator[zipfile.ZipFile]:
    """A zip container; whatever its reader stumbles over inside the ``with`` block is a damaged file.

    Raises:
        DamagedFile, EncryptedFile, NoText, Unreadable.
    """
    refuse_ole(path)
    try:
        with zipfile.ZipFile(path) as package:
            yield package
    except PARSER_FAILURES as error:
        raise DamagedFile("file.damaged", format=name, cause=error) from error


def read_part(package: zipfile.ZipFile, name: str) -> bytes:
    """One part, refused beyond 256 MiB whatever the directory says of its size.

    Raises:
        KeyError: there is none. BadZipFile: damaged or too large.
    """
    with package.open(name) as part:
        data = part.read(PART_LIMIT + 1)
    if len(data) > PART_LIMIT:
        raise zipfile.BadZipFile(f"{name}: more than {PART_LIMIT >> 20} MiB")
    return data


def parse_xml(data: bytes, *, recover: bool = False) -> Element:
    """An XML document without entities, DTDs or the network.

    Raises:
        SyntaxError: not XML.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, recover=recover)
    root = etree.fromstring(data, parser)
    if root is None:
        raise SyntaxError("no XML element")
    return root


def to_html(root: Element) -> bytes:
    """XHTML as HTML, which knows no self-closed ``<script/>`` or ``<title/>``; UTF-8 and marked as such."""
    from lxml import etree

    html: bytes = etree.tostring(root, method="html", encoding="utf-8", with_tail=False)
    return b"\xef\xbb\xbf" + html


def embedded_pictures(element: Element) -> Iterator[str]:
    """Relationship ids of the pictures drawn in an element of an office file; linked ones are not in the file."""
    for blip in element.iter(f"{{{_DRAWING}}}blip"):
        if identifier := attribute(blip, "embed"):
            yield identifier


def local(element: Element) -> str:
    """The element's name without its namespace; empty for comments and the like."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """An attribute by its name without namespace; empty where there is none."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return ""
