"""What gallery, picture view and queue answer to the page, and to whoever sends such calls by hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from starlette.requests import Request

from enhancer.enhancer import Enhancer
from studio.domain.recipe import Recipe
from studio.domain.request import GenerationRequest
from studio.studio import Studio
from studio.ui import owner
from studio.ui.calls import Call, respond
from studio.ui.views import gallery, picture, queue
from studio.worker.runner import PREVIEW_S
from tests.fakes.engine import PaintEngine
from tests.stores import open_store

NUMBER = 7


@pytest.fixture
def engine() -> PaintEngine:
    return PaintEngine()


@pytest.fixture
def studio(tmp_path: Path, engine: PaintEngine) -> Iterator[Studio]:
    made = Studio(open_store(tmp_path), engine, lambda info, own: Enhancer(engine.chat(), template=info.template))
    made.start()
    yield made
    made.close()


def request_of(name: str) -> gr.Request:
    """A request as the door leaves it: the owner and the address are noted in its state."""
    noted = {"owner": name, "base_url": "https://studio.example"}
    return gr.Request(Request({"type": "http", "headers": [], "state": noted}))


def ask(table: Mapping[str, Call], name: object, values: object = None, *, who: str = "ann") -> dict[str, Any]:
    """What the server says to one call."""
    sent = {"n": NUMBER, "name": name, "values": {} if values is None else values}
    said = respond(sent, table, owner.owner_of, request_of(who))
    assert said["n"] == NUMBER
    return said


def answer(table: Mapping[str, Call], name: str, who: str = "ann", **values: object) -> dict[str, Any]:
    """The answer to a call that is not refused."""
    said = ask(table, name, values, who=who)
    assert "error" not in said, said
    found: dict[str, Any] = said["answer"]
    return found


def end(studio: Studio, job: str, who: str = "ann") -> dict[str, Any]:
    """The last snapshot of a job."""

    async def last() -> dict[str, Any]:
        return [shot async for shot in studio.jobs.watch(who, job)][-1]

    return asyncio.run(asyncio.wait_for(last(), 60))


def drawn(studio: Studio, prompt: str, **wish: Any) -> dict[str, Any]:
    """A picture of ann's."""
    shot = end(
        studio,
        studio.generation.submit(
            "ann", GenerationRequest.of(prompt=prompt, **{"enhance": False, "width": 64, "height": 64, **wish})
        ),
    )
    found: dict[str, Any] = shot["pictures"][0]
    return found


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "history",
        [],
        {},
        {"n": 1, "name": "history"},
        {"n": 1, "name": "history", "values": []},
        {"n": 1, "name": "__class__", "values": {}},
        {"n": 1, "name": ["history"], "values": {}},
        {"n": "1", "name": None, "values": None},
    ],
)
def test_what_is_no_call_is_answered_with_a_sentence(studio: Studio, sent: object) -> None:
    said = respond(sent, gallery.calls(studio), owner.owner_of, request_of("ann"))
    assert said["error"]["text"] == "The page asked for something that this studio does not know."
    assert said["missing"] is False
    assert isinstance(said["n"], int)


@pytest.mark.parametrize(
    ("name", "values", "parameter"),
    [
        ("history", {"query": 7}, "query"),
        ("history", {"query": "x" * 501}, "query"),
        ("history", {"cursor": {}}, "cursor"),
        ("history", {"favourite": "yes"}, "favourite"),
        ("history", {"trash": None}, "trash"),
        ("edit", {"id": 5}, "id"),
        ("delete", {}, "id"),
    ],
)
def test_an_argument_that_breaks_a_rule_is_named(
    studio: Studio, name: str, values: dict[str, object], parameter: str
) -> None:
    said = ask(gallery.calls(studio), name, values)
    assert said["error"]["text"].startswith(f"{parameter} must ")
    assert said["missing"] is False


def test_nobody_is_refused(studio: Studio) -> None:
    stranger = gr.Request(Request({"type": "http", "headers": [], "state": {}}))
    said = respond({"n": 1, "name": "history", "values": {}}, gallery.calls(studio), owner.owner_of, stranger)
    assert said["error"]["key"] == "error.owner_unknown"


@pytest.mark.parametrize("name", ["picture", "edit", "delete", "restore", "rerun", "vary", "draw", "share"])
def test_another_owners_picture_is_missing_and_stays_as_it_is(studio: Studio, name: str) -> None:
    made = drawn(studio, "ann's own")
    values = {"id": made["id"], "favourite": True, "prompt": "mine now"}
    said = ask(picture.calls(studio), name, values, who="bob")
    assert said["missing"] is True
    assert said["error"]["text"] == f"Picture {made['id']} was not found."  # as for an id that never was
    assert studio.library.picture("ann", str(made["id"])) == made
    assert answer(gallery.calls(studio), "history", who="bob")["total"] == 0


@pytest.mark.parametrize("name", ["job", "cancel", "pictures", "redraw"])
def test_another_owners_job_is_missing(studio: Studio, name: str) -> None:
    made = drawn(studio, "ann's own")
    table = {**picture.calls(studio), **queue.calls(studio)}
    assert ask(table, name, {"job": made["job"]}, who="bob")["missing"] is True


def test_the_history_comes_in_pages_of_small_cards_newest_first(studio: Studio) -> None:
    made = [drawn(studio, f"number {n}", steps=1) for n in range(gallery.PAGE + 3)]
    first = answer(gallery.calls(studio), "history")
    assert (len(first["items"]), first["total"], first["capped"]) == (gallery.PAGE, gallery.PAGE + 3, False)
    assert first["ms"] >= 0
    rest = answer(gallery.calls(studio), "history", cursor=first["next"])
    assert rest["next"] is None
    ids = [one["id"] for one in first["items"] + rest["items"]]
    assert ids == [one["id"] for one in reversed(made)]
    assert set(first["items"][0]) == {
        "id", "created_at", "thumb_url", "width", "height", "seed", "steps", "favourite", "deleted_at", "original_prompt",
        "reasoned", "rating", "missing", "job", "enhancement",
    }  # fmt: skip


def test_a_zone_that_only_the_browser_knows_harms_nothing(studio: Studio) -> None:
    drawn(studio, "a cat")
    for zone in ("Mars/Olympus", "Asia/Shanghai", None, 7):
        sent = {"n": NUMBER, "name": "history", "values": {"query": "after:2020 cat"}, "zone": zone}
        said: Any = respond(sent, gallery.calls(studio), owner.owner_of, request_of("ann"))
        assert said["answer"]["total"] == 1


def test_a_card_holds_the_beginning_of_a_long_prompt_and_the_view_all_of_it(studio: Studio) -> None:
    made = drawn(studio, "long " * 1000)
    shown = answer(gallery.calls(studio), "history")["items"][0]
    assert shown["original_prompt"] == ("long " * 1000)[: gallery.TEXT_MAX]
    assert answer(picture.calls(studio), "picture", id=made["id"])["original_prompt"] == made["original_prompt"]


def test_an_edited_prompt_keeps_seed_settings_original_and_reasoning(studio: Studio) -> None:
    was = drawn(studio, "a boat", enhance=True, steps=3, seed=11)
    job = answer(picture.calls(studio), "draw", id=was["id"], prompt="two boats", same_seed=True)["job"]
    now = end(studio, job)["pictures"][0]
    assert now["prompt"] == "two boats"
    for key in ("seed", "steps", "width", "height", "guidance", "original_prompt", "enhancement"):
        assert now[key] == was[key], key


def test_an_edited_prompt_may_have_a_seed_of_its_own_and_must_not_be_empty(studio: Studio) -> None:
    was = drawn(studio, "a boat", seed=11)
    job = answer(picture.calls(studio), "draw", id=was["id"], prompt="two boats", same_seed=False)["job"]
    assert end(studio, job)["pictures"][0]["seed"] != 11
    assert ask(picture.calls(studio), "draw", {"id": was["id"], "prompt": " "})["error"]["text"].startswith(
        "prompt must "
    )


def test_a_rerun_tells_that_it_is_identical(studio: Studio) -> None:
    was = drawn(studio, "a boat")
    end(studio, answer(picture.calls(studio), "rerun", id=was["id"])["job"])
    job = answer(gallery.calls(studio), "history")["items"][0]["id"]
    again = answer(picture.calls(studio), "picture", id=job)
    shot = answer(picture.calls(studio), "job", job=again["job"])
    assert (shot["identical"], again["parent_id"]) == (True, was["id"])


def test_a_link_is_made_with_the_visitors_address_and_taken_back(studio: Studio) -> None:
    made = drawn(studio, "a boat")
    link = answer(picture.calls(studio), "share", id=made["id"], days=3)
    assert link["url"] == f"https://studio.example/s/{link['token']}"
    assert studio.sharing.get(link["token"])[0].id == made["id"]
    answer(picture.calls(studio), "unshare", token=link["token"])
    assert ask(picture.calls(studio), "unshare", {"token": link["token"]}, who="bob")["missing"] is True
    assert ask(picture.calls(studio), "share", {"id": made["id"], "days": None})["error"]["text"].startswith(
        "days must "
    )


def test_the_queue_shows_a_running_job_with_its_step_and_preview(studio: Studio, engine: PaintEngine) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def hold(recipe: Recipe, step: int) -> None:
        if step == 3:
            reached.set()
            assert go_on.wait(60)

    engine.before_step, engine.step_s = hold, PREVIEW_S
    job = studio.generation.submit("ann", GenerationRequest.of(prompt="a boat", enhance=False, width=64, height=64))
    behind = studio.generation.submit(
        "ann", GenerationRequest.of(prompt="a second boat", enhance=False, width=64, height=64)
    )
    assert reached.wait(60)
    running, waiting = answer(queue.calls(studio), "jobs")["jobs"]
    assert (running["id"], running["status"], running["phase"], running["step"], running["steps"]) == (
        job, "running", "drawing", 2, 8,
    )  # fmt: skip
    assert running["preview"].startswith("data:image/webp;base64,")
    assert (waiting["id"], waiting["status"]) == (behind, "queued")
    assert answer(queue.calls(studio), "jobs", who="bob") == {"jobs": [], "recent": []}
    engine.step_s = 0.0
    go_on.set()
    end(studio, behind)
    after = answer(queue.calls(studio), "jobs")
    assert after["jobs"] == []
    assert [one["id"] for one in after["recent"]] == [behind, job]
    assert len(answer(queue.calls(studio), "pictures", job=job)["pictures"]) == 1


def test_a_cancelled_job_is_drawn_again_by_one_call(studio: Studio, engine: PaintEngine) -> None:
    go_on = threading.Event()

    def hold(recipe: Recipe, step: int) -> None:
        assert go_on.wait(60)

    engine.before_step = hold
    job = studio.generation.submit("ann", GenerationRequest.of(prompt="a boat", enhance=False, width=64, height=64))
    assert answer(queue.calls(studio), "cancel", job=job)["status"] == "cancelled"
    go_on.set()
    assert end(studio, job)["status"] == "cancelled"
    again = answer(queue.calls(studio), "redraw", job=job)["job"]
    assert end(studio, again)["status"] == "done"


def test_templates_are_constant(studio: Studio) -> None:
    async def build() -> list[gr.HTML]:  # inside a loop, since Blocks makes one otherwise and leaves it open
        with gr.Blocks():
            return [room.build(studio) for room in (gallery, picture, queue)]

    for part in asyncio.run(build()):
        assert not set("${}") & set(part.html_template)
        assert part.value is None
