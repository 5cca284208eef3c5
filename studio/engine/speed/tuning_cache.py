"""Speed: which of several ways to compute the same picture was measured to be the quickest here, and where that is written down.

Each way is kept only where it is measurably quicker; how far its numbers are from the plain way is measured too and told. Knows no
pipeline: `tuning` measures, `ways` puts to use.
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

GAIN = 0.02  # what is not so much quicker than the plain way is left out: it might be chance


@dataclass(frozen=True, kw_only=True)
class Speed:
    """The ways in use. Each is a part of a picture's environment by this name."""

    attention: str = "native"
    channels_last: bool = False  # the VAE's memory layout
    compiled: bool = False  # the transformer's blocks
    compiled_vae: bool = False  # the decoder's blocks; they are in the layout channels_last
    graphs: bool = False  # calls are recorded and replayed


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One way that was tried: seconds beside the plain way's, and the largest difference of its numbers over their own size."""

    name: str
    value: str
    seconds: float
    plain: float
    difference: float

    @property
    def gain(self) -> float:
        """The part of the plain way's time that it spares."""
        return 1 - self.seconds / self.plain


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was measured and what follows from it."""

    speed: Speed = field(default_factory=Speed)
    trials: tuple[Measurement, ...] = ()

    def tried(self, name: str) -> bool:
        """Whether this was measured."""
        return any(one.name == name for one in self.trials)


def of(environment: Mapping[str, object]) -> Speed:
    """The ways that drew a picture, as its environment names them."""
    attention = environment.get("attention")
    switches = {each.name: environment.get(each.name) is True for each in fields(Speed) if each.name != "attention"}
    return Speed(attention=attention if isinstance(attention, str) else "native", **switches)


def chosen(trials: Iterable[Measurement], *, exact: bool = False) -> Speed:
    """The quickest of each kind, where it gains enough; `exact`: and changes no number, as on a processor, where little is to be gained."""
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
    """What measurements hold for: this device, these versions and attention packages, this checkpoint held as planned."""
    packages = [name for name in ("flash_attn", "flash_attn_interface") if find_spec(name)]
    versions = " | ".join([f"torch {version('torch')}", f"diffusers {version('diffusers')}", *packages])
    return f"{device.title} | {versions} | {title} in {plan.numbers}, {plan.place}"


def known(file: Path | None, name: str) -> Report | None:
    """What was measured before under this key, or None. A file that cannot be read knows nothing."""
    try:
        found = json.loads(file.read_text("utf-8"))[name] if file is not None else None
        if found is None:
            return None
        return Report(speed=Speed(**found["speed"]), trials=tuple(Measurement(**one) for one in found["trials"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(file: Path | None, name: str, report: Report) -> None:
    """Write a report down beside what is known of other devices; a disk that refuses is logged, and it is measured again next time."""
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
