"""The reference in ``docs/reference``, made from the code: ``python -m rag_app.reference docs/reference``."""
