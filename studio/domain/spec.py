"""Job specs: a request with all defaults resolved and its seed chosen.

Pure. A spec links a `GenerationRequest` to the `Recipe` of each picture. The job's row stores it as JSON, so that a restart
generates the same pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from enhancer.options import EnhancementOptions
from enhancer.wildcards import Lists, has_choices, resolve
from locales import shorten
from storage.records import Job, Picture
from studio.domain.checkpoint import CheckpointInfo
from studio.domain.enhancement_options import AvailableOptions
from studio.domain.recipe import SEED_MAX, Adapter, Recipe, pairs
from studio.domain.request import VARIATIONS_MAX, EnhancementRequest, GenerationRequest, SamplingRequest, new_seed
from studio.domain.sizes import fitting
from studio.domain.work import Work
from studio.errors import InvalidRequest, Refused

SEEDS = SEED_MAX + 1
STRENGTH = 0.6  # strength with a source image if the request names none


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """All that the worker needs.

    `recipe` is that of the first picture, without the hashes of files. Its prompt is enhanced first where `enhancement` is
    enabled. `prompts` are the prompts of a request with wildcards, one per picture. `source` is the id of the source image.
    An `instruction` changes the prompt `before` of the enhancement `refines`.
    """

    recipe: Recipe
    original_prompt: str
    enhancement: EnhancementRequest
    enhancement_seed: int = 0
    prompts: tuple[str, ...] = ()
    source: str | None = None
    parent: str | None = None
    rerun: bool = False
    instruction: str = ""
    before: str = ""
    refines: str | None = None

    @classmethod
    def of(cls, request: GenerationRequest, info: CheckpointInfo, *, source: Picture | None = None) -> JobSpec:
        """Resolve a request: fill in the checkpoint's defaults and choose the seed. Raises InvalidRequest for options without
        effect.

        `source` is the request's source image. It decides the size if the request names none.
        """
        wanted, defaults = request.sampling, info.defaults
        guidance = defaults.guidance if wanted.guidance is None else float(wanted.guidance)
        _reject_unused(wanted, guidance)
        for name, side in (("width", wanted.width), ("height", wanted.height)):
            if side is not None and side > info.side_max:
                raise InvalidRequest(name, "side_at_most", side, most=str(info.side_max), title=info.title)
        seed = new_seed() if wanted.seed is None else wanted.seed
        sides, strength = (defaults.native,) * 2, None
        if source is not None:
            sides = fitting(source.width, source.height, defaults.native, info.side_max)
            strength = STRENGTH if request.source.strength is None else float(request.source.strength)
        recipe = Recipe(
            prompt=request.prompt,
            negative_prompt=wanted.negative_prompt,
            seed=seed,
            width=wanted.width or sides[0],
            height=wanted.height or sides[1],
            steps=wanted.steps or defaults.steps,
            guidance=guidance,
            shift=defaults.shift if wanted.shift is None else float(wanted.shift),
            cfg_normalization=wanted.cfg_normalization,
            cfg_truncation=1.0 if wanted.cfg_truncation is None else float(wanted.cfg_truncation),
            variation_of=wanted.variation_of,
            source=None if source is None else source.pixel_sha256,
            strength=strength,
            adapters=tuple(Adapter(name=name, weight=float(weight)) for name, weight in request.adapters),
            checkpoint=info.name,
        )
        linked = request.enhancement.id is not None
        return cls(
            recipe=recipe,
            original_prompt=request.prompt,
            enhancement=request.enhancement.model_copy(update={"enabled": request.enhancement.enabled and not linked}),
            enhancement_seed=seed,
            source=None if source is None else source.id,
            parent=request.parent or (None if source is None else source.id),
        )

    @classmethod
    def of_picture(cls, found: Picture, *, rerun: bool, source: Picture | None = None) -> JobSpec:
        """The spec that generates a stored picture again. `source` is its source image.

        Raises InvalidRequest for an imported picture whose recipe is incomplete.
        """
        try:
            recipe = Recipe.from_json(found.recipe)
        except (ValueError, TypeError):
            raise InvalidRequest("id", "recipe_complete", found.id) from None
        recipe = replace(recipe, prompt=found.prompt, checkpoint=found.checkpoint, revision="")
        _check(recipe)
        return cls(
            recipe=recipe,
            original_prompt=found.original_prompt,
            enhancement=EnhancementRequest(enabled=False, id=found.enhancement_id),
            source=None if source is None else source.id,
            parent=found.id,
            rerun=rerun,
        )

    @property
    def enhances(self) -> bool:
        """Whether prompts are enhanced before they are generated."""
        return self.enhancement.enabled

    @property
    def refers_to(self) -> tuple[str, ...]:
        """The ids of everything that it refers to."""
        return tuple(id for id in (self.parent, self.enhancement.id, self.refines, self.source) if id is not None)

    def without_enhancement(self) -> JobSpec:
        """The spec that generates the prompt as it is."""
        return replace(self, enhancement=EnhancementRequest(enabled=False, style=self.enhancement.style))

    def with_enhancement(self, id: str, prompt: str) -> JobSpec:
        """The spec that generates the prompt of a stored enhancement."""
        options = self.enhancement.model_copy(update={"enabled": False, "id": id})
        return replace(self, recipe=replace(self.recipe, prompt=prompt), enhancement=options)

    def varied(self, seed: int, strength: float | None) -> JobSpec:
        """The spec with another seed, and with a strength, noise that stays close to this spec's. Raises InvalidRequest."""
        chain = self.recipe.variation_of
        if strength is not None and len(chain) >= VARIATIONS_MAX:
            raise InvalidRequest("strength", "variation_depth", strength, n=VARIATIONS_MAX)
        chain = () if strength is None else (*chain, (self.recipe.seed, float(strength)))
        return replace(self, recipe=replace(self.recipe, seed=seed, variation_of=chain))

    def with_wildcards(self, count: int, lists: Lists) -> JobSpec:
        """Resolve the wildcards of `count` pictures, each from its own seed."""
        prompt, seed = self.recipe.prompt, self.recipe.seed
        if not has_choices(prompt, lists):
            return self
        return replace(self, prompts=tuple(resolve(prompt, (seed + index) % SEEDS, lists) for index in range(count)))

    def after(self, count: int) -> JobSpec:
        """The spec of the remaining pictures after the first `count`."""
        return replace(
            self,
            recipe=self.recipe.picture(count),
            enhancement_seed=(self.enhancement_seed + count * self.enhancement.rewrite_each) % SEEDS,
            prompts=self.prompts[count:],
        )

    def prompt_of(self, index: int) -> str:
        """The request's prompt of picture `index`, with its wildcards resolved."""
        return self.prompts[index] if index < len(self.prompts) else self.original_prompt

    def enhancement_of(self, index: int) -> tuple[str, int]:
        """The prompt and the seed of the enhancement of picture `index`. Pictures with equal ones share it."""
        return self.prompt_of(index), (self.enhancement_seed + index * self.enhancement.rewrite_each) % SEEDS

    def options(self, available: AvailableOptions) -> EnhancementOptions:
        """The enhancement options. A style that no longer exists is left out."""
        wanted = self.enhancement
        return EnhancementOptions(
            style=next((style for style in available.styles if style.name == wanted.style), None),
            length=wanted.length,  # type: ignore[arg-type]  # AvailableOptions has checked it
            keep_words=wanted.keep_words,
            instruction=self.instruction,
            before=self.before,
        )

    def to_json(self) -> dict[str, object]:
        """The JSON form of the job's row."""
        return {
            **vars(self),
            "recipe": self.recipe.to_json(),
            "enhancement": self.enhancement.model_dump(),
            "refers_to": list(self.refers_to),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> JobSpec:
        """Read `to_json` back. Raises ValueError and pydantic's ValidationError."""
        if "recipe" not in data:
            return _from_version_0_1(data)
        values = {name: value for name, value in data.items() if name in cls.__dataclass_fields__}
        options = {name: value for name, value in dict(data["enhancement"]).items()}  # type: ignore[call-overload]
        values["recipe"] = Recipe.from_json(data["recipe"])  # type: ignore[arg-type]
        values["enhancement"] = EnhancementRequest.model_validate(options)
        values["prompts"] = tuple(data["prompts"])  # type: ignore[arg-type]
        return cls(**values)  # type: ignore[arg-type]


def _from_version_0_1(data: Mapping[str, object]) -> JobSpec:
    """Read the flat form of version 0.1."""
    found = dict(data)
    recipe = {name: found[name] for name in Recipe.__dataclass_fields__ if name in found} | {
        "source": found.get("source_sha256"),
        "variation_of": pairs(found.get("variation_of", ())),
        "adapters": [{"name": name, "weight": weight, "sha256": ""} for name, weight in found.get("adapters", ())],  # type: ignore[attr-defined]
    }
    options = EnhancementRequest.model_validate(
        {
            "enabled": found.get("enhance", False),
            "id": found.get("enhancement"),
            "style": found.get("style") or None,
            "length": found.get("length", "auto"),
            "keep_words": found.get("locks", ()),
            "template": found.get("template") or None,
            "rewrite_each": found.get("spread", False),
        }
    )
    same = ("original_prompt", "enhancement_seed", "source", "parent", "rerun", "instruction", "before", "refines")
    values = {name: found[name] for name in same if name in found}
    prompts = tuple(found.get("prompts", ()))  # type: ignore[arg-type, var-annotated]
    return JobSpec(recipe=Recipe.from_json(recipe), enhancement=options, prompts=prompts, **values)  # type: ignore[arg-type]


def _reject_unused(wanted: SamplingRequest, guidance: float) -> None:
    """Raises InvalidRequest for options that have no effect without guidance."""
    if guidance:
        return
    if wanted.negative_prompt.strip():
        raise InvalidRequest("negative_prompt", "empty_without_guidance", wanted.negative_prompt)
    if wanted.cfg_normalization:
        raise InvalidRequest("cfg_normalization", "false_without_guidance", True)
    if wanted.cfg_truncation not in (None, 1):
        raise InvalidRequest("cfg_truncation", "one_without_guidance", wanted.cfg_truncation)


def _check(recipe: Recipe) -> None:
    """Raises InvalidRequest for a recipe with values that no request may have."""
    GenerationRequest.of(
        prompt=recipe.prompt,
        adapters=[(adapter.name, adapter.weight) for adapter in recipe.adapters],
        source=recipe.source,
        strength=recipe.strength,
        **{name: getattr(recipe, name) for name in SamplingRequest.model_fields},
    )


def reject_unused_options(request: GenerationRequest) -> None:
    """Raises InvalidRequest for enhancement options without an enhancement."""
    wanted = request.enhancement
    if wanted.id is not None and wanted.style:
        raise InvalidRequest("style", "style_with_enhancement", wanted.style)
    if wanted.enabled and wanted.id is None:
        return
    flat, unset = request.flatten(), EnhancementRequest().model_dump(by_alias=True)
    for name in ("length", "locks", "template", "spread"):
        if flat[name] != unset[name]:
            nothing = repr(list(unset[name]) if isinstance(unset[name], tuple) else unset[name])
            got = list(flat[name]) if isinstance(flat[name], tuple) else flat[name]
            raise InvalidRequest(name, "unused_without_enhancement", got, nothing=nothing)


def remaining_work(job: Job) -> Work:
    """The work that a queued job still needs, according to its row."""
    spec = JobSpec.from_json(job.spec)
    pictures = 0 if job.kind == "enhance" else job.count - len(job.pictures)
    wanted = {spec.enhancement_of(index) for index in range(max(job.count, 1)) if index not in job.indices}
    rewrites = len(wanted) if len(wanted) > 1 else int(job.enhancement_id is None)
    recipe = spec.recipe
    return Work(
        pictures=pictures,
        steps=recipe.steps,
        width=recipe.width,
        height=recipe.height,
        enhancements=rewrites if spec.enhances else 0,
    )


def checkpoint_of(found: Picture, here: Iterable[CheckpointInfo]) -> CheckpointInfo:
    """The checkpoint of a picture, if it is known here. Raises Refused."""
    for info in here:
        if info.name == found.checkpoint:
            return info
    if "software" not in found.environment:  # this studio generated it, with a folder that no longer exists
        raise Refused("checkpoint_missing", name=shorten(found.checkpoint))
    if not found.checkpoint:
        raise Refused("imported_checkpoint_unknown")
    raise Refused("imported_checkpoint_missing", name=shorten(found.checkpoint))
