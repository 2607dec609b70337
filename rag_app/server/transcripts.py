"""A client's messages as the engine has them: a question, the turns before it, and images."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..types import Turn
from .appended import separated
from .chat_schemas import ImagePart, Message
from .failures import ApiError

_MOST_IMAGES = 8
_DATA = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is asked, and what was said before."""

    question: str
    history: tuple[Turn, ...]
    images: tuple[bytes, ...]


def transcript(messages: Sequence[Message]) -> Transcript:
    """The last message is the question; images of earlier ones are no longer looked at, system messages never.

    Raises:
        ApiError: the last message is no question, or an image is not in the message itself.
    """
    said = [one for one in messages if one.role in ("user", "assistant")]
    if not said or said[-1].role != "user":
        raise ApiError(400, "no_question", "api.no_question", param="messages")
    return Transcript(_text(said[-1]), tuple(_turns(said[:-1])), tuple(_images(said[-1])))


def _turns(messages: Sequence[Message]) -> Iterator[Turn]:
    for one in messages:
        text = _text(one)
        if one.role == "user" and text:
            yield Turn("user", text)
        elif one.role == "assistant" and text:
            own, titles = separated(text)
            if own:
                yield Turn("assistant", own, titles)


def _text(message: Message) -> str:
    if message.content is None or isinstance(message.content, str):
        return (message.content or "").strip()
    return "\n".join(part.text for part in message.content if not isinstance(part, ImagePart)).strip()


def _images(message: Message) -> Iterator[bytes]:
    if message.content is None or isinstance(message.content, str):
        return
    urls = [part.image_url.url for part in message.content if isinstance(part, ImagePart)]
    if len(urls) > _MOST_IMAGES:
        raise ApiError(400, "too_many_images", "api.too_many_images", param="messages", most=_MOST_IMAGES)
    for url in urls:
        head = _DATA.match(url)
        if head is None:
            raise ApiError(400, "remote_image", "api.remote_image", param="messages")
        try:
            yield base64.b64decode(url[head.end() :], validate=True)
        except binascii.Error as error:
            raise ApiError(400, "bad_image", "api.bad_image", param="messages", cause=error) from error
