"""Which language a question is in; answers and refusals speak it too."""

from ingest.language import language_of

__all__ = ["language_of"]
