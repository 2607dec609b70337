"""Downloads of a model that nobody recorded, in the wire format of Ollama's /api/pull."""

from __future__ import annotations

import json
from dataclasses import replace

from .recordings import Ending, Reply, reply

WEIGHTS, TEMPLATE = 2_000_000_000, 1_500


def part(digest: str, total: int, *completed: int) -> list[dict[str, object]]:
    """The records of one part."""
    named = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest * 8}", "total": total}
    return [{**named, **({"completed": done} if done else {})} for done in completed]


def pulled(*completed: int, ends: bool = True, ended_by: Ending = "final 0-length chunk") -> Reply:
    """A download of two parts, of which the first has come so far at each record.

    Args:
        ends: with the records that come after the last byte.
    """
    records: list[dict[str, object]] = [{"status": "pulling manifest"}, *part("a1b2c3d4e5f6", WEIGHTS, *completed)]
    if ends:
        records += part("0f0e0d0c0b0a", TEMPLATE, TEMPLATE)
        finish = ("verifying sha256 digest", "writing manifest", "success")
        records += [{"status": status} for status in finish]
    lines = [json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in records]
    return replace(reply("08-pull-missing-model"), chunks=tuple((0.0, line) for line in lines), ended_by=ended_by)
