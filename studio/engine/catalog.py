"""The catalog: known checkpoints, their defaults, and whether they are on disk.

Reads names and small JSON files only. Knows no torch, loads nothing, and uses no network.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

from studio.domain.checkpoint import CheckpointInfo, Defaults
from studio.domain.sizes import SIDE_MAX, SIDE_STEP
from studio.engine.loading import checkpoint_layout
from studio.errors import InvalidRequest

log = logging.getLogger(__name__)

TURBO = CheckpointInfo(
    name="turbo", title="Z-Image-Turbo", source="Tongyi-MAI/Z-Image-Turbo", template="chain", download_gb=32.9,
    defaults=Defaults(steps=8, guidance=0.0, shift=3.0, native=1024, negative_prompt=False),
    sampling={"temperature": 0.7, "top_p": 0.8},
)  # fmt: skip
BASE = CheckpointInfo(
    name="base", title="Z-Image", source="Tongyi-MAI/Z-Image", template="chain", download_gb=20.5,
    defaults=Defaults(steps=30, guidance=4.0, shift=6.0, native=1024, negative_prompt=True),
    sampling={"temperature": 0.7, "top_p": 0.8},
)  # fmt: skip
POCKET = CheckpointInfo(
    name="pocket", title="Pocket", source="", template="pocket",
    defaults=Defaults(steps=8, guidance=0.0, shift=3.0, native=128, negative_prompt=False),
    sampling={"temperature": 0.4, "top_p": 0.9},
)  # fmt: skip
POCKET_BASE = CheckpointInfo(
    name="pocket-base", title="Pocket base", source="", template="pocket",
    defaults=Defaults(steps=28, guidance=1.5, shift=3.0, native=128, negative_prompt=True),
    sampling={"temperature": 0.4, "top_p": 0.9},
)  # fmt: skip


@dataclass(frozen=True)
class Catalog:
    """The checkpoints: Pocket, Turbo, base, and the one that the settings name.

    `pocket` is Pocket's folder. Pocket's base model is listed if its folder is beside it, with the suffix -base. `cache` is
    the Hub's cache; None is the machine's own.
    """

    pocket: Path
    named: str = "auto"
    cache: Path | None = None

    def entries(self) -> tuple[CheckpointInfo, ...]:
        """All entries, as the disk is now."""
        return tuple(self._look(entry) for entry in self._known())

    def info(self, name: str) -> CheckpointInfo:
        """The entry `name`. A full path from the settings is found too.

        Raises InvalidRequest for any other name, so that visitors cannot add checkpoints.
        """
        known = self._known()
        for entry in known:
            if entry.name == name or (name == self.named != "auto" and entry is known[-1]):
                return self._look(entry)
        raise InvalidRequest("checkpoint", "one_of", name, names=", ".join(entry.name for entry in self._known()))

    def folder(self, entry: CheckpointInfo) -> Path | None:
        """The folder of the entry's weights; None if they are not downloaded."""
        if is_folder(entry):
            return Path(entry.source).expanduser()
        return checkpoint_layout.snapshot(self.cache or checkpoint_layout.hub_cache(), entry.source)

    def _known(self) -> tuple[CheckpointInfo, ...]:
        beside = self.pocket.with_name(f"{self.pocket.name}-base")
        family = (replace(POCKET_BASE, source=str(beside)),) if beside.is_dir() else ()
        known = (replace(POCKET, source=str(self.pocket)), *family, TURBO, BASE)
        if self.named == "auto" or any(entry.name == self.named for entry in known):
            return known
        if checkpoint_layout.is_hub_id(self.named) and not Path(self.named).exists():
            return (*known, replace(TURBO, name=self.named, title=self.named, source=self.named, download_gb=0.0))
        # Names reach pages, files and errors, and the path is private, so only its last part is the name.
        place = Path(self.named).expanduser().resolve()
        title = place.name or "folder"
        name = (
            f"{title} ({'file' if checkpoint_layout.is_single(place) else 'folder'})"
            if any(entry.name == title for entry in known)
            else title
        )
        return (*known, replace(TURBO, name=name, title=title, source=self.named, download_gb=0.0))

    def _look(self, entry: CheckpointInfo) -> CheckpointInfo:
        folder = self.folder(entry)
        on_disk = folder is not None and checkpoint_layout.problem(folder) is None
        if folder is not None and entry not in (TURBO, BASE):
            entry = described(entry, folder)
        return replace(entry, on_disk=on_disk)


def is_folder(entry: CheckpointInfo) -> bool:
    """Whether the entry is a local folder or file, not a Hub repository."""
    return not checkpoint_layout.is_hub_id(entry.source) or Path(entry.source).exists()


def described(entry: CheckpointInfo, folder: Path) -> CheckpointInfo:
    """The entry with the values of its own files: the scheduler's shift, the VAE's native side, then `studio.json`.

    `studio.json` is optional and may hold title, steps, guidance, shift, native, negative_prompt, template, temperature and
    top_p. Absent, unknown or mistyped values are ignored. `checkpoint_layout` reads its `shares`.
    """
    try:
        where = checkpoint_layout.parts(folder)
    except ValueError:  # it shares what it may not; loading reports the error
        where = {part: folder / part for part in checkpoint_layout.PARTS}
    note = (folder.parent if checkpoint_layout.is_single(folder) else folder) / checkpoint_layout.NOTE
    shift = _peek(where["scheduler"] / "scheduler_config.json").get("shift")
    native = _peek(where["vae"] / "config.json").get("sample_size")
    places = _peek(where["transformer"] / "config.json").get("axes_lens")
    if isinstance(places, list) and len(places) == 3 and all(isinstance(one, int) and one > 0 for one in places):
        entry = replace(entry, side_max=min(SIDE_MAX, SIDE_STEP * min(places[1:])))
    return _said(_said(entry, {"shift": shift, "native": native}), _peek(note))


def _said(entry: CheckpointInfo, said: Mapping[str, object]) -> CheckpointInfo:
    """The entry with the values of `said` that have the right type."""
    defaults, negative = entry.defaults, said.get("negative_prompt")
    defaults = Defaults(
        steps=int(_number(said, "steps", defaults.steps, least=1)),
        guidance=_number(said, "guidance", defaults.guidance),
        shift=_number(said, "shift", defaults.shift),
        native=int(_number(said, "native", defaults.native, least=16)),
        negative_prompt=negative if isinstance(negative, bool) else defaults.negative_prompt,
    )
    title, template = said.get("title"), said.get("template")
    return replace(
        entry,
        defaults=defaults,
        title=title if isinstance(title, str) else entry.title,
        template=template if isinstance(template, str) else entry.template,
        sampling={key: _number(said, key, value) for key, value in entry.sampling.items()},
    )


def _number(said: Mapping[str, object], key: str, otherwise: float, *, least: float = 0) -> float:
    value = said.get(key)
    right = isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value < inf
    return value if right else otherwise  # type: ignore[return-value]


def _peek(file: Path) -> dict[str, object]:
    """The JSON object in `file`; {} if there is none. Loading reports errors."""
    try:
        return checkpoint_layout.read_json(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read: %s", file.name, error)
        return {}
