"""Names of archive members: in which encoding they are, and whether they are safe."""

from __future__ import annotations

import re
import stat
import zipfile

_KANA = re.compile("[\u3041-\u30fe]")
_HALF_KANA = re.compile("[\uff61-\uff9f]")


def member_names(entries: list[zipfile.ZipInfo]) -> list[str]:
    """The members' names; those not marked as UTF-8 are in the packer's own encoding, the same for all."""
    old = [_raw(entry) for entry in entries if not entry.flag_bits & 0x800]
    encoding = next(one for one in ("ascii", "utf-8", *_asian(old), "cp437") if _fits(old, one))
    return [entry.filename if entry.flag_bits & 0x800 else _raw(entry).decode(encoding) for entry in entries]


def _raw(entry: zipfile.ZipInfo) -> bytes:
    return entry.filename.encode("cp437", "replace")


def _asian(names: list[bytes]) -> tuple[str, ...]:
    """Japanese first where it gives kana: Chinese text misread as Japanese is full of half-width ones."""
    shown = b"\n".join(names).decode("cp932", "replace")
    japanese = _KANA.search(shown) and not _HALF_KANA.search(shown)
    return ("cp932", "gb18030") if japanese else ("gb18030",)


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
