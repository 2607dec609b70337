"""Mutated files of every format: none takes this process with it, none hangs, none fails in a way nobody foresaw."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fuzzing import run
from ingest.errors import DamagedFile
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


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.eml", b"Subject: =?ut\xf7-8?B?5oql5ZGK?=\n\nSome text.\n"),
        ("a.eml", b"Subject: =?no-such-charset?Q?a?=\n\nSome text.\n"),
        ("a.tiff", b"II*\0\x08\0\0\0\x01\0\0\x01\x04\0\x01\0\0\0\x10\0\0\0\0\0\0\0"),  # a width and no height
    ],
)
def test_what_mutants_once_broke(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    if name.endswith(".eml"):
        assert "Some text." in load(tmp_path / name).pages[0].text
    else:
        with pytest.raises(DamagedFile):
            load(tmp_path / name)
