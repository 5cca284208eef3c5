"""What the studio adds to a picture: `/generate` against the bare pipeline call plus saving a PNG.

`python -m bench.overhead`. One run, in pairs that take turns, the same recipe in both, all prompts distinct so that no cache
helps, enhancer off. It prints a line a pair, then the medians, and the ratio last. The bar is 1.25.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from bench.serving import ROOT, studio

KINDS = ("cat", "dog", "rabbit", "chicken", "fish", "apple", "star", "moon", "sun", "tree", "flower", "house", "car")
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "purple", "pink")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=__doc__)
    parser.add_argument("--pairs", type=int, default=20, help="pairs to measure (default 20)")
    pairs: int = parser.parse_args().pairs
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

    import httpx
    import torch
    from diffusers import ZImagePipeline

    pipe = ZImagePipeline.from_pretrained(
        ROOT / "pocket" / "checkpoint", torch_dtype=torch.float32, local_files_only=True
    )
    pipe.set_progress_bar_config(disable=True)
    prompts = [f"a {kind} on a {colour} background" for kind in KINDS for colour in COLOURS]
    random.Random(0).shuffle(prompts)
    side = pipe.vae.config.sample_size

    def bare(prompt: str, seed: int, file: Path) -> float:
        begun = time.perf_counter()
        generator = torch.Generator("cpu").manual_seed(seed)
        image = pipe(
            prompt, height=side, width=side, num_inference_steps=8, guidance_scale=0.0, generator=generator
        ).images[0]
        image.save(file)
        return time.perf_counter() - begun

    with (
        tempfile.TemporaryDirectory() as folder,
        studio() as url,
        httpx.Client(base_url=f"{url}/gradio_api/call", trust_env=False, timeout=120) as client,
    ):

        def through(prompt: str, seed: int) -> float:
            # Plain HTTP, since gradio_client looks for news only 20 times a second, which would be measured too.
            begun = time.perf_counter()
            wish = {"prompt": prompt, "enhance": False, "seed": seed}
            event = client.post("/v2/generate", json=wish).raise_for_status().json()["event_id"]
            status = None
            with client.stream("GET", f"/generate/{event}") as answer:
                for line in answer.iter_lines():
                    if line.startswith("data: [") and (shot := json.loads(line[6:])[0]):
                        status = shot["status"]
            if status != "done":
                raise RuntimeError(f"The studio did not draw: the job is {status}.")
            return time.perf_counter() - begun

        for warm in range(2):
            bare(prompts.pop(), warm, Path(folder) / "warm.png")
            through(prompts.pop(), warm)
        rows = []
        for pair in range(pairs):
            prompt = prompts[pair % len(prompts)]
            alone = bare(prompt, pair, Path(folder) / f"{pair}.png")
            served = through(prompt, pair)
            rows.append((alone, served))
            print(
                f"pair {pair + 1:2}  bare {alone * 1000:6.0f} ms  studio {served * 1000:6.0f} ms  ratio {served / alone:.3f}"
            )
    alone, served = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"median bare {alone * 1000:.0f} ms, median studio {served * 1000:.0f} ms")
    print(f"ratio {statistics.median(b / a for a, b in rows):.3f}")


if __name__ == "__main__":
    main()
