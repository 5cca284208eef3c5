"""The catalogue: defaults, folders, what `studio.json` may say, and the Hub's cache as the disk shows it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.engine.catalog import Catalog
from studio.engine.engine import ResidentEngine
from studio.engine.loading.checkpoint_layout import hub_cache, is_hub_id, parameters, snapshot
from studio.errors import InvalidRequest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def hubbed(cache: Path, repository: str, pocket: Path, commit: str = COMMIT) -> Path:
    """Pocket's files as a snapshot of `repository` in a Hub cache."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    shutil.copytree(pocket, folder / "snapshots" / commit, copy_function=lambda a, b: Path(b).symlink_to(a))
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(commit)
    return folder / "snapshots" / commit


def test_what_each_wants_by_default(base: Path, tmp_path: Path) -> None:
    found = {entry.name: entry for entry in Catalog(pocket=tmp_path / "checkpoint", cache=tmp_path).entries()}
    assert list(found) == ["pocket", "pocket-base", "turbo", "base"]
    wants = {name: entry.defaults for name, entry in found.items()}
    assert {name: (want.steps, want.guidance, want.shift, want.native) for name, want in wants.items()} == {
        "pocket": (8, 0.0, 3.0, 128), "pocket-base": (28, 1.5, 3.0, 128),
        "turbo": (8, 0.0, 3.0, 1024), "base": (30, 4.0, 6.0, 1024),
    }  # fmt: skip
    assert [name for name, want in wants.items() if want.negative_prompt] == ["pocket-base", "base"]
    assert [name for name, entry in found.items() if entry.on_disk] == ["pocket", "pocket-base"]
    assert {name: entry.template for name, entry in found.items()} == {
        "pocket": "pocket", "pocket-base": "pocket", "turbo": "chain", "base": "chain",
    }  # fmt: skip
    assert found["pocket"].sampling == found["pocket-base"].sampling == {"temperature": 0.4, "top_p": 0.9}


def test_pocket_base_is_there_when_its_folder_is(base: Path, tmp_path: Path) -> None:
    catalogue = Catalog(pocket=tmp_path / "checkpoint", cache=tmp_path)
    entry = catalogue.info("pocket-base")
    assert (entry.title, entry.on_disk, catalogue.folder(entry)) == ("Pocket base", True, base)
    shutil.rmtree(base)
    assert [entry.name for entry in catalogue.entries()] == ["pocket", "turbo", "base"]
    with pytest.raises(InvalidRequest, match="must be one of pocket, turbo, base"):
        catalogue.info("pocket-base")


def test_the_note_of_pocket_base_has_the_last_word_and_what_is_shared_is_read_too(base: Path, tmp_path: Path) -> None:
    config = tmp_path / "checkpoint" / "vae" / "config.json"
    text = json.loads(config.read_text())
    config.unlink()
    config.write_text(json.dumps({**text, "sample_size": 96}))
    catalogue = Catalog(pocket=tmp_path / "checkpoint", cache=tmp_path)
    assert catalogue.info("pocket-base").defaults.native == 96
    note = json.loads((base / "studio.json").read_text())
    (base / "studio.json").write_text(json.dumps({**note, "title": "Sketch", "steps": 20, "native": 160}))
    entry = catalogue.info("pocket-base")
    assert (entry.title, entry.defaults.steps, entry.defaults.guidance, entry.defaults.native) == (
        "Sketch",
        20,
        1.5,
        160,
    )


def test_a_folder_of_one_s_own_may_share_and_takes_no_name_from_the_family(base: Path, tmp_path: Path) -> None:
    mine = base.rename(tmp_path / "pocket-base")
    shutil.copytree(mine, base, symlinks=True)
    catalogue = Catalog(pocket=tmp_path / "checkpoint", named=str(mine), cache=tmp_path)
    assert [entry.name for entry in catalogue.entries() if entry.on_disk] == [
        "pocket", "pocket-base", "pocket-base (folder)",
    ]  # fmt: skip
    assert catalogue.folder(catalogue.info(str(mine))) == mine


def test_a_folder_is_read_and_its_note_has_the_last_word(linked: Callable[[str], Path], pocket: Path) -> None:
    folder = linked("My model")
    scheduler = folder / "scheduler" / "scheduler_config.json"
    text = json.loads(scheduler.read_text())
    scheduler.unlink()
    scheduler.write_text(json.dumps({**text, "shift": 4.5}))
    (folder / "studio.json").unlink(missing_ok=True)
    entry = Catalog(pocket=pocket, named=str(folder)).info(str(folder))
    assert (entry.title, entry.on_disk, entry.template) == ("My model", True, "chain")
    assert entry.name == "My model", "where a folder lies is the host's own business"
    with pytest.raises(InvalidRequest) as refused:
        Catalog(pocket=pocket, named=str(folder)).info("auto")
    assert str(folder) not in str(refused.value)
    assert (entry.defaults.steps, entry.defaults.shift, entry.defaults.native) == (8, 4.5, 128)
    (folder / "studio.json").write_text(
        json.dumps(
            {"steps": 20, "guidance": 3, "shift": "wide", "negative_prompt": True, "native": 256, "top_p": 0.5, "x": 1}
        )
    )
    entry = Catalog(pocket=pocket, named=str(folder)).info(str(folder))
    defaults = entry.defaults
    assert (defaults.steps, defaults.guidance, defaults.native, defaults.negative_prompt) == (20, 3.0, 256, True)
    assert defaults.shift == 4.5, "what is of the wrong type is left as the files say"
    assert entry.sampling["top_p"] == 0.5


@pytest.mark.parametrize(
    "content", ["", "[]", '{"steps": 0, "native": true}', '{"steps": Infinity}', '{"steps": NaN}', "\udcff"]
)
def test_a_senseless_note_changes_nothing(linked: Callable[[str], Path], pocket: Path, content: str) -> None:
    folder = linked("mine")
    (folder / "studio.json").unlink(missing_ok=True)
    before = Catalog(pocket=pocket, named=str(folder)).info(str(folder))
    (folder / "studio.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert Catalog(pocket=pocket, named=str(folder)).info(str(folder)) == before


def test_a_hub_id_is_like_turbo_and_on_the_disk_once_its_snapshot_is_whole(pocket: Path, tmp_path: Path) -> None:
    catalogue = Catalog(pocket=pocket, named="someone/something", cache=tmp_path)
    entry = catalogue.info("someone/something")
    assert (entry.on_disk, entry.defaults.steps, entry.defaults.native) == (False, 8, 1024)
    folder = hubbed(tmp_path, "someone/something", pocket)
    entry = catalogue.info("someone/something")
    assert (entry.on_disk, entry.defaults.native) == (True, 128)
    assert catalogue.folder(entry) == folder
    (folder / "vae" / "config.json").unlink()
    assert not catalogue.info("someone/something").on_disk


def test_the_snapshot_that_main_names_comes_first(pocket: Path, tmp_path: Path) -> None:
    old = hubbed(tmp_path, "a/b", pocket, "1" * 40)
    new = hubbed(tmp_path, "a/b", pocket, "2" * 40)
    assert snapshot(tmp_path, "a/b") == new
    (tmp_path / "models--a--b" / "refs" / "main").write_text("1" * 40)
    assert snapshot(tmp_path, "a/b") == old
    shutil.rmtree(old)
    assert snapshot(tmp_path, "a/b") == new
    assert snapshot(tmp_path, "a/c") is None


def test_auto_is_pocket_where_there_is_no_accelerator_though_turbo_is_on_the_disk(
    new_engine: Callable[..., ResidentEngine], pocket: Path, tmp_path: Path
) -> None:
    hubbed(tmp_path / "hub", "Tongyi-MAI/Z-Image-Turbo", pocket)
    engine = new_engine("auto")
    assert engine.info("turbo").on_disk
    engine.start()
    assert engine.wait(240).status == "ready"
    assert engine.state.checkpoint == "pocket"
    assert engine.info(None).name == "pocket"


def test_turbo_by_name_is_loaded_from_the_cache_by_its_commit(
    new_engine: Callable[..., ResidentEngine], pocket: Path, tmp_path: Path
) -> None:
    hubbed(tmp_path / "hub", "Tongyi-MAI/Z-Image-Turbo", pocket)
    engine = new_engine("turbo")
    engine.start()
    state = engine.wait(240)
    assert (state.status, state.checkpoint, state.revision) == ("ready", "turbo", COMMIT)


def test_only_what_the_settings_name_is_added(linked: Callable[[str], Path], tmp_path: Path) -> None:
    pocket = linked("checkpoint")  # with no base beside it
    catalogue = Catalog(pocket=pocket, named="someone/something", cache=tmp_path)
    with pytest.raises(InvalidRequest, match="must be one of pocket, turbo, base, someone/something"):
        catalogue.info("someone/else")
    assert [entry.name for entry in Catalog(pocket=pocket, named="base", cache=tmp_path).entries()] == [
        "pocket", "turbo", "base",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("a/b", True), ("Tongyi-MAI/Z-Image", True), ("a/b/c", False), ("./a", False), ("../a", False), ("/a", False),
     ("a", False), ("a/b\n", False), ("~/a", False), ("a\\b", False)],
)  # fmt: skip
def test_how_a_hub_id_is_spelled(name: str, is_one: bool) -> None:
    assert is_hub_id(name) is is_one


def test_parameters_are_counted_from_the_headers(engine: Any, pocket: Path) -> None:
    pipe = engine.pipeline
    parts = {"transformer": pipe.transformer, "vae": pipe.vae, "text_encoder": pipe.text_encoder}
    assert parameters(pocket) == {name: sum(one.numel() for one in part.parameters()) for name, part in parts.items()}


def test_the_cache_is_where_the_hub_s_own_tools_look() -> None:
    from huggingface_hub import constants

    assert hub_cache() == Path(constants.HF_HUB_CACHE)


def test_how_large_a_side_may_be_follows_from_the_transformers_places(pocket: Path, tmp_path: Path) -> None:
    entries = {one.name: one for one in Catalog(pocket=pocket, named="auto", cache=tmp_path).entries()}
    assert (entries["pocket"].side_max, entries["pocket-base"].side_max, entries["turbo"].side_max) == (
        1024,
        1024,
        2048,
    )
