"""EPUB: the chapters of the spine, each read as HTML, one after the other in one text."""

from __future__ import annotations

import html
import posixpath
import re
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from ..errors import DamagedFile, EncryptedFile, FileRefused, NoText
from ..messages import Message, message
from ..types import Document, Heading, Page
from . import web
from .building import one_line
from .packages import attribute, local, open_package, parse_xml, read_part, to_html

_ENTITY = re.compile(rb"&(\w+);")
_XML_ENTITIES = (b"amp", b"lt", b"gt", b"quot", b"apos")
_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")  # obfuscated fonts, not protection


def load(path: Path) -> Document:
    """Read an EPUB.

    Raises:
        EncryptedFile: the text is protected (DRM). DamagedFile, NoText, Unreadable.
    """
    parts: list[str] = []
    headings: list[Heading] = []
    failed: list[str] = []
    length = 0
    with open_package(path, "EPUB") as package:
        title, chapters = _spine(package)
        for name, chapter in _chapters(package, chapters):
            if chapter is None:
                failed.append(name)
                continue
            if parts:
                length += 2
            headings += [replace(one, start=one.start + length) for one in chapter.headings]
            parts.append(chapter.text)
            length += len(chapter.text)
    if not parts:
        raise DamagedFile("file.damaged", format="EPUB", cause=", ".join(failed)) if failed else NoText("file.no_text")
    first = next((heading.text for heading in headings), "")
    warnings: tuple[Message, ...] = ()
    if failed:
        warnings = (message("file.chapters_failed", chapters=", ".join(failed)),)
    page = Page(1, "\n\n".join(parts), None, tuple(headings), "text")
    return Document(title or first or path.stem, "epub", (page,), warnings)


def _spine(package: zipfile.ZipFile) -> tuple[str, list[str]]:
    """The book's title, and its chapters' names in the order of reading."""
    container = parse_xml(read_part(package, "META-INF/container.xml"), recover=True)
    opf = next((attribute(one, "full-path") for one in container.iter() if local(one) == "rootfile"), "")
    book = parse_xml(_entities_replaced(read_part(package, opf)), recover=True)
    title = next((one_line(one.text or "") for one in book.iter() if local(one) == "title"), "")
    names = {
        attribute(one, "id"): posixpath.normpath(
            posixpath.join(posixpath.dirname(opf), unquote(attribute(one, "href").partition("#")[0]))
        )
        for one in book.iter()
        if local(one) == "item" and "nav" not in attribute(one, "properties").split()
    }
    spine = [attribute(one, "idref") for one in book.iter() if local(one) == "itemref"]
    chapters = [names[identifier] for identifier in spine if identifier in names]
    if _protected(package) & set(chapters):
        raise EncryptedFile("file.protected_book")
    return title, chapters


def _protected(package: zipfile.ZipFile) -> set[str]:
    """The parts whose content is encrypted."""
    if "META-INF/encryption.xml" not in package.namelist():
        return set()
    found: set[str] = set()
    for data in parse_xml(read_part(package, "META-INF/encryption.xml"), recover=True):
        inside = list(data.iter())
        if not any(attribute(one, "Algorithm") in _FONTS for one in inside):
            found |= {unquote(attribute(one, "URI")) for one in inside if local(one) == "CipherReference"}
    return found


def _chapters(package: zipfile.ZipFile, names: list[str]) -> Iterator[tuple[str, Page | None]]:
    """The chapters with text; None for one that can't be read."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "chapter.html")
        for name in names:
            try:
                copy.write_bytes(_as_html(read_part(package, name)))
                (page,) = web.load(copy).pages
            except NoText:  # a cover, a blank leaf
                continue
            except (FileRefused, KeyError, zipfile.BadZipFile, SyntaxError):
                yield name, None
            else:
                yield name, page


def _as_html(data: bytes) -> bytes:
    return to_html(parse_xml(_entities_replaced(data), recover=True))


def _entities_replaced(data: bytes) -> bytes:
    """HTML's named entities by number: XML knows them only through a DTD, which is never fetched."""

    def by_number(match: re.Match[bytes]) -> bytes:
        text = html.unescape(match[0].decode("ascii", "replace"))
        if match[1] in _XML_ENTITIES or text.startswith("&"):
            return match[0]
        return "".join(f"&#{ord(char)};" for char in text).encode()

    return _ENTITY.sub(by_number, data)
