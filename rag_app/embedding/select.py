"""Which embedding model the settings mean."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from ingest.messages import Message, message

from ..errors import EmbedderError
from ..protocols import Embedder
from ..settings import Settings
from . import bundled
from .export import RECIPE, Source, is_ready, prepare

BUNDLED = "bundled"
BUNDLED_NAME = "multilingual-e5-small"


def open_embedder(settings: Settings, notify: Callable[[Message], None]) -> Embedder:
    """The embedding model in force, prepared if this is its first use.

    Args:
        notify: told before something that takes a while: preparing, or a download.

    Raises:
        EmbedderError: the model can't be had.
    """
    source = embedder_source(settings)
    if not is_ready(source, settings.model_dir):
        local = settings.embedder == BUNDLED and bundled.find() is not None
        local = local or Path(settings.embedder).expanduser().is_dir()
        notify(message("embedder.preparing" if local else "embedder.downloading", name=source.name))
    return prepare(source, settings.model_dir)


def embedder_source(settings: Settings) -> Source:
    """The model that ``settings.embedder`` names.

    Raises:
        EmbedderError: it looks like a folder and is none.
    """
    wanted = settings.embedder
    if wanted == BUNDLED:
        packed = bundled.find()
        if packed is not None:
            return _source(BUNDLED_NAME, bundled.REVISION, bundled.REVISION, lambda work: _unpacked(packed, work))
        return _from_hub(bundled.HUB_NAME)
    folder = Path(wanted).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
            raise EmbedderError("embedder.no_model", path=folder)
        digest = folder_digest(folder)
        return _source(wanted, digest, f"{safe_name(folder.name)}-{digest}", lambda _: str(folder))
    if folder.is_absolute() or wanted.startswith((".", "~")) or "\\" in wanted:
        raise EmbedderError("embedder.no_folder", path=wanted)
    return _from_hub(wanted)


def _unpacked(packed: Path, work: Path) -> str:
    folder = work if work.name == "original" else work / "original"
    if not (folder / "modules.json").is_file():
        bundled.unpack(packed, folder)
    return str(folder)


def _from_hub(name: str) -> Source:
    return _source(name, f"hub:{name}", safe_name(name), lambda _: name)


def _source(name: str, revision: str, folder_name: str, fetch: Callable[[Path], str]) -> Source:
    return Source(name, f"{revision}/{RECIPE}", f"{folder_name}-{RECIPE}", fetch)


def folder_digest(folder: Path) -> str:
    """Changes when a file of the model does: names, sizes and times, as reading the weights would take seconds."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        status = path.stat()
        digest.update(os.fsencode(path.relative_to(folder)))
        digest.update(f"\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:12]


def safe_name(name: str) -> str:
    """A model's name as that of a file."""
    return re.sub(r"[^\w.-]+", "--", name)
