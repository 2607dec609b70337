"""The methods of :class:`rag_app.RagApp`, one topic a module."""
