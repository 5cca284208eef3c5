"""How fast the resident language model talks: the released model's size with random weights, as it decodes here and as it is without.

`python -m bench.talking` prints milliseconds to the first token of a long prompt and tokens a second, eagerly over a growing cache and in
the way that the enhancer chooses on this device, in one run. `--small` tries the measurement with a tiny model.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from bench import fullsize

if TYPE_CHECKING:
    from enhancer.models.decoding import Decoding

PROMPT, TOKENS = 900, 60  # a template of the chain with a wish, and what is timed of an answer
MOST = 1500


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.talking", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a tiny model instead of the full-size one")
    options = parser.parse_args()
    import torch

    from enhancer.models.decoding import Growing, decoding
    from enhancer.models.resident import with_head
    from studio.engine import device as devices

    device = devices.choose("auto")
    model = with_head(fullsize.build(device.name, device.dtype, small=options.small).text_encoder)
    print(f"{device.title}, torch {torch.__version__}, {device.numbers}")
    print("way                first token ms   ms a token   tokens a second")
    rates = []
    ways: tuple[Callable[[], Decoding], ...] = (partial(Growing, model), partial(decoding, model, PROMPT + MOST))
    for make in ways:
        timed(make())
        first, each = timed(steps := make())
        rates.append(1 / each)
        print(f"{type(steps).__name__:18} {1e3 * first:14.1f} {1e3 * each:12.2f} {1 / each:17.1f}")
    print(f"ratio {rates[1] / rates[0]:.2f}")


def timed(steps: Decoding) -> tuple[float, float]:
    """Seconds to the first token, and the median of those between two."""
    begun = time.perf_counter()
    token = int(steps.begin([index % 1000 for index in range(PROMPT)]).argmax())
    first, seconds = time.perf_counter() - begun, []
    for _ in range(TOKENS):
        begun = time.perf_counter()
        token = int(steps.next(token).argmax())
        seconds.append(time.perf_counter() - begun)
    return first, statistics.median(seconds)


if __name__ == "__main__":
    main()
