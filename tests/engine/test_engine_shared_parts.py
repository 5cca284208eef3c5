"""A checkpoint that shares parts with another: what a note may name, what is missing, what it draws, what its revision covers."""

from __future__ import annotations

import gc
import json
import os
import shutil
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pocket.export import export
from studio.domain.request import GenerationRequest
from studio.domain.spec import JobSpec
from studio.engine.catalog import Catalog
from studio.engine.device import choose
from studio.engine.engine import EngineOptions, ResidentEngine
from studio.engine.loading.checkpoint_layout import PARTS, missing, parameters, parts, problem, shared
from studio.engine.loading.loader import load
from studio.engine.loading.revision import revision
from studio.errors import EngineError, InvalidRequest
from tests.engine.conftest import Desk
from tests.related import related

RULE = "shares in its studio.json must be the name of a folder inside it, or ../ and the name of one beside it"
OWN = [("transformer", "scheduler"), ("vae", "text_encoder", "tokenizer")]


def note(folder: Path, **values: object) -> None:
    """Writes what the folder says of itself."""
    (folder / "studio.json").write_text(json.dumps(values), encoding="utf-8")


def refusal(folder: Path) -> str:
    """The sentence with which the studio's loader refuses a folder."""
    info = Catalog(pocket=folder, named=str(folder)).info(str(folder))
    with pytest.raises(EngineError) as caught:
        load(info, folder, choose("cpu"), None)
    said = str(caught.value)
    assert said.endswith(".") and "\n" not in said
    assert str(folder.parent) not in said, "a sentence for the page holds no folder of this machine"
    return said


@pytest.fixture(scope="module")
def sharing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ResidentEngine]:
    """A started engine with a base that shares. Tests leave it as they find it."""
    folder = related(tmp_path_factory.mktemp("related"))
    engine = ResidentEngine(
        EngineOptions(checkpoint="pocket-base", device="cpu", memory_gb=None, pocket=folder.with_name("checkpoint"))
    )
    engine.start()
    state = engine.wait(240)
    assert (state.status, state.checkpoint) == ("ready", "pocket-base"), state.message
    yield engine
    engine.close()


@pytest.fixture
def easel(sharing: ResidentEngine) -> Desk:
    """A desk at which Pocket base draws, guided as it wants to be."""
    desk = Desk(sharing)
    wants = sharing.info("pocket-base").defaults
    desk.recipe = Desk.recipe.__class__(
        **{**vars(Desk.recipe), "checkpoint": "pocket-base", "guidance": wants.guidance, "steps": 4}
    )
    return desk


# --- what it draws


def test_the_steps_that_it_wants_are_forwards_of_two(easel: Desk) -> None:
    """With guidance the pipeline puts prompt and negative prompt into one batch: a step is one forward, of two."""
    wants = easel.engine.info("pocket-base").defaults
    assert (wants.steps, wants.guidance, wants.negative_prompt) == (28, 1.5, True)
    seen: list[int] = []
    transformer = easel.engine.pipeline.transformer
    handle = transformer.register_forward_hook(lambda module, args, result: seen.append(len(args[0])))
    try:
        easel.draw(steps=wants.steps, width=64, height=64)
    finally:
        handle.remove()
    assert seen == [2] * 28


def test_the_negative_prompt_changes_the_picture(easel: Desk) -> None:
    drawn = [easel.pixels(negative_prompt=text) for text in ("", "a purple background", "two moons")]
    assert len(set(drawn)) == 3
    assert easel.pixels(negative_prompt="two moons") == drawn[2]


def test_with_the_same_weights_it_draws_what_a_whole_folder_draws(easel: Desk, desk: Desk) -> None:
    for told in ({"guidance": 0.0}, {"guidance": 2.0, "negative_prompt": "a cat"}):
        assert easel.pixels(**told) == desk.pixels(steps=4, **told)


def test_where_guidance_is_0_a_negative_prompt_is_refused(sharing: ResidentEngine) -> None:
    info = sharing.info("pocket-base")
    order = JobSpec.of(GenerationRequest.of(prompt="a cat", negative_prompt="a dog", enhance=False), info)
    assert (order.recipe.steps, order.recipe.guidance, order.recipe.negative_prompt) == (28, 1.5, "a dog")
    with pytest.raises(InvalidRequest, match="negative_prompt must be empty where guidance is 0"):
        JobSpec.of(GenerationRequest.of(prompt="a cat", negative_prompt="a dog", guidance=0, enhance=False), info)
    with pytest.raises(InvalidRequest, match="negative_prompt must be empty where guidance is 0"):
        JobSpec.of(GenerationRequest.of(prompt="a cat", negative_prompt="a dog", enhance=False), sharing.info("pocket"))


def test_shared_parameters_count(sharing: ResidentEngine) -> None:
    pipe, entry = sharing.pipeline, sharing.info("pocket-base")
    parts = {"transformer": pipe.transformer, "vae": pipe.vae, "text_encoder": pipe.text_encoder}
    wanted = {name: sum(one.numel() for one in part.parameters()) for name, part in parts.items()}
    assert parameters(Path(entry.source)) == wanted


@pytest.mark.parametrize("own", OWN, ids="+".join)
def test_any_part_may_be_its_own(own: tuple[str, ...], tmp_path: Path, pocket: Path, desk: Desk) -> None:
    """A part is loaded the same way whoever owns it. The lender lacks only the parts that are not needed."""
    mine, lender = tmp_path / "mine", tmp_path / "mine" / "rest"
    for part in PARTS:
        shutil.copytree(pocket / part, (mine if part in own else lender) / part, copy_function=os.symlink)
    shutil.copy(pocket / "model_index.json", lender)
    note(mine, shares="rest")
    info = Catalog(pocket=pocket, named=str(mine)).info(str(mine))
    from studio.engine.sampling import generate

    loaded = load(info, mine, choose("cpu"), None)
    drawn = generate(loaded, desk.recipe, lambda event: None, lambda: False)
    assert drawn.image.tobytes() == desk.draw().image.tobytes()
    whole = desk.engine.pipeline
    for part in ("transformer", "vae", "text_encoder"):
        assert type(getattr(loaded.pipe, part)) is type(getattr(whole, part))
        assert getattr(loaded.pipe, part).dtype == getattr(whole, part).dtype
        assert not getattr(loaded.pipe, part).training


def test_switching_lets_go_of_the_other(new_engine: Callable[..., ResidentEngine], base: Path) -> None:
    engine = new_engine("pocket", pocket=base.with_name("checkpoint"))
    engine.start()
    assert engine.wait(240).status == "ready", engine.state.message
    revisions = []
    for name in ("pocket-base", "pocket"):
        revisions.append(engine.state.revision)
        pipe = engine.pipeline
        old = [weakref.ref(part) for part in (pipe.transformer, pipe.vae, pipe.text_encoder)]
        engine.chat()
        del pipe
        engine.switch(name)
        gc.collect()
        assert [part() for part in old] == [None] * 3, "the old weights must be free before the new ones are needed"
        assert (engine.state.status, engine.state.checkpoint) == ("ready", name)
    assert len(set(revisions)) == 2 and engine.state.revision == revisions[0]


@pytest.mark.slow
def test_what_the_export_writes_is_found_and_drawn_with(
    new_engine: Callable[..., ResidentEngine], tmp_path: Path
) -> None:
    """Turbo and base as training would ship them, though untrained."""
    export(tmp_path / "no state", tmp_path / "checkpoint")
    engine = new_engine("pocket-base", pocket=tmp_path / "checkpoint")
    assert [entry.name for entry in engine.checkpoints() if entry.on_disk] == ["pocket", "pocket-base"]
    engine.start()
    assert engine.wait(240).status == "ready", engine.state.message
    assert engine.state.message.startswith("Pocket base is ready on ")
    desk = Desk(engine)
    told = {"steps": 1, "width": 64, "height": 64}
    assert desk.draw(checkpoint="pocket-base", guidance=1.5, **told).image.size == (64, 64)
    engine.switch("pocket")
    assert desk.draw(**told).image.size == (64, 64)


# --- what a note may name


@pytest.mark.parametrize(
    "said",
    ["", ".", "..", "../", "../..", "../../checkpoint", "a/b", "../checkpoint/", "./checkpoint", "../a/../../b", "x\ny",
     "\ud800", "x\0", 7, True, ["../checkpoint"], {"folder": "../checkpoint"}],
    ids=ascii,
)  # fmt: skip
def test_shares_names_one_folder_inside_or_beside(base: Path, said: object) -> None:
    note(base, shares=said)
    assert (problem(base) or "").startswith(f"{RULE} (got ")
    assert refusal(base).startswith(f"checkpoint-base cannot be loaded: {RULE} (got ")


@pytest.mark.parametrize(
    "said", ["{parent}/checkpoint", "~/checkpoint", "C:\\checkpoint", "C:checkpoint", "..\\checkpoint"]
)
def test_shares_is_no_path_from_a_root_and_none_is_told(base: Path, said: str) -> None:
    note(base, shares=said.format(parent=base.parent))
    assert refusal(base) == f"checkpoint-base cannot be loaded: {RULE} (got a path from a root)."


def test_a_link_to_elsewhere_is_refused(base: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "secret" / "place"
    elsewhere.parent.mkdir()
    (tmp_path / "checkpoint").rename(elsewhere)
    (tmp_path / "checkpoint").symlink_to(elsewhere)
    assert refusal(base).endswith(": ../checkpoint, which it shares, must be a folder and not a link to one.")
    (base / "inside").symlink_to(elsewhere)
    note(base, shares="inside")
    assert refusal(base).endswith(": inside, which it shares, must be a folder and not a link to one.")


def test_a_folder_that_is_reached_by_a_link_shares_what_is_beside_it(base: Path, tmp_path: Path) -> None:
    """Where the person at the machine put a link is their own business; the note's name is looked for beside the folder itself."""
    (tmp_path / "models").mkdir()
    link = tmp_path / "models" / "mine"
    link.symlink_to(base)
    assert problem(link) is None
    assert parts(link)["vae"].resolve() == tmp_path / "checkpoint" / "vae"


def test_a_snapshot_of_the_hub_shares_nothing(base: Path, tmp_path: Path) -> None:
    """Its revision is a commit, which says nothing of what lies beside it."""
    snapshots = tmp_path / "models--someone--something" / "snapshots"
    snapshots.mkdir(parents=True)
    (tmp_path / "checkpoint").rename(snapshots / "checkpoint")
    mine = base.rename(snapshots / ("0123456789" * 4))
    assert "a snapshot of the Hub must hold all of its parts itself" in refusal(mine)


@pytest.mark.parametrize("content", ["", "[]", '{"title": "Mine"}', '{"shares": null}', "\udcff"])
def test_without_shares_a_folder_must_be_whole(base: Path, pocket: Path, content: str) -> None:
    (base / "studio.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert shared(base) is None
    assert problem(base) == "it has no model_index.json"
    assert parts(pocket) == {part: pocket / part for part in PARTS}


# --- what is missing


def gone(name: str) -> Callable[[Path], Any]:
    return lambda parent: (parent / name).unlink()


def replaced(name: str, content: str) -> Callable[[Path], Any]:
    def replace(parent: Path) -> None:
        (parent / name).unlink(missing_ok=True)
        (parent / name).write_text(content)

    return replace


def borrows(parent: Path) -> None:
    """The lender lacks a part, and names another folder that has it: parts are lent once."""
    shutil.move(parent / "checkpoint" / "vae", parent / "third" / "vae")
    note(parent / "checkpoint", shares="../third")


WEIGHTS = "diffusion_pytorch_model.safetensors"
BREAKS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no folder to share": (
        lambda parent: shutil.rmtree(parent / "checkpoint"), "there is no folder ../checkpoint, which it shares"
    ),
    "shared weights": (gone(f"checkpoint/vae/{WEIGHTS}"), f"it lacks ../checkpoint/vae/{WEIGHTS}"),
    "shared configuration": (
        gone("checkpoint/text_encoder/config.json"), "it lacks ../checkpoint/text_encoder/config.json"
    ),
    "a shared part": (
        lambda parent: shutil.rmtree(parent / "checkpoint" / "tokenizer"),
        "it lacks ../checkpoint/tokenizer/tokenizer.json",
    ),
    "own configuration": (gone("checkpoint-base/transformer/config.json"), "it lacks transformer/config.json"),
    "own scheduler": (
        gone("checkpoint-base/scheduler/scheduler_config.json"), "it lacks scheduler/scheduler_config.json"
    ),
    "shared index": (
        gone("checkpoint/model_index.json"),
        "../checkpoint, which it shares, is no checkpoint: it has no model_index.json",
    ),
    "another pipeline": (
        replaced("checkpoint/model_index.json", '{"_class_name": "FluxPipeline"}'),
        "../checkpoint, which it shares, is no checkpoint: its model_index.json names 'FluxPipeline'",
    ),
    "a lender that borrows": (borrows, f"it lacks ../checkpoint/vae/config.json, ../checkpoint/vae/{WEIGHTS}"),
    "half of the shared weights": (
        replaced(f"checkpoint/vae/{WEIGHTS}", "half"), "a file in its folder is broken"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_what_is_missing_is_named(name: str, base: Path) -> None:
    break_it, expected = BREAKS[name]
    break_it(base.parent)
    assert refusal(base).startswith(f"Pocket base cannot be loaded: {expected}")


def test_a_broken_base_is_told_and_leaves_pocket_where_it_is(
    new_engine: Callable[..., ResidentEngine], base: Path
) -> None:
    engine = new_engine("pocket", pocket=base.with_name("checkpoint"))
    engine.start()
    assert engine.wait(240).status == "ready", engine.state.message
    note(base, title="Pocket base", shares="/etc")
    assert not engine.info("pocket-base").on_disk
    with pytest.raises(EngineError, match=r"^Pocket base cannot be loaded: shares in its studio\.json must be"):
        engine.switch("pocket-base")
    assert (engine.state.status, engine.state.checkpoint) == ("ready", "pocket")


def test_shared_pickles_are_not_opened(base: Path, tmp_path: Path) -> None:
    trap = tmp_path / "opened"
    vae = tmp_path / "checkpoint" / "vae"
    pickle = b"cos\nsystem\n(S'touch " + str(trap).encode() + b"'\ntR."
    (vae / WEIGHTS).unlink()
    (vae / "diffusion_pytorch_model.bin").write_bytes(pickle)
    assert missing(base) == (f"../checkpoint/vae/{WEIGHTS}",)
    (vae / f"{WEIGHTS}.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": {"encoder.conv_in.weight": "diffusion_pytorch_model.bin"}})
    )
    assert "diffusion_pytorch_model.bin is not a safetensors file" in refusal(base)
    assert not trap.exists()


# --- its revision


def changed(file: Path) -> None:
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content + b"\n")


def test_a_revision_covers_what_is_shared_and_nothing_else_of_the_lender(base: Path, tmp_path: Path) -> None:
    lender = tmp_path / "checkpoint"
    first = revision(base)
    assert len(first) == 64 and first != revision(lender)
    for unused in ("transformer/config.json", "scheduler/scheduler_config.json"):
        changed(lender / unused)
    (lender / "vae" / ".cache").mkdir()
    (lender / "vae" / ".cache" / "note").write_text("hidden files do not count")
    assert revision(base) == first, "another transformer beside it draws nothing of its pictures"
    seen = [first]
    for used in (
        lender / "vae" / WEIGHTS, lender / "text_encoder" / "model.safetensors", lender / "tokenizer" / "tokenizer.json",
        lender / "model_index.json", base / "scheduler" / "scheduler_config.json", base / "studio.json",
    ):  # fmt: skip
        changed(used)
        seen.append(revision(base))
    assert len(set(seen)) == len(seen)


def test_what_is_shared_from_inside_is_counted_once(base: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoint").rename(base / "rest")
    note(base, shares="rest")
    assert problem(base) is None
    first = revision(base)
    changed(base / "rest" / "vae" / "config.json")
    assert revision(base) != first
