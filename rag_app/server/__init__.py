"""The HTTP server: OpenAI's protocol and one of our own over :class:`rag_app.RagApp`; needs the extra ``server``.

Nothing here is imported before ``rag-app serve`` runs: FastAPI takes its time.
"""
