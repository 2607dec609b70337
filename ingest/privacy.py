"""What the packages below us would otherwise tell others about this computer."""

from __future__ import annotations

import os

_OFF = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime ≥ 1.29 sends events and keeps a device id
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "ANONYMIZED_TELEMETRY": "False",  # Chroma
}


def no_telemetry() -> None:
    """Turn telemetry off for this process and its children; call it before importing any of those packages."""
    os.environ.update(_OFF)
