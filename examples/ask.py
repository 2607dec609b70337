"""Read a folder and ask it something: ``python examples/ask.py FOLDER``."""

import sys

from rag_app import RagApp

with RagApp.open() as app:
    report = app.ingest(sys.argv[1])
    print(f"{len(report.files)} files, all read whole: {report.ok}")
    answer = app.ask("How much memory does the 8B model need?")
    print(answer.text)
    for citation in answer.citations:
        print(f"[{citation.number}] {citation.document}, {citation.where()}: {citation.quote}")
