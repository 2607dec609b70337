"""The public names: all there, documented, typed; values that become JSON and can be read."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import rag_app
from ingest.values import Value
from rag_app import AsyncConversation, AsyncRagApp, Conversation, RagApp, jsonable, message, to_json

from .conftest import DATA, PROJECT
from .test_architecture import loaded

PROGRAM = DATA / "every_name.py"


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def attributes(path: Path) -> set[str]:
    return {
        node.attr for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute)
    }


def test_the_program_uses_every_public_name() -> None:
    tree = ast.parse(PROGRAM.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    used = attributes(PROGRAM) | imported
    assert set(rag_app.__all__) - used == set()
    for kind in (RagApp, AsyncRagApp, Conversation, AsyncConversation):
        assert public(kind) - used == set(), kind.__name__


def test_every_method_has_its_coroutine() -> None:
    own = {"open", "close"}
    assert public(RagApp) - own <= public(AsyncRagApp)
    assert public(Conversation) <= public(AsyncConversation)
    for name in public(RagApp) - own - {"conversation", "changes", "watch", "pull_model"}:
        blocking, beside = getattr(RagApp, name), getattr(AsyncRagApp, name)
        assert inspect.signature(blocking) == inspect.signature(beside), name
        assert inspect.iscoroutinefunction(beside) or name in ("reply", "stream"), name


def test_names_are_taken_from_where_the_type_checker_sees_them() -> None:
    tree = ast.parse((PROJECT / "rag_app" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: "." * node.level + (node.module or "")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == rag_app._HOME_OF
    assert sorted(seen) == rag_app.__all__ == dir(rag_app)
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        _ = rag_app.nothing_of_that_name


def test_everything_public_is_documented() -> None:
    said = {name: getattr(rag_app, name) for name in rag_app.__all__}
    missing = [name for name, one in said.items() if inspect.isroutine(one) or inspect.isclass(one) if not one.__doc__]
    for kind in (RagApp, AsyncRagApp, Conversation, AsyncConversation, rag_app.AsyncAnswerStream):
        missing += [f"{kind.__name__}.{name}" for name in public(kind) if not getattr(kind, name).__doc__]
    assert missing == []


def test_importing_the_package_loads_next_to_nothing() -> None:
    assert loaded("import rag_app").isdisjoint({"numpy", "pydantic", "asyncio", "sqlite3", "llama_index"})


def test_results_become_json_and_can_be_read(samples: RagApp) -> None:
    answer = samples.ask("Where is the Ollama server log on Windows?")
    found = samples.retrieve("KV cache", limit=2)
    report = samples.plan(samples.documents()[0].path)
    for value in (answer, found, report, samples.documents()[0], samples.file_counts(), samples.list_files(limit=3)):
        assert isinstance(value, Value)
        plain = json.loads(value.to_json())
        assert plain == value.to_dict() == jsonable(value)
        assert len(repr(value)) < 500
        assert repr(value).startswith(f"{type(value).__name__}(")
        assert "\n" not in repr(value)
        assert "<script" not in value._repr_html_()
    plain = answer.to_dict("zh")
    assert plain["citations"][0]["where"] == answer.citations[0].where("zh")
    assert plain["citations"][0]["path"] == str(answer.citations[0].path)
    assert len(plain["passages"]) == len(answer.passages)


def test_long_texts_are_cut_in_a_repr_and_nothing_else_is() -> None:
    turn = rag_app.Turn("user", "a" * 1000, ("one",))
    assert repr(turn) == f"Turn(role='user', text='{'a' * 59}…', titles=('one',))"
    assert len(turn.to_dict()["text"]) == 1000


def test_a_notebook_shows_an_answer_with_its_citations_and_runs_nothing(app: RagApp, tmp_path: Path) -> None:
    evil = "# Notes\n\nThe <script>alert(1)</script> <img src=http://example.com/x> password of the printer is 4711.\n"
    (tmp_path / "a<b>.md").write_text(evil)
    app.ingest(tmp_path / "a<b>.md")
    answer = app.ask("What is the password of the printer?")
    shown = answer._repr_html_()
    assert "4711" in shown
    assert "a&lt;b&gt;.md" in shown
    assert "<sup>[1]</sup>" in shown
    for page in (shown, app.retrieve("password of the printer")._repr_html_(), answer.citations[0]._repr_html_()):
        assert "<script" not in page
        assert "<img" not in page
        assert "src=" not in page.replace("&lt;img src=http://example.com/x&gt;", "")


def test_messages_speak_the_language_that_is_asked_for() -> None:
    told = message("answer.not_found")
    check = rag_app.Check("x", "ok", told)
    assert check.to_dict("zh")["finding"] == told.text("zh") != check.to_dict()["finding"]
    assert json.loads(to_json([check, {"a": float("nan"), "b": b"\x00"}])) == [
        check.to_dict(),
        {"a": None, "b": "AA=="},
    ]
    with pytest.raises(TypeError, match="object"):
        jsonable(object())


def test_evaluation_from_python(samples: RagApp, tmp_path: Path) -> None:
    asked = [
        rag_app.AnswerQuestion("log", "Where is the Ollama server log on Windows?", ("server.log",)),
        rag_app.AnswerQuestion("moon", "Who walked on the moon first?", ()),
    ]
    seen: list[tuple[int, int]] = []
    file = tmp_path / "a.run.jsonl"
    run = samples.evaluate(asked, save=file, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2, 2)
    assert [case.good for case in run.cases] == [True, True]
    assert run.mean("contains") == 1.0
    assert file.is_file()
    assert json.loads(run.to_json())["cases"][0]["question"]["id"] == "log"
    again = samples.evaluate(asked, save=file, resume=True)
    assert [case.text for case in again.cases] == [case.text for case in run.cases]


def test_vectors_are_those_of_the_index(samples: RagApp) -> None:
    found = samples.embed("a question", "另一个问题", query=True)
    assert (found.model, found.dimension, len(found.vectors)) == ("multilingual-e5-small", 384, 2)
    assert sum(number * number for number in found.vectors[0]) == pytest.approx(1, abs=1e-3)
    assert found.vectors[0] != samples.embed("a question").vectors[0]  # questions have another prefix
    assert samples.embed().vectors == ()


def test_a_follow_up_stands_alone_for_those_who_keep_the_conversation(samples: RagApp) -> None:
    turns = [rag_app.Turn("user", "How much memory does LLaMA 3 70B need?"), rag_app.Turn("assistant", "40 GB. [1]")]
    condensed = samples.condense("And its context?", turns)
    assert condensed.how == "terms"
    assert "70B" in condensed.rewritten
    assert samples.condense("What is a KV cache?", turns).how == "none"


@pytest.mark.slow
def test_mypy_strict_passes_on_the_program(tmp_path: Path) -> None:
    done = check_with_mypy(PROGRAM, tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_mypy_sees_what_is_wrong_in_asyncio(tmp_path: Path) -> None:
    """The coroutines made of methods keep their types: a check that lets everything pass would be worth nothing."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from rag_app import AsyncRagApp\n"
        "async def main(app: AsyncRagApp) -> None:\n"
        "    number: int = await app.ask('x')\n"
        "    await app.ask(question=3)\n"
        "    await app.ingest(folder='x')\n"
        "    print((await app.documents())[0].nothing)\n"
        "    app.ask('x').text\n"
    )
    done = check_with_mypy(wrong, tmp_path)
    lines = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    assert lines == {3, 4, 5, 6, 7}, done.stdout


def test_pyright_strict_passes_on_the_program(tmp_path: Path) -> None:
    if find_spec("basedpyright") is None:
        pytest.skip("pip install 'rag-app[dev]'")
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from rag_app import AsyncRagApp\nasync def main(app: AsyncRagApp) -> int:\n    return await app.ask('x')\n"
    )
    settings = {
        "typeCheckingMode": "strict",
        "pythonVersion": f"{sys.version_info.major}.{sys.version_info.minor}",
        "extraPaths": [str(PROJECT)],
        "include": [str(PROGRAM), str(wrong)],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "-p", str(tmp_path), "--pythonpath", sys.executable, "--outputjson"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    assert {Path(one["file"]).name for one in found} == {"wrong.py"}, found


def check_with_mypy(program: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Strictly, as a user's program is checked: with no settings of ours."""
    options = ("--strict", "--follow-imports=silent", "--config-file=", f"--cache-dir={PROJECT / '.mypy_cache/strict'}")
    return subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(program)],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
    )
