"""What the enhancer understands, and captions of pictures. Filing an enhancement is a job: see `generation`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from enhancer import wildcards
from studio.domain.checkpoint import TOKENS_MAX, CheckpointInfo
from studio.domain.enhancement_options import AvailableOptions, HostOptions, truncated_end
from studio.engine.base import Engine
from studio.errors import Refused
from studio.services.captioning import Captioner
from studio.validation import check_text


class Enhancement:
    """The use cases around the enhancer. Safe from any thread and any event loop."""

    def __init__(self, engine: Engine, host: HostOptions, captioner: Captioner, *, enabled: bool, remote: bool) -> None:
        """`enabled`: whether the studio has an enhancer. `remote`: whether its model is a server's, which follows
        instructions."""
        self._engine, self._host, self._remote = engine, host, remote
        self.captioner, self.enabled = captioner, enabled

    def options(self, name: str | None = None) -> AvailableOptions:
        """The enhancement options available with a checkpoint. Raises InvalidRequest."""
        return self.options_of(self._engine.info(name))

    def options_of(self, info: CheckpointInfo) -> AvailableOptions:
        """The enhancement options available with a checkpoint."""
        return self._host.available(info, remote=self._remote)

    def wildcard_lists(self) -> tuple[str, ...]:
        """The names of the wildcard lists."""
        return tuple({**wildcards.shipped_lists("en"), **self._host.lists})

    def require(self) -> None:
        """Raises Refused if the enhancer is off."""
        if not self.enabled:
            raise Refused("enhancer_is_off")

    def tokens(self, prompt: str) -> int | None:
        """The number of tokens that the encoder reads for `prompt`; None while nothing is loaded."""
        return self._engine.tokens(prompt)

    def truncated(self, prompt: str) -> str:
        """The end of `prompt` that the encoder truncates; empty if it fits. Raises InvalidRequest."""
        check_text("prompt", prompt, empty=True)
        return truncated_end(prompt, self._engine.tokens, TOKENS_MAX)

    def describe(
        self,
        picture: bytes,
        language: str = "en",
        seed: int | None = None,
        *,
        stopped: Callable[[], bool] = lambda: False,
    ) -> AsyncGenerator[str, None]:
        """Caption a picture. Yields the growing prompt. Stores nothing. Raises InvalidRequest, Refused, StudioError."""
        return self.captioner.describe(picture, language, seed, stopped)
