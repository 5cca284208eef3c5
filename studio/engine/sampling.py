"""Sampling: generates one recipe with the resident pipeline.

Handles seeds, steps, cancellation and out-of-memory errors. Knows no queue, file or page.
"""

from __future__ import annotations

import gc
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from PIL import Image

from studio.domain.checkpoint import TOKENS_MAX
from studio.domain.recipe import Recipe
from studio.engine import device as devices
from studio.engine.adapters.attached import attach, detach
from studio.engine.base import GeneratedImage, StepEvent
from studio.engine.environment import environment
from studio.engine.latents import start
from studio.engine.loading.loader import Loaded
from studio.engine.memory.placement import offload_sequentially, tile, untile
from studio.engine.memory.plan import USABLE, with_sequential_offload
from studio.engine.preview import estimate
from studio.engine.speed.execution_options import shape
from studio.engine.speed.tuning_cache import Speed, of
from studio.errors import Cancelled, EngineError, OutOfMemory

log = logging.getLogger(__name__)

OnStep = Callable[[StepEvent], None]

MASKED = ("native", "_native_cudnn", "_native_math")
"""Attention that can leave tokens out, which two prompts of different lengths in one guided step need."""


def generate(
    loaded: Loaded,
    recipe: Recipe,
    on_step: OnStep,
    cancelled: Callable[[], bool],
    like: Mapping[str, object] | None = None,
    source: Image.Image | None = None,
) -> GeneratedImage:
    """Generate `recipe`, from `source` if it names a starting image. If memory runs out, free what is possible and try once
    more with less.

    `like` is the environment of a picture that is re-run, whose options are used where available. Raises Cancelled,
    OutOfMemory, EngineError, and whatever `on_step` or `cancelled` raises.
    """
    watch = _Watch(loaded, recipe.steps, on_step, cancelled)
    begun = time.perf_counter()
    image, ways = _attempt(loaded, recipe, watch, like, source)
    if image is None and loaded.ways.clear():  # recordings hold memory: without them it may fit
        _free(loaded)
        image, ways = _attempt(loaded, recipe, watch, like, source)
    less = image is None
    if less:
        log.warning("out of memory at %dx%d; trying once with less", recipe.width, recipe.height)
        _free(loaded)
        with _frugal(loaded):
            image, ways = _attempt(loaded, recipe, watch, like, source)
        _free(loaded)
    if image is None:
        raise OutOfMemory(
            "out_of_memory",
            device=loaded.device.title,
            size=f"{recipe.width} x {recipe.height}",
            title=loaded.info.title,
        )
    seconds = time.perf_counter() - begun
    tiling = less or loaded.plan.tiling
    around = environment(loaded, ways, tiling=tiling, less=less)
    return GeneratedImage(
        image=image, environment=around, seconds=seconds, adapters=tuple(one.adapter for one in loaded.worn)
    )


def _ways(loaded: Loaded, recipe: Recipe, like: Mapping[str, object] | None) -> Speed:
    """The options for this picture: its own for a re-run; with guidance, a backend that can mask tokens."""
    ways = loaded.ways.now if like is None else of(like)
    if recipe.guidance > 0 and ways.attention not in MASKED:
        return replace(ways, attention="native")
    return ways


class _Watch:
    """Checks for cancellation and reports progress after each step.

    A GPU runs behind the host. There a step is reported when it has finished and the next one is queued, so that the GPU
    never waits, and cancellation takes effect within the current step.
    """

    def __init__(self, loaded: Loaded, steps: int, on_step: OnStep, cancelled: Callable[[], bool]) -> None:
        self._loaded, self._steps, self._on_step, self._cancelled = loaded, steps, on_step, cancelled
        self._behind = loaded.device.kind == "cuda"
        self._handed: deque[tuple[StepEvent, torch.cuda.Event]] = deque()
        self._stream: torch.cuda.Stream | None = None
        self.raised: BaseException | None = None  # raised by the caller's functions, not by the pipeline

    def check(self) -> None:
        """Raises Cancelled if the job was cancelled."""
        if self._call(self._cancelled):
            raise Cancelled("job_cancelled")

    def __call__(self, pipe: Any, index: int, timestep: Any, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
        self.check()
        x0 = estimate(pipe.scheduler, tensors["latents"], tensors["noise_pred"])
        if not self._behind:
            self._tell(StepEvent(step=index + 1, steps=self._steps, look=lambda: self._loaded.preview(x0)))
            return {}  # no tensor changes
        done = torch.cuda.Event()
        done.record()
        event = StepEvent(step=index + 1, steps=self._steps, look=lambda: self._beside(x0, done))
        self._handed.append((event, done))
        self._catch_up(behind=1)
        return {}

    def end(self) -> None:
        """Everything is queued: report the remaining steps."""
        self._catch_up(behind=0)

    def _catch_up(self, behind: int) -> None:
        while len(self._handed) > behind:
            event, done = self._handed.popleft()
            done.synchronize()
            self._tell(event)

    def begin(self) -> None:
        """Reset before the first step."""
        self._handed.clear()

    def _beside(self, x0: torch.Tensor, done: torch.cuda.Event) -> Image.Image:
        """Make the preview of a finished step while the next one runs."""
        if self._stream is None:
            self._stream = torch.cuda.Stream(torch.device(self._loaded.device.name))
        with torch.cuda.stream(self._stream):
            done.wait()
            return self._loaded.preview(x0)

    def _tell(self, event: StepEvent) -> None:
        self._call(lambda: self._on_step(event))
        self.check()

    def _call(self, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except BaseException as error:
            self.raised = error
            raise


def _attempt(
    loaded: Loaded, recipe: Recipe, watch: _Watch, like: Mapping[str, object] | None, source: Image.Image | None
) -> tuple[Image.Image | None, Speed]:
    """The picture and the options used; None if memory ran out. It returns instead of raising, so that no traceback keeps
    tensors alive."""
    wanted = _ways(loaded, recipe, like)
    try:
        return _run(loaded, recipe, watch, wanted, source)
    except (RuntimeError, MemoryError, ValueError) as error:
        if error is watch.raised:
            raise
        if not is_out_of_memory(error):
            log.exception("drawing with %s", loaded.info.name)
            raise EngineError("pipeline_failed") from error
        log.warning("out of memory: %s", str(error).partition("\n")[0])
        return None, wanted
    finally:
        loaded.pipe.maybe_free_model_hooks()  # raising from the callback skips the pipeline's own decode


def _run(
    loaded: Loaded, recipe: Recipe, watch: _Watch, wanted: Speed, source: Image.Image | None
) -> tuple[Image.Image, Speed]:
    watch.check()
    watch.begin()
    pipe, ways = loaded.pipe, loaded.ways
    told = [recipe.prompt, recipe.negative_prompt] if recipe.guidance > 0 else [recipe.prompt]
    with ways.encoding(wanted, full=any(loaded.counter(each) >= TOKENS_MAX for each in told)):
        prompt = loaded.prompts(recipe.prompt)
        negative = loaded.prompts(recipe.negative_prompt) if recipe.guidance > 0 else None
    lengths = [len(each) for each in (prompt, negative) if each is not None]
    pipe.scheduler.set_shift(recipe.shift)
    watch.check()
    latents, levels = start(loaded, recipe, source)
    watch.check()
    attach(loaded, recipe.adapters)
    with ways.using(wanted, shape(recipe.height, recipe.width, *lengths)) as got:
        with ways.stepping(got):
            found = pipe(
                prompt_embeds=[prompt],
                negative_prompt_embeds=None if negative is None else [negative],
                height=recipe.height,
                width=recipe.width,
                num_inference_steps=recipe.steps,
                guidance_scale=recipe.guidance,
                cfg_normalization=recipe.cfg_normalization,
                cfg_truncation=recipe.cfg_truncation,
                latents=latents,
                sigmas=levels,
                callback_on_step_end=watch,
                callback_on_step_end_tensor_inputs=["latents", "noise_pred"],
                output_type="latent",
            )
        with ways.decoding(got):
            pixels = decode(pipe, found.images)
        watch.end()  # while the decoder works
        return Image.fromarray(pixels.cpu().numpy()), got


def decode(pipe: Any, latents: torch.Tensor) -> torch.Tensor:
    """Decode clean latents [1, channels, h, w] to bytes [height, width, 3] on the device, as the pipeline does."""
    with torch.no_grad():
        scaled = latents.to(pipe.vae.dtype) / pipe.vae.config.scaling_factor + (pipe.vae.config.shift_factor or 0.0)
        values = pipe.vae.decode(scaled, return_dict=False)[0]
        values = pipe.image_processor.postprocess(values, output_type="pt")[0]  # [3, height, width] in [0, 1]
        return (values.float() * 255).round().to(torch.uint8).movedim(0, -1).contiguous()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this is an out-of-memory error of torch. MPS and the CPU have no class for it."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error)
    signs = ("out of memory", "can't allocate memory", "not enough memory", "Invalid buffer size")
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)


@contextmanager
def _frugal(loaded: Loaded) -> Iterator[None]:
    """Use less memory: a tiled VAE, and on a CUDA card sequential offload, which stays until the next load."""
    if loaded.device.kind == "cuda" and not loaded.plan.offload:
        offload_now(loaded)
    tile(loaded.pipe.vae)
    try:
        yield
    finally:
        if not loaded.plan.tiling:
            untile(loaded.pipe.vae)


def offload_now(loaded: Loaded) -> None:
    """Switch to sequential offload if the machine's memory has space for the parts."""
    parts = (loaded.pipe.text_encoder, loaded.pipe.transformer)
    wanted = sum(each.numel() * each.element_size() for part in parts for each in part.parameters()) / 1e9
    if wanted > USABLE * devices.ram_gb():
        log.warning("parts cannot take turns: they take %.1f GB of the machine's own memory", wanted)
        return
    loaded.ways.still()
    detach(loaded)  # packed parts stay offloaded
    try:
        offload_sequentially(loaded.pipe, torch.device(loaded.device.name), locked=False)
    except (RuntimeError, MemoryError) as error:
        log.warning("parts cannot take turns: %s", str(error).partition("\n")[0])
        loaded.pipe.remove_all_hooks()
        loaded.pipe.to(loaded.device.name)
        return
    loaded.plan = with_sequential_offload(loaded.plan, "parts take turns on the device since memory ran out")


def _free(loaded: Loaded) -> None:
    loaded.prompts.clear()
    loaded.ways.clear()
    gc.collect()
    devices.release(loaded.device)
