"""The memory plan: which parts stay on the device, which wait in memory, and in which number format.

Pure arithmetic from the weights' sizes and the free memory, before anything is loaded, so that any card can be planned for
on any machine. Knows no torch and no file. Sizes are GB of 10^9 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from locales import Localized

Kind = Literal["cuda", "mps", "cpu"]
Numbers = Literal["fp32", "bf16", "int8", "4 bit", "gguf"]
Place = Literal["stay", "turns", "stream"]

BYTES: Mapping[Numbers, float] = {"fp32": 4.0, "bf16": 2.0, "int8": 1.01, "4 bit": 0.56, "gguf": 0.7}
"""Bytes a number; the two small kinds with their scales, one a row or one for 64 numbers."""
SENSITIVE = {"transformer": 0.03, "text_encoder": 0.1}
"""The part of each that keeps its own numbers when the rest is made smaller: embeddings, modulation, first and last layers."""
USABLE = 0.92
"""The part of the free memory that is planned with; the rest is lost between blocks."""
STEP_VALUES, DECODE_VALUES, TILE_VALUES = 21, 6, 5
"""Numbers alive at once, for each value of a step's widest tensor and of the decoder's, whole and in tiles: as `bench.memory` showed."""
TILE = 512  # pixels per side of the tiles in which a picture is decoded when memory is short
MOVED_GB_S = (
    10.0  # between memory and card, as PCIe 4 achieves with pinned copies; the plan's seconds are estimates from it
)
LOCKED = 0.6
"""The part of the machine's free memory that may be kept from being paged out."""
READ_GB_S = 2.0  # how fast a CPU reads weights that it computes with
PATCH = 16  # pixels per side of a transformer token
TEXT_TOKENS = 512


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A checkpoint's parts in parameters, the transformer's width, its largest block, and the decoder's widest channels at
    full size."""

    transformer: int
    text_encoder: int
    vae: int
    width: int = 3840
    block: int = 0
    channels: int = 256
    native: int = 1024
    packed_gb: float | None = None  # GB of a transformer that is quantized in its file


@dataclass(frozen=True, kw_only=True)
class MemoryBudget:
    """The available resources: device kind, free memory (None: unknown), native number format, available quantized formats,
    and for a card the machine's free memory."""

    kind: Kind
    have_gb: float | None
    numbers: Numbers
    ram_gb: float | None = None
    small: tuple[Numbers, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One way to hold a checkpoint: its memory on the device and on the machine, and its cost in seconds per new prompt,
    picture and step. All are estimates. `why` is one sentence without a full stop."""

    place: Place
    numbers: Numbers  # of the transformer
    encoder_numbers: Numbers
    computed: Numbers  # the number format of computation, of the VAE and of sensitive layers
    tiling: bool  # pictures of the native size and larger are decoded in tiles
    peak_gb: float
    ram_gb: float
    prompt_s: float
    picture_s: float
    step_s: float
    fits: bool
    locked: bool = False  # waiting parts are pinned, so that they are copied at the bus's full speed
    why: str = ""
    hint: str = ""  # advice in one sentence, or empty
    others: tuple[Plan, ...] = field(default=(), repr=False)

    @property
    def offload(self) -> bool:
        """Whether parts move between memory and device during generation."""
        return self.place != "stay"


def plan(weights: Weights, room: MemoryBudget) -> Plan:
    """The first candidate that fits, cheapest first; if none does, the one with the smallest shortfall. `others` are all
    candidates."""
    found = candidate_plans(weights, room)
    chosen = next((one for one in found if one.fits), None) or min(found, key=lambda one: _shortfall(one, room))
    return replace(chosen, why=_why(chosen, found, room), hint=_hint(weights, chosen, room), others=found)


def candidate_plans(weights: Weights, room: MemoryBudget) -> tuple[Plan, ...]:
    """All plans for this kind of device, best first: resident, sequential offload, quantized, streamed blocks."""
    own = room.numbers
    if weights.packed_gb is not None:
        return tuple(_way(weights, room, *option) for option in _packed(room))
    options: list[tuple[Place, Numbers, Numbers, bool]] = [("stay", own, own, False), ("stay", own, own, True)]
    if room.kind == "cuda":
        options += [("turns", own, own, False), ("turns", own, own, True)]
        if "int8" in room.small:
            options += [("turns", "int8", own, True), ("stay", "int8", "int8", True), ("turns", "int8", "int8", True)]
        if "4 bit" in room.small:
            options.append(("turns", "4 bit", "4 bit", True))
        options.append(("stream", own, own, True))
    else:
        if own == "fp32" and room.kind == "cpu":
            options.append(("stay", "bf16", "bf16", True))
        if "int8" in room.small:
            options.append(("stay", "int8", "int8", True))
    return tuple(_way(weights, room, *option) for option in options)


def _packed(room: MemoryBudget) -> list[tuple[Place, Numbers, Numbers, bool]]:
    """The plans for a transformer that is quantized in its file: only its place and the encoder's format vary."""
    places: tuple[Place, ...] = ("stay", "turns") if room.kind == "cuda" else ("stay",)
    encoders = dict.fromkeys((room.numbers, "int8") if "int8" in room.small else (room.numbers,))
    found = [(place, encoder) for encoder in encoders for place in places]
    return [("stay", "gguf", room.numbers, False), *((place, "gguf", encoder, True) for place, encoder in found)]


def _way(
    weights: Weights, room: MemoryBudget, place: Place, numbers: Numbers, encoder_numbers: Numbers, tiling: bool
) -> Plan:
    computed: Numbers = room.numbers if room.kind != "cpu" or numbers in ("fp32", "gguf") else "bf16"
    wide = BYTES[computed]
    packed = weights.packed_gb
    transformer = packed if packed is not None else _held(weights.transformer, numbers, wide, SENSITIVE["transformer"])
    encoder = _held(weights.text_encoder, encoder_numbers, wide, SENSITIVE["text_encoder"])
    vae = weights.vae * wide / 1e9
    tokens = (weights.native / PATCH) ** 2 + TEXT_TOKENS
    step = tokens * weights.width * STEP_VALUES * wide / 1e9
    side, values = (min(TILE, weights.native), TILE_VALUES) if tiling else (weights.native, DECODE_VALUES)
    decode = side**2 * weights.channels * values * wide / 1e9
    # Parts are read one by one at full precision, quantized at once, and moved at once if they stay on a card.
    wide_transformer = packed if packed is not None else weights.transformer * wide / 1e9
    wide_encoder = weights.text_encoder * wide / 1e9
    reading = max(wide_transformer, transformer + wide_encoder, transformer + encoder + vae)
    ram, prompt_s, picture_s, step_s = reading, 0.0, 0.0, 0.0
    if place == "stay":
        peak = transformer + encoder + vae + max(step, decode)
        ram = max(wide_transformer, wide_encoder)
    elif place == "turns":  # a new prompt brings the encoder, and a picture the transformer; nothing is moved back
        peak = vae + max(encoder + step / 4, transformer + max(step, decode))
        prompt_s = (encoder + transformer) / MOVED_GB_S
        if numbers == "4 bit":  # 4-bit parts are moved by diffusers: after a picture, and back
            prompt_s, picture_s = encoder / MOVED_GB_S, 2 * transformer / MOVED_GB_S
    else:  # the encoder works beside the device, and one block computes while the next one is copied
        peak = SENSITIVE["transformer"] * transformer + 2 * weights.block * wide / 1e9 + vae + max(step, decode)
        prompt_s, step_s = encoder / READ_GB_S, transformer / MOVED_GB_S
    if room.kind != "cuda":  # one memory for reading and computing
        peak, ram = max(peak, reading), 0.0
    fits = all(have is None or wants <= USABLE * have for wants, have in ((peak, room.have_gb), (ram, room.ram_gb)))
    return Plan(
        place=place, numbers=numbers, encoder_numbers=encoder_numbers, computed=computed, tiling=tiling,
        peak_gb=peak, ram_gb=ram, prompt_s=prompt_s, picture_s=picture_s, step_s=step_s, fits=fits,
        locked=place == "turns" and room.ram_gb is not None and ram <= LOCKED * room.ram_gb,
    )  # fmt: skip


def _shortfall(one: Plan, room: MemoryBudget) -> float:
    """How many times the available memory a plan needs, of the scarcer kind."""
    wanted = ((one.peak_gb, room.have_gb), (one.ram_gb, room.ram_gb))
    return max(wants / max(have, 1e-3) for wants, have in wanted if have is not None)


def with_sequential_offload(plan: Plan, why: str) -> Plan:
    """The plan after memory ran out: sequential offload in the present formats."""
    same = (
        one
        for one in plan.others
        if (one.place, one.numbers, one.encoder_numbers) == ("turns", plan.numbers, plan.encoder_numbers)
    )
    return replace(next(same, replace(plan, place="turns")), tiling=plan.tiling, why=why, hint="", others=plan.others)


def _held(parameters: int, numbers: Numbers, wide: float, sensitive: float) -> float:
    """GB of a part whose sensitive weights keep full precision."""
    each = BYTES[numbers]
    return parameters * (each if each >= wide else (1 - sensitive) * each + sensitive * wide) / 1e9


def _why(chosen: Plan, found: tuple[Plan, ...], room: MemoryBudget) -> str:
    """The plan as one sentence without its full stop."""
    where = "in memory" if room.kind == "cpu" else "on the device"
    said = {
        "stay": f"everything stays {where}",
        "turns": "parts take turns on the device",
        "stream": "the transformer's blocks stream through the device and the text encoder works on the processor",
    }[chosen.place]
    if chosen.numbers == chosen.encoder_numbers != room.numbers:
        said += f", in {chosen.numbers}"
    else:
        if chosen.numbers != room.numbers:
            packed = "as its GGUF file holds it"
            said += f", the transformer {packed if chosen.numbers == 'gguf' else f'in {chosen.numbers}'}"
        if chosen.encoder_numbers != room.numbers:
            said += f", the text encoder in {chosen.encoder_numbers}"
    if chosen is not found[0] and chosen.tiling:
        said += ", pictures decoded in tiles"
    if room.have_gb is None or (chosen is found[0] and chosen.fits):
        return said
    said += f", for {found[0].peak_gb:.0f} GB are wanted and {room.have_gb:.0f} GB are free"
    if chosen.fits:
        return said
    if room.ram_gb is not None and chosen.ram_gb > USABLE * room.ram_gb:
        said += f", and beside it {chosen.ram_gb:.0f} GB of the machine's own memory, of which {room.ram_gb:.0f} GB are free"
    return f"{said}; it may not be enough"


def _hint(weights: Weights, chosen: Plan, room: MemoryBudget) -> str:
    """The package to install where quantization would avoid streaming or make a doubtful plan fit."""
    if chosen.fits and chosen.place != "stream":
        return ""
    if room.kind == "cuda" and "4 bit" not in room.small:
        for one in candidate_plans(weights, replace(room, small=("4 bit",))):
            if one.fits and one.numbers == "4 bit":
                return Localized("hint.bitsandbytes")
    return ""
