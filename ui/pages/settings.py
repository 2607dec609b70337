"""To be written."""


def page() -> None:
    """The page."""
