"""Write the pages of the reference into a folder."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from ingest.messages import Language

from .commands import cli_page
from .json_page import json_page
from .markdown import suffix
from .schema import output_schema
from .settings_page import settings_page

_LANGUAGES: tuple[Language, ...] = ("en", "zh")


def pages() -> Iterator[tuple[str, str]]:
    """The files' names and what they hold."""
    schema = output_schema()
    yield "output.schema.json", json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
    for language in _LANGUAGES:
        end = f"{suffix(language)}.md"
        yield f"cli{end}", cli_page(language)
        yield f"json{end}", json_page(schema, language)
        yield f"settings{end}", settings_page(language)


def main(folder: Path) -> None:
    """Write them all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in pages():
        (folder / name).write_text(content, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
