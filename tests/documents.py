"""The code blocks of the documentation, found and run.

A block runs unless ``<!-- not run: why -->`` stands above it; then its rag-app commands are parsed at least. Blocks of
one page run in order, in one folder. ``console`` blocks have commands after ``$``; what follows must be in the output.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from rag_app.cli import main
from rag_app.cli.main import build

LANGUAGES = {"python", "sh", "console", "toml", "json", "jsonl", "csv", "text", "caddyfile", "ini", "yaml"}
_NOT_RUN = re.compile(r"<!-- not run: (\S.*?) -->\s*\Z", re.DOTALL)
_VARIABLE = re.compile(r"(?:export\s+)?([A-Z][A-Z_]*)=(\S*)\s*(.*)", re.DOTALL)
_PROGRAMS = {"rag-app", "python -m ingest"}
_HARMLESS = {"rag-app", "python", "printf", "echo", "mkdir", "cp", "cat"}
_PLACEHOLDER = re.compile(r"[A-Z]+(?:-[A-Z]+)*…?|…")
_SHELL = ("|", "<", "&&", ";", "`", "$(")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. ``line``: its first, 1-based. ``why_not``: why it is not run, "" where it is."""

    language: str
    code: str
    line: int
    why_not: str

    @property
    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """Each command with the lines that its output must have."""
        joined = self.code.replace("\\\n", " ")
        if self.language == "console":
            for part in re.split(r"^\$ ", joined, flags=re.MULTILINE)[1:]:
                command, *shown = part.splitlines()
                yield command, [" ".join(line.split()) for line in shown if line.strip()]
            return
        for line in joined.splitlines():
            command = _without_comment(line).strip()
            if command:
                yield command, []


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    found = []
    for token in MarkdownIt().parse(text):
        if token.type == "fence" and token.map is not None:
            start = token.map[0]
            marked = _NOT_RUN.search("".join(lines[max(0, start - 3) : start]))
            found.append(Block(token.info.strip(), token.content, start + 1, marked[1] if marked else ""))
    return found


def check(block: Block) -> None:
    """What can be told of a block that is not run: commands and options exist, Python and TOML are that."""
    if block.language == "python":
        compile(block.code, "block", "exec")
    elif block.language == "toml":
        tomllib.loads(block.code)
    elif block.language in ("sh", "console"):
        for command, _ in block.commands:
            _parse(command)


class Runner:
    """Runs the blocks of one page.

    Args:
        folder: the working folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[str, Any] = {"__name__": "block"}
        self._set: dict[str, str] = {}

    def run(self, block: Block) -> None:
        """Run a block; it fails as its commands or its Python do."""
        if block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block.code, f"line {block.line}", "exec"), self._names)
        elif block.language == "toml":
            tomllib.loads(block.code)
        elif block.language in ("sh", "console"):
            for command, shown in block.commands:
                out = self._command(command)
                missing = [line for line in shown if line not in re.sub(r"[ \t]+", " ", out)]
                assert not missing, f"line {block.line}, {command}: {missing}\nnot in:\n{out}"

    def close(self) -> None:
        """Take back the variables that were set."""
        for name in self._set:
            os.environ.pop(name, None)

    def _command(self, command: str) -> str:
        variable = _VARIABLE.fullmatch(command)
        if variable and not variable[3]:
            self._set[variable[1]] = os.environ[variable[1]] = variable[2]
            return ""
        if any(mark in command for mark in _SHELL) or variable or _program(command) not in _PROGRAMS:
            return self._shell(command)
        words, target = _redirected(shlex.split(command))
        words = [str(Path.home() / word[2:]) if word.startswith("~/") else word for word in words]
        given = words[1:] if words[0] == "rag-app" else ["ingest", *words[3:]]
        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(given)
            except SystemExit as end:
                code = int(end.code or 0)
        assert code == 0, f"{command}: exit code {code}\n{out.getvalue()}{err.getvalue()}"
        if target is not None:
            target.write_text(out.getvalue(), encoding="utf-8")
        return out.getvalue()

    def _shell(self, command: str) -> str:
        variable = _VARIABLE.fullmatch(command)
        first = (variable[3] if variable else command).split()[0]
        assert first in _HARMLESS, f"{command}: say above the block why it is not run, or add {first} to those that are"
        programs = self._folder / ".bin"
        programs.mkdir(exist_ok=True)
        for name, module in (("rag-app", " -m rag_app"), ("python", "")):
            (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{module} "$@"\n')
            (programs / name).chmod(0o755)
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=self._folder,
            env=os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout


def _parse(command: str) -> None:
    """A command of rag-app has to exist, with these options; others are not ours to check."""
    import typer

    if "rag-app" not in command:
        return
    variable = _VARIABLE.fullmatch(command)
    words = shlex.split(variable[3] if variable else command)
    parts = [list(part) for mark, part in itertools.groupby(words, lambda word: word in ("|", "&&", ";")) if not mark]
    for part in parts:
        words, _ = _redirected(part)
        names = [place for place, word in enumerate(words) if word.rsplit("/", 1)[-1] == "rag-app"]
        if not names or (names[0] and words[0] != "docker"):
            continue
        found: Any = typer.main.get_command(build("en"))
        at = names[-1] + 1
        while hasattr(found, "commands"):
            word = words[at] if at < len(words) else ""
            if word.startswith("--"):
                assert word in {option for one in found.params for option in one.opts}, f"no option: {command}"
                break
            assert word in found.commands, f"there is no command: {command}"
            found, at = found.commands[word], at + 1
        else:
            _parse_options(found, words[at:], command)


def _parse_options(found: Any, words: list[str], command: str) -> None:
    from typer.exceptions import TyperException

    given = ["1" if _PLACEHOLDER.fullmatch(word) else word for word in words]
    try:
        found.make_context("rag-app", given)
    except TyperException as error:
        raise AssertionError(f"{command}: {error}") from error


def _program(command: str) -> str:
    words = command.split()
    return " ".join(words[:3]) if words[0] == "python" else words[0]


def _redirected(words: list[str]) -> tuple[list[str], Path | None]:
    if ">" in words:
        at = words.index(">")
        return words[:at], Path(words[at + 1])
    return words, None


def _without_comment(line: str) -> str:
    """Up to a # that begins a word outside of quotation marks."""
    quote = ""
    for place, character in enumerate(line):
        if character in "\"'" and quote in ("", character):
            quote = "" if quote else character
        elif character == "#" and not quote and (place == 0 or line[place - 1] in " \t"):
            return line[:place]
    return line
