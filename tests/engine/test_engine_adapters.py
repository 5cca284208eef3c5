"""Adapters on Pocket: files of every known form, what each changes, what is refused, and that nothing of them stays."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from diffusers import ZImageTransformer2DModel
from peft.tuners.tuners_utils import BaseTunerLayer

from studio.domain.recipe import Adapter, Recipe
from studio.engine.adapters.files import META, Adapters
from studio.engine.engine import EngineOptions, ResidentEngine
from studio.engine.memory.placement import four_bit, offload_sequentially, software, stream
from studio.engine.speed.execution_options import uncompile
from studio.engine.speed.tuning_cache import Speed
from studio.errors import EngineError, InvalidRequest
from tests import adapters as adapter_files

POCKET = Path(__file__).resolve().parents[2] / "pocket" / "checkpoint"
PLAIN = Recipe(
    prompt="three rabbits on a purple background", seed=7, width=64, height=64, steps=1, guidance=0.0, shift=3.0, checkpoint="pocket"
)  # fmt: skip
ONE = adapter_files.matrices(1)
ODD = {"layers.0.attention.to_q.dora_scale": numpy.ones((240, 1), numpy.float32)}
FUSED = {
    "layers.4.attention.qkv.lora_A.weight": numpy.ones((4, 240), numpy.float32),
    "layers.4.attention.qkv.lora_B.weight": numpy.ones((720, 4), numpy.float32) / 50,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The host's own adapters."""
    made = tmp_path_factory.mktemp("adapters")
    adapter_files.lora(made, "ink", 1, {"title": "Ink", "about": "Brush and ink.", "trigger": "ink wash, brush"})
    adapter_files.lora(made, "fur", 2)
    return made


@pytest.fixture(scope="module")
def fitted(folder: Path) -> Iterator[ResidentEngine]:
    made = ResidentEngine(
        EngineOptions(checkpoint="pocket", device="cpu", memory_gb=None, pocket=POCKET, adapters=folder)
    )
    made.start()
    assert made.wait(240).status == "ready"
    yield made
    made.close()


@pytest.fixture(scope="module")
def inked(fitted: ResidentEngine) -> str:
    """The pixels of the usual picture with ink."""
    recipe = replace(PLAIN, adapters=on(ink=1.0))
    drawing = fitted.generate(recipe, on_step=lambda event: None, cancelled=lambda: False)
    return hashlib.sha256(drawing.image.tobytes()).hexdigest()


@pytest.fixture
def small_desk(desk_of: type[Any]) -> Callable[[ResidentEngine], Any]:
    """Makes desks for quick pictures: whether two are the same is seen at any size."""

    def make(engine: ResidentEngine) -> Any:
        made = desk_of(engine)
        made.recipe = PLAIN
        return made

    return make


@pytest.fixture(scope="module")
def bare(fitted: ResidentEngine) -> str:
    """The pixels of the usual picture without any adapter."""
    drawing = fitted.generate(PLAIN, on_step=lambda event: None, cancelled=lambda: False)
    assert drawing.adapters == () and "peft" not in drawing.environment
    return hashlib.sha256(drawing.image.tobytes()).hexdigest()


@pytest.fixture
def desk(fitted: ResidentEngine, small_desk: Callable[[ResidentEngine], Any]) -> Any:
    return small_desk(fitted)


def on(**weights: float) -> tuple[Adapter, ...]:
    return tuple(Adapter(name=name, weight=weight) for name, weight in weights.items())


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_each_adapter_and_each_weight_is_another_picture_and_nothing_of_them_stays(
    fitted: ResidentEngine, folder: Path, desk: Any, bare: str
) -> None:
    ink = desk.draw(adapters=on(ink=1.0))
    pixels = [desk.pixels(adapters=chosen) for chosen in (on(ink=0.5), on(fur=1.0), on(ink=1.0, fur=-0.5), on(ink=1.0))]
    first = hashlib.sha256(ink.image.tobytes()).hexdigest()
    assert len({bare, *pixels}) == 5 and pixels[-1] == first
    assert ink.adapters == (Adapter(name="ink", weight=1.0, sha256=digest(folder / "ink.safetensors")),)
    assert "peft" in ink.environment and ink.environment["compiled"] is False and ink.environment["graphs"] is False
    assert desk.pixels() == bare
    assert not any("lora" in name for name, _ in fitted.pipeline.transformer.named_modules())


def test_what_is_on_stays_between_pictures_until_its_file_changes(
    fitted: ResidentEngine, folder: Path, desk: Any
) -> None:
    file = adapter_files.lora(folder, "brush", 3)
    first = desk.draw(adapters=on(brush=1.0))
    layer = fitted.pipeline.transformer.layers[0].attention.to_q
    assert desk.draw(adapters=on(brush=1.0), seed=8).adapters == first.adapters
    assert fitted.pipeline.transformer.layers[0].attention.to_q is layer
    adapter_files.lora(folder, "brush", 4, {"title": "Another"})
    second = desk.draw(adapters=on(brush=1.0))
    assert second.adapters[0].sha256 == digest(file) != first.adapters[0].sha256
    assert second.image.tobytes() != first.image.tobytes()
    file.unlink()
    with pytest.raises(EngineError, match="The adapter brush is not here"):
        desk.draw(adapters=on(brush=1.0))


@pytest.mark.parametrize(
    ("form", "tensors", "prefix"),
    [
        ("ai-toolkit", ONE, "diffusion_model."),
        ("peft", ONE, "base_model.model."),
        ("bare", ONE, ""),
        ("default", {name.replace(".weight", ".default.weight"): each for name, each in ONE.items()}, ""),
        ("kohya", adapter_files.kohya(ONE, 4.0), ""),
        ("alphas", ONE | {f"{module}.alpha": numpy.array(4, numpy.float32) for module in adapter_files.MODULES}, "transformer."),
    ],
)  # fmt: skip
def test_the_same_matrices_in_another_programs_form_are_the_same_picture(
    fitted: ResidentEngine, folder: Path, desk: Any, inked: str, form: str, tensors: adapter_files.Tensors, prefix: str
) -> None:
    adapter_files.write(folder / f"{form}.safetensors", tensors, prefix=prefix)
    entry = next(one for one in fitted.adapters(None) if one.name == form)
    assert entry.fits is True and entry.sha256 == digest(folder / f"{form}.safetensors")
    assert desk.pixels(adapters=on(**{form: 1.0})) == inked


def test_an_alpha_counts_and_so_do_matrices_for_three_layers_at_once(
    fitted: ResidentEngine, folder: Path, desk: Any
) -> None:
    adapter_files.write(folder / "half.safetensors", adapter_files.kohya(ONE, 2.0), prefix="")
    adapter_files.write(folder / "fused.safetensors", FUSED, prefix="diffusion_model.")
    adapter_files.write(folder / "flat.safetensors", adapter_files.kohya(FUSED, 4.0), prefix="")
    assert desk.pixels(adapters=on(half=1.0)) == desk.pixels(adapters=on(ink=0.5))
    assert desk.pixels(adapters=on(fused=1.0)) == desk.pixels(adapters=on(flat=1.0)) != desk.pixels()


def test_lokr_is_for_the_load_to_decide_and_draws(fitted: ResidentEngine, folder: Path, desk: Any) -> None:
    source = numpy.random.default_rng(5)
    factors = {
        f"layers.{block}.attention.to_q.lokr_w{n}": source.normal(size=(side, side), scale=0.3).astype(numpy.float32)
        for block in range(5) for n, side in ((1, 16), (2, 15))
    }  # fmt: skip
    adapter_files.write(folder / "kron.safetensors", factors, prefix="diffusion_model.")
    assert next(one for one in fitted.adapters(None) if one.name == "kron").fits is None
    assert desk.pixels(adapters=on(kron=1.0)) != desk.pixels()


@pytest.mark.parametrize(
    ("name", "tensors", "fits", "why"),
    [
        ("wide", adapter_files.matrices(1, dim=480), False, "another width"),
        ("deep", adapter_files.matrices(1, modules=("layers.9.attention.to_q",)), False, "layers"),
        ("foreign", adapter_files.matrices(1, modules=("double_blocks.0.img_attn.proj",)), False, "another kind of model|does not have"),
        ("scaled", ONE | ODD, False, "DoRA"),
        ("more", ONE | {"layers.0.attention.to_q.diff_b": numpy.ones(240, numpy.float32)}, None, "does not have|left out"),
        ("elsewhere", ONE | {"caption.lora_A.weight": numpy.ones((4, 240), numpy.float32)}, None, "does not have"),
        ("strange", adapter_files.kohya(ONE, 4.0) | {"lora_unet_layers_0_attention_to_q.diff": numpy.ones(4, numpy.float32)}, None,
         "not known"),
        ("twice", adapter_files.matrices(1, modules=("layers.4.attention.to_q",)) | FUSED, True, "twice"),
        ("empty", {"layers.0.attention.to_q.weight": numpy.ones((2, 2), numpy.float32)}, False, "neither LoRA nor LoKr"),
    ],
)  # fmt: skip
def test_what_could_be_used_in_part_only_is_refused_by_name_and_the_next_picture_is_untouched(
    fitted: ResidentEngine,
    folder: Path,
    desk: Any,
    bare: str,
    name: str,
    tensors: adapter_files.Tensors,
    fits: bool | None,
    why: str,
) -> None:
    adapter_files.write(folder / f"{name}.safetensors", tensors)
    entry = next(one for one in fitted.adapters("pocket") if one.name == name)
    assert entry.fits is fits and bool(entry.problem) is (fits is False)
    with pytest.raises(EngineError, match=f"The adapter {name} cannot be attached to Pocket: .*({why})"):
        desk.draw(adapters=on(ink=1.0, **{name: 1.0}))
    assert desk.pixels() == bare


def test_a_text_encoders_and_a_broken_file_are_refused_too(fitted: ResidentEngine, folder: Path, desk: Any) -> None:
    adapter_files.write(folder / "encoder.safetensors", {f"transformer.{k}": v for k, v in ONE.items()} | {
        "text_encoder.layers.0.lora_A.weight": numpy.ones((4, 4), numpy.float32)}, prefix="")  # fmt: skip
    (folder / "broken.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0nothing")
    (folder / "cut.safetensors").write_bytes((folder / "ink.safetensors").read_bytes()[:-400])
    told = {one.name: one.problem for one in fitted.adapters(None)}
    assert "text encoder" in told["encoder"] and "broken" in told["broken"]
    for name in ("encoder", "broken", "cut"):
        with pytest.raises(EngineError, match=f"The adapter {name} cannot be attached to Pocket"):
            desk.draw(adapters=on(**{name: 1.0}))


def patched(whole: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """A file with its header changed."""
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    change(header)
    made = json.dumps(header).encode()
    return len(made).to_bytes(8, "little") + made + whole[8 + length :]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("short", lambda whole: whole[:-400]),
        ("long", lambda whole: whole + b"more"),
        ("beyond", lambda whole: patched(whole, lambda told: next(iter(told.values())).update(data_offsets=[0, 2**60]))),
        ("places", lambda whole: patched(whole, lambda told: next(iter(told.values())).update(data_offsets=["a", None]))),
        ("overlap", lambda whole: patched(whole, lambda told: next(iter(told.values())).update(data_offsets=[8, 3848]))),
        ("sides", lambda whole: patched(whole, lambda told: next(iter(told.values())).update(shape=[2**62] * 10_000))),
        ("notes", lambda whole: patched(whole, lambda told: told.update(__metadata__=["title"]))),
        ("no notes", lambda whole: patched(whole, lambda told: told.update(__metadata__=[]))),
        ("untold", lambda whole: patched(whole, lambda told: told.update(__metadata__={"title": 7}))),
        ("nested", lambda whole: (200_000).to_bytes(8, "little") + b"[" * 200_000 + whole),
        ("no json", lambda whole: patched(whole, lambda told: told.update(__metadata__={META: "{"}))),
        ("a list", lambda whole: patched(whole, lambda told: told.update(__metadata__={META: "[]"}))),
        ("nan", lambda whole: patched(whole, lambda told: told.update(__metadata__={META: '{"transformer.r": NaN}'}))),
        ("deep", lambda whole: patched(whole, lambda told: told.update(__metadata__={META: "[" * 100_000}))),
    ],
)  # fmt: skip
def test_a_damaged_file_is_listed_with_its_problem_and_refused(
    fitted: ResidentEngine, folder: Path, desk: Any, name: str, damage: Callable[[bytes], bytes]
) -> None:
    file = folder / f"{name}.safetensors"
    file.write_bytes(damage((folder / "ink.safetensors").read_bytes()))
    try:
        entry = next(one for one in fitted.adapters(None) if one.name == name)
        assert entry.fits is False and ("broken" in entry.problem or "ranks and scales" in entry.problem)
        with pytest.raises(EngineError, match=f"^The adapter {name} cannot be attached to Pocket: {entry.problem}[.]$"):
            desk.draw(adapters=on(**{name: 1.0}))
    finally:
        file.unlink()


Q = "layers.0.attention.to_q"


def ones(*sides: int, value: float = 1.0) -> numpy.ndarray:
    return numpy.full(sides, value, numpy.float32)


@pytest.mark.parametrize(
    ("name", "tensors", "why"),
    [
        ("flat", {f"{Q}.lokr_w1": ones(16), f"{Q}.lokr_w2": ones(15)}, "two dimensions"),
        ("halves", {f"{Q}.lokr_w1_a": ones(16), f"{Q}.lokr_w1_b": ones(16), f"{Q}.lokr_w2": ones(15, 15)}, "two dimensions"),
        ("solid", {f"{Q}.lora_A.weight": ones(4, 240, 1, 1), f"{Q}.lora_B.weight": ones(240, 4, 1, 1)}, "two dimensions"),
        ("point", {f"{Q}.lora_A.weight": ones(), f"{Q}.lora_B.weight": ones()}, "two dimensions"),
        ("fused", {"layers.4.attention.qkv.lora_A.weight": ones(4, 240), "layers.4.attention.qkv.lora_B.weight": ones(2, 4)},
         "not known"),
        ("not", {**ONE, f"{Q}.lora_A.weight": ones(4, 240, value=float("nan"))}, "not finite"),
        ("vast", {**ONE, f"{Q}.lora_B.weight": ones(240, 4, value=float("inf"))}, "not finite"),
        ("digits", {f"layers.{'9' * 5000}.attention.to_q.lora_A.weight": ones(4, 240)}, "not have|kind of model|match each other|left out"),
    ],
)  # fmt: skip
def test_odd_numbers_and_shapes_are_refused_by_name(
    fitted: ResidentEngine, folder: Path, desk: Any, bare: str, name: str, tensors: adapter_files.Tensors, why: str
) -> None:
    file = adapter_files.write(folder / f"{name}.safetensors", tensors)
    try:
        fitted.adapters("pocket")
        with pytest.raises(EngineError, match=f"^The adapter {name} cannot be attached to Pocket: .*({why})"):
            desk.draw(adapters=on(**{name: 1.0}))
        assert desk.pixels() == bare
    finally:
        file.unlink()


def test_the_header_is_told_and_a_later_folder_wins_by_name(fitted: ResidentEngine, tmp_path: Path) -> None:
    ink = next(one for one in fitted.adapters(None) if one.name == "ink")
    assert (ink.title, ink.about, ink.triggers, ink.fits) == ("Ink", "Brush and ink.", ("ink wash", "brush"), True)
    with pytest.raises(InvalidRequest, match="checkpoint must be one of"):
        fitted.adapters("nothing")
    tags = '{"5_cats": {"catword": 12, "sitting": 3}, "dogs": {"catword": 2}}'
    adapter_files.lora(tmp_path / "one", "a b", 1, {"ss_tag_frequency": tags, "modelspec.title": "A\nB"})
    adapter_files.lora(tmp_path / "one", "both", 1)
    own = adapter_files.lora(tmp_path / "two", "both", 2, {"modelspec.trigger_phrase": "in fur"})
    (tmp_path / "one" / "notes.txt").write_text("no adapter")
    catalogue = Adapters(tmp_path / "one", tmp_path / "two", tmp_path / "absent")
    first, second = catalogue.entries(POCKET)
    assert (first.name, first.title, first.triggers) == ("a b", "A B", ("catword", "sitting"))
    assert (second.name, second.triggers, second.sha256) == ("both", ("in fur",), digest(own))
    assert [one.fits for one in catalogue.entries(None)] == [None, None]
    before = catalogue.sha256(own)
    adapter_files.lora(tmp_path / "two", "both", 3)
    os.utime(own, ns=(1, 1))
    assert catalogue.sha256(own) == digest(own) != before


def test_ranks_and_scales_that_diffusers_wrote_count_and_wrong_ones_leave_nothing(
    fitted: ResidentEngine, folder: Path, desk: Any, bare: str, inked: str
) -> None:
    for name, rank in (("loud", 4), ("odd", 9)):
        told = {
            "transformer.r": rank,
            "transformer.lora_alpha": 2 * rank,
            "transformer.target_modules": ["to_q", "to_v", "w2"],
        }
        adapter_files.lora(folder, name, 1, {"lora_adapter_metadata": json.dumps(told)})
    assert desk.pixels(adapters=on(loud=0.5)) == inked
    with pytest.raises(EngineError, match="The adapter odd cannot be attached to Pocket"):
        desk.draw(adapters=on(odd=1.0))
    assert desk.pixels() == bare
    assert not any(isinstance(each, BaseTunerLayer) for each in fitted.pipeline.transformer.modules())


def test_calls_are_neither_compiled_nor_recorded_while_one_is_on(fitted: ResidentEngine, desk: Any, bare: str) -> None:
    """And once it is off, what was compiled before is used again: a backend that counts tells."""
    ran: list[int] = []
    loaded = fitted._ready()
    ways, before, block = loaded.ways, loaded.ways.now, loaded.pipe.transformer.layers[0]

    def counting(graph: Any, given: Any) -> Callable[..., Any]:
        return lambda *values: (ran.append(1), graph(*values))[1]

    def drawn(**changes: Any) -> tuple[object, bool]:
        ran.clear()
        return desk.draw(**changes).environment["compiled"], bool(ran)

    block.compile(backend=counting, dynamic=True)
    try:
        assert drawn() == (False, True)
        ways._compiled.add("blocks")
        ways.now = replace(before, compiled=True)
        for each in ways.drawn:
            ways.prepared(each)
        assert [drawn(), drawn(adapters=on(ink=1.0)), drawn()] == [(True, True), (False, False), (True, True)]
        desk.draw(adapters=on(ink=1.0))
        fitted.tune(lambda: True)
        assert loaded.worn == () and drawn() == (True, True), "what is measured is the transformer alone"
    finally:
        uncompile([block])
        ways.now = before
        for memory in (ways._compiled, ways._ready, ways._sizes):
            memory.clear()
    assert desk.pixels() == bare


def test_the_released_models_widths_are_known(tmp_path: Path) -> None:
    checkpoint = tmp_path / "turbo"
    (checkpoint / "transformer").mkdir(parents=True)
    (checkpoint / "transformer" / "config.json").write_text(
        '{"dim": 3840, "n_layers": 30, "n_refiner_layers": 2, "cap_feat_dim": 2560}'
    )
    sides = {
        "layers.29.attention.qkv": (11520, 3840), "layers.0.attention.out": (3840, 3840), "layers.1.feed_forward.w1": (10240, 3840),
        "layers.1.feed_forward.w2": (3840, 10240), "layers.2.adaLN_modulation.0": (15360, 256),
        "noise_refiner.1.attention.to_k": (3840, 3840),
        "cap_embedder.1": (3840, 2560),
    }  # fmt: skip
    made = {}
    for module, (out, into) in sides.items():
        made[f"{module}.lora_A.weight"], made[f"{module}.lora_B.weight"] = numpy.zeros((1, into)), numpy.zeros((out, 1))
    adapter_files.write(tmp_path / "own" / "dots.safetensors", made, prefix="diffusion_model.")
    adapter_files.write(tmp_path / "own" / "lines.safetensors", adapter_files.kohya(made, 1.0), prefix="")
    adapter_files.lora(tmp_path / "own", "small")
    told = {one.name: one.fits for one in Adapters(tmp_path / "own").entries(checkpoint)}
    assert told == {"dots": True, "lines": True, "small": False}


def test_what_comes_with_pocket_is_here_and_the_hosts_own_wins_by_name(
    linked: Callable[[str], Path], new_engine: Callable[..., ResidentEngine], tmp_path: Path
) -> None:
    pocket = linked("checkpoint")
    for name in ("ink", "pen"):
        adapter_files.lora(tmp_path / "adapters", name, 1, {"title": f"Shipped {name}"})
    adapter_files.lora(tmp_path / "own", "ink", 2, {"title": "My ink"})
    (tmp_path / "own" / "folder.safetensors").mkdir()
    made = new_engine("pocket", pocket=pocket, adapters=tmp_path / "own")
    assert [(one.name, one.title, one.fits) for one in made.adapters(None)] == [
        ("ink", "My ink", True),
        ("pen", "Shipped pen", True),
    ]
    assert [one.title for one in new_engine("pocket", pocket=pocket).adapters("pocket")] == [
        "Shipped ink",
        "Shipped pen",
    ]


@pytest.mark.parametrize("how", ["int8", "turns", "stream"])
def test_it_works_however_the_weights_are_held(
    folder: Path, new_engine: Callable[..., ResidentEngine], small_desk: Callable[[ResidentEngine], Any], how: str
) -> None:
    made = new_engine("pocket", adapters=folder, memory_gb=0.01 if how == "int8" else 1.0)
    made.start()
    assert made.wait(240).status == "ready"
    loaded, desk = made._ready(), small_desk(made)
    if how == "int8":
        assert loaded.plan.numbers == "int8"
    wide = desk.pixels(adapters=on(ink=1.0, fur=0.5))
    if how != "int8":
        {"turns": offload_sequentially, "stream": stream}[how](
            loaded.pipe, torch.device("cpu"), **({"locked": False} if how == "turns" else {})
        )
        desk.draw()  # takes off what came before
        loaded.plan = replace(loaded.plan, place=how)
    loaded.prompts.clear()
    plain, both, again = desk.pixels(), desk.pixels(adapters=on(ink=1.0, fur=0.5)), desk.pixels()
    assert plain == again != both == wide


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="only a card has memory of its own")
@pytest.mark.parametrize("how", ["stay", "turns", "stream", "4 bit"])
def test_on_a_card_it_comes_to_where_the_weights_are(
    folder: Path, new_engine: Callable[..., ResidentEngine], desk_of: type[Any], how: str
) -> None:
    if how == "4 bit" and "4 bit" not in software("cuda"):
        pytest.skip("bitsandbytes is not installed: pip install bitsandbytes")
    made = new_engine("pocket", adapters=folder, device="cuda")
    made.start()
    assert made.wait(240).status == "ready"
    loaded, desk, card = made._ready(), desk_of(made), torch.device("cuda")
    if how == "4 bit":
        kept = ZImageTransformer2DModel.from_pretrained(
            POCKET / "transformer", dtype=torch.bfloat16, quantization_config=four_bit("transformer", torch.bfloat16)
        )
        loaded.pipe.transformer = kept
        loaded.ways.pipe = loaded.pipe
    elif how == "stay":
        loaded.ways.use(Speed(graphs=True))
    else:
        loaded.ways.still()
        loaded.pipe.to("cpu")
        offload_sequentially(loaded.pipe, card, locked=True) if how == "turns" else stream(loaded.pipe, card)
        loaded.plan = replace(loaded.plan, place=how)
    loaded.prompts.clear()
    plain = desk.pixels()
    worn = desk.draw(adapters=on(ink=1.0, fur=0.5))
    both = [desk.pixels(adapters=on(ink=1.0, fur=0.5)) for _ in range(2)]
    assert worn.environment["graphs"] is False and len({plain, *both}) == 2
    assert [desk.pixels() for _ in range(3)] == [plain] * 3
