"""``python -m rag_app``, the same as ``rag-app``."""

from .cli import main

if __name__ == "__main__":
    main()
