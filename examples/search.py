"""Search alone, in one kind of file, and why each passage is where it is."""

from rag_app import Filters, RagApp

with RagApp.open() as app:
    found = app.retrieve("KV cache", limit=3, filters=Filters(types=("pdf",)))
    for passage in found.passages:
        print(f"{passage.score:.2f} {passage.document}, {passage.where()}: {passage.text[:60]!r}")
        if passage.trace is not None:
            ranks = passage.trace.dense_rank, passage.trace.lexical_rank
            print("     place by meaning and by words:", *ranks, "· matched:", ", ".join(passage.trace.matched))
