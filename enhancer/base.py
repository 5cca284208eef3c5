"""The chat model protocol, and the records of an enhancement while it is written.

Knows no torch and no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypedDict

STEPS = ("keep", "solve", "compose", "text")  # the order of the steps; it never changes


class Message(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Sampling parameters. The same seed gives the same text on the resident backend."""

    seed: int
    temperature: float = 0.7
    top_p: float = 0.8
    max_tokens: int = 1024


class ChatModel(Protocol):
    """A chat model that streams its answers. Every implementation passes tests/enhancer/test_enhancer_contract.py."""

    @property
    def name(self) -> str:
        """The model's name, stored with an enhancement."""

    @property
    def revision(self) -> str:
        """The revision of its weights; "" if a server does not tell."""

    def stream(self, messages: Sequence[Message], sampling: Sampling, cancelled: Callable[[], bool]) -> Iterator[str]:
        """Yield pieces of the answer. Ends early when `cancelled()` is true. Raises EnhancerError.

        An answer that exceeds `sampling.max_tokens` raises NoPrompt after its last piece, since the prompt would be
        incomplete. Closing the iterator stops the model.
        """


@dataclass(frozen=True, kw_only=True)
class StepDraft:
    name: str  # one of STEPS
    text: str
    done: bool
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An enhancement as far as it is written. Only the last draft is `done` and has its complete `prompt`."""

    original: str
    steps: tuple[StepDraft, ...]  # the four STEPS, in order
    prompt: str
    seed: int
    model: str
    revision: str
    template: str
    template_version: str
    sampling: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)  # EnhancementOptions.to_json
    seconds: float = 0.0
    done: bool = False
