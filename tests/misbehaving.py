"""Loaders that do what a hostile file can make a real one do; tests give them to the sandbox by name."""

from __future__ import annotations

import ctypes
import os
import re
import time
from pathlib import Path

from ingest.errors import DamagedFile
from ingest.recognition import Recognition
from ingest.types import Document, Limits, Page

GOOD = Document("good", "text", (Page(1, "All is well."),))


class OwnError(DamagedFile):
    """A refusal that only this module knows."""


def load(path: Path, limits: Limits, recognition: Recognition) -> Document:
    """Behave as the file's text says, after noting this process's id beside the file."""
    path.with_suffix(".pid").write_text(str(os.getpid()), encoding="utf-8")
    held: list[bytearray] = []
    match path.read_text(encoding="utf-8"):
        case "hang":
            time.sleep(3600)
        case "hang with the interpreter locked":
            re.match(r"(a+)+$", "a" * 64 + "b")
        case "allocate":
            while True:
                held.append(bytearray(1 << 20))
        case "recognize slowly":
            for page in range(3):
                _tell(recognition, page)
                time.sleep(1.2)
        case "recognize for ever":
            while True:
                _tell(recognition, 0)
        case "segfault":
            ctypes.string_at(0)
        case "exit":
            os._exit(3)
        case "raise":
            raise LookupError("nobody foresaw this")
        case "recurse":
            load_again(path)
        case "refuse":
            raise OwnError("file.damaged", format="TEST", cause=ValueError("as expected"))
        case "print":
            print("this is no reply", flush=True)
            os.write(1, b"nor is this")
        case "title":
            return Document(f"{limits.pages} {os.getpid()}", "text", GOOD.pages)
    return GOOD


def load_again(path: Path) -> Document:
    return load_again(path)


def _tell(recognition: Recognition, page: int) -> None:
    assert recognition._tell is not None
    recognition._tell(page, 3)
