"""The command line; thin over the Python API."""

from .main import main

__all__ = ["main"]
