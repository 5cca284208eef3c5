"""What a checkpoint's folder looks like on the disk: the parts it needs, what is missing, where the Hub's cache keeps it.

A folder may hold only what is its own, and name in `studio.json` the folder that has the rest: `{"shares": "../checkpoint"}`.
Reads names, JSON and the headers of safetensors files; knows no torch, opens no pickle and asks no network.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from math import prod
from pathlib import Path

from studio.errors import shorten

WEIGHED = {"transformer": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model"}
PARTS = ("scheduler", "tokenizer", *WEIGHED)
NOTE = "studio.json"  # optional, in a checkpoint's folder: what it wants that no other file there says
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
        lender = shared(folder)
    except ValueError as error:
        return str(error)
    if wrong := _index_problem(lender or folder):
        return wrong if lender is None else f"{_name(lender, folder)}, which it shares, is no checkpoint: {wrong}"
    if gone := missing(folder):
        return f"it lacks {', '.join(gone)}"
    return None


def shared(folder: Path) -> Path | None:
    """The folder that lends `folder` each part which it has not itself, or None where its note names none.

    A note is a file like any other of a folder that came from somewhere, so it can name only a folder inside its own or one
    beside it, and that may not be a link; what lies there is then read as if it were loaded itself. Raises ValueError with
    the end of a sentence for anything else.
    """
    try:
        said = read_json(folder / NOTE).get("shares")
    except (OSError, ValueError):
        return None  # a note that is not there or cannot be read says nothing
    if said is None:
        return None
    if is_snapshot(folder):
        raise ValueError(f"a snapshot of the Hub must hold all of its parts itself, and its {NOTE} says shares")
    if not isinstance(said, str) or not _beside(said):
        got = "a path from a root" if isinstance(said, str) and not _relative(said) else shorten(_printable(said))
        raise ValueError(
            f"shares in its {NOTE} must be the name of a folder inside it, or ../ and the name of one beside it (got {got})"
        )
    lender = folder / said
    if not lender.is_dir():
        raise ValueError(f"there is no folder {said}, which it shares")
    if lender.resolve() != Path(os.path.normpath(folder.resolve() / said)):
        raise ValueError(f"{said}, which it shares, must be a folder and not a link to one")
    return lender


def parts(folder: Path) -> dict[str, Path]:
    """Where each part lies: in `folder`, or where it has none of its own, in the folder that it shares. Raises ValueError."""
    lender = shared(folder)
    return {part: (folder if lender is None or (folder / part).is_dir() else lender) / part for part in PARTS}


def missing(folder: Path) -> tuple[str, ...]:
    """Files that the pipeline needs and that are not there, as paths from `folder`. Raises ValueError as `shared` does."""
    where = parts(folder)
    wanted = [where["scheduler"] / "scheduler_config.json", *(where[part] / "config.json" for part in WEIGHED)]
    gone = [file for file in wanted if not file.is_file()]
    if not any((where["tokenizer"] / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        gone.append(where["tokenizer"] / "tokenizer.json")
    gone += [file for file in weight_files(folder) if not file.is_file()]
    return tuple(_name(file, folder) for file in gone)


def parameters(folder: Path) -> dict[str, int]:
    """How many numbers the weights of each part hold, from the headers alone. Raises OSError, ValueError for a broken file."""
    found = dict.fromkeys(WEIGHED, 0)
    for part, file in _part_files(folder):
        found[part] += sum(_numbers(entry) for name, entry in header(file).items() if name != "__metadata__")
    return found


def block(folder: Path) -> int:
    """How many numbers the transformer's largest block holds. Raises OSError, ValueError for a broken file."""
    found: dict[str, int] = {}
    for part, file in _part_files(folder):
        for name, entry in header(file).items() if part == "transformer" else ():
            if inside := re.match(r"(layers|noise_refiner|context_refiner)\.\d+\.", name):
                found[inside[0]] = found.get(inside[0], 0) + _numbers(entry)
    return max(found.values(), default=0)


def weight_files(folder: Path) -> Iterator[Path]:
    """The safetensors files of the three weighed parts, shared ones too, in a fixed order. Raises ValueError as `shared` does."""
    return (file for _, file in _part_files(folder))


def _part_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Each weight file with the part that it belongs to."""
    where = parts(folder)
    for part, stem in WEIGHED.items():
        for name in sorted(_weights(where[part], stem)):
            yield part, where[part] / name


def _numbers(entry: dict[str, list[int]]) -> int:
    return prod(entry["shape"])


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


def is_snapshot(folder: Path) -> bool:
    """Whether `folder` is named as the Hub's cache names the snapshot of a commit."""
    return folder.parent.name == "snapshots" and re.fullmatch(r"[0-9a-f]{40}", folder.name) is not None


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


def _index_problem(folder: Path) -> str | None:
    """What is wrong with the file that names the pipeline, and must be the folder's own, as the end of a sentence, or None."""
    try:
        index = read_json(folder / "model_index.json")
    except FileNotFoundError:
        return "it has no model_index.json"
    except ValueError:
        return "its model_index.json cannot be read"
    if index.get("_class_name") != "ZImagePipeline":
        return f"its model_index.json names {index.get('_class_name')!r}, not 'ZImagePipeline'"
    return None


def _beside(said: str) -> bool:
    """Whether `said` is a plain name, or ../ and a plain name."""
    name = said.removeprefix("../")
    return name.isprintable() and _relative(name) and "/" not in name and name not in ("", ".", "..")


def _relative(said: str) -> bool:
    """Whether no system would read `said` as a path from a root, a drive or a home."""
    return not said.startswith(("/", "~")) and "\\" not in said and ":" not in said


def _printable(said: object) -> object:
    return ascii(said) if isinstance(said, str) and not said.isprintable() else said


def _name(path: Path, folder: Path) -> str:
    """`path` as seen from `folder`: vae/config.json, or ../checkpoint/vae/config.json."""
    return path.relative_to(folder).as_posix()


def _weights(part: Path, stem: str) -> set[str]:
    """The names of the weight files that a part should have: its shards if an index lists them, else the one file."""
    try:
        listed = read_json(part / f"{stem}.safetensors.index.json").get("weight_map")
    except (OSError, ValueError):
        listed = None
    if isinstance(listed, dict) and listed:
        return {Path(str(name)).name for name in listed.values()}
    return {f"{stem}.safetensors"}
