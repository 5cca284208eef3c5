"""Job specs: a request with all defaults resolved and its seed chosen.

Pure. A spec links a `GenerationRequest` to the `Recipe` of each picture. The job's row stores it as JSON, so that a restart
generates the same pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace

from enhancer.options import Length
from enhancer.wildcards import Lists, has_choices, resolve
from storage.records import Job, Picture
from studio.domain.checkpoint import CheckpointInfo
from studio.domain.recipe import SEED_MAX, Adapter, Recipe, pairs
from studio.domain.request import VARIATIONS_MAX, GenerationRequest, new_seed
from studio.domain.sizes import fitting
from studio.domain.work import Work
from studio.errors import InvalidRequest, Refused, shorten

SEEDS = SEED_MAX + 1
LIKE = "nothing can be drawn like it."
STRENGTH = 0.6  # strength with a starting image if the request names none


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """All that the worker needs. With `enhance`, `prompt` is enhanced; otherwise it is the final prompt."""

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
    variation_of: tuple[tuple[int, float], ...] = ()
    source: str | None = None  # id of the starting image, whose pixels have the hash `source_sha256`
    source_sha256: str | None = None
    strength: float | None = None
    adapters: tuple[tuple[str, float], ...] = ()
    parent: str | None = None
    rerun: bool = False
    style: str = ""
    length: Length = "auto"
    locks: tuple[str, ...] = ()
    template: str = ""
    spread: bool = False  # one rewrite per picture
    prompts: tuple[str, ...] = ()  # with wildcards: the resolved prompts, one a picture
    instruction: str = ""  # for the prompt `before` of the enhancement `refines`
    refines: str | None = None
    before: str = ""

    @classmethod
    def of(
        cls, wish: GenerationRequest, info: CheckpointInfo, *, enhance: bool, source: Picture | None = None
    ) -> JobSpec:
        """Resolve a request: fill in the checkpoint's defaults and choose the seed. Raises InvalidRequest for options without
        effect.

        `source` is the request's starting image. It decides the size if the request names none.
        """
        wants, sides, strength = info.defaults, (info.defaults.native,) * 2, None
        if source is not None:
            strength = STRENGTH if wish.strength is None else float(wish.strength)
            sides = fitting(source.width, source.height, wants.native, info.side_max)
        guidance = wants.guidance if wish.guidance is None else float(wish.guidance)
        if wish.negative_prompt.strip() and guidance == 0:
            raise InvalidRequest(
                "negative_prompt", "must be empty where guidance is 0, since it would do nothing", wish.negative_prompt
            )
        if guidance == 0 and wish.cfg_normalization:
            raise InvalidRequest(
                "cfg_normalization", "must be false where guidance is 0, since it would do nothing", True
            )
        if guidance == 0 and wish.cfg_truncation not in (None, 1):
            raise InvalidRequest(
                "cfg_truncation", "must be 1 where guidance is 0, since it would do nothing", wish.cfg_truncation
            )
        for name, side in (("width", wish.width), ("height", wish.height)):
            if side is not None and side > info.side_max:
                raise InvalidRequest(name, f"must be at most {info.side_max} with {info.title}", side)
        seed = new_seed() if wish.seed is None else wish.seed
        return cls(
            prompt=wish.prompt,
            original_prompt=wish.prompt,
            enhance=enhance,
            negative_prompt=wish.negative_prompt,
            seed=seed,
            width=sides[0] if wish.width is None else wish.width,
            height=sides[1] if wish.height is None else wish.height,
            steps=wants.steps if wish.steps is None else wish.steps,
            guidance=guidance,
            shift=wants.shift if wish.shift is None else float(wish.shift),
            cfg_normalization=wish.cfg_normalization,
            cfg_truncation=1.0 if wish.cfg_truncation is None else float(wish.cfg_truncation),
            variation_of=pairs(wish.variation_of),
            source=None if source is None else source.id,
            source_sha256=None if source is None else source.pixel_sha256,
            strength=strength,
            adapters=tuple((name, float(weight)) for name, weight in wish.adapters),
            checkpoint=info.name,
            enhancement=wish.enhancement,
            enhancement_seed=seed,
            style=wish.style or "",
            length=wish.length,  # type: ignore[arg-type]  # AvailableOptions has checked it
            locks=tuple(wish.locks),
            template=wish.template or "",
            spread=wish.spread,
            parent=source.id if source is not None and wish.parent is None else wish.parent,
        )

    @classmethod
    def of_picture(cls, found: Picture, *, rerun: bool, source: Picture | None = None) -> JobSpec:
        """The spec that generates a stored picture again. `source` is its starting image.

        Raises InvalidRequest for an imported picture whose recipe is incomplete.
        """
        try:
            drawn = Recipe.from_json(found.recipe)
        except (ValueError, TypeError):
            rule = "must be that of a picture whose recipe is known as a whole; that of one from elsewhere need not be"
            raise InvalidRequest("id", rule, found.id) from None
        GenerationRequest(
            prompt=found.prompt, enhance=False, seed=found.seed, width=found.width, height=found.height, steps=found.steps,
            guidance=found.guidance, negative_prompt=found.negative_prompt, shift=found.shift,
            cfg_normalization=drawn.cfg_normalization, cfg_truncation=drawn.cfg_truncation, variation_of=drawn.variation_of,
            source=drawn.source, strength=drawn.strength, adapters=tuple((one.name, one.weight) for one in drawn.adapters),
        )  # fmt: skip
        return cls(
            prompt=found.prompt,
            original_prompt=found.original_prompt,
            enhance=False,
            negative_prompt=found.negative_prompt,
            seed=found.seed,
            width=found.width,
            height=found.height,
            steps=found.steps,
            guidance=found.guidance,
            shift=found.shift,
            cfg_normalization=drawn.cfg_normalization,
            cfg_truncation=drawn.cfg_truncation,
            variation_of=drawn.variation_of,
            source=None if source is None else source.id,
            source_sha256=drawn.source,
            strength=drawn.strength,
            adapters=tuple((one.name, one.weight) for one in drawn.adapters),
            checkpoint=found.checkpoint,
            enhancement=found.enhancement_id,
            parent=found.id,
            rerun=rerun,
        )

    def varied(self, seed: int, strength: float | None) -> JobSpec:
        """The spec with another seed, and with a strength, noise that stays close to this spec's. Raises InvalidRequest."""
        if strength is None:
            return replace(self, seed=seed, variation_of=())
        if len(self.variation_of) >= VARIATIONS_MAX:
            rule = f"must be null for a picture that is a variation of variations, {VARIATIONS_MAX} deep"
            raise InvalidRequest("strength", rule, strength)
        return replace(self, seed=seed, variation_of=(*self.variation_of, (self.seed, float(strength))))

    @property
    def comes_of(self) -> tuple[str, ...]:
        """The ids of everything that it refers to."""
        return tuple(id for id in (self.parent, self.enhancement, self.refines, self.source) if id is not None)

    def decided(self, count: int, lists: Lists) -> JobSpec:
        """Resolve the wildcards of `count` pictures, each from its own seed."""
        if not has_choices(self.prompt, lists):
            return self
        return replace(
            self, prompts=tuple(resolve(self.prompt, (self.seed + index) % SEEDS, lists) for index in range(count))
        )

    def after(self, there: int) -> JobSpec:
        """The spec of the remaining pictures after the first `there`."""
        return replace(
            self,
            seed=(self.seed + there) % SEEDS,
            enhancement_seed=(self.enhancement_seed + there * self.spread) % SEEDS,
            prompts=self.prompts[there:],
        )

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> JobSpec:
        """Read `to_json` back. Unknown keys are ignored."""
        names = {field.name for field in fields(cls)}
        values = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key in names
        }
        values["variation_of"] = pairs(values.get("variation_of", ()))
        values["adapters"] = tuple((one[0], one[1]) for one in values.get("adapters", ()))  # type: ignore[attr-defined]
        return cls(**values)  # type: ignore[arg-type]

    def to_json(self) -> dict[str, object]:
        """The JSON form of the job's row."""
        return asdict(self)

    def prompt_of(self, index: int) -> str:
        """The prompt of picture `index`, with its wildcards resolved."""
        return self.prompts[index] if index < len(self.prompts) else self.original_prompt

    def reasoned(self, index: int) -> tuple[str, int]:
        """The prompt and the seed of the enhancement of picture `index`. Pictures with equal ones share it."""
        return self.prompt_of(index), (self.enhancement_seed + index * self.spread) % SEEDS

    def recipe(self, *, prompt: str, revision: str) -> Recipe:
        """The recipe of the job's first picture. `Recipe.picture` gives the others."""
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
            variation_of=self.variation_of,
            source=self.source_sha256,
            strength=self.strength,
            adapters=tuple(Adapter(name=name, weight=weight) for name, weight in self.adapters),
            checkpoint=self.checkpoint,
            revision=revision,
        )


def reject_unused_options(wish: GenerationRequest, *, enhance: bool) -> None:
    """Raises InvalidRequest for enhancement options without an enhancement."""
    if wish.enhancement is not None and wish.style:
        raise InvalidRequest(
            "style", "must be empty where a kept enhancement is drawn, since it would do nothing", wish.style
        )
    if enhance:
        return
    for name, value, nothing in (
        ("length", wish.length, "auto"), ("locks", list(wish.locks), []), ("template", wish.template, None), ("spread", wish.spread, False)
    ):  # fmt: skip
        if value != nothing:
            raise InvalidRequest(
                name, f"must be {nothing!r} where nothing is reasoned, since it would do nothing", value
            )


def remaining_work(job: Job) -> Work:
    """The work that a queued job still needs, according to its row."""
    order = JobSpec.from_json(job.wish)
    pictures = 0 if job.kind == "enhance" else job.count - len(job.pictures)
    asked = {order.reasoned(index) for index in range(max(job.count, 1)) if index not in job.indices}
    reasons = (len(asked) if len(asked) > 1 else int(job.enhancement_id is None)) if order.enhance else 0
    return Work(pictures=pictures, steps=order.steps, width=order.width, height=order.height, reasons=reasons)


def checkpoint_of(found: Picture, here: Iterable[CheckpointInfo]) -> CheckpointInfo:
    """The checkpoint of a picture, if it is known here. Raises Refused."""
    for one in here:
        if one.name == found.checkpoint:
            return one
    if (
        "software" not in found.environment
    ):  # another program generated it, or this studio with a folder that no longer exists
        raise Refused(f"The model {shorten(found.checkpoint)}, which drew this picture, is not here: {LIKE}")
    if not found.checkpoint:
        raise Refused(f"This picture came from elsewhere, and does not tell its model: {LIKE}")
    raise Refused(f"This picture came from elsewhere, and its model {shorten(found.checkpoint)} is not here: {LIKE}")
