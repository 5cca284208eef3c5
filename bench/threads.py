"""OpenMP wait policies: seconds a picture on an idle machine, and with one busy process a core beside it.

`python -m bench.threads` draws with Pocket in a process of its own for each policy, prints a line a policy, and last the
ratio of the studio's own policy to torch's default, idle and busy.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bench.serving import ROOT

POLICIES: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
    "spin 1,000": {"GOMP_SPINCOUNT": "1000"},
    "spin 10,000": {"GOMP_SPINCOUNT": "10000"},
}
DRAW = """
import sys, time, torch
from diffusers import ZImagePipeline
pipe = ZImagePipeline.from_pretrained(sys.argv[1], torch_dtype=torch.float32, local_files_only=True)
pipe.set_progress_bar_config(disable=True)
for number in range(int(sys.argv[2]) + 1):
    began = time.perf_counter()
    pipe(f"{number} rabbits", height=128, width=128, num_inference_steps=8, guidance_scale=0.0)
    if number:
        print(time.perf_counter() - began, flush=True)
"""
BURN = "while True: pass"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.threads", description=__doc__)
    parser.add_argument("--pictures", type=int, default=8, help="pictures a policy (default 8)")
    pictures: int = parser.parse_args().pictures
    found: dict[str, tuple[float, float]] = {}
    for name, policy in POLICIES.items():
        idle = seconds(policy, pictures)
        with busy(os.cpu_count() or 1):
            found[name] = idle, seconds(policy, pictures)
        print(f"{name:<12} idle {found[name][0]:.2f} s, busy {found[name][1]:.2f} s", flush=True)
    idle, at_work = (found["spin 1,000"][n] / found["default"][n] for n in (0, 1))
    print(f"spin 1,000 to default: idle {idle:.2f}, busy {at_work:.2f}")


def seconds(policy: Mapping[str, str], pictures: int) -> float:
    """The median seconds a picture under a policy."""
    plain = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    done = subprocess.run(
        [sys.executable, "-c", DRAW, str(ROOT / "pocket" / "checkpoint"), str(pictures)],
        env=plain | dict(policy), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return statistics.median(map(float, done.stdout.split()))


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Processes that compute without end, until the block ends."""
    burning = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
