"""Bytes and seconds as people read them."""


def size(count: float) -> str:
    """Bytes as people read them: 4.9 GB, 808 MB."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}" if count < 100 * unit else f"{count / unit:.0f} {name}"
    return f"{count / 1e3:.0f} kB"


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any: 4:05, 1:04:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
