"""What this machine has for a language model: memory, cores, graphics cards, room on the disk; the only psutil import.

In a container or WSL the machine's memory is not what a process may take: limits of control groups count.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.values import Value

from .control_groups import memory_limit
from .gpus import Gpu, find_gpus

__all__ = ["Gpu", "Machine", "free_memory", "look", "memory_for_models", "models_folder"]

_ROOM = 1.1  # a model needs more than its weights


@dataclass(frozen=True, slots=True, repr=False)
class Machine(Value):
    """What a model may use; all sizes in bytes.

    Attributes:
        total_ram: of the machine, or less where the process is limited.
        free_ram: what could be taken now without swapping.
        cores: physical ones, as far as they can be told from threads.
        free_disk: where Ollama keeps its models.
        os: as in ``sys.platform``: linux, darwin, win32.
        limited: total_ram is a container's limit.
    """

    total_ram: int
    free_ram: int
    cores: int
    gpus: tuple[Gpu, ...]
    free_disk: int
    os: str
    limited: bool = False

    @property
    def unified(self) -> Gpu | None:
        """The graphics processor that shares the machine's memory, None without one."""
        return next((gpu for gpu in self.gpus if gpu.unified), None)

    @property
    def cards(self) -> tuple[Gpu, ...]:
        """Graphics cards with memory of their own."""
        return tuple(gpu for gpu in self.gpus if not gpu.unified)


def look(folder_of_models: Path | None = None) -> Machine:
    """This machine, now. Takes a second or so where a driver's tool is asked.

    Args:
        folder_of_models: where models are kept; Ollama's own folder unless given.
    """
    import psutil

    whole = psutil.virtual_memory().total
    limit = memory_limit()
    total = min(whole, limit.most) if limit else whole
    return Machine(
        total_ram=total,
        free_ram=free_memory(),
        cores=psutil.cpu_count(logical=False) or os.cpu_count() or 1,
        gpus=find_gpus(total),
        free_disk=_free_disk(folder_of_models or models_folder(os.environ)),
        os=sys.platform,
        limited=total < whole,
    )


def free_memory() -> int:
    """Bytes of RAM that this process could take now without swapping, a container's limit included."""
    import psutil

    free = int(psutil.virtual_memory().available)
    limit = memory_limit()
    return min(free, limit.free) if limit else free


def memory_for_models(weights: int = 0) -> int:
    """Bytes that a model could take now: of the graphics cards where its weights fit there, else with the RAM.

    A card whose driver does not tell what is free counts whole.
    """
    gpus = find_gpus(0)
    cards = [gpu for gpu in gpus if not gpu.unified]
    free = sum(gpu.memory if gpu.free is None else gpu.free for gpu in cards)
    if cards and weights * _ROOM <= sum(gpu.memory for gpu in cards):
        return free
    shared = next((gpu.memory for gpu in gpus if gpu.unified and gpu.memory), None)
    return min(free_memory(), shared) if shared else free + free_memory()


def models_folder(environment: Mapping[str, str]) -> Path:
    """Where Ollama keeps its models: ``OLLAMA_MODELS``, the service's folder, the user's (docs/faq of Ollama)."""
    if environment.get("OLLAMA_MODELS"):
        return Path(environment["OLLAMA_MODELS"])
    service = Path("/usr/share/ollama/.ollama/models")
    return service if _is_there(service) else Path.home() / ".ollama" / "models"


def _free_disk(folder: Path) -> int:
    there = next((one for one in (folder.absolute(), *folder.absolute().parents) if _is_there(one)), Path.cwd())
    return shutil.disk_usage(there).free


def _is_there(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:  # the service's folder may be closed to others
        return False
