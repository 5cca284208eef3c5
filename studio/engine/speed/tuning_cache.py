"""The tuning cache: measured execution options per device and checkpoint, on disk.

An option is used only if it is measurably faster. Its numeric difference from the plain one is recorded too. Knows no
pipeline: `tuning` measures, and `execution_options` applies.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from studio.engine.device import Device
from studio.engine.memory.plan import Plan

log = logging.getLogger(__name__)

GAIN = 0.02  # a smaller gain may be chance, and is ignored


@dataclass(frozen=True, kw_only=True)
class Speed:
    """The options in use. Each is part of a picture's environment under this name."""

    attention: str = "native"
    channels_last: bool = False  # the VAE's memory layout
    compiled: bool = False  # the transformer's blocks
    compiled_vae: bool = False  # the decoder's blocks, in the layout channels_last
    graphs: bool = False  # calls are recorded and replayed


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One measurement: seconds of an option and of the plain one, and the largest relative difference of their outputs."""

    name: str
    value: str
    seconds: float
    plain: float
    difference: float

    @property
    def gain(self) -> float:
        """The share of the plain option's time that it saves."""
        return 1 - self.seconds / self.plain


@dataclass(frozen=True, kw_only=True)
class Report:
    """Measurements and the options that follow."""

    speed: Speed = field(default_factory=Speed)
    trials: tuple[Measurement, ...] = ()

    def tried(self, name: str) -> bool:
        """Whether this option was measured."""
        return any(one.name == name for one in self.trials)


def of(environment: Mapping[str, object]) -> Speed:
    """The options in a picture's environment."""
    attention = environment.get("attention")
    switches = {each.name: environment.get(each.name) is True for each in fields(Speed) if each.name != "attention"}
    return Speed(attention=attention if isinstance(attention, str) else "native", **switches)


def chosen(trials: Iterable[Measurement], *, exact: bool = False) -> Speed:
    """The fastest option of each kind that gains enough. With `exact`, only those with equal outputs, as on a CPU."""
    best: dict[str, Measurement] = {}
    for one in trials:
        if (
            one.gain >= GAIN
            and not (exact and one.difference)
            and (one.name not in best or one.seconds < best[one.name].seconds)
        ):
            best[one.name] = one
    switches = {each.name: each.name in best for each in fields(Speed) if each.name != "attention"}
    return Speed(attention=best["attention"].value if "attention" in best else "native", **switches)


def key(device: Device, title: str, plan: Plan) -> str:
    """The key of measurements: device, versions, attention packages, checkpoint and plan."""
    packages = [name for name in ("flash_attn", "flash_attn_interface") if find_spec(name)]
    versions = " | ".join([f"torch {version('torch')}", f"diffusers {version('diffusers')}", *packages])
    return f"{device.title} | {versions} | {title} in {plan.numbers}, {plan.place}"


def known(file: Path | None, name: str) -> Report | None:
    """The cached report for a key; None if there is none or the file is unreadable."""
    try:
        found = json.loads(file.read_text("utf-8"))[name] if file is not None else None
        if found is None:
            return None
        return Report(speed=Speed(**found["speed"]), trials=tuple(Measurement(**one) for one in found["trials"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(file: Path | None, name: str, report: Report) -> None:
    """Store a report beside those of other devices. A failed write is logged, and the next start measures again."""
    if file is None:
        return
    try:
        try:
            every = dict(json.loads(file.read_text("utf-8")))
        except (OSError, ValueError):
            every = {}
        every[name] = asdict(report)
        beside = file.with_suffix(".part")
        beside.write_text(json.dumps(every, indent=1), encoding="utf-8")
        os.replace(beside, file)
    except OSError as error:
        log.warning("what is quickest here could not be written down: %s", error)
