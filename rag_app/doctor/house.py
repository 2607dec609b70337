"""What does not concern the model: Python, settings, disk, embedding model, storage, the web UI's port."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterator

from ingest.messages import message

from ..catalog import Catalog
from ..embedding import bundled
from ..embedding.export import is_ready, why_original
from ..embedding.select import BUNDLED, embedder_source
from ..errors import EmbedderError, StorageError
from ..settings import Settings, config_file
from ..types import Check
from ..vectors import Vectors

_LEAST_FREE_BYTES = 2 * 10**9


def examine_house(settings: Settings) -> Iterator[Check]:
    """In the order of what needs what; what can't be opened is a finding too."""
    yield _python()
    yield _settings(settings)
    yield _disk(settings)
    yield _embedder(settings)
    yield from _storage(settings)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", "ok", message("doctor.python", version=version, sqlite=sqlite3.sqlite_version))


def _settings(settings: Settings) -> Check:
    file = config_file() or "-"
    return Check("settings", "ok", message("doctor.settings", file=file, folder=settings.data_dir))


def _disk(settings: Settings) -> Check:
    there = next(folder for folder in (settings.data_dir, *settings.data_dir.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    finding = message("doctor.disk", free=f"{free / 1e9:.1f}", folder=settings.data_dir)
    if free < _LEAST_FREE_BYTES:
        return Check("disk", "warn", finding, message("doctor.disk_remedy"))
    return Check("disk", "ok", finding)


def _embedder(settings: Settings) -> Check:
    try:
        source = embedder_source(settings)
    except EmbedderError as error:
        return Check("embedder", "fail", error.message, message("doctor.embedder_remedy"))
    if not is_ready(source, settings.model_dir):
        local = settings.embedder != BUNDLED or bundled.find() is not None
        key = "doctor.embedder_unprepared" if local else "doctor.embedder_download"
        return Check("embedder", "ok" if local else "warn", message(key, name=source.name))
    reason = why_original(source, settings.model_dir)
    if reason:
        return Check("embedder", "warn", message("doctor.embedder_original", name=source.name, reason=reason))
    return Check("embedder", "ok", message("doctor.embedder", name=source.name, folder=settings.model_dir))


def _storage(settings: Settings) -> Iterator[Check]:
    """The catalog can be read and is whole; catalog and vectors agree.

    Vectors beyond the catalog's are what a kill left, and harmless.
    """
    if not settings.data_dir.exists():
        yield Check("storage", "ok", message("doctor.storage_new", folder=settings.data_dir))
        return
    try:
        catalog = Catalog(settings.data_dir)
    except StorageError as error:
        yield Check("storage", "fail", error.message)
        return
    try:
        catalog.database.check()
        vectors = Vectors(settings.data_dir / "vectors")
        vectors.check()
        for kb in catalog.knowledge_bases.all():
            stored = vectors.count(catalog.knowledge_bases.index(kb.id).collection) if kb.chunks else 0
            finding = message("doctor.kb", name=kb.name, documents=kb.documents, chunks=kb.chunks, vectors=stored)
            missing = stored < kb.chunks
            remedy = message("doctor.kb_remedy", name=kb.name) if missing else None
            yield Check("knowledge base", "fail" if missing else "ok", finding, remedy)
    except StorageError as error:
        yield Check("storage", "fail", error.message)
    finally:
        catalog.close()


def examine_port(settings: Settings) -> Check:
    """Whether the web UI could listen."""
    if port_is_free(settings.port):
        return Check("port", "ok", message("doctor.port_free", port=settings.port))
    return Check("port", "warn", message("doctor.port_taken", port=settings.port), message("doctor.port_remedy"))


def port_is_free(port: int) -> bool:
    """True when the web UI could listen on 127.0.0.1:``port``."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
