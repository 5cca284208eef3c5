"""Tuning: measures what is quickest for the resident checkpoint, uses it, and writes it down for the next start.

It is a job of the worker's own, for a time when nothing waits. Knows no queue.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from studio.engine import device as devices
from studio.engine import speed
from studio.engine.loading import Loaded

log = logging.getLogger(__name__)
PATIENT = 512  # pixels a side; a processor would measure larger pictures for minutes, and a wish that comes meanwhile would wait


def tune(loaded: Loaded, notes: Path | None, wanted: Callable[[], bool]) -> bool:
    """Measure what is not known yet; compile where that is known to help. What fails leaves the plain way in use.

    False where it was `wanted` for something else before all was known; it begins anew when asked again.
    """
    native = loaded.info.defaults.native
    if loaded.device.kind == "cpu" and native > PATIENT:
        return True
    try:
        return _tune(loaded, notes, native, wanted)
    except RuntimeError as error:  # memory, or a kernel that does not suit this device
        log.warning("measuring what is quickest ended early: %s", str(error).partition("\n")[0])
        loaded.speed = speed.apply(loaded.pipe, speed.Speed())
        devices.release(loaded.device)
        return True
    finally:
        if loaded.plan.place == "turns":
            loaded.pipe.maybe_free_model_hooks()  # else the transformer stays where the encoder comes next


def _tune(loaded: Loaded, notes: Path | None, native: int, wanted: Callable[[], bool]) -> bool:
    name = speed.key(loaded.device, loaded.info.title, loaded.plan)
    compiles = (
        loaded.device.kind == "cuda" and loaded.plan.place == "stay" and loaded.plan.numbers == loaded.plan.computed
    )
    if loaded.report is None:
        report = speed.measure(loaded.pipe, loaded.device, native, wanted=wanted)
        if report is None:
            return False
        loaded.report, loaded.speed = report, report.speed
    tried = any(one.name == "compiled" for one in loaded.report.trials)
    if compiles and (loaded.report.speed.compiled or not tried):
        if wanted():
            return False
        _compile(loaded, native)
    speed.remember(notes, name, loaded.report)
    return True


def _compile(loaded: Loaded, native: int) -> None:
    """Compile the blocks and measure; where it gains nothing, pictures pass the compiled code over."""
    before = loaded.report or speed.Report()
    plain = replace(before, trials=tuple(one for one in before.trials if one.name != "compiled"))
    loaded.report = speed.measure_compiled(loaded.pipe, loaded.device, native, plain)
    loaded.speed = replace(loaded.speed, compiled=loaded.report.speed.compiled)
