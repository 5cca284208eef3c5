"""A transformer in a single file, as other programs keep it: safetensors in their names, and GGUF in small numbers."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.engine.device import Device
from studio.engine.engine import ResidentEngine
from studio.engine.loading import checkpoint_layout
from studio.engine.loading.loader import planned
from studio.engine.loading.revision import revision
from studio.engine.memory.placement import offload_sequentially
from tests.engine.conftest import POCKET, Desk
from tests.related import related

Weights = dict[str, torch.Tensor]
NAMES = {
    "all_final_layer.2-1.": "final_layer.", "all_x_embedder.2-1.": "x_embedder.", ".attention.to_out.0.": ".attention.out.",
    ".attention.norm_k.": ".attention.k_norm.", ".attention.norm_q.": ".attention.q_norm.",
}  # fmt: skip
SNAPSHOT = Path("models--Tongyi-MAI--Z-Image-Turbo") / "snapshots" / ("ab" * 20)


def originals(prefix: str = "model.diffusion_model.") -> Weights:
    """Pocket's transformer as the model's makers and ComfyUI name it: query, key and value in one matrix."""
    found: Weights = {}
    for name, tensor in load_file(POCKET / "transformer" / "diffusion_pytorch_model.safetensors").items():
        for own, theirs in NAMES.items():
            name = name.replace(own, theirs)
        found[prefix + name] = tensor
    for name in [name for name in found if name.endswith(".attention.to_q.weight")]:
        stem = name.removesuffix("to_q.weight")
        found[f"{stem}qkv.weight"] = torch.cat([found.pop(f"{stem}to_{one}.weight") for one in "qkv"])
    return found


def folder(parent: Path, *, transformer: bool = False) -> Path:
    """Pocket's folder with links, without the transformer's weights unless asked for."""
    made = parent / "pocket"
    shutil.copytree(POCKET, made, copy_function=os.symlink)
    if not transformer:
        (made / "transformer" / "diffusion_pytorch_model.safetensors").unlink()
    return made


def gguf(file: Path) -> Path:
    """The same numbers in a GGUF file, the matrices in 8 bits."""
    package = pytest.importorskip("gguf", reason="GGUF files are read with the package gguf: pip install gguf")
    writer = package.GGUFWriter(file, "z_image")
    for name, tensor in originals("").items():
        values = tensor.float().numpy()
        if values.ndim == 2 and values.shape[1] % 32 == 0 and "pad_token" not in name:
            kind = package.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, package.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def written(header: str) -> bytes:
    """A safetensors file with this header and no numbers."""
    return len(header).to_bytes(8, "little") + header.encode()


ARRAY, NUMBER = struct.pack("<I", 9), struct.pack("<I", 4)
BEGIN = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"k"
LONG = BEGIN + ARRAY + NUMBER + struct.pack("<Q", 2**62)  # an array of more than any file holds
NESTED = BEGIN + ARRAY + (ARRAY + struct.pack("<Q", 1)) * 5000


def ready(engine: ResidentEngine) -> ResidentEngine:
    engine.start()
    state = engine.wait(120)
    assert state.status == "ready", state.message
    return engine


def apart(one: Any, other: Any) -> float:
    """The mean difference of two pictures' values, of 255."""
    return float(np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)).mean())


def test_a_safetensors_file_in_other_names_draws_what_the_folder_draws(
    desk: Desk, new_engine: Callable[..., ResidentEngine], tmp_path: Path
) -> None:
    file = folder(tmp_path) / "mine.safetensors"
    save_file(originals(), file)
    engine = ready(new_engine(str(file)))
    info = engine.info(None)
    assert (info.name, info.title, info.on_disk, info.defaults.native) == (
        "mine.safetensors",
        "mine.safetensors",
        True,
        128,
    )
    assert len(engine.state.revision) == 64
    held, right = (one.engine._ready().pipe.transformer.state_dict() for one in (Desk(engine), desk))
    assert held.keys() == right.keys() and all(torch.equal(held[name], right[name]) for name in right)
    # The same weights lie at other addresses. Some kernels choose their order of summation by alignment, so a value
    # between two levels may round the other way.
    drawn, plain = (
        np.asarray(image, dtype=int) for image in (Desk(engine).draw(checkpoint=info.name).image, desk.draw().image)
    )
    assert np.abs(drawn - plain).max() <= 1


def test_a_gguf_file_stays_in_its_numbers_and_draws_nearly_the_same(
    desk: Desk, new_engine: Callable[..., ResidentEngine], tmp_path: Path
) -> None:
    file = gguf(folder(tmp_path) / "mine-Q8_0.gguf")
    engine = ready(new_engine(str(file)))
    loaded = engine._ready()
    assert loaded.plan.numbers == "gguf" and "the transformer as its GGUF file holds it" in loaded.plan.why
    drawn = Desk(engine).draw(checkpoint=file.name)
    assert drawn.environment["dtype"] == "gguf"
    assert apart(drawn.image, desk.draw().image) < 6
    held = sum(each.numel() * each.element_size() for each in loaded.pipe.transformer.parameters())
    assert held < 1.2 * file.stat().st_size, "it is not widened in memory"
    offload_sequentially(loaded.pipe, torch.device("cpu"), locked=False)
    assert type(loaded.pipe.transformer._hf_hook).__name__ == "_Call", "by our own turns, which copy nothing back"
    assert Desk(engine).draw(checkpoint=file.name).image.tobytes() == drawn.image.tobytes()


def test_a_small_card_is_planned_for_with_what_the_file_holds(tmp_path: Path) -> None:
    file = gguf(folder(tmp_path) / "mine.gguf")
    card = Device(name="cuda", title="a card", dtype=torch.bfloat16)
    roomy, small = planned(card, file, 1.0), planned(card, file, 0.025)
    assert (roomy.place, roomy.numbers, roomy.encoder_numbers) == ("stay", "gguf", "bf16")
    assert small.place == "turns" and {one.numbers for one in small.others} == {"gguf"}


def test_what_else_it_needs_is_found_in_the_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    file = tmp_path / "elsewhere" / "mine.safetensors"
    file.parent.mkdir()
    save_file(originals(), file)
    assert checkpoint_layout.alone(file) and "are not on the disk" in str(checkpoint_layout.problem(file))
    snapshot = tmp_path / "hub" / SNAPSHOT
    snapshot.parent.mkdir(parents=True)
    shutil.move(folder(tmp_path), snapshot)
    assert checkpoint_layout.problem(file) is None and not checkpoint_layout.alone(file)
    assert checkpoint_layout.parts(file)["vae"] == snapshot / "vae" and checkpoint_layout.shared(file) == snapshot
    first = revision(file)
    snapshot.rename(snapshot.with_name("cd" * 20))
    assert revision(file) != first, "what is lent counts"
    weights = originals()
    weights["model.diffusion_model.cap_pad_token"] += 1
    second = revision(file)
    save_file(weights, file)
    assert revision(file) != second


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("mine.ckpt", b"\x80\x02", "a single file must be .gguf or .safetensors; nothing else is opened"),
        ("mine.gguf", b"GGUF" + bytes(40), "is not a GGUF file"),
        ("mine.gguf", LONG, "is not a GGUF file"),
        ("mine.gguf", NESTED, "is not a GGUF file"),
        ("mine.safetensors", written('{"x_embedder.a": 5}'), "is not a safetensors file"),
        ("mine.safetensors", written('{"x_embedder.a": {}}'), "is not a safetensors file"),
        ("mine.safetensors", written('{"x_embedder.a": ' + "[" * 50_000), "is not a safetensors file"),
        ("mine.safetensors", b"nonsense and more of it", "is not a safetensors file"),
        ("mine.safetensors", {"lora.up": torch.zeros(2)}, "it has no Z-Image transformer"),
        ("mine.safetensors", {"x_embedder.weight": torch.zeros(2), "layers.0.scale_weight": torch.zeros(1)}, "scaled in a way"),
        ("mine.safetensors", {"x_embedder.a": torch.zeros(2), "cap_embedder.b": torch.zeros(2)}, "it lacks"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_transformer_is_refused_with_what_is_wrong(
    name: str, content: bytes | Weights, said: str, new_engine: Callable[..., ResidentEngine], tmp_path: Path
) -> None:
    file = folder(tmp_path) / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        save_file(content, file)
    engine = new_engine(str(file))
    engine.start()
    state = engine.wait(60)
    assert state.status == "failed" and said in state.message, state.message


def test_nothing_is_fetched_for_a_file_that_is_no_transformer_and_a_file_is_no_name_of_the_hub(
    new_engine: Callable[..., ResidentEngine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    other = tmp_path / "other.safetensors"
    save_file({"lora.up": torch.zeros(2)}, other)
    for name, said in ((str(other), "it has no Z-Image transformer"), ("models/gone.gguf", "there is no such file")):
        engine = new_engine(name, consent=True, endpoint="http://127.0.0.1:9")
        engine.start()
        state = engine.wait(60)
        assert state.status == "failed" and said in state.message and engine.downloads == {}


def test_a_folder_that_shares_can_lend_too_and_its_configuration_counts(tmp_path: Path) -> None:
    base = related(tmp_path)
    shutil.copy(tmp_path / "checkpoint" / "model_index.json", base)
    (base / "transformer" / "diffusion_pytorch_model.safetensors").unlink()
    file = base / "mine.safetensors"
    save_file(originals(), file)
    assert checkpoint_layout.problem(file) is None
    where = checkpoint_layout.parts(file)
    assert (where["vae"], where["transformer"]) == (base / "../checkpoint/vae", base / "transformer")
    first = revision(file)
    config = base / "transformer" / "config.json"
    text = config.read_text("utf-8")
    config.unlink()
    config.write_text(text.replace("{", '{"more": 1, ', 1), "utf-8")
    assert revision(file) != first
