"""``python -m ingest PATH…``, the same as ``rag-app ingest PATH…``. The only file here that may import rag_app."""

import sys

from rag_app.cli import main

if __name__ == "__main__":
    main(["ingest", *sys.argv[1:]])
