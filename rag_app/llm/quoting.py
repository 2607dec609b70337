"""What all writers have in common that quote instead of asking a model."""

from __future__ import annotations

from ..protocols import ChatMessage

NAME = "quotes"


class Quoting:
    """Nothing is counted, sent or to be stopped."""

    name = NAME

    @property
    def context_tokens(self) -> None:
        """There is no prompt."""

    @property
    def sent(self) -> tuple[ChatMessage, ...]:
        """There is no prompt."""
        return ()

    def cancel(self) -> None:
        """Quotes are there at once."""
