"""Tuning: measures what is quickest for the resident checkpoint, uses it, and writes it down for the next start.

It is a job of the worker's own, for a time when nothing waits. Knows no queue.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from studio.engine import device as devices
from studio.engine import speed
from studio.engine.loading import Loaded

log = logging.getLogger(__name__)
PATIENT = 512  # pixels a side; a processor would measure larger pictures for minutes, and a wish that comes meanwhile would wait


def tune(loaded: Loaded, notes: Path | None) -> None:
    """Measure what is not known yet; compile where that is known to help. What fails leaves the plain way in use."""
    name = speed.key(loaded.device, loaded.info.title, loaded.plan.numbers)
    native = loaded.info.defaults.native
    if loaded.device.kind == "cpu" and native > PATIENT:
        return
    try:
        if loaded.report is None:
            loaded.report = speed.measure(loaded.pipe, loaded.device, native)
            loaded.speed = loaded.report.speed
            if loaded.device.kind == "cuda":
                _compile(loaded, native)
            speed.remember(notes, name, loaded.report)
        elif loaded.report.speed.compiled:
            _compile(loaded, native)
    except RuntimeError as error:  # memory, or a kernel that does not suit this device
        log.warning("measuring what is quickest ended early: %s", str(error).partition("\n")[0])
        loaded.speed = speed.apply(loaded.pipe, speed.Speed())
        devices.release(loaded.device)


def _compile(loaded: Loaded, native: int) -> None:
    """Compile the blocks and measure; where it gains nothing, pictures pass the compiled code over."""
    before = loaded.report or speed.Report()
    plain = replace(before, trials=tuple(one for one in before.trials if one.name != "compiled"))
    loaded.report = speed.measure_compiled(loaded.pipe, loaded.device, native, plain)
    loaded.speed = loaded.report.speed
