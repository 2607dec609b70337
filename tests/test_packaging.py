"""What is shipped: wheel, sdist, lock, notices, image. All is built here but the image: no engine is at hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tools import notices

from .conftest import NOBODY, PROJECT

PROJECT_TABLE = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist, which is built from here."""
    builders = pytest.importorskip("hatchling.builders.sdist")
    from hatchling.builders.wheel import WheelBuilder

    folder = tmp_path_factory.mktemp("dist")
    (sdist,) = builders.SdistBuilder(str(PROJECT)).build(directory=str(folder), versions=["standard"])
    with tarfile.open(sdist) as packed:
        packed.extractall(folder, filter="data")
    unpacked = folder / Path(sdist).name.removesuffix(".tar.gz")
    (built,) = WheelBuilder(str(unpacked)).build(directory=str(folder), versions=["standard"])
    return Path(built)


@pytest.fixture(scope="module")
def files(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as packed:
        return set(packed.namelist())


def test_the_wheel_holds_what_the_program_reads(files: set[str]) -> None:
    for package in ("ingest", "rag_app", "ui"):
        assert f"{package}/py.typed" in files
        here = {
            path.relative_to(PROJECT).as_posix()
            for path in (PROJECT / package).rglob("*")
            if path.is_file() and path.suffix not in (".pyc",)
        }
        assert here - files == set()
    samples = {f"rag_app/sample_docs/{path.name}" for path in (PROJECT / "sample_docs").iterdir() if path.is_file()}
    assert samples - files == set()
    assert {name.rsplit("/", 1)[1] for name in files if "/licenses/" in name} == {"LICENSE", "THIRD_PARTY_NOTICES.md"}


def test_the_wheel_holds_nothing_else(files: set[str]) -> None:
    tops = {name.split("/")[0] for name in files}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ingest", "rag_app", "ui"}
    assert [name for name in files if "test" in name.lower().split("/")[0] or "/.source/" in name] == []


def test_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        name = next(one for one in packed.namelist() if one.endswith("/METADATA"))
        metadata = packed.read(name).decode()
        scripts = packed.read(name.replace("METADATA", "entry_points.txt")).decode()
    assert "Requires-Python: >=3.11" in metadata
    assert "License-Expression: MIT" in metadata
    assert {f"Provides-Extra: {extra}" for extra in PROJECT_TABLE["optional-dependencies"]} <= set(
        metadata.splitlines()
    )
    assert "rag-app = rag_app.cli:main" in scripts


@pytest.mark.slow
def test_the_wheel_runs_in_an_environment_of_its_own(wheel: Path, model_dir: Path, tmp_path: Path) -> None:
    """Nothing of the checkout is seen; only the third-party packages are this environment's own."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    python = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    own = Path(sysconfig.get_path("purelib", vars={"base": str(tmp_path / "env"), "platbase": str(tmp_path / "env")}))
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(own)
    (own / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"RAG_MODEL_DIR": str(model_dir), "RAG_ANSWERS": "quotes", "RAG_OLLAMA_URL": NOBODY}

    def run(*arguments: str) -> str:
        command = [str(python), "-m", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = "import rag_app, ingest, ui; print(rag_app.__file__, ingest.__file__, ui.__file__)"
    shown = subprocess.run(
        [python, "-c", where], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert all(Path(one).is_relative_to(own) for one in shown.stdout.split())
    samples = own / "rag_app" / "sample_docs"
    assert "read: 1" in run("ingest", str(samples / "ollama-cheatsheet.md"))
    answer = json.loads(run("rag_app", "ask", "How do I stop a model?", "--json"))
    assert "ollama stop" in answer["text"]
    assert "rag-app ask" in run("rag_app", "ask", "--help")


def test_the_lock_names_all_that_is_needed() -> None:
    unpinned = set(notices.needed()) - set(notices.pinned()) - {"setuptools"}  # torch's; pip brings it
    assert unpinned == set()


def test_notices_are_up_to_date() -> None:
    written = (PROJECT / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")
    rows = {tuple(line.split(" | ")[:2]) for line in written.splitlines() if line.startswith("| ")}
    pinned = notices.pinned()
    shown = {(f"| {one.metadata['Name']}", pinned[name]) for name, one in notices.needed().items() if name in pinned}
    assert shown - rows == set(), "python -m tools.notices > THIRD_PARTY_NOTICES.md"
    assert "see its files" not in written  # each licence is known


# The image


@pytest.fixture(scope="module")
def image() -> list[dict[str, Any]]:
    """The Dockerfile's instructions."""
    parser = pytest.importorskip("dockerfile_parse").DockerfileParser(str(PROJECT / "Dockerfile"))
    return [one for one in parser.structure if one["instruction"] != "COMMENT"]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    read: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))
    return read


def values(image: list[dict[str, Any]], instruction: str) -> list[str]:
    return [one["value"] for one in image if one["instruction"] == instruction]


def test_the_image_is_of_known_instructions_and_runs_as_nobody_special(image: list[dict[str, Any]]) -> None:
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"}
    assert {one["instruction"] for one in image} == known
    assert values(image, "USER") == ["rag"]
    last = max(place for place, one in enumerate(image) if one["instruction"] == "FROM")
    assert [one["instruction"] for one in image[last:]].index("USER") > 0  # of the stage that is run
    assert "useradd" in " ".join(values(image, "RUN"))


def test_what_the_image_copies_is_there_and_not_ignored(image: list[dict[str, Any]]) -> None:
    allowed = {
        line[1:] for line in (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"
    }
    for copied in values(image, "COPY"):
        if copied.startswith("--from"):
            continue
        *sources, _ = copied.split()
        for source in sources:
            assert (PROJECT / source).exists()
            assert source in allowed
    readme, files = PROJECT_TABLE["readme"], PROJECT_TABLE["license-files"]
    assert {readme, *files} <= allowed  # the build reads them


def test_what_the_image_runs_is_a_command_with_those_options(image: list[dict[str, Any]]) -> None:
    from rag_app import Settings

    from .test_reference import COMMANDS

    (command,) = values(image, "CMD")
    program, name, *options = json.loads(command)
    assert program == "rag-app"
    known = {option for one in COMMANDS[name].params for option in (*one.opts, *one.secondary_opts)}
    assert set(options) <= known
    assert "rag-app prepare" in values(image, "RUN")[1] + " ".join(values(image, "RUN"))
    variables = " ".join(values(image, "ENV")).replace("\\", " ").split()
    ours = {one.partition("=")[0] for one in variables if one.startswith("RAG_")}
    assert {one.removeprefix("RAG_").lower() for one in ours} <= set(Settings.model_fields)
    pinned = notices.pinned()
    assert f"torch=={pinned['torch']}" in " ".join(values(image, "RUN"))


def test_the_image_is_healthy_where_the_ui_is(image: list[dict[str, Any]]) -> None:
    (health,) = values(image, "HEALTHCHECK")
    program, flag, code = json.loads(health.partition("CMD ")[2])
    assert (program, flag) == ("python", "-c")
    compile(code, "HEALTHCHECK", "exec")
    assert ":8501/_stcore/health" in code
    assert values(image, "EXPOSE") == ["8501"]


def test_compose_publishes_on_this_computer_alone(compose: dict[str, Any], image: list[dict[str, Any]]) -> None:
    services = compose["services"]
    assert set(services) == {"app", "ollama"}
    assert services["app"]["ports"] == ["127.0.0.1:8501:8501"]
    assert "ports" not in services["ollama"]
    assert services["app"]["environment"] == {"RAG_OLLAMA_URL": "http://ollama:11434"}
    named = {volume.partition(":")[0] for one in services.values() for volume in one["volumes"]}
    assert set(compose["volumes"]) == {name for name in named if not name.startswith(".")}
    assert values(image, "VOLUME")[0] in [volume.split(":")[1] for volume in services["app"]["volumes"]]
    waits = services["app"]["depends_on"]["ollama"]["condition"]
    assert (waits, services["ollama"]["healthcheck"]["test"][0]) == ("service_healthy", "CMD")
    assert services["ollama"]["image"].startswith("ollama/ollama:")
    assert services["app"]["cap_drop"] == ["ALL"]


def test_the_image_asks_for_a_password(monkeypatch: pytest.MonkeyPatch, image: list[dict[str, Any]]) -> None:
    """It has to listen on the container's address; the app does so only where people sign in."""
    from rag_app import Settings, hash_password
    from rag_app.cli.up import UiError, check_open

    assert "RAG_HOST=0.0.0.0" in " ".join(values(image, "ENV"))
    monkeypatch.setenv("RAG_HOST", "0.0.0.0")
    with pytest.raises(UiError):
        check_open(Settings.load())
    check_open(Settings.load(ui_password=hash_password("long enough")))


def test_running_needs_no_model_of_the_tests() -> None:
    """``make run`` installs what users need; the 98 MB of the tests come with the tests."""

    def commands(target: str) -> str:
        done = subprocess.run(
            ["make", "--dry-run", "--always-make", target], cwd=PROJECT, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert "smollm2" not in commands("run")
    assert "smollm2" in commands("test")
