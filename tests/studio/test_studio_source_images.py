"""A picture that drawing begins with: brought in or drawn here, found again by its pixels, and never another one."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image

from storage.ids import is_private
from studio.domain.request import GenerationRequest
from studio.errors import InvalidRequest, NotFound, StudioError
from studio.services.serializers import View
from studio.studio import Studio
from tests.fakes.engine import PaintEngine
from tests.studio.conftest import end

Make = Callable[..., Studio]
ME, YOU = "me", "you"


def draw(studio: Studio, prompt: str = "a cat", owner: str = ME, **wish: object) -> View:
    shot = end(
        studio, owner, studio.generation.submit(owner, GenerationRequest.of(prompt=prompt, enhance=False, **wish))
    )
    assert shot["status"] == "done", shot
    return shot["pictures"][0]


def photo(width: int = 300, height: int = 200, kind: str = "JPEG") -> io.BytesIO:
    file = io.BytesIO()
    Image.radial_gradient("L").resize((width, height)).convert("RGB").save(file, kind)
    file.seek(0)
    return file


def relations(studio: Studio, id: str) -> set[tuple[str, str, str]]:
    return {(one["from"], one["to"], one["relation"]) for one in studio.library.ancestry(ME, id)["edges"]}


def test_a_picture_begins_with_another_and_tells_so(make: Make) -> None:
    studio = make()
    whence = draw(studio, "a hare", width=64, height=96)
    one = draw(studio, "a fox", source=whence["id"], strength=0.5, seed=4)
    assert (one["source"], one["strength"], one["parent_id"]) == (whence["pixel_sha256"], 0.5, whence["id"])
    assert (one["width"], one["height"]) == (112, 160)  # its shape, in the area that suits the checkpoint
    plain = draw(studio, "a fox", seed=4, width=one["width"], height=one["height"])
    assert one["steps"] == plain["steps"]  # each of them a forward, also on the shorter way
    assert plain["pixel_sha256"] != one["pixel_sha256"] and plain["source"] is plain["strength"] is None
    assert relations(studio, one["id"]) == {(whence["id"], one["id"], "source")}
    lines = {
        line["what"]: (line["was"], line["is"])
        for line in studio.library.compare(ME, plain["id"], one["id"])["settings"]
    }
    assert lines == {"source": (None, whence["pixel_sha256"]), "strength": (None, 0.5)}


def test_what_is_said_counts_and_what_is_not_follows(make: Make) -> None:
    studio = make()
    whence = draw(studio, "a hare")
    one = draw(studio, "a fox", source=whence["pixel_sha256"], width=64, height=64, steps=3)
    assert (one["strength"], one["steps"], one["width"], one["parent_id"]) == (0.6, 3, 64, whence["id"])


def test_it_is_drawn_again_and_varied_with_the_same_beginning(make: Make) -> None:
    studio = make()
    whence = draw(studio, "a hare")
    one = draw(studio, "a fox", source=whence["id"], strength=0.3)
    shot = end(studio, ME, studio.generation.rerun(ME, one["id"]))
    assert shot["identical"] is True and shot["pictures"][0]["source"] == one["source"]
    varied = end(studio, ME, studio.generation.vary(ME, one["id"]))["pictures"][0]
    assert (varied["source"], varied["strength"], varied["parent_id"]) == (one["source"], 0.3, one["id"])
    again = shot["pictures"][0]["id"]
    assert relations(studio, one["id"]) == {
        (whence["id"], one["id"], "source"), (one["id"], again, "rerun"), (one["id"], varied["id"], "variation"),
    }  # fmt: skip


def test_an_edit_knows_both_what_it_was_made_from_and_what_it_begins_with(make: Make) -> None:
    studio = make()
    before, whence = draw(studio, "a hare"), draw(studio, "a lake")
    one = draw(studio, "a fox", source=whence["id"], parent=before["id"])
    assert relations(studio, one["id"]) == {(before["id"], one["id"], "edit"), (whence["id"], one["id"], "source")}


def test_anothers_picture_and_one_that_is_not_here_are_refused(make: Make) -> None:
    studio = make()
    theirs = draw(studio, "a hare", YOU)
    with pytest.raises(NotFound):
        draw(studio, source=theirs["id"])
    with pytest.raises(InvalidRequest, match=r"^source must be the hash of an existing picture"):
        draw(studio, source=theirs["pixel_sha256"])
    assert studio.library.history(ME)["total"] == 0 and studio.jobs.unfinished(ME) == []


def test_a_source_that_was_removed_is_missed_by_name_and_found_again_by_its_pixels(make: Make) -> None:
    studio = make()
    file = photo(kind="PNG").getvalue()
    whence = studio.transfer.source(ME, io.BytesIO(file), "lake.png")
    one = draw(studio, "a fox", source=whence["id"])
    studio.library.delete(ME, whence["id"])
    assert (
        end(studio, ME, studio.generation.rerun(ME, one["id"]))["identical"] is True
    )  # it is in the trash, and so still here
    studio.library.purge(ME, [whence["id"]])
    with pytest.raises(InvalidRequest, match=r"^id must be the hash of an existing picture"):
        studio.generation.rerun(ME, one["id"])
    back = studio.transfer.source(ME, io.BytesIO(file), "lake again.png")
    assert back["pixel_sha256"] == whence["pixel_sha256"]
    assert end(studio, ME, studio.generation.rerun(ME, one["id"]))["identical"] is True


def test_a_job_whose_source_goes_while_it_waits_fails_alone(make: Make) -> None:
    studio = make(start=False)
    whence = studio.transfer.source(ME, photo(), "lake.jpg")
    job = studio.generation.submit(ME, GenerationRequest.of(prompt="a fox", enhance=False, source=whence["id"]))
    studio.library.delete(ME, whence["id"])
    studio.library.purge(ME, [whence["id"]])
    studio.start()
    shot = end(studio, ME, job)
    assert (shot["status"], shot["error"]) == ("failed", "The source image of this picture is not here any more.")
    assert draw(studio)["source"] is None


def test_nothing_is_drawn_from_a_file_that_was_changed(make: Make) -> None:
    studio = make()
    whence = draw(studio, "a hare")
    file = studio.library.file(ME, whence["id"])
    Image.new("RGB", (128, 128), "red").save(file)
    shot = end(
        studio,
        ME,
        studio.generation.submit(ME, GenerationRequest.of(prompt="a fox", enhance=False, source=whence["id"])),
    )
    assert shot["status"] == "failed" and "is damaged" in str(shot["error"])


def test_a_photo_is_brought_in_once_and_drawn_from(make: Make) -> None:
    studio = make()
    file = photo().getvalue()
    first, second = (studio.transfer.source(ME, io.BytesIO(file), name) for name in ("lake.jpg", "sea.jpg"))
    assert first["id"] == second["id"] and studio.library.history(ME)["total"] == 1
    again = draw(studio, "a fox", source=first["id"])
    assert again["width"] / again["height"] == pytest.approx(1.5, rel=0.1)
    drawn = studio.transfer.source(ME, io.BytesIO(studio.transfer.exported(ME, again["id"], "png")[0]), "own.png")
    assert drawn["id"] == again["id"]  # one that was drawn here is itself
    with pytest.raises(StudioError, match=r"note\.txt"):
        studio.transfer.source(ME, io.BytesIO(b"no picture"), "note.txt")


def test_what_begins_with_something_private_is_private(make: Make) -> None:
    studio = make()
    whence = studio.transfer.source(ME, photo(), "secret lake.jpg", private="tab1")
    assert whence["private"] and is_private(whence["id"]) and studio.library.history(ME)["total"] == 0
    one = draw(studio, "a fox", source=whence["id"])
    assert one["private"] and one["source"] == whence["pixel_sha256"]
    assert end(studio, ME, studio.generation.rerun(ME, one["id"]))["identical"] is True
    assert [item["id"] for item in studio.library.private(ME, "tab1")["items"]] == [whence["id"]]
    studio.generation.end_private_session(ME)
    with pytest.raises(NotFound):
        studio.library.picture(ME, whence["id"])


def test_something_private_begins_with_what_is_kept(make: Make) -> None:
    studio = make()
    whence = draw(studio, "a hare")
    one = draw(studio, "a fox", source=whence["id"], private=True)
    assert one["private"] and one["source"] == whence["pixel_sha256"]
    assert studio.library.history(ME)["total"] == 1


def test_a_source_outlives_a_restart_while_its_job_waits(make: Make) -> None:
    studio = make(start=False)
    whence = studio.transfer.source(ME, photo(), "lake.jpg")
    job = studio.generation.submit(
        ME, GenerationRequest.of(prompt="a fox", enhance=False, source=whence["id"], strength=0.25, seed=9, count=2)
    )
    studio = make(on=PaintEngine())
    shot = end(studio, ME, job)
    assert [one["strength"] for one in shot["pictures"]] == [0.25, 0.25]
    assert len({one["pixel_sha256"] for one in shot["pictures"]}) == 2


def test_it_travels_with_its_source(make: Make) -> None:
    studio = make()
    whence = studio.transfer.source(ME, photo(), "lake.jpg")
    one = draw(studio, "a fox", source=whence["id"], strength=0.7)
    packed = io.BytesIO(b"".join(studio.transfer.export(ME)))
    brought = studio.transfer.import_file(YOU, packed, "x.zip")["brought"]
    theirs = [studio.library.picture(YOU, id) for id in brought]
    (there,) = [found for found in theirs if found["source"]]
    assert (there["pixel_sha256"], there["strength"]) == (one["pixel_sha256"], 0.7)
    assert end(studio, YOU, studio.generation.rerun(YOU, there["id"]))["identical"] is True


def test_what_is_kept_stays_so_though_the_same_pixels_lie_in_private(make: Make) -> None:
    studio = make()
    file = photo(kind="PNG").getvalue()
    whence = studio.transfer.source(ME, io.BytesIO(file), "lake.png")
    one = draw(studio, "a fox", source=whence["id"])
    hidden = studio.transfer.source(ME, io.BytesIO(file), "lake.png", private="tab1")
    assert hidden["pixel_sha256"] == whence["pixel_sha256"]
    for job in (studio.generation.rerun(ME, one["id"]), studio.generation.vary(ME, one["id"])):
        assert end(studio, ME, job)["pictures"][0]["private"] is False
    assert draw(studio, "a fox", source=one["source"])["private"] is False
    begun = draw(studio, "a fox", source=one["source"], private="tab1")
    assert begun["private"] and studio.library.source(ME, one["source"], private=True)["id"] == hidden["id"]
    assert studio.library.source(ME, one["source"])["id"] == whence["id"]
    studio.library.delete(ME, whence["id"])
    studio.library.purge(ME, [whence["id"]])
    with pytest.raises(InvalidRequest, match="must be the hash of an existing picture"):
        studio.generation.rerun(ME, one["id"])
    assert end(studio, ME, studio.generation.rerun(ME, begun["id"]))["identical"] is True


def test_one_that_lies_in_the_trash_comes_out_when_it_is_brought_again(make: Make) -> None:
    studio = make()
    file = photo().getvalue()
    whence = studio.transfer.source(ME, io.BytesIO(file), "lake.jpg")
    studio.library.delete(ME, whence["id"])
    assert studio.transfer.source(ME, io.BytesIO(file), "lake.jpg")["deleted_at"] is None
    assert studio.library.history(ME)["total"] == 1


def test_a_size_beyond_the_models_places_is_refused_and_never_suggested(make: Make, engine: PaintEngine) -> None:
    studio = make()
    most = studio.checkpoints.get().side_max
    with pytest.raises(InvalidRequest, match=rf"^width must be at most {most} with "):
        draw(studio, width=most + 16)
    strip = studio.transfer.source(ME, photo(3000, 30), "horizon.jpg")
    one = draw(studio, "a fox", source=strip["id"])
    assert (one["width"], one["height"]) == (most, 64)
