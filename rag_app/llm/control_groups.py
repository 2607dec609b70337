"""How much memory a process may take: Linux control groups, version 2 and 1 (kernel: admin-guide/cgroup-v2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_UNLIMITED = 1 << 60  # version 1 says "none" with a number near 2^63


@dataclass(frozen=True, slots=True)
class Limit:
    """Bytes that a control group may take at most, and could still take."""

    most: int
    free: int


@dataclass(frozen=True, slots=True)
class _Names:
    most: str
    used: str
    reclaimable: str


_V2 = _Names("memory.max", "memory.current", "inactive_file")
_V1 = _Names("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def memory_limit(root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> Limit | None:
    """The tightest limit of this process's group and the groups above it, None without one.

    Args:
        root: where the control groups are mounted.
        membership: the file that says which groups the process is in.
    """
    found = [limit for folder, names in _groups(root, _read(membership)) if (limit := _limit(folder, names))]
    if not found:
        return None
    return Limit(min(one.most for one in found), min(one.free for one in found))


def _groups(root: Path, membership: str) -> Iterator[tuple[Path, _Names]]:
    """Folders from the process's group up to the mount's root; in a container the group itself may not be seen."""
    for line in membership.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            mount, names = root, _V2
        elif "memory" in controllers.split(","):
            mount, names = root / "memory", _V1
        else:
            continue
        group = PurePosixPath(path.strip().lstrip("/"))
        for part in (group, *group.parents):
            if ".." not in part.parts:
                yield mount / part, names


def _limit(folder: Path, names: _Names) -> Limit | None:
    most = _number(_read(folder / names.most))
    if most is None or most >= _UNLIMITED:
        return None
    used = _number(_read(folder / names.used)) or 0
    stat = dict(line.split(None, 1) for line in _read(folder / "memory.stat").splitlines() if " " in line)
    cached = _number(stat.get(names.reclaimable, "")) or 0  # file pages that the kernel gives back at once
    return Limit(most, max(0, min(most, most - used + cached)))


def _number(text: str) -> int | None:
    """The number in a file; "max" is none."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
