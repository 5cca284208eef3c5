"""Puts the trained parts together: the turbo as a diffusers checkpoint that stock ZImagePipeline loads, the base beside it.

The base's folder holds only what is its own, transformer and scheduler; `studio.json` in it names the folder that has the
rest. Every file is written beside its place and renamed in, so that a program that reads the folder meanwhile sees whole
files. It trains nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImagePipeline
from safetensors import safe_open
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket import train_language, train_vae
from pocket.language import new_language_model, save_language
from pocket.train_transformer import trained_transformer
from pocket.train_turbo import trained_turbo

CHECKPOINT = Path(__file__).with_name("checkpoint")
BASE_NOTE: dict[str, object] = {
    "title": "Pocket base",
    "steps": 28,
    "guidance": 1.5,
    "negative_prompt": True,
}
"""What the studio is told of the base, beside where the parts lie that it shares: its defaults."""
LARGEST_SHARD = "15MB"
TOKENIZER_CLASS = "PreTrainedTokenizerFast"
LARGEST_TOTAL = 40 * 2**20
"""Bytes of both folders together."""


def scheduler() -> FlowMatchEulerDiscreteScheduler:
    """Z-Image-Turbo's: Euler steps along the flow, shift 3, the same for every picture size."""
    return FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=3.0, use_dynamic_shifting=False)


def in_bf16(model: torch.nn.Module) -> torch.nn.Module:
    for parameter in model.parameters():
        parameter.data = parameter.data.bfloat16()
    return model


def load_parts(state: Path, seed: int = 0) -> tuple[PreTrainedTokenizerFast, Qwen3ForCausalLM, AutoencoderKL]:
    """The parts that base and turbo share, as far as they are trained; those that are not yet are made untrained from the seed."""
    torch.manual_seed(seed)
    if train_language.folder(state).exists():
        tokenizer = train_language.load_tokenizer(train_language.folder(state))
        language = Qwen3ForCausalLM.from_pretrained(train_language.folder(state), dtype=torch.bfloat16)
    else:
        tokenizer = train_language.make_tokenizer(seed)
        language = new_language_model(tokenizer).to(torch.bfloat16)
    vae_folder = train_vae.folder(state)
    vae = AutoencoderKL.from_pretrained(vae_folder) if vae_folder.exists() else train_vae.new_vae()
    return tokenizer, language, in_bf16(vae)


def write_turbo(state: Path, folder: Path, seed: int = 0) -> None:
    """Writes the whole checkpoint into a folder, in the layout of the released repository."""
    tokenizer, language, vae = load_parts(state, seed)
    pipeline = ZImagePipeline(
        scheduler=scheduler(),
        vae=vae,
        text_encoder=language.model,
        tokenizer=tokenizer,
        transformer=in_bf16(trained_turbo(state, seed)),
    )
    pipeline.save_pretrained(folder, max_shard_size=LARGEST_SHARD)
    # The released repository keeps the text encoder as the causal model it is; the pipeline loads its trunk.
    shutil.rmtree(folder / "text_encoder")
    save_language(folder / "text_encoder", tokenizer, language)
    for file in (folder / "text_encoder").iterdir():
        if file.name not in {"config.json", "generation_config.json", "model.safetensors"}:
            file.unlink()
    # Weights lie in bf16; a plain load makes everything float32. The text encoder's loader asks its configuration.
    edit(folder / "text_encoder" / "config.json", dtype="float32")
    edit(folder / "tokenizer" / "tokenizer_config.json", tokenizer_class=TOKENIZER_CLASS)
    edit(folder / "model_index.json", tokenizer=["transformers", TOKENIZER_CLASS])
    for file in folder.rglob("*.json"):
        edit(file)


def write_base(state: Path, folder: Path, seed: int = 0, *, whole: str = CHECKPOINT.name) -> None:
    """Writes what is the base's own, and `whole`, the name of the folder beside it that has the rest."""
    in_bf16(trained_transformer(state, seed)).save_pretrained(folder / "transformer", max_shard_size=LARGEST_SHARD)
    scheduler().save_pretrained(folder / "scheduler")
    (folder / "studio.json").write_text("{}", encoding="utf-8")
    edit(folder / "studio.json", shares=f"../{whole}", **BASE_NOTE)
    for file in folder.rglob("*.json"):
        edit(file)


def edit(file: Path, **values: object) -> None:
    """Changes values of a JSON file, and takes out where on this machine its weights came from."""
    content = json.loads(file.read_text(encoding="utf-8"))
    content.pop("_name_or_path", None)
    file.write_text(json.dumps(content | values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def size_of(folder: Path) -> int:
    """Bytes of all files under a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def check(*folders: Path) -> None:
    """Raises ValueError where folders are together larger than allowed or hold a weight that is not a number."""
    size = sum(size_of(folder) for folder in folders)
    if size > LARGEST_TOTAL:
        raise ValueError(f"base and turbo have at most {LARGEST_TOTAL} bytes together; these have {size}")
    for file in (file for folder in folders for file in folder.rglob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 (not a dict)
                if not torch.isfinite(tensors.get_tensor(name)).all():
                    raise ValueError(f"every weight must be finite; {name} in {file.name} is not")


def move_in(fresh: Path, target: Path) -> None:
    """Moves a folder's files to their places, one by one, and removes what is no longer there."""
    wanted = {file.relative_to(fresh) for file in fresh.rglob("*") if file.is_file()}
    for path in sorted(wanted):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (fresh / path).chmod(0o644)
        os.replace(fresh / path, target / path)
    for file in [file for file in target.rglob("*") if file.is_file()]:
        if file.relative_to(target) not in wanted and file.name != "README.md":
            file.unlink()
    print(f"{'export':<12} {target}: {size_of(target) / 2**20:.1f} MiB", flush=True)


def export(state: Path, target: Path = CHECKPOINT, seed: int = 0) -> None:
    """Makes turbo and base and moves them into their places: `target`, and the folder beside it with -base in its name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".checkpoint-") as beside:
        turbo, base = Path(beside) / "turbo", Path(beside) / "base"
        write_turbo(state, turbo, seed)
        write_base(state, base, seed, whole=target.name)
        check(turbo, base)
        move_in(turbo, target)
        move_in(base, target.with_name(f"{target.name}-base"))
