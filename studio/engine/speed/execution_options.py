"""Execution options: applies them to a pipeline for all pictures or one, and knows which shapes are compiled.

Nobody waits for a compiler: a picture of a shape that was not prepared runs uncompiled, its environment says so, and the
shape is prepared while the queue is empty. Knows pipelines; knows no recipe, and measures nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D
from torch import nn

from studio.engine.device import Device
from studio.engine.speed.cuda_graphs import Replayed
from studio.engine.speed.tuning_cache import Speed

log = logging.getLogger(__name__)

PADDED = 32
"""Tokens: the transformer pads picture and prompt to multiples of it, so prompts in the same one compute alike."""
STEPS = 8  # calls of the transformer for one picture: recording pays from the second picture of a shape on
SHAPES = 64  # shapes to remember; more would take long to prepare
VARIANTS = 64  # compiled variants of one function; beyond that it runs uncompiled


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A shape to compile for: the picture's size in pixels and the padded prompt lengths in tokens."""

    height: int
    width: int
    prompts: tuple[int, ...]


def shape(height: int, width: int, *prompts: int) -> Shape:
    """The shape of a picture with prompts of so many tokens."""
    return Shape(height=height, width=width, prompts=tuple(-(-each // PADDED) * PADDED for each in prompts))


class ExecutionOptions:
    """The options of one pipeline. `now` are those in use; a picture may use others. For the worker's thread."""

    def __init__(self, pipe: Any, device: Device, *, still: bool) -> None:
        """`still`: all parts stay in place on the device, so that calls may be recorded."""
        self.pipe, self.device, self.now = pipe, device, Speed()
        self.drawn: Counter[Shape] = Counter()
        self._last = False
        self._ready: set[Shape] = set()
        self.hopeless: set[Shape | str] = set()  # shapes and parts that cannot be compiled here
        self._sizes: set[tuple[int, int]] = set()
        self._compiled: set[str] = set()
        can = still and device.kind == "cuda"
        self.graphs = {
            name: Replayed(module, after=after)
            for name, module, after in (
                ("transformer", pipe.transformer, STEPS),
                ("text_encoder", pipe.text_encoder, 1),
                ("decoder", pipe.vae.decoder, 1),
            )
            if can
        }

    def use(self, speed: Speed) -> Speed:
        """Use options from now on. Returns those in use, where some are not available. Compiled code is used once it was
        prepared."""
        got = self._set(speed)
        self.now = replace(got, channels_last=speed.channels_last)  # if the decoder is not compiled
        return self.now

    @contextmanager
    def using(self, wanted: Speed, drawn: Shape | None = None) -> Iterator[Speed]:
        """Use options for one picture of a shape, yield those in use, and restore the previous ones."""
        if drawn is not None and (drawn in self.drawn or len(self.drawn) < SHAPES):
            self.drawn[drawn] += 1
        known = wanted.attention == self.now.attention  # compiled code holds for one attention backend
        got = replace(
            wanted,
            compiled=wanted.compiled and self.now.compiled and known and drawn in self._ready and not self.adapted,
            compiled_vae=wanted.compiled_vae and self.now.compiled_vae and drawn is not None and self.decodes(drawn),
        )
        before = self.now
        try:
            yield self._set(got)
        finally:
            self._set(before)

    def stepping(self, speed: Speed) -> AbstractContextManager[object]:
        """Context of the transformer's work: compiled or not, and never compiling."""
        return self._stance(speed.compiled)

    def decoding(self, speed: Speed) -> AbstractContextManager[object]:
        """Context of the decoder's work, likewise."""
        return self._stance(speed.compiled_vae)

    def still(self) -> None:
        """Stop recording: parts are about to move."""
        self.clear()
        for each in self.graphs.values():
            each.leave()
        self.graphs = {}
        self.now = replace(self.now, graphs=False)

    def clear(self) -> bool:
        """Drop recordings to free their memory. Returns whether there were any."""
        return any([each.clear() for each in self.graphs.values()])

    def lay(self, last: bool) -> None:
        """Set the VAE's memory layout: channels last or contiguous. This moves its weights, which invalidates recordings."""
        if last == self._last:
            return
        self._last = last
        if "decoder" in self.graphs:
            self.graphs["decoder"].clear()
        self.pipe.vae.to(memory_format=torch.channels_last if last else torch.contiguous_format)

    @contextmanager
    def encoding(self, speed: Speed, *, full: bool) -> Iterator[None]:
        """Context of prompt encoding, which only recordings can speed up. `full`: without padding another attention kernel
        runs than in a recording."""
        self.recording(speed.graphs and not full)
        try:
            yield
        finally:
            self.recording(self.now.graphs)

    def recording(self, on: bool) -> None:
        """Turn recording on or off."""
        for each in self.graphs.values():
            each.on = on

    # --- compiled code

    def pieces(self) -> dict[str, list[nn.Module]]:
        """The functions that are compiled, by name. Each takes seconds the first time on a machine, and is cached on disk."""
        transformer = self.pipe.transformer
        parts = {
            "blocks that read noise": transformer.noise_refiner,
            "blocks that read the prompt": transformer.context_refiner,
        }
        found = {name: list(blocks) for name, blocks in parts.items()} | {"blocks": list(transformer.layers)}
        for block in self.pipe.vae.decoder.modules():
            if isinstance(block, ResnetBlock2D):
                name = f"decoder {block.in_channels} to {block.out_channels}"
                found.setdefault(name, []).append(block)
            elif isinstance(block, Upsample2D):
                found.setdefault(f"decoder {block.channels} enlarged", []).append(block)
        return found | {"decoder end": [self.pipe.vae.decoder.conv_norm_out]}

    def compile(self, part: str, run: Callable[[], object], wanted: Callable[[], bool]) -> bool:
        """Compile the transformer or the `decoder` piece by piece; `run` is a call that executes them.

        Returns False if `wanted` became true; finished pieces stay, and the rest follows next time.
        """
        torch._dynamo.config.recompile_limit = VARIANTS
        for name, blocks in self.pieces().items():
            if name.startswith("decoder") != (part == "decoder") or name in self._compiled:
                continue
            if wanted():
                return False
            for block in blocks:
                block.compile(dynamic=True)
            try:
                run()
            except BaseException:  # no compiler or no memory: pictures need the blocks as they were
                uncompile(blocks)
                raise
            self._compiled.add(name)
        return True

    def plain(self, part: str) -> None:
        """Run a part's blocks uncompiled again."""
        for name, blocks in self.pieces().items():
            if name.startswith("decoder") == (part == "decoder"):
                self._compiled.discard(name)
                uncompile(blocks)
        self.clear()

    def cold(self) -> list[Shape]:
        """Shapes that were used and are not compiled, the commonest first."""
        if not (self.now.compiled or self.now.compiled_vae):
            return []
        return [each for each, _ in self.drawn.most_common() if each not in self._ready and each not in self.hopeless]

    @property
    def ready(self) -> bool:
        """Whether any shape was compiled."""
        return bool(self._ready)

    def decodes(self, each: Shape) -> bool:
        """Whether the decoder was compiled for pictures of this size."""
        return (each.height, each.width) in self._sizes

    def prepared(self, each: Shape) -> None:
        """Use compiled code for a shape, which was run once, from now on."""
        self._ready.add(each)
        self._sizes.add((each.height, each.width))

    @property
    def adapted(self) -> bool:
        """Whether adapters are attached: calls are then neither compiled nor recorded."""
        return bool(getattr(self.pipe.transformer, "_hf_peft_config_loaded", False))

    # --- internals

    def _set(self, speed: Speed) -> Speed:
        """Set attention, memory layout and recording."""
        attention = speed.attention
        if not attend(self.pipe, attention):
            attention = "native"
            attend(self.pipe, attention)
        last = speed.channels_last or speed.compiled_vae
        self.lay(last)
        graphs = speed.graphs and bool(self.graphs) and not self.adapted  # a recording would not notice adapters
        self.recording(graphs)
        for name, each in self.graphs.items():
            each.mode = (attention, speed.compiled) if name == "transformer" else (last, speed.compiled_vae)
        return replace(speed, attention=attention, channels_last=last, graphs=graphs)

    def _stance(self, compiled: bool) -> AbstractContextManager[object]:
        if not self._compiled:
            return nullcontext()
        stance: AbstractContextManager[object] = torch.compiler.set_stance(
            "eager_on_recompile" if compiled else "force_eager"
        )
        return stance


def uncompile(blocks: list[nn.Module]) -> None:
    """Run blocks as before `compile`."""
    for block in blocks:
        block._compiled_call_impl = None


def attend(pipe: Any, backend: str) -> bool:
    """Use this attention backend. Returns False, and changes nothing, if it is not installed."""
    if backend == attends(pipe):
        return True
    logging.getLogger("diffusers.models.modeling_utils").setLevel(
        logging.ERROR
    )  # diffusers warns that each choice is experimental
    try:
        pipe.transformer.set_attention_backend(backend)
    except (RuntimeError, ValueError, ImportError) as error:
        log.info("attention %s is not to be had: %s", backend, str(error).partition("\n")[0])
        return False
    return True


def attends(pipe: Any) -> str:
    """The transformer's attention backend, by diffusers' name."""
    for module in pipe.transformer.modules():
        backend = getattr(getattr(module, "processor", None), "_attention_backend", None)
        if backend is not None:
            return str(getattr(backend, "value", backend))
    return ""  # diffusers keeps one backend per process, and another model may have set it
