"""What a chat model is, and what an enhancement looks like while it is written: the seam between the chain and its models.

Knows no torch and no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypedDict

STEPS = ("keep", "solve", "compose", "text")  # the order of the chain, for ever


class Message(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a model chooses its words. The same seed gives the same text on the resident backend."""

    seed: int
    temperature: float = 0.7
    top_p: float = 0.8
    max_tokens: int = 1024


class ChatModel(Protocol):
    """Something that answers messages in pieces of text. Every implementation passes tests/enhancer/test_enhancer_contract.py."""

    @property
    def name(self) -> str:
        """The model, as it is kept with an enhancement."""

    @property
    def revision(self) -> str:
        """Its weights' revision, or "" where a server does not say."""

    def stream(self, messages: Sequence[Message], sampling: Sampling, cancelled: Callable[[], bool]) -> Iterator[str]:
        """Pieces of the answer as they come. Ends early when `cancelled()`; raises EnhancerError with a sentence.

        An answer that did not end within `sampling.max_tokens` raises NoPrompt after its last piece: what follows would be
        missing from the prompt. Closing the iterator stops the model.
        """


@dataclass(frozen=True, kw_only=True)
class StepDraft:
    name: str  # one of STEPS
    text: str
    done: bool
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An enhancement as far as it is written. `done` is true in the last one, and only then is `prompt` complete."""

    original: str
    steps: tuple[StepDraft, ...]  # always the four of STEPS, in order
    prompt: str
    seed: int
    model: str
    revision: str
    template: str
    template_version: str
    sampling: Mapping[str, object] = field(default_factory=dict)
    steering: Mapping[str, object] = field(default_factory=dict)  # Steering.to_json
    seconds: float = 0.0
    done: bool = False
