"""Captioning: a prompt for a picture from a remote vision model. Limits concurrent requests and never blocks the event loop.

The picture is scaled down and stripped of metadata in memory, sent to the server, and not stored. Knows no page, storage,
queue or settings.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import suppress
from typing import TYPE_CHECKING

from enhancer.captioning import BYTES_MAX, describe_image, prepare_image
from enhancer.errors import EnhancerError
from enhancer.templates import LANGUAGES, Language
from studio.domain.recipe import SEED_MAX
from studio.domain.request import new_seed
from studio.errors import InvalidRequest, Refused, StudioError
from studio.validation import check_integer

if TYPE_CHECKING:
    from enhancer.models.remote import RemoteChat

AT_ONCE = 2
BASE64_MAX = 4 * -(-BYTES_MAX // 3)


class Captioner:
    """The caption model, if any. Safe from any thread and any event loop."""

    def __init__(self, chat: RemoteChat | None) -> None:
        self._chat = chat
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._closed = threading.Event()

    @property
    def open(self) -> bool:
        """Whether a caption model is configured."""
        return self._chat is not None

    @property
    def model(self) -> str | None:
        """The model's name, shown to users before they send a picture."""
        return self._chat.name if self._chat else None

    def close(self) -> None:
        """Stop running requests."""
        self._closed.set()

    async def describe(
        self, picture: bytes, language: object, seed: object, stopped: Callable[[], bool]
    ) -> AsyncGenerator[str, None]:
        """Yield the growing prompt; the last one is complete. Leaving the generator stops the request, and so does `stopped`.

        Raises InvalidRequest, Refused, or StudioError with the server's error.
        """
        if self._chat is None:
            raise Refused("no_vision_model")
        if language not in LANGUAGES:
            raise InvalidRequest("language", "one_of", language, names=", ".join(LANGUAGES))
        check_integer("seed", seed, 0, SEED_MAX, optional=True)
        left = threading.Event()
        texts = self._texts(
            self._chat,
            picture,
            language,
            seed if isinstance(seed, int) else new_seed(),
            lambda: left.is_set() or self._closed.is_set() or stopped(),
        )
        try:
            while (text := await asyncio.to_thread(next, texts, None)) is not None:
                yield text
        finally:
            left.set()
            await asyncio.to_thread(_close, texts)

    def _texts(
        self, chat: RemoteChat, picture: bytes, language: Language, seed: int, cancelled: Callable[[], bool]
    ) -> Generator[str, None, None]:
        """Run one request, from waiting for its slot to the end. Each step runs in a thread."""
        if not self._free.acquire(blocking=False):
            raise Refused("captioning_busy", n=AT_ONCE, now=AT_ONCE)
        try:
            yield from describe_image(chat, prepare_image(picture), language, seed, cancelled)
        except EnhancerError as error:
            raise StudioError(error.message) from error
        finally:
            self._free.release()


def _close(texts: Generator[str, None, None]) -> None:
    with suppress(ValueError):  # a step that still runs in its thread notices and closes them itself
        texts.close()


def from_base64(value: object) -> bytes:
    """Decode base64 after checking its length. Raises InvalidRequest."""
    if not isinstance(value, str) or not value:
        raise InvalidRequest("picture", "base64_picture", value)
    if len(value) > BASE64_MAX:
        raise InvalidRequest("picture", "base64_at_most", value, most=BYTES_MAX, more=BASE64_MAX)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("picture", "base64_picture", ascii(value)) from error
