"""Schemathesis against the OpenAPI description: whatever is sent, the server answers, and as it describes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from rag_app import RagApp, hash_password
from rag_app.server.keys import new_key

from .serving import served

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
KEY = new_key("tester")
FEW, MANY = 15, 400  # examples of each operation


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("fuzzed")
    (folder / "bees.txt").write_text("Bees make honey. A hive holds forty thousand bees.", encoding="utf-8")
    keys = {"tester": f"admin:{hash_password(KEY)}"}
    chosen = {"model_dir": model_dir, "answers": "quotes", "upload_mb": 1, "api_keys": keys}
    with RagApp.open(data_dir=folder / "data", **chosen) as app:
        app.ingest(folder / "bees.txt")
        with served(app) as url:
            yield url


def operations(address: str) -> list[schemathesis.schemas.APIOperation]:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    return [found.ok() for found in schema.get_all_operations()]


def tried(case: schemathesis.Case) -> None:
    """Send it, most of them to something that is there."""
    assert case.meta is not None
    if case.path_parameters and "kb" in case.path_parameters and case.operation.method != "delete":
        case.path_parameters["kb"] = "default"
    if isinstance(case.body, dict) and isinstance(case.body.get("model"), str):
        case.body["model"] = "rag:default" if "messages" in case.body else "multilingual-e5-small"
        if case.meta.generation.mode.is_positive and "messages" in case.body:
            case.body["messages"] = [*case.body["messages"], {"role": "user", "content": "What do bees make?"}]
    case.validate_response(case.call(timeout=60), checks=CHECKS)


def try_all(address: str, examples: int) -> int:
    """Requests that fit the description and requests that do not, the same ones in each run; how many were sent."""
    sent = 0
    for operation in operations(address):
        modes = [operation.as_strategy(mode, headers={"Authorization": f"Bearer {KEY}"}) for mode in GenerationMode]

        @settings(
            max_examples=examples,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=st.one_of(modes))
        def try_one(case: schemathesis.Case) -> None:
            nonlocal sent
            sent += 1
            tried(case)

        try_one()
    return sent


def test_whatever_is_sent(address: str) -> None:
    assert try_all(address, FEW) >= FEW * 8


@pytest.mark.slow
def test_whatever_is_sent_at_length(address: str) -> None:
    assert try_all(address, MANY) >= MANY * 8


def test_the_description_has_it_all(address: str) -> None:
    import httpx

    found = httpx.get(f"{address}/openapi.json").json()
    assert {path.split("/")[1] for path in found["paths"]} == {"v1", "api", "health"}
    for operations in found["paths"].values():
        for operation in operations.values():
            assert operation["description"].strip()
            assert "4XX" in operation["responses"]
    assert found["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
