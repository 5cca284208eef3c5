"""Drawing: one recipe through the resident pipeline to one picture.

Keeps the laws of seed, steps and cancelling, and what happens when memory runs out. Knows no queue, file or page.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from PIL import Image

from studio.engine import device as devices
from studio.engine.contract import Drawing, StepEvent
from studio.engine.environment import environment
from studio.engine.loading import Loaded
from studio.engine.memory import turned
from studio.engine.placing import tile, untile
from studio.engine.preview import estimate
from studio.engine.speed import MASKED, Speed, of, using
from studio.errors import Cancelled, EngineError, OutOfMemory
from studio.recipe import Recipe

log = logging.getLogger(__name__)

OnStep = Callable[[StepEvent], None]


def draw(
    loaded: Loaded,
    recipe: Recipe,
    on_step: OnStep,
    cancelled: Callable[[], bool],
    like: Mapping[str, object] | None = None,
) -> Drawing:
    """Draw `recipe`; if memory runs out, free what can be freed and try once more with less.

    `like` is the environment of a picture that is to be drawn again: its ways are used where they can be had here.

    Raises Cancelled, OutOfMemory, EngineError, and whatever `on_step` or `cancelled` raise.
    """
    watch = _Watch(loaded, recipe.steps, on_step, cancelled)
    begun = time.perf_counter()
    with using(loaded.pipe, loaded.speed, _ways(loaded, recipe, like)) as ways:
        image = _attempt(loaded, recipe, watch)
        less = image is None
        if less:
            log.warning("out of memory at %dx%d; trying once with less", recipe.width, recipe.height)
            _free(loaded)
            with _frugal(loaded):
                image = _attempt(loaded, recipe, watch)
            _free(loaded)
    if image is None:
        raise OutOfMemory(
            f"{loaded.device.title} has too little memory for {recipe.width} x {recipe.height} pixels with "
            f"{loaded.info.title}, also in tiles and part by part. A smaller picture may fit."
        )
    seconds = time.perf_counter() - begun
    tiling = less or loaded.plan.tiling
    return Drawing(image=image, environment=environment(loaded, ways, tiling=tiling, less=less), seconds=seconds)


def _ways(loaded: Loaded, recipe: Recipe, like: Mapping[str, object] | None) -> Speed:
    """The ways for this picture: its own if it is drawn again; one that can leave tokens out where two prompts share a step."""
    ways = loaded.speed if like is None else of(like)
    if recipe.guidance > 0 and ways.attention not in MASKED:
        return replace(ways, attention="native")
    return ways


def noise(loaded: Loaded, recipe: Recipe) -> torch.Tensor:
    """The latents that drawing begins with, fp32 [1, channels, height / 8, width / 8] on the CPU.

    By the seed law they follow from seed and size alone, on every device. torch's generator on the CPU takes the lower
    32 bits of a seed: two seeds that differ by a multiple of 2^32 are one.
    """
    generator = torch.Generator("cpu").manual_seed(recipe.seed)
    scale = loaded.pipe.vae_scale_factor
    shape = (1, loaded.pipe.transformer.config.in_channels, recipe.height // scale, recipe.width // scale)
    return torch.randn(shape, generator=generator, dtype=torch.float32)


class _Watch:
    """What happens after each step: has it been cancelled, and if not, how does the picture look."""

    def __init__(self, loaded: Loaded, steps: int, on_step: OnStep, cancelled: Callable[[], bool]) -> None:
        self._loaded, self._steps, self._on_step, self._cancelled = loaded, steps, on_step, cancelled
        self.raised: BaseException | None = None  # by the caller's own functions: theirs, and not the pipeline's

    def check(self) -> None:
        """Raises Cancelled if the job was cancelled."""
        if self._call(self._cancelled):
            raise Cancelled("The job was cancelled.")

    def __call__(self, pipe: Any, index: int, timestep: Any, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
        self.check()
        x0 = estimate(pipe.scheduler, tensors["latents"], tensors["noise_pred"])
        event = StepEvent(step=index + 1, steps=self._steps, look=lambda: self._loaded.preview(x0))
        self._call(lambda: self._on_step(event))
        self.check()
        return {}  # change no tensor

    def _call(self, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except BaseException as error:
            self.raised = error
            raise


def _attempt(loaded: Loaded, recipe: Recipe, watch: _Watch) -> Image.Image | None:
    """The picture, or None if memory ran out: returned and not raised, so that no traceback keeps tensors alive."""
    try:
        return _run(loaded, recipe, watch)
    except (RuntimeError, MemoryError, ValueError) as error:
        if error is watch.raised:
            raise
        if not is_out_of_memory(error):
            log.exception("drawing with %s", loaded.info.name)
            raise EngineError("The pipeline failed while it drew this picture; the log tells more.") from error
        log.warning("out of memory: %s", str(error).partition("\n")[0])
        return None
    finally:
        if loaded.plan.place == "turns":
            loaded.pipe.maybe_free_model_hooks()  # raising from the callback skips the pipeline's own call


def _run(loaded: Loaded, recipe: Recipe, watch: _Watch) -> Image.Image:
    watch.check()
    pipe = loaded.pipe
    guided = recipe.guidance > 0
    prompt = loaded.prompts(recipe.prompt)
    negative = loaded.prompts(recipe.negative_prompt) if guided else None
    pipe.scheduler.set_shift(recipe.shift)
    watch.check()
    found = pipe(
        prompt_embeds=[prompt],
        negative_prompt_embeds=None if negative is None else [negative],
        height=recipe.height,
        width=recipe.width,
        num_inference_steps=recipe.steps,
        guidance_scale=recipe.guidance,
        cfg_normalization=recipe.cfg_normalization,
        cfg_truncation=recipe.cfg_truncation,
        latents=noise(loaded, recipe),
        callback_on_step_end=watch,
        callback_on_step_end_tensor_inputs=["latents", "noise_pred"],
    )
    image: Image.Image = found.images[0]
    return image.convert("RGB")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this is how torch says, on any device, that memory ran out; MPS and the CPU have no class for it."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error)
    signs = ("out of memory", "can't allocate memory", "not enough memory", "Invalid buffer size")
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)


@contextmanager
def _frugal(loaded: Loaded) -> Iterator[None]:
    """With less: the VAE in tiles, and on a CUDA card one part at a time; the second stays so until the next load."""
    if loaded.device.kind == "cuda" and not loaded.plan.offload:
        loaded.pipe.enable_model_cpu_offload(device=loaded.device.name)
        loaded.plan = turned(loaded.plan, "parts take turns on the device since memory ran out")
    tile(loaded.pipe.vae)
    try:
        yield
    finally:
        if not loaded.plan.tiling:
            untile(loaded.pipe.vae)


def _free(loaded: Loaded) -> None:
    loaded.prompts.clear()
    gc.collect()
    devices.release(loaded.device)
