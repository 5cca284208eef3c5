"""Puts the trained parts together as a diffusers checkpoint that stock ZImagePipeline loads.

Every file is written beside its place and renamed in, so that a program that reads the folder meanwhile sees whole
files. It trains nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
from safetensors import safe_open
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket import train_language, train_vae
from pocket.language import new_language_model, save_language
from pocket.train_transformer import trained_transformer

CHECKPOINT = Path(__file__).with_name("checkpoint")
LARGEST_SHARD = "15MB"
TOKENIZER_CLASS = "PreTrainedTokenizerFast"
LARGEST_TOTAL = 30 * 2**20


def scheduler() -> FlowMatchEulerDiscreteScheduler:
    """Z-Image-Turbo's: Euler steps along the flow, shift 3, the same for every picture size."""
    return FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=3.0, use_dynamic_shifting=False)


def load_parts(
    state: Path, seed: int = 0
) -> tuple[PreTrainedTokenizerFast, Qwen3ForCausalLM, AutoencoderKL, ZImageTransformer2DModel]:
    """The parts that are trained so far; those that are not yet are made untrained from the seed."""
    torch.manual_seed(seed)
    if train_language.folder(state).exists():
        tokenizer = train_language.load_tokenizer(train_language.folder(state))
        language = Qwen3ForCausalLM.from_pretrained(train_language.folder(state), dtype=torch.bfloat16)
    else:
        tokenizer = train_language.make_tokenizer(seed)
        language = new_language_model(tokenizer).to(torch.bfloat16)
    vae_folder = train_vae.folder(state)
    vae = AutoencoderKL.from_pretrained(vae_folder) if vae_folder.exists() else train_vae.new_vae()
    transformer = trained_transformer(state, seed)
    for parameter in transformer.parameters():
        parameter.data = parameter.data.bfloat16()
    return tokenizer, language, vae, transformer


def write_checkpoint(state: Path, folder: Path, seed: int = 0) -> None:
    """Writes a whole checkpoint into a folder, in the layout of the released repository."""
    tokenizer, language, vae, transformer = load_parts(state, seed)
    pipeline = ZImagePipeline(
        scheduler=scheduler(),
        vae=vae,
        text_encoder=language.model,
        tokenizer=tokenizer,
        transformer=transformer,
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


def edit(file: Path, **values: object) -> None:
    """Changes values of a JSON file, and takes out where on this machine its weights came from."""
    content = json.loads(file.read_text(encoding="utf-8"))
    content.pop("_name_or_path", None)
    file.write_text(json.dumps(content | values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def size_of(folder: Path) -> int:
    """Bytes of all files under a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def check(folder: Path) -> None:
    """Raises ValueError where a checkpoint is larger than allowed or holds a weight that is not a number."""
    if size_of(folder) > LARGEST_TOTAL:
        raise ValueError(f"a checkpoint has at most {LARGEST_TOTAL} bytes; {folder} has {size_of(folder)}")
    for file in folder.rglob("*.safetensors"):
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 (not a dict)
                if not torch.isfinite(tensors.get_tensor(name)).all():
                    raise ValueError(f"every weight must be finite; {name} in {file.name} is not")


def export(state: Path, target: Path = CHECKPOINT, seed: int = 0) -> None:
    """Makes the checkpoint and moves it into its place, file by file."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".checkpoint-") as beside:
        fresh = Path(beside)
        write_checkpoint(state, fresh, seed)
        check(fresh)
        wanted = {file.relative_to(fresh) for file in fresh.rglob("*") if file.is_file()}
        for path in sorted(wanted):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (fresh / path).chmod(0o644)
            os.replace(fresh / path, target / path)
    for file in [file for file in target.rglob("*") if file.is_file()]:
        if file.relative_to(target) not in wanted and file.name != "README.md":
            file.unlink()
    print(f"{'export':<12} {target}: {size_of(target) / 2**20:.1f} MiB", flush=True)
