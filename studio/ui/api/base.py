"""What the groups of endpoints share: the studio, streams and errors."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import gradio as gr

from studio.errors import StudioError
from studio.studio import Studio

Stream = TypeVar("Stream", bound=Callable[..., AsyncIterator[dict[str, Any]]])
ERROR_S = 10.0  # seconds for which the API's own page shows an error


def stream(function: Stream) -> Stream:
    """Annotate a stream with the type of one message: Gradio's schema does not know iterators."""
    said = inspect.signature(function).replace(return_annotation=dict[str, Any])
    function.__signature__ = said  # type: ignore[attr-defined]
    return function


class Group:
    """A group of endpoints over one studio. Gradio passes `request`, which is not a parameter of the API."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio


@contextmanager
def spoken() -> Iterator[None]:
    """Convert errors to Gradio's, which show the message and log no traceback."""
    try:
        yield
    except StudioError as error:
        sentence = error.message.encode("utf-8", "backslashreplace").decode()
        raise gr.Error(sentence, duration=ERROR_S, print_exception=False) from None
