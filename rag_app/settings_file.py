"""One setting stored in ``rag.toml``; comments, order and everything else of the file stay. The only tomlkit import."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from .errors import SettingsError
from .settings import config_file, own_config_file

# a single file that was mounted into a container, or a folder that is closed: the file alone can still be written
_NOT_REPLACEABLE = (errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM)


def store(name: str, value: str | int | bool) -> Path:
    """Write a setting into the ``rag.toml`` in force, else into the user's own, made if it is not there.

    Returns:
        The file.

    Raises:
        SettingsError: the file can't be read or written, or is not valid TOML.
    """
    file = (config_file() or own_config_file()).resolve()
    try:
        before = file.read_bytes().decode("utf-8") if file.exists() else ""
        after = _with(before, name, value, file)
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, after.encode("utf-8"))
    except UnicodeDecodeError as error:
        raise SettingsError("settings.bad_toml", file=file, cause=error) from error
    except OSError as error:
        raise SettingsError("settings.unwritable", file=file, name=name, cause=error.strerror or error) from error
    return file


def _with(text: str, name: str, value: str | int | bool, file: Path) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        document[name] = value
        changed = tomlkit.dumps(document)
    except TOMLKitError as error:
        raise SettingsError("settings.bad_toml", file=file, cause=error) from error
    # a new line ends as the others do
    return changed.replace("\r\n", "\n").replace("\n", "\r\n") if "\r\n" in text else changed


def _write(file: Path, data: bytes) -> None:
    """Whole or not at all: a full disk must not cost the settings that were there."""
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(data)
            if file.exists():
                shutil.copymode(file, temporary)
            temporary.replace(file)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        if error.errno not in _NOT_REPLACEABLE:
            raise
        file.write_bytes(data)
