"""From nothing to a picture: how long after its start the studio answers, is ready, and has drawn a first wish, reasoned about.

`python -m bench.start`. For each language a studio is started over an empty data folder and asked at once; the wish waits in the
queue while the checkpoint is loaded. It prints the moments, what the picture shows, and in the end whether the bars hold: an answer
within 5 s and the right picture within 20 s of the start.
"""

from __future__ import annotations

import io
import os
import sys
import time

from bench.serving import health, last_of, studio

WISHES = {"en": "three rabbits on a purple background", "zh": "三只兔子，紫色背景"}
ANSWER_S, PICTURE_S = 5.0, 20.0
SEED = 7


def main() -> None:
    """Measure and print; ends with code 1 where a bar is missed."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    met = [first_picture(language, wish) for language, wish in WISHES.items()]
    print("the bars are met" if all(met) else "the bars are NOT met")
    sys.exit(0 if all(met) else 1)


def first_picture(language: str, wish: str) -> bool:
    """Start, ask, and print a line; whether both bars hold."""
    import httpx

    begun = time.perf_counter()
    with studio(wait=False) as url, httpx.Client(base_url=url, trust_env=False, timeout=120) as client:
        answered = after(begun, url)
        shot = last_of(client, "generate", prompt=wish, seed=SEED)
        drawn = time.perf_counter() - begun
        found = seen(client.get(shot["pictures"][0]["url"]).raise_for_status().content)
    print(f"{language}  first answer {answered:.1f} s  picture {drawn:.1f} s  {wish!r}: {found}", flush=True)
    return answered <= ANSWER_S and drawn <= PICTURE_S and found == "3 rabbit on plain purple"


def after(begun: float, url: str) -> float:
    """Seconds from `begun` to the first answer of `/healthz`. Raises TimeoutError after five times the bar."""
    while time.perf_counter() - begun < 5 * ANSWER_S:
        try:
            health(url)
        except OSError:
            time.sleep(0.02)
        else:
            return time.perf_counter() - begun
    raise TimeoutError(f"The studio has not answered within {5 * ANSWER_S:.0f} s.")


def seen(png: bytes) -> str:
    """What a picture shows, by its pixels alone."""
    import numpy as np
    from PIL import Image

    from pocket.judge import read

    found = read(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")))
    things = ", ".join(f"{count} {kind}" for kind, count in sorted(found.counts.items(), key=str))
    return f"{things} on {found.background}"


if __name__ == "__main__":
    main()
