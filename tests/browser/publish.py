"""Put the last pictures that ``test_readme`` took into README, in 128 colours: a third of the size, and none is missed.

make test-browser && .venv/bin/python -m tests.browser.publish
"""

from __future__ import annotations

from PIL import Image

from ..conftest import PROJECT
from .doing import SCREENSHOTS

NAMES = {"readme-en.png": "screenshot.png", "readme-zh.png": "screenshot.zh-CN.png"}


def main() -> None:
    for taken, shown in NAMES.items():
        with Image.open(SCREENSHOTS / taken) as picture:
            small = picture.convert("RGB").quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(PROJECT / "docs" / shown, optimize=True)


if __name__ == "__main__":
    main()
