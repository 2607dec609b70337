"""What is found out about a machine: drivers' tools as they answer, and as they don't; limits of containers."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import psutil
import pytest

from rag_app.llm.control_groups import Limit, memory_limit
from rag_app.llm.gpus import (
    Gpu,
    bandwidth_of,
    find_gpus,
    output_of,
    parse_nvidia_smi,
    parse_rocm_smi,
    parse_sysctl,
    read_drm,
)
from rag_app.llm.hardware import free_memory, look, memory_for_models, models_folder

GIB = 1 << 30
MIB = 1 << 20
RUBBISH = [
    "",
    "\n\n",
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
    "No devices were found\n",
    "a,b,c\n",
    "card, 0, 0\n",
    "card, -5, 1\n",
    "card, 12 MiB, 3 MiB\n",
    "\x00\xff\ufffd,,\n",
    "{}",
    "[1, 2]",
    '{"card0": 7, "system": {}}',
    '{"card0": {"VRAM Total Memory (B)": "many"}}',
    "hw.memsize: much\nmachdep.cpu.brand_string: Apple M1\n",
    "machdep.cpu.brand_string: Intel(R) Core(TM) i5-8259U CPU\nhw.memsize: 17179869184\n",
    "sysctl: unknown oid 'iogpu.wired_limit_mb'",
]


def test_nvidia_cards() -> None:
    cards = parse_nvidia_smi("NVIDIA GeForce RTX 4090, 24564, 23010\nNVIDIA GeForce RTX 3060, 12288, 11911\n", 64 * GIB)
    assert cards == (
        Gpu("NVIDIA GeForce RTX 4090", "nvidia", 24564 * MIB, 23010 * MIB, bandwidth=1008e9),
        Gpu("NVIDIA GeForce RTX 3060", "nvidia", 12288 * MIB, 11911 * MIB, bandwidth=360e9),
    )


def test_an_nvidia_card_that_shares_the_memory() -> None:
    (spark,) = parse_nvidia_smi("NVIDIA GB10, [N/A], [N/A]\n", 120 * GIB)
    assert spark == Gpu("NVIDIA GB10", "nvidia", 120 * GIB, None, unified=True, bandwidth=273e9)


def test_an_nvidia_card_that_does_not_tell_what_is_free() -> None:
    (card,) = parse_nvidia_smi("Tesla T4, 15360, [Not Supported]\n", 0)
    assert (card.memory, card.free) == (15360 * MIB, None)


def test_amd_cards_of_rocm_smi() -> None:
    told = {
        "card0": {
            "Card Series": "Radeon RX 7900 XTX",
            "VRAM Total Memory (B)": "25753026560",
            "VRAM Total Used Memory (B)": "753026560",
        },
        "card1": {"Card series": "Rembrandt [Radeon 680M]", "VRAM Total Memory (B)": "536870912"},
        "system": {"Driver version": "6.7.0"},
    }
    assert parse_rocm_smi(json.dumps(told)) == (
        Gpu("Radeon RX 7900 XTX", "amd", 25753026560, 25_000_000_000, bandwidth=960e9),
        Gpu("Rembrandt [Radeon 680M]", "amd", 536870912, None),
    )


def test_amd_cards_of_the_kernel(tmp_path: Path) -> None:
    for card, total in (("card1", "17163091968"), ("card0-DP-1", "5"), ("card2", "")):
        device = tmp_path / card / "device"
        device.mkdir(parents=True)
        if total:
            (device / "mem_info_vram_total").write_text(f"{total}\n")
            (device / "mem_info_vram_used").write_text("163091968\n")
    (tmp_path / "renderD128" / "device").mkdir(parents=True)
    assert read_drm(tmp_path) == (Gpu("AMD", "amd", 17163091968, 17_000_000_000),)
    assert read_drm(tmp_path / "nothing") == ()


@pytest.mark.parametrize(
    ("ram", "limit", "memory"),
    [(16, "0", 16 * GIB * 2 // 3), (64, "0", 48 * GIB), (32, "26624", 26 * GIB), (16, None, 16 * GIB * 2 // 3)],
)
def test_apple(ram: int, limit: str | None, memory: int) -> None:
    lines = f"machdep.cpu.brand_string: Apple M2 Pro\nhw.memsize: {ram * GIB}\n"
    lines += f"iogpu.wired_limit_mb: {limit}\n" if limit is not None else ""
    assert parse_sysctl(lines) == (Gpu("Apple M2 Pro", "apple", memory, None, unified=True, bandwidth=200e9),)


@pytest.mark.parametrize("output", RUBBISH)
def test_rubbish_is_no_card(output: str) -> None:
    assert parse_nvidia_smi(output, 16 * GIB) == parse_rocm_smi(output) == parse_sysctl(output) == ()


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [
        ("NVIDIA GeForce RTX 4070 Ti SUPER", 672),
        ("NVIDIA GeForce RTX 4070 Ti", 504),
        ("NVIDIA GeForce RTX 4070 Laptop GPU", 256),
        ("NVIDIA H100 80GB HBM3", 3350),
        ("NVIDIA A100-SXM4-40GB", 1555),
        ("NVIDIA L40S", 864),
        ("Quadro K620", None),
    ],
)
def test_the_longest_name_counts(name: str, gigabytes: int | None) -> None:
    assert bandwidth_of("nvidia", name) == (gigabytes * 1e9 if gigabytes else None)


def test_a_program_that_is_not_there_fails_or_hangs_says_nothing() -> None:
    assert output_of(("no-such-program-on-this-machine",)) == ""
    assert output_of((sys.executable, "-c", "import time; time.sleep(60)"), most_seconds=0.5) == ""
    assert output_of((sys.executable, "-c", "raise SystemExit(9)")) == ""
    assert output_of((sys.executable, "-c", "import sys; sys.stdout.buffer.write(b'\\xff ok')")) == "\ufffd ok"


@pytest.mark.skipif(sys.platform != "linux", reason="programs are stood in for by scripts")
def test_drivers_tools_are_asked_and_their_rubbish_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(program: str, script: str) -> None:
        (tmp_path / program).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / program).chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_gpus(16 * GIB, tmp_path / "drm") == ()
    answers("nvidia-smi", 'echo "NVIDIA GeForce RTX 3060, 12288, 11911"')
    answers("rocm-smi", "echo 'WARNING: no json'; exit 1")
    (card,) = find_gpus(16 * GIB, tmp_path / "drm")
    assert card.name == "NVIDIA GeForce RTX 3060"
    assert memory_for_models(weights=5 * 10**9) == 11911 * MIB
    assert memory_for_models(weights=40 * 10**9) > 11911 * MIB


def group(folder: Path, most: str, used: int, cached: int, version: int = 2) -> None:
    names = ("memory.max", "memory.current", "inactive_file")
    if version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{most}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{names[2]} {cached}\nslab 2\n")


def membership(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "self-cgroup"
    file.write_text(text)
    return file


def test_a_container_sees_its_own_group_as_the_root(tmp_path: Path) -> None:
    group(tmp_path / "fs", str(4 * GIB), 3 * GIB, GIB // 2)
    assert memory_limit(tmp_path / "fs", membership(tmp_path, "0::/\n")) == Limit(4 * GIB, GIB + GIB // 2)


def test_the_tightest_group_above_counts(tmp_path: Path) -> None:
    root = tmp_path / "fs"
    group(root / "user.slice", str(6 * GIB), 5 * GIB, 0)
    group(root / "user.slice" / "app", "max", GIB, 0)
    assert memory_limit(root, membership(tmp_path, "0::/user.slice/app\n")) == Limit(6 * GIB, GIB)
    group(root / "user.slice" / "app", str(2 * GIB), GIB // 2, 0)
    assert memory_limit(root, membership(tmp_path, "0::/user.slice/app\n")) == Limit(2 * GIB, GIB)


def test_version_1_with_a_group_that_is_not_seen(tmp_path: Path) -> None:
    group(tmp_path / "fs" / "memory", str(3 * GIB), 2 * GIB, 0, version=1)
    groups = membership(tmp_path, "5:cpu,cpuacct:/docker/a\n4:memory:/docker/abc\n0::/\n")
    assert memory_limit(tmp_path / "fs", groups) == Limit(3 * GIB, GIB)


@pytest.mark.parametrize("most", ["max", "9223372036854771712", "rubbish", "-1", ""])
def test_no_limit(tmp_path: Path, most: str) -> None:
    group(tmp_path / "fs", most, GIB, 0)
    group(tmp_path / "fs" / "memory", most, GIB, 0, version=1)
    assert memory_limit(tmp_path / "fs", membership(tmp_path, "4:memory:/\n0::/\n:::\n0::/../../x\n")) is None
    assert memory_limit(tmp_path / "fs", tmp_path / "nothing") is None


def test_this_machine(tmp_path: Path) -> None:
    found = look(tmp_path / "not" / "yet" / "there")
    whole = psutil.virtual_memory().total
    assert 0 < found.total_ram <= whole
    assert found.limited == (found.total_ram < whole)
    assert 0 < found.free_ram <= found.total_ram
    assert 1 <= found.cores <= (os.cpu_count() or 1)
    assert found.free_disk == pytest.approx(psutil.disk_usage(str(tmp_path)).free, rel=0.1)
    assert found.os == sys.platform
    assert 0 < free_memory() <= whole


def test_where_models_are_kept(tmp_path: Path) -> None:
    assert models_folder({"OLLAMA_MODELS": str(tmp_path)}) == tmp_path
    assert models_folder({}).parts[-2:] == (".ollama", "models")
