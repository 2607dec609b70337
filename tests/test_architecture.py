"""The house's rules: which way imports go, who owns which package, what is loaded when."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag_app import RagApp

from .conftest import NOBODY, PROJECT

ALLOWED = {"ingest": {"ingest"}, "rag_app": {"rag_app", "ingest"}, "ui": {"ui", "rag_app"}}
EXCEPTIONS = {("ingest/__main__.py", "rag_app")}

OWNERS = {
    "anyio": "rag_app/server/",
    # the type of every picture
    "PIL": "ingest/loaders/pixels.py ingest/loaders/pictures.py ingest/loaders/pdf_ocr.py ingest/ocr.py "
    "ingest/loaders/pdf_drawing.py "
    "ingest/recognition.py",
    "bs4": "ingest/loaders/web.py",
    "charset_normalizer": "ingest/loaders/encoding.py",
    "chromadb": "rag_app/vectors.py rag_app/llamaindex/",
    "docx": "ingest/loaders/word.py",
    "fastapi": "rag_app/server/",
    "fastapi_offline": "rag_app/server/api_docs.py",
    "filelock": "rag_app/locks.py",
    "httpx": "rag_app/llm/ollama_client.py",
    "httpx2": "rag_app/llm/openai_client.py",
    "ir_measures": "rag_app/evaluation/retrieval.py",
    "llama_index": "ingest/chunking.py rag_app/evaluation/judge.py rag_app/llamaindex/",
    "lxml": "ingest/loaders/packages.py",
    "markdown_it": "ingest/loaders/markdown.py",
    "mcp": "rag_app/mcp_server/",
    "mcp_types": "rag_app/mcp_server/",
    "ollama": "rag_app/llm/ollama_client.py",
    "onnx": "rag_app/embedding/onnx.py",
    "onnxruntime": "rag_app/embedding/onnx.py",
    "openai": "rag_app/llm/openai_client.py",
    "opencc": "rag_app/retrieval/tokens.py",
    "openpyxl": "ingest/loaders/sheets.py",
    "platformdirs": "rag_app/settings.py",
    "pathspec": "ingest/ignore.py",
    "pptx": "ingest/loaders/slides.py",
    "psutil": "rag_app/llm/hardware.py",
    "pydantic": "rag_app/settings.py rag_app/reference/schema.py rag_app/server/ rag_app/mcp_server/",
    "pydantic_settings": "rag_app/settings.py",
    "pypdf": "ingest/loaders/pdf_pypdf.py",
    "pypdfium2": "ingest/loaders/pdf_pdfium.py ingest/loaders/pdf_ocr.py ingest/loaders/pdf_pictures.py "
    "ingest/loaders/pdf_places.py ingest/loaders/pdf_drawing.py",
    "rapidocr": "ingest/ocr.py",
    "rich": "rag_app/cli/output.py",
    "safetensors": "rag_app/embedding/sentence_transformer.py rag_app/reranking/cross_encoder.py",
    "sentence_transformers": "rag_app/embedding/sentence_transformer.py rag_app/reranking/cross_encoder.py",
    "snowballstemmer": "rag_app/retrieval/tokens.py",
    "starlette": "rag_app/server/ rag_app/mcp_server/",
    "streamlit": "ui/",
    "striprtf": "ingest/loaders/richtext.py",
    "tokenizers": "rag_app/embedding/tokenizer.py",
    "tomlkit": "rag_app/settings_file.py",
    "torch": "rag_app/embedding/sentence_transformer.py rag_app/reranking/cross_encoder.py",
    "uvicorn": "rag_app/server/serving.py",
    "watchfiles": "ingest/watch.py",
    "xllamacpp": "rag_app/llm/gguf_worker.py",
    "typer": "rag_app/cli/ rag_app/reference/commands.py",
    "typing_extensions": "rag_app/cli/shapes.py",
}
COMMON = {"numpy"}  # the type of every vector
HEAVY = (
    "torch",
    "sentence_transformers",
    "llama_index",
    "chromadb",
    "streamlit",
    "onnxruntime",
    "rapidocr",
    "cv2",
    "PIL",
)


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in ALLOWED:
        for path in sorted((PROJECT / package).rglob("*.py")):
            yield path.relative_to(PROJECT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.AST) -> Iterator[str]:
    """Dotted names of all absolute imports, wherever they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_imports_go_one_way() -> None:
    wrong = [
        f"{path} imports {name}"
        for path, tree in modules()
        for name in {name.split(".")[0] for name in imports(tree)} & set(ALLOWED)
        if name not in ALLOWED[path.split("/")[0]] and (path, name) not in EXCEPTIONS
    ]
    assert wrong == []


def test_ui_uses_public_names_only() -> None:
    wrong = [
        f"{path} imports {name}"
        for path, tree in modules()
        if path.startswith("ui/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rag_app"
        for name in [node.module or ""]
        if name != "rag_app"
    ]
    assert wrong == []


def test_every_package_has_one_owner() -> None:
    wrong = []
    for path, tree in modules():
        for name in {name.split(".")[0] for name in imports(tree)}:
            if name in sys.stdlib_module_names or name in ALLOWED or name in COMMON:
                continue
            owner = OWNERS.get(name, "nobody")
            if not any(path == one or (one.endswith("/") and path.startswith(one)) for one in owner.split()):
                wrong.append(f"{path} imports {name}, which belongs to {owner}")
    assert wrong == []


def test_no_bare_except_and_no_unfinished_marks() -> None:
    wrong = []
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or getattr(node.type, "id", "") == "Exception"
            ):
                wrong.append(f"{path}:{node.lineno}")
        text = (PROJECT / path).read_text(encoding="utf-8")
        wrong += [path for mark in ("TODO", "FIXME", "XXX") if mark in text]
    assert wrong == []


def loaded(code: str, *arguments: str, **environment: str) -> set[str]:
    """Top-level packages that a fresh interpreter has loaded after ``code``."""
    import os

    code += "\nimport sys, json; print('\\n' + json.dumps(sorted({n.split('.')[0] for n in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("package", ["rag_app", "ingest"])
def test_import_loads_nothing_heavy(package: str) -> None:
    assert loaded(f"import {package}").isdisjoint(HEAVY)


RUN = """
import sys
from rag_app.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
"""


def test_help_loads_nothing_heavy() -> None:
    assert loaded(RUN, "--help").isdisjoint(HEAVY)
    assert loaded(RUN, "ingest", "-h").isdisjoint(HEAVY)


def test_ask_with_quotes_needs_no_framework(samples: RagApp) -> None:
    found = loaded(
        RUN,
        "ask",
        "Where is the Ollama server log on Windows?",
        RAG_DATA_DIR=str(samples.settings.data_dir),
        RAG_OLLAMA_URL=NOBODY,
    )
    assert "chromadb" in found  # it really searched
    assert found.isdisjoint({"torch", "sentence_transformers", "transformers", "llama_index", "streamlit", "jieba"})


@pytest.mark.skipif(sys.platform == "win32", reason="ONNX Runtime keeps its device id elsewhere there")
def test_no_package_leaves_a_trace_or_sends_anything(samples: RagApp, tmp_path: Path) -> None:
    """ONNX Runtime sends events and keeps a device id unless told otherwise before its import."""
    code = f"""
import sys, socket
def refuse(event, arguments):
    if event == "socket.connect" and arguments[1][0] not in ("127.0.0.1", "::1"):
        raise SystemExit(f"connects to {{arguments[1]}}")
sys.addaudithook(refuse)
{RUN}"""
    environment = dict.fromkeys(("CI", "GITHUB_ACTIONS", "ORT_RUNNING_UNIT_TESTS"), "")
    found = loaded(
        code,
        "ask",
        "Where is the Ollama server log on Windows?",
        HOME=str(tmp_path),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        RAG_DATA_DIR=str(samples.settings.data_dir),
        RAG_MODEL_DIR=str(samples.settings.model_dir),
        RAG_OLLAMA_URL=NOBODY,
        **environment,
    )
    assert "onnxruntime" in found
    left = [path for path in tmp_path.rglob("*") if "Microsoft" in path.parts or "deviceid" in path.name]
    assert left == []


def test_nothing_of_a_machine_is_in_the_project() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False)
    paths = [Path(PROJECT, name) for name in listed.stdout.split("\0") if name]
    home = "/" + "work/"
    wrong = [
        path.name
        for path in paths
        if path.suffix in {".py", ".md", ".toml", ".txt"}
        and path.is_file()
        and home in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert wrong == []
