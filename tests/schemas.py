"""Every JSON output of a command is checked against its published schema, in whichever test it is printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from rag_app.cli.output import Output


def check_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on in this test, a command that prints what docs/reference does not promise fails."""
    from typer.core import TyperCommand

    at_work = [""]
    invoke, print_json, one_line = TyperCommand.invoke, Output.print_json, Output.one_line

    def invoked(self: TyperCommand, ctx: Any) -> Any:
        at_work[0] = ctx.command_path.removeprefix("rag-app ")
        return invoke(self, ctx)

    def printed(self: Output, value: Any) -> None:
        check(at_work[0], self.plain(value))
        print_json(self, value)

    def written(self: Output, value: Any) -> str:
        line = one_line(self, value)
        if at_work[0]:
            check(f"{at_work[0]} --batch" if at_work[0] == "ask" else at_work[0], json.loads(line))
        return line

    monkeypatch.setattr(TyperCommand, "invoke", invoked)
    monkeypatch.setattr(Output, "print_json", printed)
    monkeypatch.setattr(Output, "one_line", written)


def check(command: str, value: Any) -> None:
    """Fail unless a command may print that."""
    problems = [f"{'.'.join(map(str, one.absolute_path))}: {one.message}" for one in validator(command)(value)]
    assert not problems, (command, problems[:5])


@cache
def validator(command: str) -> Callable[[Any], Any]:
    """Checks what a command prints; a key that is not promised is an error too."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    from rag_app.reference.schema import output_schema

    schema = closed(output_schema())
    known = {**schema["properties"], **schema["x-lines"]}
    assert command in known, f"no shape is documented of: rag-app {command}"
    of_command = Draft202012Validator({**known[command], "$defs": schema["$defs"]})

    def errors(value: Any) -> list[Any]:
        found = best_match(of_command.iter_errors(json.loads(json.dumps(value))))
        return [] if found is None else [found]

    return errors


def closed(schema: Any) -> Any:
    """The schema without room for keys that it does not name."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    shape = {name: closed(value) for name, value in schema.items()}
    is_object = schema.get("type") == "object" and isinstance(schema.get("properties"), dict)
    return {**shape, "additionalProperties": False} if is_object else shape
