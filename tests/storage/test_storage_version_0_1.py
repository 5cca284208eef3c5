"""Files of version 0.1 are restored, imported and read: a backup folder with its database, an archive, and single pictures.

tests/data/version-0.1 was written by that version. Its picture ID has a style, keywords, a note, tags, a rating and a share link.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

import storage
from storage.files.backup import restore_backup
from storage.metadata.readers import parse_metadata
from storage.search.pages import PageRequest
from tests.stores import open_store

DATA = Path(__file__).parents[1] / "data" / "version-0.1"
ID = "37016712e4f0dcedb7fb92ed"
OWNER = "home"
PROMPT = 'a red fox reads "Niso 7" in the snow'
SEED_MAX = 2**53 - 1


def test_a_backup_is_restored_with_everything_in_it(tmp_path: Path) -> None:
    restore_backup(DATA / "backup", tmp_path / "data")
    store = storage.open(tmp_path / "data")
    try:
        assert store.reconciler.run(depth="pixels").open == 0
        picture = store.pictures.get(OWNER, ID)
        assert (picture.original_prompt, picture.seed, picture.rating, picture.favourite) == (PROMPT, 7, 5, True)
        assert (picture.tags, picture.note) == (("sea", "海"), "kept")
        assert picture.enhancement is not None and picture.enhancement.options["keep_words"] == ["red fox"]
        assert [step.name for step in picture.enhancement.steps] == ["keep", "solve", "compose", "text"]
        assert {one.name: one.count for one in store.collections.of(OWNER)} == {"Best": 2, "Foxes": 2}
        assert len(store.shares.of_picture(OWNER, ID)) == 1
        assert store.pictures.page(PageRequest(owner=OWNER, trash=True)).total == 1
        assert store.pictures.page(PageRequest(owner=OWNER, query=f"seed:{SEED_MAX}")).total == 1
    finally:
        store.close()


def test_an_archive_is_imported_with_the_same_records(tmp_path: Path) -> None:
    store = open_store(tmp_path / "data")
    try:
        result = store.importer.import_archive("ann", io.BytesIO((DATA / "archive.zip").read_bytes()))
        assert len(result.brought) == 5 and not result.wrong
        assert store.pictures.get("ann", ID).note == "kept"
        assert [one.name for one in store.collections.of("ann")] == ["Best", "Foxes"]
    finally:
        store.close()


@pytest.mark.parametrize("kind", ["png", "jpg", "webp"])
def test_a_picture_tells_its_recipe(tmp_path: Path, kind: str) -> None:
    data = (DATA / f"picture.{kind}").read_bytes()
    parsed = parse_metadata(data, f"picture.{kind}")
    assert (parsed.maker, parsed.original_prompt, parsed.seed, parsed.steps) == ("studio", PROMPT, 7, 8)
    store = open_store(tmp_path / "data")
    try:
        picture, _, new = store.importer.import_file(OWNER, data, f"picture.{kind}")
        assert new and picture.seed == 7
    finally:
        store.close()


def test_a_data_folder_is_opened_where_it_is(tmp_path: Path) -> None:
    shutil.copytree(DATA / "backup", tmp_path / "data")
    store = storage.open(tmp_path / "data")
    try:
        assert store.damaged is None and store.pictures.path(OWNER, ID).is_file()
    finally:
        store.close()
