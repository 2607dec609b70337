"""Machines as people have them."""

from __future__ import annotations

from rag_app.llm.gpus import Gpu, bandwidth_of, parse_sysctl
from rag_app.llm.hardware import Machine

GIB = 1 << 30
GB = 10**9


def nvidia(name: str, gigabytes: int) -> Gpu:
    memory = gigabytes * GIB
    return Gpu(name, "nvidia", memory, memory - GIB // 4, bandwidth=bandwidth_of("nvidia", name))


def machine(
    ram: float, cores: int, *gpus: Gpu, disk: int = 200, os: str = "linux", free: float = 0.6, limited: bool = False
) -> Machine:
    """RAM in GiB as the operating system tells it, disk in GB."""
    total = int(ram * GIB)
    return Machine(total, int(total * free), cores, gpus, disk * GB, os, limited)


def mac(chip: str, ram: int, cores: int, disk: int = 200) -> Machine:
    gpus = parse_sysctl(f"machdep.cpu.brand_string: Apple {chip}\nhw.memsize: {ram * GIB}\niogpu.wired_limit_mb: 0\n")
    return machine(ram, cores, *gpus, disk=disk, os="darwin")


RTX_4090 = nvidia("NVIDIA GeForce RTX 4090", 24)
RTX_3090 = nvidia("NVIDIA GeForce RTX 3090", 24)

MACHINES = {
    "2 GB board": machine(1.9, 4),
    "4 GB laptop": machine(3.8, 2, os="win32"),
    "8 GB laptop": machine(7.7, 4, os="win32"),
    "16 GB office PC, 4 cores": machine(15.7, 4, os="win32"),
    "16 GB PC, 8 cores": machine(15.7, 8),
    "16 GB laptop with 4 GB card": machine(15.7, 6, nvidia("NVIDIA GeForce GTX 1650", 4)),
    "16 GB laptop with 6 GB card": machine(15.7, 6, nvidia("NVIDIA GeForce RTX 3060 Laptop GPU", 6), os="win32"),
    "32 GB without card": machine(31.2, 8),
    "32 GB, RTX 3060": machine(31.2, 6, nvidia("NVIDIA GeForce RTX 3060", 12)),
    "32 GB, RX 7900 XTX": machine(
        31.2,
        8,
        Gpu("Radeon RX 7900 XTX", "amd", 24 * GIB, 23 * GIB, bandwidth=bandwidth_of("amd", "Radeon RX 7900 XTX")),
    ),
    "64 GB, RTX 4090": machine(62.7, 16, RTX_4090),
    "64 GB, 2 × RTX 3090": machine(62.7, 16, RTX_3090, RTX_3090),
    "MacBook Air 8 GB": mac("M1", 8, 8),
    "MacBook Pro 16 GB": mac("M2 Pro", 16, 10),
    "MacBook Pro 36 GB": mac("M3 Max", 36, 14),
    "Mac Studio 128 GB": mac("M2 Ultra", 128, 24),
    "server, 256 GB": machine(251, 32),
    "8 GB container": machine(8, 8, limited=True),
    "3 GB container": machine(3, 8, limited=True),
    "disk almost full": machine(31.2, 8, RTX_4090, disk=4),
    "disk full": machine(31.2, 8, RTX_4090, disk=1),
}
