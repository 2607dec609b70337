"""Graphics cards, as the drivers' own tools tell of them. What is absent, answers rubbish or hangs is no card."""

from __future__ import annotations

import csv
import json
import platform
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Vendor = Literal["nvidia", "amd", "apple"]

_MOST_SECONDS = 5.0
_MIB = 1 << 20
_NVIDIA = ("nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits")
_AMD = ("rocm-smi", "--showproductname", "--showmeminfo", "vram", "--json")
_APPLE = ("sysctl", "machdep.cpu.brand_string", "hw.memsize", "iogpu.wired_limit_mb")
_DRM = Path("/sys/class/drm")
_MUCH_RAM = 36 << 30


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics card.

    Attributes:
        memory: bytes a model may use; where ``unified``, of the machine's own.
        free: bytes of it that nobody uses now, None where the driver does not tell.
        unified: it shares the machine's memory.
        bandwidth: of its memory in bytes per second, None for a card that ``bandwidth.toml`` does not list.
    """

    name: str
    vendor: Vendor
    memory: int
    free: int | None
    unified: bool = False
    bandwidth: float | None = None


def find_gpus(total_ram: int, drm: Path = _DRM) -> tuple[Gpu, ...]:
    """All graphics cards of this machine.

    Args:
        total_ram: bytes; taken for the memory of an NVIDIA card that shares it and tells none.
        drm: where Linux lists graphics cards.
    """
    if sys.platform == "darwin":
        return parse_sysctl(output_of(_APPLE)) if platform.machine() == "arm64" else ()
    amd = parse_rocm_smi(output_of(_AMD)) or read_drm(drm)
    return (*parse_nvidia_smi(output_of(_NVIDIA), total_ram), *amd)


def output_of(command: Sequence[str], most_seconds: float = _MOST_SECONDS) -> str:
    """What a program prints; "" when it is not there, fails, hangs or prints no text."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=most_seconds,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows: no console flashes up
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")


def parse_nvidia_smi(output: str, total_ram: int) -> tuple[Gpu, ...]:
    """Cards of ``nvidia-smi``'s lines of name, MiB in all, MiB free. A card that shares the RAM tells "[N/A]"."""
    found = []
    for row in csv.reader(output.splitlines(), skipinitialspace=True):
        if len(row) != 3:
            continue
        name, total, free = (cell.strip() for cell in row)
        bandwidth = bandwidth_of("nvidia", name)
        if total.isdecimal() and int(total):
            unused = int(free) * _MIB if free.isdecimal() else None
            found.append(Gpu(name, "nvidia", int(total) * _MIB, unused, bandwidth=bandwidth))
        elif "n/a" in total.lower() and total_ram:
            found.append(Gpu(name, "nvidia", total_ram, None, unified=True, bandwidth=bandwidth))
    return tuple(found)


def parse_rocm_smi(output: str) -> tuple[Gpu, ...]:
    """Cards of ``rocm-smi --json``."""
    try:
        cards = json.loads(output)
    except ValueError:
        return ()
    if not isinstance(cards, dict):
        return ()
    found = []
    for key, card in cards.items():
        if not key.startswith("card") or not isinstance(card, dict):
            continue
        told = {
            str(name).lower(): str(value) for name, value in card.items()
        }  # "Card series", in newer ones "Card Series"
        name = told.get("card series") or told.get("card model") or "AMD"
        gpu = _amd(name, told.get("vram total memory (b)", ""), told.get("vram total used memory (b)", ""))
        found += [gpu] if gpu else []
    return tuple(found)


def read_drm(folder: Path) -> tuple[Gpu, ...]:
    """AMD cards as the amdgpu driver lists them (kernel: gpu/amdgpu/driver-misc)."""
    found = []
    for card in sorted(folder.glob("card*/device")):
        if re.fullmatch(r"card\d+", card.parent.name):  # not a connector, card0-DP-1
            name = _read(card / "product_name") or "AMD"
            gpu = _amd(name, _read(card / "mem_info_vram_total"), _read(card / "mem_info_vram_used"))
            found += [gpu] if gpu else []
    return tuple(found)


def parse_sysctl(output: str) -> tuple[Gpu, ...]:
    """The graphics processor of a Mac with Apple silicon, from ``sysctl``'s lines of name and value.

    Of its memory, Metal takes at most about two thirds, above 36 GB three quarters (recommendedMaxWorkingSetSize as
    logged in ggml-org/llama.cpp#1870), unless the user set another limit.
    """
    told = dict(line.split(":", 1) for line in output.splitlines() if ":" in line)
    name = told.get("machdep.cpu.brand_string", "").strip()
    ram = told.get("hw.memsize", "").strip()
    if not name.startswith("Apple") or not ram.isdecimal():
        return ()
    limit = told.get("iogpu.wired_limit_mb", "").strip()
    total = int(ram)
    share = total * 3 // 4 if total > _MUCH_RAM else total * 2 // 3
    memory = int(limit) * _MIB if limit.isdecimal() and int(limit) else share
    return (Gpu(name, "apple", min(memory, total), None, unified=True, bandwidth=bandwidth_of("apple", name)),)


def bandwidth_of(vendor: Vendor, name: str) -> float | None:
    """Bytes per second of a card's memory by its name, None for one that is not listed."""
    words = f" {re.sub(r'[^a-z0-9]+', ' ', name.lower())} "
    words = re.sub(r" laptop gpu ", " laptop ", words)
    fitting = [key for key in _bandwidths()[vendor] if f" {key} " in words]
    return _bandwidths()[vendor][max(fitting, key=len)] * 1e9 if fitting else None


@cache
def _bandwidths() -> dict[str, dict[str, Any]]:
    with (Path(__file__).parent / "bandwidth.toml").open("rb") as file:
        return tomllib.load(file)


def _amd(name: str, total: str, used: str) -> Gpu | None:
    if not total.isdecimal() or not int(total):
        return None
    free = max(0, int(total) - int(used)) if used.isdecimal() else None
    return Gpu(name, "amd", int(total), free, bandwidth=bandwidth_of("amd", name))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
