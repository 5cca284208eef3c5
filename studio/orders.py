"""An order: a wish with every default filled in and its seed chosen, as a job row keeps it.

Pure. It is the bridge from what somebody asked for (`Wish`) to what is drawn (`Recipe`), and to how much work that is; its JSON lies
in the job's row, so that a restart draws the very same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from storage.records import Job
from studio.engine.contract import CheckpointInfo
from studio.errors import InvalidWish
from studio.pace import Work
from studio.recipe import Recipe
from studio.wish import Wish, new_seed


@dataclass(frozen=True, kw_only=True)
class Order:
    """All that the worker needs. `prompt` is drawn as it is, unless `enhance`: then it is the one to reason about."""

    prompt: str
    original_prompt: str
    enhance: bool
    negative_prompt: str
    seed: int
    width: int
    height: int
    steps: int
    guidance: float
    shift: float
    checkpoint: str
    enhancement: str | None = None
    enhancement_seed: int = 0
    cfg_normalization: bool = False
    cfg_truncation: float = 1.0
    parent: str | None = None
    rerun: bool = False

    @classmethod
    def of(cls, wish: Wish, info: CheckpointInfo, *, enhance: bool) -> Order:
        """Fill in the checkpoint's defaults and choose the seed. Raises InvalidWish for what would do nothing."""
        wants = info.defaults
        guidance = wants.guidance if wish.guidance is None else float(wish.guidance)
        if wish.negative_prompt.strip() and guidance == 0:
            raise InvalidWish(
                "negative_prompt", "must be empty where guidance is 0, since it would do nothing", wish.negative_prompt
            )
        if guidance == 0 and wish.cfg_normalization:
            raise InvalidWish("cfg_normalization", "must be false where guidance is 0, since it would do nothing", True)
        if guidance == 0 and wish.cfg_truncation not in (None, 1):
            raise InvalidWish(
                "cfg_truncation", "must be 1 where guidance is 0, since it would do nothing", wish.cfg_truncation
            )
        seed = new_seed() if wish.seed is None else wish.seed
        return cls(
            prompt=wish.prompt,
            original_prompt=wish.prompt,
            enhance=enhance,
            negative_prompt=wish.negative_prompt,
            seed=seed,
            width=wants.native if wish.width is None else wish.width,
            height=wants.native if wish.height is None else wish.height,
            steps=wants.steps if wish.steps is None else wish.steps,
            guidance=guidance,
            shift=wants.shift if wish.shift is None else float(wish.shift),
            cfg_normalization=wish.cfg_normalization,
            cfg_truncation=1.0 if wish.cfg_truncation is None else float(wish.cfg_truncation),
            checkpoint=info.name,
            enhancement=wish.enhancement,
            enhancement_seed=seed,
        )

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Order:
        """Read `to_json` back; keys of later versions are passed over."""
        names = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in names})  # type: ignore[arg-type]

    def to_json(self) -> dict[str, object]:
        """The form in the job's row."""
        return asdict(self)

    def recipe(self, *, prompt: str, revision: str) -> Recipe:
        """The recipe of the job's first picture; `Recipe.picture` gives the others."""
        return Recipe(
            prompt=prompt,
            negative_prompt=self.negative_prompt,
            seed=self.seed,
            width=self.width,
            height=self.height,
            steps=self.steps,
            guidance=self.guidance,
            shift=self.shift,
            cfg_normalization=self.cfg_normalization,
            cfg_truncation=self.cfg_truncation,
            checkpoint=self.checkpoint,
            revision=revision,
        )


def work(job: Job) -> Work:
    """What is still to be done of a job in the queue, as far as its row tells."""
    order = Order.from_json(job.wish)
    pictures = 0 if job.kind == "enhance" else job.count - len(job.pictures)
    reason = order.enhance and job.enhancement_id is None
    return Work(pictures=pictures, steps=order.steps, width=order.width, height=order.height, reason=reason)
