"""From nothing to a picture: how long after its start the studio answers, is ready, and has drawn a first wish, reasoned about.

`python -m bench.start`. For each language a studio is started over an empty data folder and asked at once; the wish waits in the
queue while the checkpoint is loaded. It prints the moments, what the picture shows, and in the end whether the bars hold: an answer
within 5 s and the right picture within 20 s of the start. With `--page N` it takes turns N times between `import gradio` in a fresh
Python and a studio's start until its page has come, and prints the median ratio; the bar is 2.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import time

from bench.serving import DIRECT, health, last_of, studio

WISHES = {"en": "three rabbits on a purple background", "zh": "三只兔子，紫色背景"}
ANSWER_S, PICTURE_S = 5.0, 20.0
PAGE_RATIO = 2.0
SEED = 7


def main() -> None:
    """Measure and print; ends with code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", description=__doc__)
    parser.add_argument("--page", type=int, metavar="N", help="pairs of `import gradio` and the first page")
    pairs: int | None = parser.parse_args().page
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    if pairs:
        sys.exit(0 if first_pages(pairs) <= PAGE_RATIO else 1)
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


def first_pages(pairs: int) -> float:
    """Print a line a pair; the median of the page's time over the import's."""
    ratios = []
    for number in range(pairs):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import gradio"], check=True)
        imported = time.perf_counter() - begun
        begun = time.perf_counter()
        with studio(wait=False) as url:
            page(url)
            shown = time.perf_counter() - begun
        ratios.append(shown / imported)
        print(
            f"pair {number + 1}  import gradio {imported:.2f} s  first page {shown:.2f} s  ratio {ratios[-1]:.2f}",
            flush=True,
        )
    print(f"ratio {statistics.median(ratios):.2f}")
    return statistics.median(ratios)


def page(url: str) -> None:
    """Wait until the whole page has come. Raises TimeoutError as `after` does."""
    after(time.perf_counter(), url)
    with DIRECT.open(url, timeout=30) as answer:
        answer.read()


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
