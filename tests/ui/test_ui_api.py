"""The named endpoints, called as programs call them: names, parameters, results, and refusals that name the parameter."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from docs import results
from studio.ui.api import ALIASES, NAMES
from tests import adapters as adapter_files
from tests.conftest import App, StartApp
from tests.http_api import call, web
from tests.loopback import Loopback
from tests.related import related

Shot = dict[str, Any]
PICTURE_KEYS = {
    "id", "created_at", "url", "thumb_url", "width", "height", "seed", "steps", "guidance", "prompt", "original_prompt",
    "negative_prompt", "checkpoint", "revision", "pixel_sha256", "enhancement", "parent_id", "favourite", "rating", "tags",
    "deleted_at",
    "expires_at",
}  # fmt: skip
PARAMETERS = {
    "/generate": {
        "prompt": None, "enhance": True, "seed": None, "width": None, "height": None, "steps": None, "guidance": None,
        "negative_prompt": "", "count": 1, "checkpoint": None, "enhancement": None, "shift": None, "cfg_normalization": False,
        "cfg_truncation": None, "style": None, "length": "auto", "locks": None, "template": None, "spread": False, "parent": None,
        "private": False, "variation_of": None, "source": None, "strength": None, "adapters": None,
    },
    "/enhance": {"prompt": None, "seed": None, "style": None, "length": "auto", "locks": None, "template": None, "private": False},
    "/refine": {"enhancement": None, "instruction": None, "prompt": None, "seed": None, "private": False},
    "/describe": {"picture": None, "language": "en", "seed": None},
    "/upload": {"picture": None, "private": False},
    "/options": {"checkpoint": None},
    "/adapters": {"checkpoint": None},
    "/retry": {"job": None, "plain": False, "private": False},
    "/end_private_session": {"session": None},
    "/history": {
        "query": "", "cursor": None, "limit": 24, "favourite": False, "tag": None, "trash": False,
        "collection": None, "sort": "newest", "at": None, "zone": "UTC",
    },
    "/picture": {"id": None},
    "/edit": {"id": None, "favourite": None, "rating": None, "tags": None, "note": None},
    "/edit_many": {"ids": None, "favourite": None, "rating": None, "add_tags": None, "remove_tags": None},
    "/delete_many": {"ids": None},
    "/restore_many": {"ids": None},
    "/purge": {"ids": None, "dry_run": False, "until": None},
    "/tags": {"beginning": ""},
    "/collections": {},
    "/new_collection": {"name": None, "query": None, "ids": None},
    "/edit_collection": {"collection": None, "name": None, "query": None, "cover": None},
    "/add_to_collection": {"collection": None, "ids": None, "remove": False},
    "/move_in_collection": {"collection": None, "id": None, "before": None, "ids": None},
    "/delete_collection": {"collection": None},
    "/ancestry": {"id": None},
    "/compare": {"id": None, "other": None},
    "/rerun": {"id": None, "private": False},
    "/cancel": {"job": None},
    "/jobs": {},
    "/delete": {"id": None},
    "/restore": {"id": None},
    "/share": {"id": None, "days": 30},
    "/unshare": {"token": None},
    "/system": {},
}  # fmt: skip


def draw(client: Client, prompt: str = "two cats on a red background", **wish: object) -> Shot:
    """Draw without reasoning; the last message of the stream."""
    last: Shot = client.predict(prompt, api_name="/generate", **{"enhance": False, "steps": 2, **wish})
    assert last["status"] == "done", last["error"]
    return last


def picture(client: Client, prompt: str = "two cats on a red background", **wish: object) -> Shot:
    """Draw one picture without reasoning."""
    found: Shot = draw(client, prompt, **wish)["pictures"][0]
    return found


def refused(client: Client, *values: object, api_name: str, **named: object) -> str:
    """The sentence with which a call is refused."""
    with pytest.raises(AppError) as error:
        client.predict(*values, api_name=api_name, **named)
    return str(error.value)


def test_the_endpoints_have_their_names_parameters_and_defaults(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    for name, wanted in PARAMETERS.items():
        found = {one["parameter_name"]: one["parameter_default"] for one in endpoints[name]["parameters"]}
        assert found == wanted, name
    for old, new in ALIASES.items():
        assert endpoints[f"/{old}"]["parameters"] == endpoints[f"/{new}"]["parameters"], old


def test_a_former_name_answers_like_the_new_one(client: Client) -> None:
    assert client.predict(api_name="/steers") == client.predict(api_name="/options")


def test_generate_streams_from_the_row_to_the_pictures(client: Client) -> None:
    job = client.submit("two cats on a red background", enhance=False, count=2, seed=7, api_name="/generate")
    shots: list[Shot] = list(job)
    assert len({shot["job"] for shot in shots}) == 1
    assert shots[0]["status"] in ("queued", "running")
    assert all({"job", "status", "step", "steps", "eta_s"} <= set(shot) for shot in shots)
    last = shots[-1]
    assert (last["status"], last["error"]) == ("done", None)
    assert [one["seed"] for one in last["pictures"]] == [7, 8]
    for one in last["pictures"]:
        assert set(one) >= PICTURE_KEYS
        assert one["original_prompt"] == one["prompt"] == "two cats on a red background"
        assert (one["enhancement"], one["parent_id"], one["deleted_at"]) == (None, None, None)
    assert json.loads(json.dumps(last)) == last


def test_the_hash_is_that_of_the_served_pixels(server: App, client: Client) -> None:
    found = picture(client)
    with web(server.url) as browser:
        image = Image.open(io.BytesIO(browser.get(found["url"]).content))
        thumb = Image.open(io.BytesIO(browser.get(found["thumb_url"]).content))
    assert image.size == (found["width"], found["height"])
    assert hashlib.sha256(image.convert("RGB").tobytes()).hexdigest() == found["pixel_sha256"]
    assert (image.format, thumb.format) == ("PNG", "WEBP")


def test_a_seed_is_chosen_where_none_is_given_and_is_another_each_time(client: Client) -> None:
    one, other = picture(client), picture(client)
    assert isinstance(one["seed"], int)
    assert one["seed"] != other["seed"]


def test_enhance_streams_the_four_steps_and_its_id_can_be_drawn_with(client: Client) -> None:
    shots: list[Shot] = list(client.submit("three rabbits on a purple background", 5, api_name="/enhance"))
    last = shots[-1]
    assert last["status"] == "done", last["error"]
    assert [step["name"] for step in last["steps"]] == ["keep", "solve", "compose", "text"]
    assert last["original"] == "three rabbits on a purple background"
    assert (last["seed"], bool(last["id"]), bool(last["prompt"])) == (5, True, True)
    assert all(shot["original"] == last["original"] and len(shot["steps"]) == 4 for shot in shots)
    edited = picture(client, last["prompt"] + "!", enhancement=last["id"])
    assert edited["prompt"] == last["prompt"] + "!"
    assert edited["original_prompt"] == last["original"]
    assert edited["enhancement"]["id"] == last["id"]
    assert [step["name"] for step in edited["enhancement"]["steps"]] == ["keep", "solve", "compose", "text"]


def test_generate_reasons_first_and_keeps_original_steps_and_prompt(client: Client) -> None:
    last: Shot = client.predict("三只兔子，紫色背景", seed=3, api_name="/generate")
    assert last["status"] == "done", last["error"]
    found = client.predict(last["pictures"][0]["id"], api_name="/picture")
    assert found["original_prompt"] == "三只兔子，紫色背景"
    assert found["enhancement"]["prompt"] == found["prompt"]
    assert found["enhancement"]["checks"] == [
        {"kind": "count", "wanted": "三只兔子", "held": True}, {"kind": "colour", "wanted": "紫色", "held": True},
    ]  # fmt: skip
    assert [step["name"] for step in found["enhancement"]["steps"]] == ["keep", "solve", "compose", "text"]


def test_a_rerun_is_a_new_picture_with_identical_pixels(client: Client) -> None:
    first = draw(client, count=2)["pictures"][1]
    last: Shot = client.predict(first["id"], api_name="/rerun")
    again = last["pictures"][0]
    assert (last["status"], last["identical"]) == ("done", True)
    assert again["id"] != first["id"]
    assert again["parent_id"] == first["id"]
    assert again["pixel_sha256"] == first["pixel_sha256"]


def test_vary_keeps_the_recipe_but_the_seed(client: Client) -> None:
    first = picture(client)
    last: Shot = client.predict(first["id"], 2, api_name="/vary")
    assert len(last["pictures"]) == 2
    for one in last["pictures"]:
        assert (one["prompt"], one["steps"], one["parent_id"]) == (first["prompt"], first["steps"], first["id"])
        assert one["seed"] != first["seed"]


def test_history_pages_search_stars_and_trash(client: Client) -> None:
    word = "zeppelin"
    found = [picture(client, f"a {word} number {n}") for n in range(3)]
    ids = [one["id"] for one in reversed(found)]
    page: Shot = client.predict(query=word, limit=2, api_name="/history")
    assert set(page) >= {"items", "next", "total", "more"}
    assert ([one["id"] for one in page["items"]], page["total"], page["more"]) == (ids[:2], 3, True)
    rest: Shot = client.predict(query=word, limit=2, cursor=page["next"], api_name="/history")
    assert ([one["id"] for one in rest["items"]], rest["more"], rest["next"]) == (ids[2:], False, None)

    edited: Shot = client.predict(ids[0], True, 4, ["night", "sky"], api_name="/edit")
    assert (edited["favourite"], edited["rating"], sorted(edited["tags"])) == (True, 4, ["night", "sky"])
    assert client.predict(ids[0], api_name="/edit") == edited
    stars: Shot = client.predict(query=word, favourite=True, api_name="/history")
    tagged: Shot = client.predict(query=word, tag="sky", api_name="/history")
    assert [one["id"] for one in stars["items"]] == [one["id"] for one in tagged["items"]] == [ids[0]]

    gone: Shot = client.predict(ids[1], api_name="/delete")
    assert gone["deleted_at"]
    assert [one["id"] for one in client.predict(query=word, api_name="/history")["items"]] == [ids[0], ids[2]]
    assert [one["id"] for one in client.predict(query=word, trash=True, api_name="/history")["items"]] == [ids[1]]
    assert client.predict(ids[1], api_name="/restore") == {**gone, "deleted_at": None, "expires_at": None}
    assert [one["id"] for one in client.predict(query=word, api_name="/history")["items"]] == ids


def test_cancel_stops_that_job_and_no_other(client: Client) -> None:
    long = client.submit("a star", enhance=False, count=64, steps=50, api_name="/generate")
    first = wait_for(lambda: next(iter(long.outputs()), None))
    short = client.submit("a moon", enhance=False, steps=1, api_name="/generate")
    second = wait_for(lambda: next(iter(short.outputs()), None))
    waiting: list[Shot] = client.predict(api_name="/jobs")
    assert {first["job"], second["job"]} <= {job["id"] for job in waiting}
    assert all({"id", "status", "position", "eta_s"} <= set(job) for job in waiting)
    assert client.predict(first["job"], api_name="/cancel") == {"job": first["job"], "status": "cancelled"}
    assert long.result(timeout=120)["status"] == "cancelled"
    assert short.result(timeout=120)["status"] == "done"
    assert client.predict(api_name="/jobs") == []


def test_wishes_filed_at_once_are_rows_at_once(server: App, client: Client) -> None:
    """The second wish is in the queue long before the first is drawn."""
    holder = client.submit("a star", enhance=False, count=64, steps=50, api_name="/generate")
    first = wait_for(lambda: next(iter(holder.outputs()), None))
    jobs = [server.client().submit("a sun", enhance=False, steps=1, api_name="/generate") for _ in range(4)]
    filed = [wait_for(lambda job=job: next(iter(job.outputs()), None)) for job in jobs]
    assert holder.outputs()[-1]["status"] in ("queued", "running")
    assert [shot["status"] for shot in filed] == ["queued"] * 4
    client.predict(first["job"], api_name="/cancel")
    assert [job.result(timeout=120)["status"] for job in jobs] == ["done"] * 4


def test_share_and_unshare(server: App, client: Client) -> None:
    found = picture(client)
    link: Shot = client.predict(found["id"], 3, api_name="/share")
    assert set(link) >= {"token", "url", "expires_at"}
    assert link["url"] == f"{server.url}/s/{link['token']}"
    taken: Shot = client.predict(link["token"], api_name="/unshare")
    assert taken["token"] == link["token"]


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"width": 1000}, "width must be a multiple of 16 (got 1000)."),
        ({"height": 8}, "height must be from 64 to 2048 (got 8)."),
        ({"width": 4096}, "width must be from 64 to 2048 (got 4096)."),
        ({"steps": 0}, "steps must be from 1 to 50 (got 0)."),
        ({"steps": 51}, "steps must be from 1 to 50 (got 51)."),
        ({"count": 10**6}, "count must be from 1 to 64 (got 1000000)."),
        ({"count": 0}, "count must be from 1 to 64 (got 0)."),
        ({"seed": -1}, "seed must be from 0 to 9007199254740991 (got -1)."),
        ({"seed": 2**53}, "seed must be from 0 to 9007199254740991 (got 9007199254740992)."),
        ({"seed": "5"}, "seed must be a whole number"),
        ({"width": 1024.0}, "width must be a whole number from 64 to 2048 (got 1024.0)."),
        ({"guidance": 21}, "guidance must be from 0 to 20 (got 21)."),
        ({"guidance": "high"}, "guidance must be a number from 0 to 20 (got high)."),
        ({"negative_prompt": "blurry"}, "negative_prompt must be empty where guidance is 0"),
        ({"checkpoint": "no-such-thing"}, "no-such-thing"),
        ({"enhancement": "0123456789abcdef01234567"}, "0123456789abcdef01234567 was not found."),
        ({"enhance": "yes"}, "enhance must be true or false (got yes)."),
        ({"prompt": ""}, 'prompt must not be empty (got "").'),
        ({"prompt": "x" * 20_001}, "prompt must have at most 20,000 characters"),
        ({"prompt": "x" * 2**20}, "prompt must have at most 20,000 characters"),
        ({"prompt": 5}, "prompt must be a text (got 5)."),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_wrong_wish_is_refused_with_parameter_rule_and_value(
    client: Client, named: dict[str, object], says: str
) -> None:
    said = refused(client, api_name="/generate", **{"prompt": "a cat", "enhance": False, **named})
    assert says in said
    if "enhancement" not in named:
        assert next(iter(named)) in said
    assert len(said) < 300
    assert client.predict(api_name="/jobs") == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"prompt": "a cat", "enhance": false, "seed": 1e400}', "seed must be a whole number"),
        ('{"prompt": "a cat", "enhance": false, "guidance": NaN}', "guidance must be a number from 0 to 20 (got nan)."),
        ('{"prompt": "a cat", "enhance": false, "seed": true}', "seed must be a whole number"),
        ('{"prompt": "a cat", "enhance": false, "seed": %s}' % ("9" * 4000), "seed must be from 0"),
        ('{"prompt": "\\ud800 cat", "enhance": false}', "prompt must not contain"),
        ('{"prompt": "a\\u0000cat", "enhance": false}', "prompt must not contain"),
        ('{"prompt": ["a cat"], "enhance": false}', "prompt must be a text"),
        ('{"prompt": {"a": "cat"}, "enhance": false}', "prompt must be a text"),
        ('{"prompt": null}', "prompt must be a text (got nothing)."),
        ('{"prompt": "a cat", "enhance": 1}', "enhance must be true or false (got 1)."),
        ('{"prompt": "a cat", "enhance": false, "count": "64"}', "count must be a whole number"),
        ('{"prompt": "a cat", "enhance": false, "checkpoint": "\\ud800"}', "checkpoint"),
        ('{"prompt": "a cat", "enhance": false, "checkpoint": "../../etc"}', "checkpoint"),
        ('{"prompt": "a cat", "enhance": false, "enhancement": "\\ud800"}', "enhancement"),
    ],
    ids=lambda value: value[20:60] if value.startswith("{") else "",
)
def test_raw_json_is_refused_as_clearly(server: App, body: str, says: str) -> None:
    with web(server.url) as browser:
        kind, said = call(browser, "generate", body)
    assert kind == "error"
    assert says in str(said)


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("history", {"limit": 0}, "limit must be from 1 to 60 (got 0)."),
        ("history", {"limit": "many"}, "limit must be a whole number"),
        ("history", {"query": 5}, "query must be a text (got 5)."),
        ("history", {"query": "x" * 501}, "query must have at most 500 characters"),
        ("history", {"cursor": "nonsense"}, "cursor"),
        ("history", {"favourite": "yes"}, "favourite must be true or false (got yes)."),
        ("history", {"tag": ["a"]}, "tag must be a text"),
        ("picture", {"id": "0123456789abcdef01234567"}, "0123456789abcdef01234567 was not found."),
        ("picture", {"id": 7}, "id must be an id"),
        ("picture", {"id": "../../secret"}, "was not found."),
        ("picture", {"id": "' OR 1=1 --"}, "was not found."),
        ("picture", {"id": "x" * 10_000}, "id must be an id"),
        ("delete", {"id": "0123456789abcdef01234567"}, "was not found."),
        ("restore", {"id": "0123456789abcdef01234567"}, "was not found."),
        ("rerun", {"id": "0123456789abcdef01234567"}, "was not found."),
        ("cancel", {"job": "0123456789abcdef01234567"}, "was not found."),
        ("share", {"id": "0123456789abcdef01234567", "days": 0}, "days must be from 1 to 365 (got 0)."),
        ("unshare", {"token": "x"}, "was not found."),
        (
            "describe",
            {"picture": "AAAA"},
            "This studio has no vision model. The host sets one with enhancer_vision.",
        ),
        ("describe", {"picture": ["AAAA"]}, "picture must be the base64 of a PNG, JPEG or WebP file"),
        ("move_in_collection", {"collection": "c", "id": "a", "ids": ["b"]}, "ids must be given, or else id"),
        ("move_in_collection", {"collection": "c"}, "ids must be given, or else id"),
        ("enhance", {"prompt": " "}, "prompt must not be empty"),
        ("enhance", {"prompt": "a cat", "seed": -5}, "seed must be from 0"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_every_endpoint_refuses_clearly(server: App, name: str, body: dict[str, object], says: str) -> None:
    with web(server.url) as browser:
        kind, said = call(browser, name, body)
    assert kind == "error"
    assert says in str(said)


def test_one_or_several_are_moved_in_a_collection(client: Client) -> None:
    a, b, c = (picture(client, seed=seed, steps=1)["id"] for seed in (7101, 7102, 7103))
    made = client.predict(name="Moved", ids=[a, b, c], api_name="/new_collection")["id"]

    def order() -> list[str]:
        return [one["id"] for one in client.predict(collection=made, api_name="/history")["items"]]

    client.predict(collection=made, id=c, before=a, api_name="/move_in_collection")
    assert order() == [c, a, b]
    client.predict(collection=made, ids=[b, a], before=c, api_name="/move_in_collection")
    assert order() == [b, a, c]


def test_edit_refuses_what_is_no_rating_or_tag(client: Client) -> None:
    found = picture(client)
    assert "rating must be from 0 to 5 (got 6)." in refused(client, found["id"], rating=6, api_name="/edit")
    assert "tags must be a list" in refused(client, found["id"], tags="night", api_name="/edit")
    assert "tags must each have at most" in refused(client, found["id"], tags=["x" * 61], api_name="/edit")
    assert client.predict(found["id"], api_name="/picture")["rating"] is None


def test_a_full_queue_is_a_sentence_and_hurts_nobody(start_app: StartApp) -> None:
    app = start_app(queue_per_owner=2, queue_total=3)
    client = app.client()
    jobs = [client.submit("a star", enhance=False, count=64, steps=50, api_name="/generate") for _ in range(2)]
    filed = [wait_for(lambda job=job: next(iter(job.outputs()), None)) for job in jobs]
    assert "queue_per_owner" in refused(client, "a moon", enhance=False, api_name="/generate")
    for shot in filed:
        client.predict(shot["job"], api_name="/cancel")
    assert [job.result(timeout=120)["status"] for job in jobs] == ["cancelled"] * 2
    assert draw(client)["status"] == "done"


def test_a_failed_stream_ends_with_the_reason(start_app: StartApp) -> None:
    """A server that is not there is the easiest reason to come by."""
    app = start_app(enhancer="remote", enhancer_url="http://127.0.0.1:9/v1", enhancer_model="none")
    client = app.client()
    last: Shot = client.predict("a cat", api_name="/generate")
    assert last["status"] == "failed"
    assert "The prompt is kept" in last["error"]
    assert "\n" not in last["error"]
    assert client.predict("a cat", api_name="/enhance")["status"] == "failed"
    again: Shot = client.predict(last["job"], api_name="/retry")
    assert again["status"] == "failed"
    assert again["job"] != last["job"]
    assert draw(client)["status"] == "done"


def test_without_an_enhancer_reasoning_is_refused_and_drawing_is_not(start_app: StartApp) -> None:
    client = start_app(enhancer="off").client()
    assert "enhance must be false here" in refused(client, "a cat", api_name="/generate")
    assert "The enhancer is off" in refused(client, "a cat", api_name="/enhance")
    assert draw(client)["status"] == "done"


def test_each_checkpoint_is_drawn_with_as_it_wants_to_be(start_app: StartApp, tmp_path: Path) -> None:
    """A base that shares parts with another folder has guidance and takes a negative prompt; Pocket has none and takes none."""
    app = start_app(checkpoint=related(tmp_path))
    client, small = app.client(), {"seed": 5, "width": 64, "height": 64}
    assert app.health()["checkpoint"] == "checkpoint-base"
    guided = [
        picture(client, checkpoint="checkpoint-base", negative_prompt=text, **small)
        for text in ("", "a red background")
    ]
    assert [(one["guidance"], one["negative_prompt"]) for one in guided] == [(1.5, ""), (1.5, "a red background")]
    assert guided[0]["pixel_sha256"] != guided[1]["pixel_sha256"]
    assert picture(client, checkpoint="checkpoint-base", **{**small, "steps": None})["steps"] == 28
    for wish in ({"checkpoint": "checkpoint-base", "guidance": 0}, {"checkpoint": "pocket"}):
        says = refused(client, "a cat", negative_prompt="a dog", api_name="/generate", **wish)
        assert "negative_prompt must be empty where guidance is 0" in says
    plain = picture(client, checkpoint="pocket", **{**small, "steps": None})
    assert (plain["guidance"], plain["steps"]) == (0, 8)
    assert plain["revision"] != guided[0]["revision"]
    assert app.health()["checkpoint"] == "pocket"
    again: Shot = client.predict(guided[1]["id"], api_name="/rerun")
    assert again["identical"] is True, "back on the first checkpoint, with its negative prompt"


def wait_for(look: Any, seconds: float = 120) -> Any:
    """What `look` gives, once it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("Nothing came.")


def test_a_picture_that_comes_in_is_drawn_from(client: Client) -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((80, 64)).convert("RGB").save(file, "PNG")
    told = base64.b64encode(file.getvalue()).decode()
    whence = client.predict(told, api_name="/upload")
    assert client.predict(told, api_name="/upload")["id"] == whence["id"]
    one = picture(client, "a moon", source=whence["id"], strength=0.4)
    assert (one["source"], one["strength"], one["parent_id"]) == (whence["pixel_sha256"], 0.4, whence["id"])
    assert (one["width"], one["height"]) == (144, 112)
    again = list(client.submit(one["id"], api_name="/rerun"))[-1]
    assert again["identical"] is True
    assert "strength must be below 1" in refused(
        client, api_name="/generate", prompt="a", source=whence["id"], strength=1
    )
    hidden = client.predict(told, True, api_name="/upload")
    assert hidden["private"] and client.predict(api_name="/end_private_session") == {"stopped": []}


def test_describe_streams_the_prompt_for_a_picture(start_app: StartApp, loopback: Loopback) -> None:
    client = start_app(ready=False, enhancer="off", enhancer_url=loopback.url, enhancer_vision="sees").client()
    out = io.BytesIO()
    Image.new("RGB", (60, 30), "red").save(out, "PNG")
    photo = base64.b64encode(out.getvalue()).decode()
    loopback.manners.pieces = ["Two cats", " on a wall."]
    told = list(client.submit(photo, "zh", 5, api_name="/describe"))
    assert told[-1] == {"prompt": "Two cats on a wall.", "done": True}
    assert all(one["done"] is False and one["prompt"] in ("Two cats", "Two cats on a wall.") for one in told[:-1])
    assert (loopback.manners.asked["seed"], loopback.manners.asked["model"]) == (5, "sees")
    assert "请看这张图片" in loopback.manners.asked["messages"][0]["content"][0]["text"]
    large = base64.b64encode(out.getvalue() + bytes(10_000_000 - len(out.getvalue()))).decode()
    assert client.predict(large, api_name="/describe")["done"], "the largest that is allowed comes through the door"
    for named, says in (
        ({"picture": large + "AAAA"}, "picture must have at most 10,000,000 bytes"),
        ({"picture": "no base64"}, "picture must be the base64 of a PNG, JPEG or WebP file"),
        ({"picture": base64.b64encode(b"GIF89a").decode()}, "A picture must be a PNG, JPEG or WebP file (got 6 bytes"),
        ({"picture": photo, "language": "fr"}, "language must be one of en, zh (got fr)."),
        ({"picture": photo, "seed": -1}, "seed must be from 0"),
    ):
        assert says in refused(client, api_name="/describe", **named)
    loopback.manners.status = 500
    assert "Perhaps its model 'sees' does not read pictures." in refused(client, photo, api_name="/describe")
    assert client.predict(api_name="/history")["items"] == []


def test_adapters_are_listed_drawn_found_and_drawn_with_again(server: App, client: Client) -> None:
    folder = server.data / "adapters"
    file = adapter_files.lora(folder, "quill", 21, {"title": "Quill", "trigger": "quill pen"})
    adapter_files.write(folder / "vast.safetensors", adapter_files.matrices(1, dim=480))
    (folder / "torn.safetensors").write_bytes(b"torn")
    told = client.predict(api_name="/adapters")
    listed = {one["name"]: one for one in told["adapters"]}
    assert (
        told["checkpoint"] == "pocket"
        and listed["quill"]["fits"] is True
        and listed["quill"]["triggers"] == ["quill pen"]
    )
    assert listed["torn"]["problem"] == "its file is broken" and listed["vast"]["fits"] is False
    assert str(server.data) not in json.dumps(told)
    plain = picture(client, "a cat", seed=2201)
    found = picture(client, "a cat", seed=2201, adapters={"quill": 0.8})
    assert plain["adapters"] == [] and found["pixel_sha256"] != plain["pixel_sha256"]
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert found["adapters"] == [{"name": "quill", "weight": 0.8, "sha256": sha256}]
    assert picture(client, "a cat", seed=2201, adapters=[["quill", 0.8]])["pixel_sha256"] == found["pixel_sha256"]
    assert {one["id"] for one in client.predict("lora:quill", api_name="/history")["items"]} >= {found["id"]}
    file.rename(folder / "feather.safetensors")
    again = client.predict(found["id"], api_name="/rerun")
    assert again["identical"] is True and again["pictures"][0]["adapters"][0]["name"] == "feather"
    (folder / "feather.safetensors").unlink()
    gone = client.predict(found["id"], api_name="/rerun")
    assert gone["identical"] is False and gone["pictures"][0]["pixel_sha256"] == plain["pixel_sha256"]
    assert {"what": "adapter quill", "was": f"0.8 ({sha256[:10]})", "is": "missing"} in gone["changed"]
    assert "The adapter quill of this picture is not here" in refused(client, found["id"], api_name="/vary")
    for adapters, sentence in (
        ({"quill": 1}, "adapters must name files that are here (got quill)."),
        ({"../quill": 1}, "adapters must name files that are here (got ../quill)."),
        ({"vast": 1}, "adapters must fit Pocket, and it was made for a model of another width"),
        ({"torn": 1}, "adapters must fit Pocket, and its file is broken (got torn)."),
        ({"quill": 5}, "adapters must be from -4 to 4 (got 5)."),
        ("quill", "adapters must be a name and a weight"),
        ("1 " * 12_000 + "b", "adapters must have at most 5,000 characters"),
    ):
        assert sentence in refused(client, "a cat", api_name="/generate", adapters=adapters)


def test_results_have_the_documented_keys(client: Client) -> None:
    done = client.predict("a cat and a dog", api_name="/generate")
    found = done["pictures"][0]
    made = client.predict("documented", ids=[found["id"]], api_name="/new_collection")
    link = client.predict(found["id"], api_name="/share")
    for record, value in (
        (results.JOB, done),
        (results.PICTURE, found),
        (results.ENHANCEMENT, found["enhancement"]),
        (results.COLLECTION, made),
        (results.LINK, link),
    ):
        assert set(value) == results.keys(record), record
    client.predict(made["id"], api_name="/delete_collection")
    client.predict(link["token"], api_name="/unshare")
    assert set(results.RESULTS) == set(NAMES)
    for name, arguments in {
        "history": (), "options": (), "adapters": (), "system": (), "purge": (None, True), "ancestry": (found["id"],),
        "compare": (found["id"], found["id"]),
    }.items():  # fmt: skip
        answer = client.predict(*arguments, api_name=f"/{name}")
        for key in answer:
            assert re.search(rf"\b{key}\b", results.RESULTS[name]), (name, key)
