"""What the options of ``ask`` and ``retrieve`` mean: where to search."""

from collections.abc import Sequence
from datetime import date

from ..errors import QuestionError
from ..types import Filters


def filters(
    documents: Sequence[str] | None,
    folders: Sequence[str] | None,
    types: Sequence[str] | None,
    tags: Sequence[str] | None,
    since: str | None,
    until: str | None,
) -> Filters | None:
    """The filters, None without any.

    Raises:
        QuestionError: a date can't be read.
    """
    given = Filters(
        tuple(documents or ()), tuple(folders or ()), tuple(types or ()), tuple(tags or ()), _day(since), _day(until)
    )
    return given if given != Filters() else None


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise QuestionError("question.bad_date", value=text) from error
