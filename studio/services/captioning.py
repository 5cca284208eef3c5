"""A prompt from a picture: a model of a server looks at it, a few at once for the whole studio, off the event loop.

Nothing is kept of a picture: it is made small and bare of its notes in memory, sent to that server, and forgotten. Knows no page, no
storage, no queue and no settings.
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
from studio.domain.request import new_seed, optional_whole
from studio.errors import InvalidRequest, Refused, StudioError

if TYPE_CHECKING:
    from enhancer.models.remote import RemoteChat

AT_ONCE = 2
BASE64_MAX = 4 * -(-BYTES_MAX // 3)


class Captioner:
    """What reads pictures here, if anything does. Safe from any thread and any event loop."""

    def __init__(self, chat: RemoteChat | None) -> None:
        self._chat = chat
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._closed = threading.Event()

    @property
    def open(self) -> bool:
        """Whether there is a model that reads pictures."""
        return self._chat is not None

    @property
    def model(self) -> str | None:
        """Its name, for people who want to know what sees their picture."""
        return self._chat.name if self._chat else None

    def close(self) -> None:
        """Stop what is being read."""
        self._closed.set()

    async def describe(
        self, picture: bytes, language: object, seed: object, stopped: Callable[[], bool]
    ) -> AsyncGenerator[str, None]:
        """The prompt as far as it is written; the last one is whole. Leaving stops the reading, as `stopped` does.

        Raises InvalidRequest, Refused, or StudioError with what went wrong at the server.
        """
        if self._chat is None:
            raise Refused("No model reads pictures in this studio: the host names one with enhancer_vision.")
        if language not in LANGUAGES:
            raise InvalidRequest("language", f"must be one of {', '.join(LANGUAGES)}", language)
        optional_whole("seed", seed, 0, SEED_MAX)
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
        """The whole reading, from its place among the few to its end: each step is taken in some thread."""
        if not self._free.acquire(blocking=False):
            raise Refused(f"At most {AT_ONCE} pictures are read at once here (now {AT_ONCE}): try again in a moment.")
        try:
            yield from describe_image(chat, prepare_image(picture), language, seed, cancelled)
        except EnhancerError as error:
            raise StudioError(str(error)) from error
        finally:
            self._free.release()


def _close(texts: Generator[str, None, None]) -> None:
    with suppress(ValueError):  # a step that still runs in its thread sees that nobody waits, and closes them by itself
        texts.close()


def from_base64(value: object) -> bytes:
    """A picture as it comes in JSON: its length is looked at before it is unpacked. Raises InvalidRequest."""
    if not isinstance(value, str) or not value:
        raise InvalidRequest("picture", "must be the base64 of a PNG, JPEG or WebP file", value)
    if len(value) > BASE64_MAX:
        raise InvalidRequest("picture", f"must have at most {BYTES_MAX:,} bytes, in base64 {BASE64_MAX:,}", value)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("picture", "must be the base64 of a PNG, JPEG or WebP file", ascii(value)) from error
