"""Taking along and bringing in as use cases: what is asked is checked, and what came from elsewhere cannot reach the engine unchecked."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.domain.request import GenerationRequest
from studio.errors import InvalidRequest, NotFound, Refused, StudioError
from studio.studio import Studio
from studio.worker.quota import GB, Quota
from tests.studio.conftest import Make, end

ANN, BOB = "ann", "bob"


def draw(studio: Studio, prompt: str, owner: str = ANN) -> str:
    shot = end(
        studio,
        owner,
        studio.generation.submit(
            owner, GenerationRequest.of(prompt=prompt, enhance=False, steps=1, width=64, height=64)
        ),
    )
    return str(shot["pictures"][0]["id"])  # type: ignore[index]


def zipped(studio: Studio, owner: str = ANN, **asked: object) -> io.BytesIO:
    return io.BytesIO(b"".join(studio.transfer.export(owner, **asked)))  # type: ignore[arg-type]


def names(archive: io.BytesIO) -> set[str]:
    with zipfile.ZipFile(archive) as read:
        return {name[9:-4] for name in read.namelist() if name.endswith(".png")}


def test_by_ids_by_query_and_all(make: Make) -> None:
    studio = make()
    hare, fox, gone = (draw(studio, f"a {word}") for word in ("hare", "fox", "goose"))
    studio.library.edit(ANN, fox, favourite=True, tags=["best"])
    studio.library.delete(ANN, gone)
    assert names(zipped(studio)) == {hare, fox}
    assert names(zipped(studio, ids=[gone, hare])) == {gone, hare}
    assert names(zipped(studio, query="hare")) == {hare}
    assert names(zipped(studio, favourite=True)) == names(zipped(studio, tag="best")) == {fox}
    assert names(zipped(studio, BOB)) == set() and names(zipped(studio, ids=[])) == set()
    with pytest.raises(NotFound):
        studio.transfer.export(BOB, ids=[hare])
    with pytest.raises(InvalidRequest, match="ids must be an id"):
        studio.transfer.export(ANN, ids=[7])
    with pytest.raises(InvalidRequest, match="format must be one of png, jpg, jpeg, webp"):
        studio.transfer.exported(ANN, hare, "gif")
    with pytest.raises(NotFound):
        studio.transfer.exported(BOB, hare, "jpg")


def test_what_was_taken_along_is_brought_to_another_owner_and_drawn_again(make: Make) -> None:
    studio = make()
    hare = draw(studio, "a hare")
    archive = zipped(studio)
    seen = studio.transfer.preview(BOB, archive, "x.zip")
    assert (seen["kind"], seen["count"], seen["here"], seen["wrong"]) == ("archive", 1, 0, ())
    brought = studio.transfer.import_file(BOB, archive, "x.zip")
    mine = brought["renamed"][hare]  # type: ignore[index]
    assert studio.library.picture(BOB, mine)["pixel_sha256"] == studio.library.picture(ANN, hare)["pixel_sha256"]
    shot = end(studio, BOB, studio.generation.rerun(BOB, mine))
    assert shot["status"] == "done" and shot["identical"] is True
    json.dumps([seen, brought, shot])


def test_a_picture_is_understood_then_brought(make: Make) -> None:
    studio = make()
    info = PngInfo()
    info.add_text("parameters", "a fox\nSteps: 900, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 8x8, Model: pocket")
    file = io.BytesIO()
    Image.new("RGB", (40, 24), "teal").save(file, "PNG", pnginfo=info)
    seen = studio.transfer.preview(ANN, file, "fox.png")
    assert (seen["kind"], seen["maker"], seen["prompt"], seen["seed"]) == ("picture", "a1111", "a fox", 5)
    assert studio.library.history(ANN)["total"] == 0
    brought = studio.transfer.import_file(ANN, file, "fox.png")
    picture = brought["picture"]
    assert isinstance(picture, dict) and picture["prompt"] == "a fox"
    assert studio.transfer.import_file(ANN, file, "fox.png")["picture"] == picture
    assert studio.library.history(ANN, query="fox")["total"] == 1
    json.dumps(brought)
    with pytest.raises(InvalidRequest):  # whatever a file says, nothing beyond the rules is drawn
        studio.generation.rerun(ANN, str(picture["id"]))
    with pytest.raises(StudioError, match="neither PNG, JPEG nor WebP"):
        studio.transfer.import_file(ANN, io.BytesIO(b"GIF89a"), "x.gif")
    with pytest.raises(StudioError, match=r"not a readable zip archive|no manifest"):
        studio.transfer.import_file(ANN, io.BytesIO(b"PK nothing"), "x.zip")


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (
            ", Model: dreams",
            "This picture was imported, and its model dreams is not here: it cannot be generated again.",
        ),
        ("", "This picture was imported, and its model is unknown: it cannot be generated again."),
    ],
)
def test_what_came_from_elsewhere_says_that_its_model_is_not_here(make: Make, model: str, says: str) -> None:
    studio = make()
    info, file = PngInfo(), io.BytesIO()
    info.add_text("parameters", f"a fox\nSteps: 8, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 64x64{model}")
    Image.new("RGB", (64, 64), "teal").save(file, "PNG", pnginfo=info)
    brought: dict[str, Any] = studio.transfer.import_file(ANN, file, "fox.png")
    for act in (studio.generation.rerun, studio.generation.vary, studio.generation.checkpoint_of):
        with pytest.raises(Refused) as refusal:
            act(ANN, brought["picture"]["id"])
        assert str(refusal.value) == says


def test_what_a_death_left_is_put_right_before_anything_can_come_in(make: Make, tmp_path: Path) -> None:
    make().close()
    left = tmp_path / "data" / "incoming" / ("0" * 24)
    left.mkdir(parents=True)
    make()
    assert not left.exists(), "later it could not be told from what is on its way"


def test_a_manifest_that_lies_about_sizes_is_not_drawn(make: Make) -> None:
    studio = make()
    hare = draw(studio, "a hare")
    forged = io.BytesIO()
    with zipfile.ZipFile(zipped(studio)) as was, zipfile.ZipFile(forged, "w") as now:
        line = json.loads(was.read("manifest.jsonl"))
        line["picture"]["steps"] = line["picture"]["recipe"]["steps"] = 9_999
        now.writestr("manifest.jsonl", json.dumps(line))
        now.writestr(f"pictures/{hare}.png", was.read(f"pictures/{hare}.png"))
    brought = studio.transfer.import_file(BOB, forged, "x.zip")
    mine = brought["brought"][0]  # type: ignore[index]
    for act in (studio.generation.rerun, studio.generation.vary):
        with pytest.raises(InvalidRequest, match=r"steps must be .* 50 \(got 9999\)"):
            act(BOB, mine)


def test_nothing_is_brought_beyond_the_quota(make: Make, tmp_path: Path) -> None:
    studio = make()
    draw(studio, "a hare")
    full = type(studio.transfer)(studio.transfer._storage, Quota(tmp_path, 1e-9))
    with pytest.raises(Refused, match="disk quota"):
        full.import_file(BOB, zipped(studio), "x.zip")


def hares(studio: Studio) -> int:
    """How many pictures Bob's collection has."""
    (kept,) = studio.transfer._storage.collections.of(BOB)
    return kept.count


def test_an_import_ends_where_the_quota_does_and_goes_on_with_more(make: Make) -> None:
    studio = make()
    drawn = [draw(studio, f"a hare {n}") for n in range(4)]
    studio.collections.create(ANN, "Hares", ids=drawn)
    archive = zipped(studio)
    with zipfile.ZipFile(archive) as read:
        sizes = [one.file_size for one in read.infolist() if one.filename.endswith(".png")]
    kept = studio.transfer._storage
    own = kept.folder / "pictures"  # whose size is the pictures' own, whenever it is measured
    there = sum(one.stat().st_size for one in own.rglob("*.png"))
    tiny = type(studio.transfer)(kept, Quota(own, (there + sizes[0] + sizes[1] + 10) / GB))
    brought = tiny.import_file(BOB, archive, "x.zip")
    assert (len(brought["brought"]), brought["left"], brought["here"], brought["wrong"]) == (2, 2, 0, ())  # type: ignore[arg-type]
    assert "has no room for more" in str(brought["ended"]) and "Raise disk_quota_gb" in str(brought["ended"])
    assert studio.library.history(BOB)["total"] == 2 and hares(studio) == 2
    assert list((kept.folder / "incoming").iterdir()) == [] and kept.reconciler.run(depth="pixels").findings == []
    rest = studio.transfer.import_file(BOB, archive, "x.zip")
    assert (len(rest["brought"]), rest["here"], rest["left"], rest["ended"]) == (2, 2, 0, None)  # type: ignore[arg-type]
    assert hares(studio) == 4
    one = io.BytesIO(studio.transfer.exported(ANN, drawn[0], "png")[0])
    with pytest.raises(Refused, match="has no room for more"):
        tiny.import_file("cy", one, "x.png")
    assert studio.library.history("cy")["total"] == 0


def test_what_is_taken_of_a_quota_counts_at_once(tmp_path: Path) -> None:
    quota = Quota(tmp_path, 100 / GB)
    assert quota.reserve(60) is None and quota.reserve(40) is None
    assert quota.reserve(1) is not None and quota.used_up() is not None
    assert Quota(tmp_path, 0).reserve(10**15) is None
