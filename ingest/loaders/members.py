"""Names of archive members: in which encoding they are, and whether they are safe."""

from __future__ import annotations

import math
import re
import stat
import zipfile

from .encoding import candidates

_PACKERS = ("gb18030", "big5hkscs", "cp932", "cp949", "cp850", "cp866")  # of Windows and DOS, as they pack
_PLAINLY = 4.0  # nats


def member_names(entries: list[zipfile.ZipInfo]) -> list[str]:
    """The members' names; those not marked as UTF-8 are in the packer's own encoding, the same for all."""
    encoding = _encoding([_raw(entry) for entry in entries if not entry.flag_bits & 0x800])
    return [entry.filename if entry.flag_bits & 0x800 else _raw(entry).decode(encoding) for entry in entries]


def _raw(entry: zipfile.ZipInfo) -> bytes:
    return entry.filename.encode("cp437", "replace")


def _encoding(names: list[bytes]) -> str:
    """What reads best; simplified Chinese unless another one reads plainly better: names are short."""
    for sure in ("ascii", "utf-8"):
        if _fits(names, sure):
            return sure
    costs = {one.encoding: one.cost for one in candidates(b"\n".join(names)) if one.encoding in _PACKERS}
    costs = {encoding: cost for encoding, cost in costs.items() if _fits(names, encoding)}
    best = min(costs, key=lambda encoding: costs[encoding], default="cp437")
    return "gb18030" if costs.get("gb18030", math.inf) <= costs.get(best, 0.0) + _PLAINLY else best


def _fits(names: list[bytes], encoding: str) -> bool:
    try:
        for name in names:
            name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def is_litter(name: str) -> bool:
    """True for what a system leaves behind: hidden files, thumbnails, lock files."""
    return any(
        part == "__MACOSX" or part == "Thumbs.db" or (part.startswith((".", "~$")) and part.strip("."))
        for part in name.replace("\\", "/").split("/")
    )


def stays_inside(name: str, entry: zipfile.ZipInfo) -> bool:
    """False for absolute names, drives, steps upwards, and anything that is no plain file."""
    parts = name.replace("\\", "/").split("/")
    mode = entry.external_attr >> 16
    plain = not stat.S_IFMT(mode) or stat.S_ISREG(mode)
    return plain and bool(parts[0]) and ".." not in parts and not re.match(r"[A-Za-z]:", name) and bool(parts[-1])


def safe_name(name: str) -> str:
    """A file name that is only that, its suffix kept."""
    stem, dot, suffix = re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", name).rpartition(".")
    return f"{stem[:60]}{dot}{suffix[:20]}" if dot else suffix[:60]
