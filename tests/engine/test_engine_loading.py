"""Loading: in the background, from broken folders, from one checkpoint to another; what is imported and what is asked."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.engine.engine import ResidentEngine
from studio.engine.loading.revision import revision
from studio.errors import EngineError, NotReady

ROOT = Path(__file__).resolve().parents[2]
ALONE = """
import sys
asked = []
heard = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
sys.addaudithook(lambda event, values: asked.append([event, repr(values[1:])]) if event in heard else None)
import hashlib, json, threading
from pathlib import Path
import studio.engine.engine
from studio.engine.engine import EngineOptions, ResidentEngine
from studio.domain.recipe import Recipe

pocket, recipe = Path(sys.argv[1]), Recipe.from_json(json.loads(sys.argv[2]))
engine = ResidentEngine(EngineOptions(checkpoint="auto", device="cpu", memory_gb=None, pocket=pocket))
names = [entry.name for entry in engine.checkpoints()] + [engine.info(None).name, engine.state.status]
early = sorted({"torch", "diffusers", "transformers", "huggingface_hub", "gradio", "numpy"} & set(sys.modules))
threads = threading.active_count()
engine.start()
state = engine.wait(240)
drawing = engine.generate(recipe, on_step=lambda event: None, cancelled=lambda: False)
engine.chat()
engine.close()
print(json.dumps({
    "early": early, "names": names, "threads": threads, "asked": asked, "state": [state.status, state.checkpoint],
    "pixels": hashlib.sha256(drawing.image.tobytes()).hexdigest(), "environment": dict(drawing.environment),
}))
"""


@pytest.fixture(scope="module")
def alone(pocket: Path, engine: ResidentEngine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a fresh process says that starts an engine, without a variable set to help it, and draws `RECIPE` there."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}
    environ |= {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path_factory.mktemp("home"))}
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(pocket), json.dumps(RECIPE)],
        env=environ, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


RECIPE: dict[str, object] = {
    "prompt": "two cats on a yellow background", "negative_prompt": "", "seed": 2**31 + 3, "width": 144, "height": 96,
    "steps": 4, "guidance": 0.0, "shift": 3.0, "checkpoint": "pocket", "revision": "",
}  # fmt: skip


def test_the_catalogue_is_told_before_torch_is_imported(alone: dict[str, Any]) -> None:
    assert alone["early"] == []
    assert alone["threads"] == 1
    names = [name for name in alone["names"] if name != "pocket-base"]  # which is there once it was made
    assert names == ["pocket", "turbo", "base", "pocket", "loading"]


def test_loading_and_drawing_ask_no_other_machine(alone: dict[str, Any]) -> None:
    assert alone["asked"] == []
    assert alone["state"] == ["ready", "pocket"]


def test_another_process_draws_the_same_pixels(alone: dict[str, Any], desk: Any) -> None:
    here = desk.draw(**RECIPE)
    assert dict(here.environment) == alone["environment"]
    assert hashlib.sha256(here.image.tobytes()).hexdigest() == alone["pixels"]


def test_start_loads_in_the_background_and_the_state_tells(new_engine: Callable[..., ResidentEngine]) -> None:
    engine = new_engine("pocket")
    engine.start()
    assert engine.wait(240).status == "ready"
    assert engine.state.message.startswith("Pocket is ready on ")


def test_a_missing_folder_is_a_sentence(new_engine: Callable[..., ResidentEngine], tmp_path: Path) -> None:
    engine = new_engine(str(tmp_path / "nowhere"))
    engine.start()
    state = engine.wait(240)
    assert (state.status, state.message) == ("failed", "nowhere cannot be loaded: there is no such folder.")
    with pytest.raises(NotReady, match="no such folder"):
        engine.chat()
    engine.switch("pocket")
    assert engine.state.status == "ready"


def test_pocket_that_was_not_shipped_is_a_sentence(new_engine: Callable[..., ResidentEngine], tmp_path: Path) -> None:
    engine = new_engine("auto", pocket=tmp_path / "none")
    engine.start()
    assert engine.wait(240).message == "Pocket cannot be loaded: there is no such folder."


def broken(file: Path, content: bytes) -> None:
    file.unlink()
    file.write_bytes(content)


def half(file: Path) -> None:
    broken(file, file.read_bytes()[: file.stat().st_size // 2])


BREAKS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no weights": (
        lambda folder: (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink(),
        "it lacks vae/diffusion_pytorch_model.safetensors",
    ),
    "no scheduler": (
        lambda folder: (folder / "scheduler" / "scheduler_config.json").unlink(),
        "it lacks scheduler/scheduler_config.json",
    ),
    "no tokenizer": (
        lambda folder: (folder / "tokenizer" / "tokenizer.json").unlink(),
        "it lacks tokenizer/tokenizer.json",
    ),
    "no index": (lambda folder: (folder / "model_index.json").unlink(), "it has no model_index.json"),
    "another pipeline": (
        lambda folder: broken(folder / "model_index.json", b'{"_class_name": "FluxPipeline"}'),
        "its model_index.json names 'FluxPipeline'",
    ),
    "half an index": (
        lambda folder: broken(folder / "model_index.json", b'{"_class_na'),
        "its model_index.json cannot be read",
    ),
    "half of the weights": (
        lambda folder: half(folder / "vae" / "diffusion_pytorch_model.safetensors"),
        "a file in its folder is broken",
    ),
    "no configuration": (
        lambda folder: broken(folder / "transformer" / "config.json", b"not json"),
        "a file in its folder is broken",
    ),
}


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_a_broken_folder_is_a_sentence_and_pocket_is_one_switch_away(
    name: str, linked: Callable[[str], Path], engine: ResidentEngine
) -> None:
    folder = linked("mine")
    break_it, expected = BREAKS[name]
    break_it(folder)
    from studio.engine.catalog import Catalog
    from studio.engine.device import choose
    from studio.engine.loading.loader import load

    info = Catalog(pocket=folder, named=str(folder)).info(str(folder))
    with pytest.raises(EngineError) as caught:
        load(info, folder, choose("cpu"), None)
    assert str(caught.value).startswith(f"mine cannot be loaded: {expected}")
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
    assert str(folder.parent) not in str(caught.value), "a sentence for the page holds no folder of this machine"


def test_pickles_are_not_opened(linked: Callable[[str], Path], tmp_path: Path) -> None:
    """Weights that exist as a pickle only are weights that are missing."""
    from studio.engine.loading.checkpoint_layout import problem

    folder = linked("mine")
    trap = tmp_path / "opened"
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    (folder / "vae" / "diffusion_pytorch_model.bin").write_bytes(
        b"cos\nsystem\n(S'touch " + str(trap).encode() + b"'\ntR."
    )
    assert problem(folder) == "it lacks vae/diffusion_pytorch_model.safetensors"
    assert not trap.exists()


def test_switching_there_and_back(new_engine: Callable[..., ResidentEngine], linked: Callable[[str], Path]) -> None:
    """A folder of one's own beside Pocket; the old pipeline is gone while the new one stands."""
    import gc
    import weakref

    folder = linked("mine")
    (folder / "studio.json").unlink(missing_ok=True)
    (folder / "studio.json").write_text('{"title": "My own"}')
    engine = new_engine(str(folder))
    engine.start()
    assert engine.wait(240).status == "ready", engine.state.message
    assert engine.state.message.startswith("My own is ready")
    first = engine.state.revision
    old = weakref.ref(engine.pipeline.transformer)
    from studio.domain.recipe import Recipe

    recipe = Recipe(**{**RECIPE, "checkpoint": folder.name})  # type: ignore[arg-type]
    mine = engine.generate(recipe, on_step=lambda event: None, cancelled=lambda: False)
    engine.chat()

    engine.switch("pocket")
    gc.collect()
    assert old() is None, "the old weights must be free before the new ones are needed"
    assert (engine.state.status, engine.state.checkpoint) == ("ready", "pocket")
    assert engine.state.revision != first
    same = engine.generate(replace(recipe, checkpoint="pocket"), on_step=lambda event: None, cancelled=lambda: False)
    assert same.image.tobytes() == mine.image.tobytes()

    half(folder / "vae" / "diffusion_pytorch_model.safetensors")
    with pytest.raises(EngineError, match="My own cannot be loaded: a file in its folder is broken"):
        engine.switch(str(folder))
    assert engine.state.status == "failed"
    engine.switch("pocket")
    assert engine.state.status == "ready"
    resident = engine.pipeline
    engine.switch("pocket")
    assert engine.pipeline is resident, "what is resident is not loaded again"


def test_a_revision_follows_the_files(linked: Callable[[str], Path], pocket: Path) -> None:
    folder = linked("mine")
    first = revision(folder)
    assert len(first) == 64 and first == revision(pocket)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "note").write_text("hidden files do not count")
    assert revision(folder) == first
    scheduler = folder / "scheduler" / "scheduler_config.json"
    broken(scheduler, scheduler.read_bytes() + b"\n")
    changed = revision(folder)
    assert changed != first
    (folder / "note.txt").write_text("")
    assert len({first, changed, revision(folder)}) == 3


def test_a_revision_of_the_same_size_and_another_content_is_another(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("1")
    first, changed = revision(tmp_path), file.stat().st_mtime_ns
    file.write_text("2")
    os.utime(file, ns=(changed + 10**9, changed + 10**9))  # however coarse the disk's clock is
    assert revision(tmp_path) != first


def test_a_snapshot_of_the_hub_goes_by_its_commit(tmp_path: Path) -> None:
    folder = tmp_path / "models--someone--something" / "snapshots" / ("0123456789" * 4)
    folder.mkdir(parents=True)
    assert revision(folder) == "0123456789" * 4
