"""Where this program and Ollama run: what is installed, in a container or not, which proxies are set.

Everything is read from the file system and the environment, and both can be given.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

Inside = Literal["", "docker", "podman", "wsl"]

DEFAULT_PORT = 11434
_MARKS = ("docker", "containerd", "kubepods", "libpod", "/lxc/")  # in the name of a control group
_UNITS = tuple(f"{folder}/systemd/system/ollama.service" for folder in ("etc", "usr/lib", "lib"))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found.

    Attributes:
        os: as in ``sys.platform``.
        environment: the variables.
        inside: what this program runs in, where the address 127.0.0.1 is not the computer's: a container, or WSL.
        binary: Ollama's program, None where it is not installed.
        service: systemd starts Ollama. app: it is the macOS app.
    """

    os: str
    environment: Mapping[str, str]
    inside: Inside = ""
    binary: Path | None = None
    service: bool = False
    app: bool = False

    def start(self, url: str) -> str:
        """The command that starts Ollama so that it answers at ``url``."""
        port = urlsplit(url).port or DEFAULT_PORT
        if port == DEFAULT_PORT and self.app:
            return "open -a Ollama"
        if port == DEFAULT_PORT and self.service:
            return "sudo systemctl start ollama"
        on_path = shutil.which("ollama", path=self.environment.get("PATH", ""))
        serve = f'"{self.binary}" serve' if self.binary and not on_path else "ollama serve"
        return serve if port == DEFAULT_PORT else self.listening(f"127.0.0.1:{port}", serve)

    def listening(self, host: str, serve: str = "ollama serve") -> str:
        """The command that has Ollama listen at ``host``."""
        return f'set "OLLAMA_HOST={host}" && {serve}' if self.os == "win32" else f"OLLAMA_HOST={host} {serve}"

    def set_variable(self, name: str, value: str) -> str:
        """The command that sets a variable in the terminal at hand."""
        return f'set "{name}={value}"' if self.os == "win32" else f"export {name}={value}"

    @property
    def install(self) -> str:
        """The command, or address, that installs Ollama, or a newer one (docs.ollama.com: linux, windows, macos)."""
        if self.os == "win32":
            return "winget install --id Ollama.Ollama"
        return "https://ollama.com/download" if self.os == "darwin" else "curl -fsSL https://ollama.com/install.sh | sh"

    @property
    def outside(self) -> str:
        """The address of an Ollama on the computer around."""
        if self.inside == "wsl":  # learn.microsoft.com: accessing network applications with WSL
            return f"http://$(ip route show default | awk '{{print $3}}'):{DEFAULT_PORT}"
        host = "host.containers.internal" if self.inside == "podman" else "host.docker.internal"
        return f"http://{host}:{DEFAULT_PORT}"


def look_around(
    root: Path = Path("/"), environment: Mapping[str, str] | None = None, platform: str = sys.platform
) -> Surroundings:
    """This machine.

    Args:
        root: of the file system. environment: the process's own unless given.
    """
    variables = dict(os.environ if environment is None else environment)
    app = root / "Applications" / "Ollama.app"
    systemd = platform == "linux" and (root / "run/systemd/system").is_dir()
    return Surroundings(
        os=platform,
        environment=variables,
        inside=_inside(root, variables) if platform == "linux" else "",
        binary=_binary(root, variables, platform),
        service=systemd and any((root / unit).is_file() for unit in _UNITS),
        app=platform == "darwin" and app.is_dir(),
    )


def proxy_for(url: str, environment: Mapping[str, str]) -> str | None:
    """The variable that sends requests to ``url`` through a proxy, None without one.

    The rules are those of httpx: ``NO_PROXY`` lists hosts and the ends of names, ``*`` is all.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    excepted = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    for entry in (one.strip().lower() for one in excepted.split(",")):
        bare = entry.removeprefix("*").removeprefix(".").rpartition("//")[2].partition(":")[0]
        if entry == "*" or (bare and (host == bare or host.endswith(f".{bare}"))):
            return None
    return next((name for name in proxies(environment) if name.lower() in (f"{parts.scheme}_proxy", "all_proxy")), None)


def proxies(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The variables that name a proxy."""
    wanted = ("http_proxy", "https_proxy", "all_proxy")
    return tuple(name for low in wanted for name in (low, low.upper()) if environment.get(name))


def has_socks(environment: Mapping[str, str]) -> str | None:
    """The variable that names a proxy of a kind that httpx can't use as it is installed; it then refuses all work."""
    names = proxies(environment)
    return next((name for name in names if urlsplit(environment[name]).scheme.startswith("socks")), None)


def _inside(root: Path, environment: Mapping[str, str]) -> Inside:
    if _exists(root / "run/.containerenv") or environment.get("container") == "podman":
        return "podman"
    groups = _text(root / "proc/1/cgroup") + _text(root / "proc/self/cgroup")
    if _exists(root / ".dockerenv") or any(mark in groups for mark in _MARKS):
        return "docker"
    return "wsl" if "microsoft" in _text(root / "proc/version").lower() else ""


def _binary(root: Path, environment: Mapping[str, str], platform: str) -> Path | None:
    on_path = shutil.which("ollama", path=environment.get("PATH", ""))
    if on_path:
        return Path(on_path)
    return next((path for path in _usual_places(root, environment, platform) if _exists(path)), None)


def _usual_places(root: Path, environment: Mapping[str, str], platform: str) -> Iterator[Path]:
    if platform == "win32":
        for variable, place in (("LOCALAPPDATA", "Programs/Ollama/ollama.exe"), ("PROGRAMFILES", "Ollama/ollama.exe")):
            if environment.get(variable):
                yield Path(environment[variable], place)
    elif platform == "darwin":
        yield root / "Applications/Ollama.app/Contents/Resources/ollama"
        yield root / "opt/homebrew/bin/ollama"
        yield root / "usr/local/bin/ollama"
    else:
        yield from (root / folder / "ollama" for folder in ("usr/local/bin", "usr/bin", "snap/bin", "opt/ollama/bin"))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
