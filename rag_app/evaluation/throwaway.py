"""A knowledge base for one evaluation, gone when it is over."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.messages import Message
from ingest.types import Progress

from ..app import RagApp
from ..errors import DatasetError
from ..parts import Parts
from ..settings import Settings
from .datasets import Dataset


@contextmanager
def filled(
    settings: Settings,
    documents: Dataset | Path,
    *,
    progress: Callable[[Progress], None] | None = None,
    notify: Callable[[Message], None] | None = None,
    parts: Parts | None = None,
) -> Iterator[tuple[RagApp, dict[str, str]]]:
    """An app over a folder's or a dataset's documents, and file name → unit where those are passages.

    Args:
        settings: whose models and chunks are used; the data folder is not touched.
        parts: that the program brings along.

    Raises:
        DatasetError: none of the documents could be read. And what ingestion raises.
    """
    with tempfile.TemporaryDirectory() as work:
        own = settings.model_copy(update={"data_dir": Path(work, "data"), "kb": "default"})
        (Path(work) / "files").mkdir()
        folder, units = documents.files(Path(work, "files")) if isinstance(documents, Dataset) else (documents, {})
        with RagApp.open(own, notify=notify, parts=parts) as app:
            report = app.ingest(folder, progress=progress)
            refused = [file for file in report.files if file.status == "refused"]
            if refused and not any(file.chunks for file in report.files):
                raise DatasetError("eval.unreadable", path=refused[0].path)
            yield app, units
