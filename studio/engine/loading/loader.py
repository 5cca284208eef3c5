"""The loader: from a checkpoint's folder to a pipeline ready on its device.

Knows files, devices and memory; knows no recipe, no queue and no network. It reads the given folder and the one that this
shares.
"""

from __future__ import annotations

import copy
import logging
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    FlowMatchEulerDiscreteScheduler,
    GGUFQuantizationConfig,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from diffusers.utils import logging as diffusers_logging
from transformers import AutoTokenizer, Qwen3Model
from transformers.utils import logging as transformers_logging

from studio.domain.checkpoint import CheckpointInfo
from studio.engine import device as devices
from studio.engine.adapters.attached import AttachedAdapter
from studio.engine.adapters.files import Adapters
from studio.engine.device import Device
from studio.engine.loading import checkpoint_layout, weight_headers
from studio.engine.loading.revision import revision
from studio.engine.memory import plan
from studio.engine.memory.placement import four_bit, place, software, to_int8
from studio.engine.memory.plan import Numbers, Plan
from studio.engine.preview import Preview, fit
from studio.engine.prompt_cache import PromptCache
from studio.engine.speed import tuning_cache
from studio.engine.speed.execution_options import ExecutionOptions
from studio.engine.speed.tuning_cache import Report, Speed
from studio.errors import EngineError

log = logging.getLogger(__name__)

CLASSES: dict[str, Any] = {
    "scheduler": FlowMatchEulerDiscreteScheduler,
    "tokenizer": AutoTokenizer,
    "transformer": ZImageTransformer2DModel,
    "vae": AutoencoderKL,
    "text_encoder": Qwen3Model,
}
ONLY_HERE = {"local_files_only": True}


@dataclass(kw_only=True)
class Loaded:
    """A resident pipeline and everything that belongs to it. Used by the worker's thread; `counter` may be used by any."""

    pipe: Any  # diffusers.ZImagePipeline
    info: CheckpointInfo
    revision: str
    device: Device
    plan: Plan
    preview: Preview
    prompts: PromptCache
    counter: TokenCounter
    ways: ExecutionOptions
    report: Report | None = None  # measurements of the options
    tuned: bool = False
    adapters: Adapters = field(default_factory=Adapters)  # available adapters
    worn: tuple[AttachedAdapter, ...] = ()  # attached adapters
    chat: Any = field(default=None)  # the chat model over the text encoder, once requested


class TokenCounter:
    """Counts the tokens of a prompt before truncation; from any thread.

    It has its own tokenizer: a fast tokenizer holds padding and truncation as state, and counting must not change the
    pipeline's.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = copy.deepcopy(tokenizer)
        self._lock = threading.Lock()

    def __call__(self, prompt: str) -> int:
        messages = [{"role": "user", "content": prompt}]
        with self._lock:
            text = self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True, enable_thinking=True
            )
            return len(self._tokenizer(text, verbose=False)["input_ids"])


def load(
    info: CheckpointInfo, folder: Path, device: Device, memory_gb: float | None, notes: Path | None = None
) -> Loaded:
    """Load `folder` onto `device`, with the options that the tuning cache `notes` knows to be fastest.

    Raises EngineError.
    """
    if wrong := checkpoint_layout.problem(folder):
        raise EngineError("not_loadable", title=info.title, why=wrong)
    diffusers_logging.disable_progress_bar()  # the page shows progress, not the terminal
    transformers_logging.disable_progress_bar()
    try:
        plan = planned(device, folder, memory_gb)
    except (OSError, ValueError) as error:
        log.exception("planning for %s", info.name)
        raise EngineError("folder_broken", title=info.title, error=_brief(error)) from error
    try:
        pipe = _assembled(folder, device, plan)
    except torch.OutOfMemoryError as error:
        raise EngineError("does_not_fit", title=info.title, device=device.title, why=plan.why) from error
    except Exception as error:  # libraries raise anything for a damaged folder
        log.exception("loading %s", info.name)
        raise EngineError("folder_broken", title=info.title, error=_brief(error)) from error
    return ready(pipe, info, revision(folder), device, plan, notes)


def ready(
    pipe: Any, info: CheckpointInfo, revised: str, device: Device, plan: Plan, notes: Path | None = None
) -> Loaded:
    """Place a pipeline whose weights were just read or made on `device`, and build what sampling needs. Raises EngineError."""
    pipe.set_progress_bar_config(disable=True)
    pipe.transformer.requires_grad_(
        False
    )  # as removed adapters leave it: otherwise compiled code would not recognize it afterwards
    preview = _placed(pipe, device, plan, info)
    counter = TokenCounter(pipe.tokenizer)
    ways = ExecutionOptions(pipe, device, still=plan.place == "stay")
    report = tuning_cache.known(notes, tuning_cache.key(device, info.title, plan))
    ways.use(replace(report.speed, compiled=False, compiled_vae=False) if report else Speed())  # compiling comes later
    return Loaded(
        pipe=pipe, info=info, revision=revised, device=device, plan=plan, preview=preview, ways=ways, report=report,
        prompts=PromptCache(pipe, counter, encoder="cpu" if plan.place == "stream" else device.name, home=device.name),
        counter=counter,
    )  # fmt: skip


def _assembled(folder: Path, device: Device, plan: Plan) -> Any:
    """The pipeline of `folder` with its own and shared parts.

    Large parts are read one by one, quantized and moved at once, so that the machine never holds all of them at full
    precision.
    """
    dtype = torch.bfloat16 if plan.computed == "bf16" else torch.float32
    options: dict[str, Any] = {"dtype": dtype, "local_files_only": True, "use_safetensors": True}
    own: dict[str, Any] = {}
    lender, lies = checkpoint_layout.shared(folder), checkpoint_layout.parts(folder)
    sources = {
        "transformer": folder if checkpoint_layout.is_single(folder) else lies["transformer"],
        "text_encoder": lies["text_encoder"],
    }
    for part, numbers in (("transformer", plan.numbers), ("text_encoder", plan.encoder_numbers)):
        own[part] = _read(part, sources[part], device, numbers, options)
        if plan.place == "stay":
            own[part].to(device.name)
    for part, where in lies.items():
        if part not in own and lender is not None and where.parent == folder:
            own[part] = CLASSES[part].from_pretrained(
                where, **(options if part in checkpoint_layout.WEIGHED else ONLY_HERE)
            )
    return ZImagePipeline.from_pretrained(lender or folder, **own, **options)


def _read(part: str, where: Path, device: Device, numbers: Numbers, options: dict[str, Any]) -> Any:
    """Read one large part in the plan's number format."""
    if where.is_file():
        return _read_single(where, numbers, options)
    if numbers == "4 bit":  # quantized on the card, one part at a time
        with torch.cuda.device(device.name):
            return (
                CLASSES[part]
                .from_pretrained(where, quantization_config=four_bit(part, options["dtype"]), **options)
                .to("cpu")
            )
    found = CLASSES[part].from_pretrained(where, **options)
    if numbers == "int8":
        to_int8(found, part)
    return found


def _read_single(file: Path, numbers: Numbers, options: dict[str, Any]) -> Any:
    """A transformer from a single file in another program's format. Its configuration comes from its lender."""
    config = checkpoint_layout.parts(file)["transformer"]
    more = {"quantization_config": GGUFQuantizationConfig(compute_dtype=options["dtype"])} if numbers == "gguf" else {}
    try:
        found = ZImageTransformer2DModel.from_single_file(
            str(file), config=str(config), dtype=options["dtype"], local_files_only=True, **more
        )
    except NotImplementedError as error:  # torch's message for missing tensors
        raise ValueError("it lacks tensors that its configuration describes") from error
    if numbers == "int8":
        to_int8(found, "transformer")
    return found


def planned(device: Device, folder: Path, memory_gb: float | None) -> Plan:
    """The memory plan. `memory_gb` replaces the measured free memory. Raises OSError, ValueError."""
    kind: Any = device.kind
    numbers: Any = device.numbers
    have = devices.free_gb(device) if memory_gb is None else memory_gb
    ram = devices.ram_gb() if kind == "cuda" else None
    room = plan.MemoryBudget(kind=kind, have_gb=have, numbers=numbers, ram_gb=ram, small=software(kind))
    return plan.plan(weights(folder), room)


def weights(folder: Path) -> plan.Weights:
    """A checkpoint's sizes from its files. Raises OSError, ValueError for a damaged file."""
    counts, where = checkpoint_layout.parameters(folder), checkpoint_layout.parts(folder)
    transformer = checkpoint_layout.read_json(where["transformer"] / "config.json")
    vae = checkpoint_layout.read_json(where["vae"] / "config.json")
    channels, width, native = vae.get("block_out_channels"), transformer.get("dim"), vae.get("sample_size")
    return plan.Weights(
        **counts,
        block=checkpoint_layout.block(folder),
        width=width if isinstance(width, int) else plan.Weights.width,
        channels=int(channels[1]) if isinstance(channels, list) and len(channels) > 1 else plan.Weights.channels,
        native=native if isinstance(native, int) else plan.Weights.native,
        packed_gb=folder.stat().st_size / 1e9
        if checkpoint_layout.is_single(folder) and folder.suffix.lower() == weight_headers.GGUF
        else None,
    )


def _placed(pipe: Any, device: Device, plan: Plan, info: CheckpointInfo) -> Preview:
    """Place the pipeline according to the plan. The preview is fitted while the VAE is on the device."""
    try:
        pipe.vae.to(device.name)
        preview = fit(pipe.vae, native=info.defaults.native)
        place(pipe, device, plan)
    except torch.OutOfMemoryError as error:
        raise EngineError("does_not_fit", title=info.title, device=device.title, why=plan.why) from error
    return preview


def _brief(error: Exception) -> str:
    """The first line of a library's message, without local folders."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    words = [Path(word.strip("'\"")).name or word if "/" in word or "\\" in word else word for word in line.split()]
    short = " ".join(words).rstrip(".")
    return short if len(short) <= 160 else f"{short[:159]}…"
