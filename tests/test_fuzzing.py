"""Mutated files of every format: none takes this process with it, none hangs, none fails in a way nobody foresaw."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fuzzing import run
from ingest.loaders import load
from ingest.types import Limits

from .mutations import mutant, originals


def test_the_originals_are_sound(tmp_path: Path) -> None:
    for path in originals(tmp_path):
        if path.suffix not in (".png", ".jpg", ".webp", ".tiff"):  # they hold no text
            assert load(path, Limits(ocr=False)).pages, path


def test_a_mutant_is_the_same_every_time(tmp_path: Path) -> None:
    (tmp_path / "o").mkdir()
    path = originals(tmp_path / "o")[0]
    one, two = (mutant(path, 1, index, tmp_path).read_bytes() for index in (7, 8))
    assert mutant(path, 1, 7, tmp_path).read_bytes() == one != two


@pytest.mark.parametrize("count", [150, pytest.param(2000, marks=pytest.mark.slow)])
def test_mutants_are_read_or_refused(tmp_path: Path, count: int) -> None:
    done = run(tmp_path, seed=1, count=count)
    assert len(done) == count
    assert [one for one in done if one.failed or one.slow] == []
    assert {"read", "refused"} <= {one.status for one in done}
