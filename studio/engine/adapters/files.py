"""Adapter files (LoRA, LoKr): listing, headers, hashes and fit.

Reads folders and file headers, and hashes a file on request. Knows no torch; `attached` attaches them.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from locales import Localized
from studio.engine.base import AdapterInfo
from studio.engine.loading import checkpoint_layout, weight_headers
from studio.engine.loading.revision import content

log = logging.getLogger(__name__)

SUFFIX = ".safetensors"
MOST = 1000  # files to read
WORDS = 3  # most frequent words of the training captions, if no trigger words are given
WORDS_MAX, WORD_MAX, TITLE_MAX, ABOUT_MAX = (
    8,
    80,
    80,
    300,
)  # trigger words; characters of a trigger, a title and a description
PREFIXES = ("base_model.model.", "model.diffusion_model.", "diffusion_model.", "transformer.", "lora_unet_")
"""Prefixes of a module's path, which differ between programs."""
ELSEWHERE = ("text_encoder", "lora_te", "te.", "te1.", "te2.", "text_model")
"""How names begin that belong to a text encoder, which is left as it is here."""
META = "lora_adapter_metadata"  # the key under which diffusers stores ranks and scales
SCALES = ("dora_scale", "lora_magnitude_vector")
"""Ends of names of DoRA's scales; the libraries leave them out, and what they draw then is something else."""

_PART = re.compile(
    r"^(?P<path>.+?)\.(?:(?P<down>lora_A|lora_down|lora\.down)|lora_B|lora_up|lora\.up)(?:\.\w+)?\.weight$"
)
_PLACE = re.compile(r"^(layers|noise_refiner|context_refiner)_(\d{1,9})_(.+)$")
_BY_ITSELF = re.compile(r"^(all_x_embedder|all_final_layer|cap_embedder|t_embedder)_")
T = TypeVar("T")
Sides = tuple[int | None, int | None]  # input and output width


@dataclass(frozen=True, kw_only=True)
class _Told:
    """The relevant content of a file's header."""

    title: str = ""
    about: str = ""
    triggers: tuple[str, ...] = ()
    problem: str = ""
    sides: Mapping[str, Sides] | None = None  # by module, dots as underscores; None if the file does not tell


class Adapters:
    """The adapter files of several folders by stem. Of equal names the later folder's counts. For any thread."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._lock = threading.Lock()
        self._headers: dict[Path, tuple[tuple[int, int], _Told]] = {}
        self._hashes: dict[Path, tuple[tuple[int, int], bytes]] = {}

    def entries(self, checkpoint: Path | None) -> tuple[AdapterInfo, ...]:
        """All adapters by name, and whether they fit the transformer of a checkpoint's folder (None: unknown)."""
        config, files = _config(checkpoint), sorted(self.files().items(), key=lambda pair: pair[0].casefold())
        return tuple(self._entry(name, file, config) for name, file in files)

    def files(self) -> dict[str, Path]:
        """The path of each. Names that no page can show are skipped."""
        found: dict[str, Path] = {}
        for folder in self._folders:
            try:
                inside = sorted(folder.iterdir())
            except OSError:  # the folder is optional
                continue
            found |= {file.stem: file for file in inside if _offered(file)}
        return dict(list(found.items())[-MOST:])

    def sha256(self, file: Path) -> str:
        """The hash of a file, computed once while it is unchanged. Raises OSError."""
        return self._kept(self._hashes, file, content).hex()

    def _entry(self, name: str, file: Path, config: Mapping[str, object] | None) -> AdapterInfo:
        size = 0
        try:
            size, told = file.stat().st_size, self._kept(self._headers, file, _read)
        except OSError as error:
            told = _Told(problem=_reason("unreadable", reason=error.strerror or type(error).__name__))
        fits, why = _fits(told, config)
        return AdapterInfo(
            name=name, title=told.title or name, about=told.about, triggers=told.triggers, bytes=size, fits=fits, problem=why,
            digest=lambda: self._digest(file),
        )  # fmt: skip

    def _digest(self, file: Path) -> str:
        try:
            return self.sha256(file)
        except OSError:  # the file was removed
            return ""

    def _kept(self, kept: dict[Path, tuple[tuple[int, int], T]], file: Path, make: Callable[[Path], T]) -> T:
        """Cache `make(file)` until the file's size or time changes. Raises OSError."""
        stamp = stamped(file)
        with self._lock:
            known = kept.get(file)
        if known is not None and known[0] == stamp:
            return known[1]
        made = make(file)
        with self._lock:
            kept[file] = stamp, made
        return made


def stamped(file: Path) -> tuple[int, int]:
    """A file's size and time, which reveal changes. Raises OSError."""
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def problem(file: Path) -> str:
    """Why a file cannot be attached to any checkpoint, as the end of a sentence; empty if unknown. Raises OSError."""
    return _read(file).problem


def _offered(file: Path) -> bool:
    """Whether the file has the right suffix and a name that pages and forms can show."""
    try:
        return (
            file.suffix.lower() == SUFFIX
            and file.is_file()
            and file.stem.isprintable()
            and file.stem.strip() == file.stem
        )
    except OSError:
        return False


def _read(file: Path) -> _Told:
    """Read a file's header. Raises OSError."""
    try:
        shapes, told = weight_headers.checked_shapes(file)
    except ValueError:
        return _Told(problem=_reason("broken"))
    return _Told(
        title=_line(told.get("title") or told.get("modelspec.title"), TITLE_MAX),
        about=_line(told.get("about") or told.get("modelspec.description"), ABOUT_MAX),
        triggers=_triggers(told),
        problem=_problem(shapes, told),
        sides=_sides(shapes),
    )


def scales(notes: Mapping[str, str]) -> dict[str, object] | None:
    """Ranks and scales that diffusers wrote into the header; None otherwise, and then the tensors alone count. Raises
    ValueError."""
    if META not in notes:
        return None
    try:
        told = json.loads(notes[META])
        json.dumps(told, allow_nan=False)  # JSON in Python may contain NaN
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(told, dict):
        raise ValueError("it is no object")
    return told


def _reason(code: str, **values: object) -> Localized:
    return Localized(f"reason.adapter_{code}", **values)


def _problem(shapes: weight_headers.Shapes, notes: Mapping[str, str]) -> str:
    """What is wrong with a file for every checkpoint, as the end of a sentence."""
    try:
        scales(notes)
    except ValueError:
        return _reason("scales_unreadable")
    if any(name.endswith(SCALES) or any(f".{scale}." in name for scale in SCALES) for name in shapes):
        return _reason("dora")
    if any(name.startswith(ELSEWHERE) for name in shapes):
        return _reason("text_encoder")
    if not any(_PART.match(name) or ".lokr_" in name for name in shapes):
        return _reason("kind")
    return ""


def _sides(shapes: weight_headers.Shapes) -> Mapping[str, Sides] | None:
    """The modules of a LoRA and their widths; None for LoKr, whose factors tell neither."""
    if any(".lokr_" in name for name in shapes):
        return None
    found: dict[str, Sides] = {}
    for name, shape in shapes.items():
        part = _PART.match(name)
        if not part and not name.endswith(".alpha"):
            found[""] = None, None  # loading decides
        elif part and len(shape) == 2:
            module = part["path"]
            for prefix in PREFIXES:
                module = module.removeprefix(prefix)
            module = module.replace(".", "_")
            wide, high = found.get(module, (None, None))
            found[module] = (shape[1], high) if part["down"] else (wide, shape[0])
    return found


def _fits(told: _Told, config: Mapping[str, object] | None) -> tuple[bool | None, str]:
    """Whether a file fits a transformer (None: only loading can tell), and why not."""
    if told.problem:
        return False, told.problem
    if told.sides is None or config is None:
        return None, ""
    dim, linears = _number(config, "dim", 3840), _linears(config)
    many = {"layers": _number(config, "n_layers", 30)}
    known, sure = 0, True
    for module, (wide, high) in told.sides.items():
        place = _PLACE.match(module)
        kind = place[3] if place else module
        if kind not in linears:
            known += bool(place or _BY_ITSELF.match(module))
            sure = False
            continue
        known += 1
        if place and int(place[2]) >= many.get(place[1], _number(config, "n_refiner_layers", 2)):
            return False, _reason("more_layers", blocks=place[1].replace("_", " "))
        out, into = linears[kind]
        if wide not in (None, into) or high not in (None, out):
            return False, _reason("width", n=dim)
    if not known:
        return False, _reason("other_model")
    return (True if sure else None), ""


def _linears(config: Mapping[str, object]) -> dict[str, tuple[int, int]]:
    """The sizes of a Z-Image transformer's adaptable layers, by their names inside a block."""
    dim = _number(config, "dim", 3840)
    hidden = int(dim / 3 * 8)
    square = {f"attention_{name}": (dim, dim) for name in ("to_q", "to_k", "to_v", "to_out_0", "out")}
    return square | {
        "attention_qkv": (3 * dim, dim),
        "feed_forward_w1": (hidden, dim),
        "feed_forward_w2": (dim, hidden),
        "feed_forward_w3": (hidden, dim),
        "adaLN_modulation_0": (4 * dim, min(dim, 256)),
        "cap_embedder_1": (dim, _number(config, "cap_feat_dim", 2560)),
    }


def _config(checkpoint: Path | None) -> Mapping[str, object] | None:
    """The transformer's configuration of a checkpoint; None if unreadable."""
    if checkpoint is None:
        return None
    try:
        return checkpoint_layout.read_json(checkpoint_layout.parts(checkpoint)["transformer"] / "config.json")
    except (OSError, ValueError):
        return None


def _number(config: Mapping[str, object], name: str, otherwise: int) -> int:
    value = config.get(name)
    return value if isinstance(value, int) and value > 0 else otherwise


def _triggers(told: Mapping[str, object]) -> tuple[str, ...]:
    """The trigger words of a file."""
    for name in ("trigger", "modelspec.trigger_phrase"):
        if isinstance(said := told.get(name), str) and said.strip():
            return tuple(filter(None, (_line(one, WORD_MAX) for one in said.split(","))))[:WORDS_MAX]
    try:
        sets = json.loads(str(told.get("ss_tag_frequency", "")))
        counts: Counter[str] = Counter()
        for tags in sets.values():
            counts.update({_line(tag, WORD_MAX): int(count) for tag, count in tags.items()})
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return ()
    return tuple(tag for tag, _ in counts.most_common(WORDS) if tag)


def _line(value: object, most: int) -> str:
    """A header text in one line, truncated for the page."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return "".join(letter for letter in text if letter.isprintable())[:most]
