"""The checkpoint layout on disk: required parts, missing files, and the Hub's cache.

A folder may hold its own parts only and name in `studio.json` the folder with the rest: `{"shares": "../checkpoint"}`. A
single file (safetensors or GGUF) holds a transformer; the rest comes from the folder around it or from the released models
in the Hub's cache. Reads names, JSON and headers; knows no torch, opens no pickle and uses no network.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from math import prod
from pathlib import Path

from locales import Localized, message_of, shorten
from studio.engine.loading import weight_headers

WEIGHED = {"transformer": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model"}
PARTS = ("scheduler", "tokenizer", *WEIGHED)
NOTE = "studio.json"  # optional file with the checkpoint's defaults
PATTERNS = (
    "model_index.json",
    "scheduler/*.json",
    "tokenizer/*",
    *(f"{part}/*.json" for part in WEIGHED),
    *(f"{part}/*.safetensors" for part in WEIGHED),
)  # the files that the pipeline reads; pictures, papers and pickles are left out
LENDERS = ("Tongyi-MAI/Z-Image-Turbo", "Tongyi-MAI/Z-Image")
"""Repositories whose text encoder, tokenizer and VAE a single file is drawn with: the released models have the same."""
EMBEDDERS = ("x_embedder.", "cap_embedder.")
"""Parts of tensor names that identify a transformer of this family."""
SCALES = ("scale_weight", "weight_scale", "scaled_fp8", "comfy_quant")
"""Inside names of numbers that only another program knows how to compute with."""


def problem(folder: Path) -> str | None:
    """Why `folder` or a single file is not a Z-Image checkpoint, as the end of a sentence; None if it is one."""
    if is_single(folder):
        return _single_problem(folder)
    if folder.is_file():
        return Localized("reason.single_file_kind")
    if not folder.is_dir():
        return (
            "there is no such file" if folder.suffix.lower() in weight_headers.SUFFIXES else "there is no such folder"
        )
    try:
        lender = shared(folder)
    except ValueError as error:
        return message_of(error)
    if wrong := _index_problem(lender or folder):
        return wrong if lender is None else f"{_name(lender, folder)}, which it shares, is no checkpoint: {wrong}"
    if gone := missing(folder):
        return f"it lacks {', '.join(gone)}"
    return None


def shared(folder: Path) -> Path | None:
    """The folder that lends `folder` its missing parts; None if `studio.json` names none.

    The file is untrusted, so it can only name a folder inside its own or beside it, and not a link. Raises ValueError with
    the end of a sentence otherwise, and for a single file without a lender on disk.
    """
    if is_single(folder):
        return _lender(folder)
    try:
        said = read_json(folder / NOTE).get("shares")
    except (OSError, ValueError):
        return None  # a missing or unreadable file counts as empty
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
    """The folder of each part: its own, or the shared one. Raises ValueError."""
    lender = shared(folder)
    if lender is not None and is_single(folder):
        return parts(lender)
    return {part: (folder if lender is None or (folder / part).is_dir() else lender) / part for part in PARTS}


def missing(folder: Path) -> tuple[str, ...]:
    """The missing files, relative to `folder`. Raises ValueError as `shared` does."""
    where = parts(folder)
    wanted = [where["scheduler"] / "scheduler_config.json", *(where[part] / "config.json" for part in WEIGHED)]
    gone = [file for file in wanted if not file.is_file()]
    if not any((where["tokenizer"] / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        gone.append(where["tokenizer"] / "tokenizer.json")
    gone += [file for file in weight_files(folder) if not file.is_file()]
    return tuple(_name(file, where["vae"].parent if is_single(folder) else folder) for file in gone)


def parameters(folder: Path) -> dict[str, int]:
    """The number of parameters of each part, from the headers. Raises OSError, ValueError for a damaged file."""
    found = dict.fromkeys(WEIGHED, 0)
    for part, file in _part_files(folder):
        found[part] += weight_headers.count(weight_headers.shapes(file))
    return found


def block(folder: Path) -> int:
    """The number of parameters of the transformer's largest block. Raises OSError, ValueError for a damaged file."""
    found: dict[str, int] = {}
    for part, file in _part_files(folder):
        for name, shape in weight_headers.shapes(file).items() if part == "transformer" else ():
            if inside := re.search(r"(layers|noise_refiner|context_refiner)\.\d+\.", name):
                found[inside[0]] = found.get(inside[0], 0) + prod(shape)
    return max(found.values(), default=0)


def weight_files(folder: Path) -> Iterator[Path]:
    """The safetensors files of the three large parts, including shared ones, in a fixed order. Raises ValueError as
    `shared` does."""
    return (file for _, file in _part_files(folder))


def _part_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Each weight file with its part."""
    where = parts(folder)
    for part, stem in WEIGHED.items():
        if part == "transformer" and is_single(folder):
            yield part, folder
            continue
        for name in sorted(_weights(where[part], stem)):
            yield part, where[part] / name


def is_single(place: Path) -> bool:
    """Whether a checkpoint is a single file with a transformer."""
    return place.suffix.lower() in weight_headers.SUFFIXES and place.is_file()


def alone(place: Path) -> bool:
    """Whether nothing on disk can lend a single file the other parts."""
    if not is_single(place) or _wrong_inside(place):
        return False
    try:
        _lender(place)
    except ValueError:
        return True
    return False


def lends(folder: Path) -> bool:
    """Whether a folder has everything but the transformer's weights."""
    if not folder.is_dir() or _index_problem(folder):
        return False
    try:
        return all(name.startswith("transformer/") and not name.endswith(".json") for name in missing(folder))
    except ValueError:
        return False


def _lender(file: Path) -> Path:
    """The folder that completes a single file. Raises ValueError with the end of a sentence."""
    around = (file.parent, file.parent.parent)  # the file is in a checkpoint's folder or its transformer folder
    in_cache = (folder for name in LENDERS for folder in snapshots(hub_cache(), name))
    for folder in (*around, *in_cache):
        if lends(folder):
            return folder
    raise ValueError(Localized("reason.only_transformer", lender=LENDERS[0]))


def _single_problem(file: Path) -> str | None:
    """What is wrong with a single file, as the end of a sentence; None if nothing."""
    if wrong := _wrong_inside(file):
        return wrong
    try:
        _lender(file)
    except ValueError as error:
        return message_of(error)
    return None


def _wrong_inside(file: Path) -> str | None:
    """What is wrong with a single file's content, as the end of a sentence; None if nothing."""
    if file.suffix.lower() == weight_headers.GGUF and find_spec("gguf") is None:
        return Localized("reason.gguf_package")
    try:
        names = list(weight_headers.shapes(file))
        for name in names:
            if any(sign in name for sign in SCALES):
                return Localized("reason.scaled_numbers", name=shorten(name))
        if not all(any(sign in name for name in names) for sign in EMBEDDERS):
            return Localized("reason.no_transformer")
    except ValueError as error:
        return message_of(error)
    except OSError as error:
        return f"it cannot be read ({error.strerror or type(error).__name__})"
    return None


def snapshot(cache: Path, repository: str) -> Path | None:
    """The folder of a complete snapshot of `repository` in the Hub's cache, preferably `main`; None if there is none."""
    return next((folder for folder in snapshots(cache, repository) if problem(folder) is None), None)


def snapshots(cache: Path, repository: str) -> list[Path]:
    """The folders of all snapshots of `repository` in the Hub's cache, complete or not: `main` first, then the newest."""
    place = cache / f"models--{repository.replace('/', '--')}"
    names = []
    with suppress(OSError):  # no ref: downloaded by commit, or not at all
        names.append((place / "refs" / "main").read_text().strip())
    try:
        found = sorted((place / "snapshots").iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        names += [path.name for path in found]
    except OSError:
        return []
    return [place / "snapshots" / name for name in dict.fromkeys(names) if name]


def is_snapshot(folder: Path) -> bool:
    """Whether `folder` is named like a commit's snapshot in the Hub's cache."""
    return folder.parent.name == "snapshots" and re.fullmatch(r"[0-9a-f]{40}", folder.name) is not None


def hub_cache() -> Path:
    """The Hub cache of this machine, according to the Hub's own variables."""
    if folder := os.environ.get("HF_HUB_CACHE"):
        return Path(folder).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    return Path(home).expanduser() / "hub"


def is_hub_id(name: str) -> bool:
    """Whether `name` has the form of a Hub repository: one slash, plain characters."""
    spelled = re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name, re.ASCII) is not None
    return spelled and not name.lower().endswith(weight_headers.SUFFIXES)  # that is a missing file


def read_json(file: Path) -> dict[str, object]:
    """Read a JSON object. Raises OSError, ValueError."""
    found = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{file.name} holds no object")
    return found


def _index_problem(folder: Path) -> str | None:
    """What is wrong with the folder's own model_index.json, as the end of a sentence; None if nothing."""
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
    """Whether no system reads `said` as a path from a root, a drive or a home folder."""
    return not said.startswith(("/", "~")) and "\\" not in said and ":" not in said


def _printable(said: object) -> object:
    return ascii(said) if isinstance(said, str) and not said.isprintable() else said


def _name(path: Path, folder: Path) -> str:
    """`path` relative to `folder`: vae/config.json, or ../checkpoint/vae/config.json."""
    return path.relative_to(folder).as_posix()


def _weights(part: Path, stem: str) -> set[str]:
    """The expected weight files of a part: the shards of its index, or the single file."""
    try:
        listed = read_json(part / f"{stem}.safetensors.index.json").get("weight_map")
    except (OSError, ValueError):
        listed = None
    if isinstance(listed, dict) and listed:
        return {Path(str(name)).name for name in listed.values()}
    return {f"{stem}.safetensors"}
