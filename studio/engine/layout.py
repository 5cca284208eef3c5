"""What a checkpoint's folder looks like on the disk: the parts it needs, what is missing, where the Hub's cache keeps it.

Reads names, JSON and the headers of safetensors files; knows no torch, opens no pickle and asks no network.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

WEIGHED = {"transformer": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model"}
PATTERNS = (
    "model_index.json",
    "scheduler/*.json",
    "tokenizer/*",
    *(f"{part}/*.json" for part in WEIGHED),
    *(f"{part}/*.safetensors" for part in WEIGHED),
)  # all that the pipeline reads; pictures, papers and pickles of a repository stay where they are
HEADER_MAX = 100 * 2**20  # bytes; safetensors' own bound for a header


def problem(folder: Path) -> str | None:
    """What keeps `folder` from being a Z-Image checkpoint, as the end of a sentence, or None."""
    if not folder.is_dir():
        return "there is no such folder"
    try:
        index = read_json(folder / "model_index.json")
    except FileNotFoundError:
        return "it has no model_index.json"
    except ValueError:
        return "its model_index.json cannot be read"
    if index.get("_class_name") != "ZImagePipeline":
        return f"its model_index.json names {index.get('_class_name')!r}, not 'ZImagePipeline'"
    if gone := missing(folder):
        return f"it lacks {', '.join(gone)}"
    return None


def missing(folder: Path) -> tuple[str, ...]:
    """Files that the pipeline needs and `folder` has not, as paths inside it."""
    wanted = ["scheduler/scheduler_config.json", *(f"{part}/config.json" for part in WEIGHED)]
    gone = [name for name in wanted if not (folder / name).is_file()]
    if not any((folder / "tokenizer" / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        gone.append("tokenizer/tokenizer.json")
    for part, stem in WEIGHED.items():
        gone += [f"{part}/{name}" for name in _weights(folder / part, stem) if not (folder / part / name).is_file()]
    return tuple(gone)


def parameters(folder: Path) -> int:
    """How many numbers the weights hold in all, from the headers alone. Raises OSError, ValueError for a broken file."""
    total = 0
    for file in weight_files(folder):
        for name, entry in header(file).items():
            if name != "__metadata__":
                count = 1
                for side in entry["shape"]:
                    count *= side
                total += count
    return total


def weight_files(folder: Path) -> Iterator[Path]:
    """The safetensors files of the three weighed parts, in a fixed order."""
    for part, stem in WEIGHED.items():
        for name in sorted(_weights(folder / part, stem)):
            yield folder / part / name


def header(file: Path) -> dict[str, dict[str, list[int]]]:
    """The header of a safetensors file: tensors by name, with dtype, shape and place. Raises OSError, ValueError."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(HEADER_MAX, file.stat().st_size):
            raise ValueError(f"{file.parent.name}/{file.name} is not a safetensors file")
        found = json.loads(stream.read(length))
    if not isinstance(found, dict):
        raise ValueError(f"{file.parent.name}/{file.name} is not a safetensors file")
    return found


def snapshot(cache: Path, repository: str) -> Path | None:
    """The folder of a complete snapshot of `repository` in the Hub's cache, `main` before others, or None."""
    place = cache / f"models--{repository.replace('/', '--')}"
    names = []
    with suppress(OSError):  # no ref: fetched by commit, or not at all
        names.append((place / "refs" / "main").read_text().strip())
    try:
        found = sorted((place / "snapshots").iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        names += [path.name for path in found]
    except OSError:
        return None
    folders = (place / "snapshots" / name for name in names if name)
    return next((folder for folder in folders if problem(folder) is None), None)


def hub_cache() -> Path:
    """Where the Hub's own tools keep their downloads on this machine, by their own variables."""
    if folder := os.environ.get("HF_HUB_CACHE"):
        return Path(folder).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    return Path(home).expanduser() / "hub"


def is_hub_id(name: str) -> bool:
    """Whether `name` is spelled as the Hub spells a repository: one slash, plain characters."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name, re.ASCII) is not None


def read_json(file: Path) -> dict[str, object]:
    """The object in a JSON file. Raises OSError, ValueError."""
    found = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{file.name} holds no object")
    return found


def _weights(part: Path, stem: str) -> set[str]:
    """The names of the weight files that a part should have: its shards if an index lists them, else the one file."""
    try:
        listed = read_json(part / f"{stem}.safetensors.index.json").get("weight_map")
    except (OSError, ValueError):
        listed = None
    if isinstance(listed, dict) and listed:
        return {Path(str(name)).name for name in listed.values()}
    return {f"{stem}.safetensors"}
