"""Pictures of documents in words: a model outside is asked about each, and what it says becomes pages of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from .errors import NotDescribed, UserError
from .language import language_of
from .loaders.building import ranges
from .messages import Language, Message, message
from .types import Document, Heading, Page, Picture

_SAMPLE = 1000  # characters of each page
_SAYS_ENOUGH = 20  # characters

Tell = Callable[[int, int], None]
"""Called before each picture with (pictures done, pictures in all)."""


class PictureDescriber(Protocol):
    """Says what a picture shows."""

    @property
    def identity(self) -> str:
        """Names what describes: with another one, files with pictures are read anew."""

    def describe(self, picture: bytes, language: Language) -> str:
        """What a picture shows, in a few sentences.

        Args:
            picture: a PNG or JPEG file.

        Raises:
            NotDescribed: this one can't be; the next may. UserError: none can be.
        """

    def cancel(self) -> None:
        """End the description at work, from any thread; what it then returns or raises is not looked at."""


class Describing:
    """Describes the pictures of one document after the other, in a thread of its own.

    Args:
        describer: asked for one picture at a time. language: where neither page nor document says one.
    """

    def __init__(self, describer: PictureDescriber, language: Language) -> None:
        self._describer = describer
        self._language = language
        self._thread = ThreadPoolExecutor(1, "describe-pictures")
        self._stopped = False
        self.failed = False  # True once nothing can be described any more

    def start(self, document: Document, tell: Tell) -> Future[Document]:
        """Have a document's pictures described: it comes back with the pages that the model wrote, and without them."""
        return self._thread.submit(self._described, document, tell)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped = True
        self._describer.cancel()
        self._thread.shutdown(cancel_futures=True)

    def _described(self, document: Document, tell: Tell) -> Document:
        told: list[tuple[Picture, str]] = []
        failed: list[tuple[int, Message]] = []
        texts = {page.number: page.text for page in document.pages}
        whole = " ".join(text[:_SAMPLE] for text in texts.values())
        for done, picture in enumerate(document.pictures):
            if self._stopped:
                raise CancelledError
            tell(done, len(document.pictures))
            try:
                language = self._language_of(texts.get(picture.page, ""), whole)
                text = self._describer.describe(picture.data, language).strip()
            except NotDescribed as error:
                failed.append((picture.page, error.message))
            except UserError:
                self._stopped = self.failed = True
                raise
            else:
                told.append((picture, text))
        warnings = document.warnings
        if failed:
            pages = ranges(sorted({page for page, _ in failed}))
            warnings = (*warnings, message("describe.failed", count=len(failed), pages=pages, reason=failed[0][1]))
        return replace(document, pages=_with(document.pages, told), warnings=warnings, pictures=())

    def _language_of(self, *texts: str) -> Language:
        """The language of the first text that says enough."""
        return next((language_of(text) for text in texts if len(text.strip()) >= _SAYS_ENOUGH), self._language)


def _with(pages: Sequence[Page], told: Sequence[tuple[Picture, str]]) -> tuple[Page, ...]:
    """The pages, each followed by what was told of its pictures; that stands under the headings of each picture."""
    made: list[Page] = []
    path: tuple[Heading, ...] = ()
    for page in pages:
        made.append(page)
        text, headings, count = "", [], 0
        for picture, words in told:
            if picture.page == page.number and words:
                text += "\n\n" if text else ""
                above = _path(path, (heading for heading in page.headings if heading.start <= picture.at))
                headings += [replace(heading, start=len(text)) for heading in above]
                text += words
                count += 1
        if count:
            made.append(Page(page.number, text, page.label, tuple(headings), page.kind, described=count))
        path = _path(path, page.headings)
    return tuple(made)


def _path(path: Iterable[Heading], more: Iterable[Heading]) -> tuple[Heading, ...]:
    """The heading path after further headings."""
    steps = list(path)
    for heading in more:
        while steps and steps[-1].level >= heading.level:
            steps.pop()
        steps.append(heading)
    return tuple(steps)
