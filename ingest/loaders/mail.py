"""Mail messages (EML): who wrote to whom, when and about what, then the body. Attachments are named, not read."""

from __future__ import annotations

import tempfile
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from pathlib import Path

from ..errors import DamagedFile, NoText
from ..messages import Message, message
from ..types import Document, Heading, Page
from . import web
from .building import join_wrapped_lines, one_line
from .encoding import decode
from .files import read_bytes

_WRAPPED_AT = 60  # columns; no program wraps shorter lines
_HEADERS = ("From", "To", "Cc", "Date")
_LARGER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "us-ascii": "utf-8",
    "ks_c_5601-1987": "cp949",
}
"""Charsets that mails name when they mean the larger one."""


def load(path: Path) -> Document:
    """Read a message: plain text where it has any, else HTML.

    Raises:
        DamagedFile: not a message. NoText: neither subject nor body. Unreadable: see :func:`read_bytes`.
    """
    mail = BytesParser(policy=policy.default).parsebytes(read_bytes(path))
    subject = _header(mail, "Subject")
    values = [(name, _header(mail, name)) for name in _HEADERS]
    if not any(value for _, value in values) and not subject:
        raise DamagedFile("file.damaged", format="EML", cause="no From, To, Date, Subject")
    body, headings = _body(mail)
    attached = _attached(mail)
    if not body and not subject:
        raise NoText("file.no_text")
    above = "\n".join([subject] * bool(subject) + [f"{name}: {value}" for name, value in values if value])
    start = len(above) + 2
    made = [Heading(0, 1, subject)] if subject else []
    made += [Heading(start + one.start, one.level + 1, one.text) for one in headings]
    page = Page(1, f"{above}\n\n{body}".rstrip(), None, tuple(made), "text")
    warnings: tuple[Message, ...] = (message("file.attachments", names=", ".join(attached)),) if attached else ()
    return Document(subject or path.stem, "eml", (page,), warnings)


def _header(mail: EmailMessage, name: str) -> str:
    """A header as a reader sees it: encoded words decoded, also where the sender's charset is not what it says."""
    raw = next((value for key, value in mail.raw_items() if key.lower() == name.lower()), "")
    try:
        pieces = decode_header(str(raw))
    except HeaderParseError:
        pieces = [(str(raw), None)]
    text = "".join(
        _bytes_to_text(piece if isinstance(piece, bytes) else piece.encode("ascii", "surrogateescape"), charset)
        for piece, charset in pieces
    )
    return one_line(text)


def _bytes_to_text(data: bytes, charset: str | None) -> str:
    name = (charset or "utf-8").lower()
    try:
        return data.decode(_LARGER.get(name, name))
    except (LookupError, ValueError):  # no such charset, or its name is no text either
        try:
            return decode(data)
        except DamagedFile:
            return data.decode("utf-8", "replace")


def _body(mail: EmailMessage) -> tuple[str, tuple[Heading, ...]]:
    """The text to read, and its headings; several plain parts in a row (lists add a footer) are one."""
    part = mail.get_body(("plain", "html"))
    if part is None:
        return "", ()
    if part.get_content_subtype() == "html":
        return _html(_content(part))
    texts = [_content(part)]
    if mail.get_content_type() == "multipart/mixed":
        texts += [
            _content(one)
            for one in mail.iter_parts()
            if one is not part
            and one.get_content_type() == "text/plain"
            and not one.get_filename()
            and not one.is_attachment()
        ]
    text = "\n\n".join(one.strip("\n") for one in texts)
    if any(len(line.encode("gb18030", "replace")) >= _WRAPPED_AT for line in text.split("\n")):
        text = join_wrapped_lines(text)
    if not text and (other := mail.get_body(("html",))) is not None:
        return _html(_content(other))
    return text, ()


def _content(part: MIMEPart) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    text = _bytes_to_text(data, part.get_content_charset())
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _html(source: str) -> tuple[str, tuple[Heading, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "body.html")
        copy.write_bytes(source.encode("utf-8-sig", "replace"))
        try:
            (page,) = web.load(copy).pages
        except NoText:
            return "", ()
    return page.text, page.headings


def _attached(mail: EmailMessage) -> list[str]:
    """Names of what is attached; pictures inside the HTML are not."""
    names: list[str] = []
    for part in mail.walk():
        if part.is_multipart() and part.get_content_type() != "message/rfc822":
            continue
        disposition = part.get_content_disposition()
        if disposition == "attachment" or (part.get_filename() and disposition != "inline"):
            names.append(_filename(part))
        elif part.get_content_type() == "message/rfc822":
            names.append("message.eml")
    return names


def _filename(part: MIMEPart) -> str:
    name = part.get_filename() or part.get_content_type()
    try:
        pieces = decode_header(name)
    except HeaderParseError:
        return one_line(name)
    return one_line("".join(_bytes_to_text(p, c) if isinstance(p, bytes) else p for p, c in pieces))
