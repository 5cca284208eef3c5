"""Takes shipped weights up as the beginning of a training, where the state that made them is no longer there.

Language model and VAE go to the places where their own trainings would have left them; base and turbo begin from what
the folders hold. It trains nothing.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from diffusers import ZImageTransformer2DModel

PARTS = {"language": ("text_encoder", "tokenizer"), "vae": ("vae",)}


def take_up(state: Path, checkpoint: Path) -> None:
    """Lays the parts of a checkpoint, and of the base beside it, into an empty state.

    Raises:
        FileExistsError: where the state holds a training already; it goes on by itself.
        FileNotFoundError: where the checkpoint or the base beside it is not whole.
    """
    if any(state.glob("*")):
        raise FileExistsError(f"a training begins from a checkpoint in an empty folder; {state} is not empty")
    for part, folders in PARTS.items():
        for folder in folders:
            shutil.copytree(checkpoint / folder, state / part, dirs_exist_ok=True)
    base = checkpoint.with_name(f"{checkpoint.name}-base")
    for name, source in (("base", base), ("turbo", checkpoint)):
        shutil.copytree(source / "transformer", state / "begun" / name)


def transformer(state: Path, name: str = "base") -> ZImageTransformer2DModel | None:
    """The transformer that a state began with, `base` or `turbo`, in float32; None where it began from nothing."""
    folder = state / "begun" / name
    if not folder.exists():
        return None
    model: ZImageTransformer2DModel = ZImageTransformer2DModel.from_pretrained(folder, torch_dtype=torch.float32)
    return model
