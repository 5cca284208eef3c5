"""The routes for taking along and bringing in, behind the door, over a real studio."""

from __future__ import annotations

import asyncio
import io
import json
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette

import storage
from studio.studio import Studio
from studio.web import ndjson
from studio.web.identity import Identity
from studio.web.middleware.request_guard import RequestGuard, rules
from studio.web.routes import media, transfer
from tests.conftest import App
from tests.fakes.engine import PaintEngine
from tests.http_api import web
from tests.stores import open_store

AT = "http://127.0.0.1:7860"


class Visit:
    """Browsers of one studio: each instance keeps its own cookies."""

    def __init__(self, studio: Studio, most: int = 10**6, **settings: float) -> None:
        app = Starlette(routes=[*transfer.routes(studio, **settings), *media.routes(studio)])
        identity = Identity(app, rule="browser", key=b"k" * 32)
        door = rules(host="127.0.0.1", public_url=None, share=False, space=False)
        self._app = RequestGuard(identity, rules=door, body_max=1000, uploads={transfer.IMPORT: most})
        self.cookies = httpx.Cookies()

    def ask(self, method: str, path: str, **options: object) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url=AT, cookies=self.cookies) as client:
                answer = await client.request(method, path, **options)  # type: ignore[arg-type]
                self.cookies.update(client.cookies)
                return answer

        return asyncio.run(send())


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[storage.Storage]:
    store = open_store(tmp_path / "data")
    yield store


@pytest.fixture
def studio(kept: storage.Storage) -> Iterator[Studio]:
    found = Studio(kept, PaintEngine(), None)
    yield found
    found.close()


def png() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((64, 48), 60).convert("RGB").save(file, "PNG")
    return file.getvalue()


def bring(visit: Visit, data: bytes, name: str = "x.png", **asked: str) -> httpx.Response:
    return visit.ask("POST", transfer.IMPORT, params={"name": name, **asked}, content=data)


def test_in_by_one_and_out_by_zip_to_another(studio: Studio) -> None:
    ann, bob = Visit(studio), Visit(studio)
    seen = bring(ann, png(), preview="1")
    assert (seen.status_code, seen.json()["kind"], seen.json()["width"]) == (200, "picture", 64)
    id = bring(ann, png()).json()["picture"]["id"]
    assert ann.ask("GET", f"/media/pictures/{id}.png").status_code == 200
    out = ann.ask("GET", "/media/export.zip")
    assert (out.status_code, out.headers["content-type"]) == (200, "application/zip")
    assert out.headers["cache-control"] == "no-store" and "z-image-studio.zip" in out.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(out.content)) as read:
        assert f"pictures/{id}.png" in read.namelist()
    there = bring(bob, out.content, "x.zip").json()
    assert (there["kind"], len(there["brought"]), there["wrong"]) == ("archive", 1, [])
    assert bring(bob, out.content, "x.zip", preview="1").json()["here"] == 1
    assert bob.ask("GET", f"/media/pictures/{id}.png").status_code == 404
    mine = there["brought"][0]
    assert bob.ask("GET", f"/media/pictures/{mine}.png").content == ann.ask("GET", f"/media/pictures/{id}.png").content


def test_what_was_made_on_a_day_is_taken_along_by_the_days_of_a_zone(studio: Studio) -> None:
    ann, moment = Visit(studio), datetime(2026, 3, 3, 20, 30, tzinfo=timezone.utc)
    photo = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(photo, "PNG")
    id = bring(ann, photo.getvalue(), made=int(1000 * moment.timestamp())).json()["picture"]["id"]
    for zone, there in (("Asia/Shanghai", True), ("", False)):
        out = ann.ask("GET", "/media/export.zip", params={"query": "on:2026-03-04", "zone": zone})
        with zipfile.ZipFile(io.BytesIO(out.content)) as read:
            assert (f"pictures/{id}.png" in read.namelist()) == there
    refused = ann.ask("GET", "/media/export.zip", params={"query": "on:2026-03-04", "zone": "Mars"})
    assert refused.status_code == 400 and refused.json()["error"].startswith("zone must be the name of a time zone")


def test_other_formats_are_the_owners_only(studio: Studio) -> None:
    ann, bob = Visit(studio), Visit(studio)
    id = bring(ann, png()).json()["picture"]["id"]
    for ending, kind in (("jpg", "JPEG"), ("webp", "WEBP")):
        answer = ann.ask("GET", f"/media/pictures/{id}.{ending}", params={"download": "1"})
        assert Image.open(io.BytesIO(answer.content)).format == kind
        assert answer.headers["content-disposition"] == f'attachment; filename="z-image-{id}.{ending}"'
        assert bob.ask("GET", f"/media/pictures/{id}.{ending}").status_code == 404
        assert ann.ask("GET", f"/media/pictures/nobody.{ending}").status_code == 404
        assert ann.ask("GET", f"/media/pictures/..%2f{id}.{ending}").status_code == 404


def test_a_selection_comes_as_json_or_as_a_form(studio: Studio) -> None:
    ann, bob = Visit(studio), Visit(studio)
    id = bring(ann, png()).json()["picture"]["id"]
    for body in ({"json": {"ids": [id]}}, {"data": {"ids": f"{id},{id}"}}):
        answer = ann.ask("POST", "/media/export.zip", **body)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as read:
            assert [name for name in read.namelist() if name.endswith(".png")] == [f"pictures/{id}.png"]
        assert bob.ask("POST", "/media/export.zip", **body).status_code == 404
    for wrong in (b"", b"[]", b"[" * 900, b'{"ids": 7}', b"\xff", b'{"ids": [7]}'):
        answer = ann.ask("POST", "/media/export.zip", content=wrong)
        assert (answer.status_code, answer.json()["error"].split()[0]) == (400, "ids")


def test_what_is_none_is_refused_with_a_sentence(studio: Studio) -> None:
    ann = Visit(studio)
    for data, sentence in (
        (b"GIF89a", "neither PNG, JPEG nor WebP"),
        (b"PK\3\4 no", "not a readable zip archive"),
        (b"", "neither PNG"),
    ):
        for asked in ({}, {"preview": "1"}):
            answer = bring(ann, data, **asked)
            assert answer.status_code == 400 and sentence in answer.json()["error"]
    query = ann.ask("GET", "/media/export.zip", params={"tag": "x" * 99})
    assert query.status_code == 400 and "tags must be" in query.json()["error"]


def test_a_broken_zip_is_told_of_as_a_zip(studio: Studio) -> None:
    answer = bring(Visit(studio), b"not at all", "holiday.zip", preview="1")
    assert answer.status_code == 400 and "not a readable zip archive" in answer.json()["error"]


@pytest.mark.parametrize("member", ["collections.jsonl", "manifest.jsonl"])
@pytest.mark.parametrize("streamed", [False, True])
def test_half_a_character_in_an_archive_is_no_fault_of_ours(
    studio: Studio, tmp_path: Path, member: str, streamed: bool
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed(tmp_path, 1))) as whole, zipfile.ZipFile(file, "w") as broken:
        line = json.loads(whole.read("manifest.jsonl"))
        for name in whole.namelist():
            if name != member:
                broken.writestr(name, whole.read(name))
        line["picture"]["prompt"] = "\ud800"
        told = line if member == "manifest.jsonl" else {"format": 1, "id": "a" * 24, "name": "\ud800", "pictures": []}
        broken.writestr(member, json.dumps(told) + "\n")
    headers = {"Accept": ndjson.KIND} if streamed else {}
    for asked in ({"name": "x.zip"}, {"name": "x.zip", "preview": "1"}):
        answer = Visit(studio).ask("POST", "/media/import", params=asked, content=file.getvalue(), headers=headers)
        last = json.loads(answer.text.strip().splitlines()[-1])
        assert answer.status_code == 200 and last.get("result", last)["wrong"], last


def test_a_file_that_comes_too_slowly_holds_no_place(studio: Studio) -> None:
    ann = Visit(studio, grace_s=0.2)

    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.05)

    for _ in range(transfer.UPLOADS_MAX + 1):
        answer = ann.ask("POST", "/media/import", params={"name": "x.png"}, content=drops())
        assert answer.status_code == 408 and "too slow" in answer.json()["error"]
    assert bring(ann, png()).status_code == 200


def test_a_photo_that_tells_no_time_is_as_old_as_its_file(studio: Studio) -> None:
    ann = Visit(studio)
    assert bring(ann, png(), made="1000000000000").json()["picture"]["created_at"].startswith("2001-09-09T01:46:40")
    for told in ("", "x", "-5", "9" * 15, "5" * 30, "1"):
        made = bring(ann, png(), made=told).json()["picture"]["created_at"]
        assert made[:4] >= "2026", told


def test_a_picture_to_draw_from_comes_in_once_and_in_private_to_no_disk(studio: Studio, kept: storage.Storage) -> None:
    ann, bob, data = Visit(studio, most=10**8), Visit(studio), png()
    private = bring(ann, data, source="1", private="tab1").json()
    assert private["private"] and ann.ask("GET", private["url"]).headers["cache-control"] == "no-store"
    assert bob.ask("GET", private["url"]).status_code == 404
    pixels = Image.open(io.BytesIO(data)).tobytes()[:3000]
    for path in kept.folder.rglob("*"):
        assert not path.is_file() or (data[60:400] not in (read := path.read_bytes()) and pixels not in read), path
    assert ann.ask("GET", "/media/export.zip").status_code == 200
    first, second = (bring(ann, data, name, source="1").json() for name in ("a.png", "b.png"))
    assert "picture" in bring(ann, png(), source="0", preview="false").json()  # 0 says no
    assert first["id"] == second["id"] and first["pixel_sha256"] == private["pixel_sha256"]
    assert bring(bob, data, source="1").json()["id"] != first["id"]
    for wrong, status, sentence in (
        (b"PK\3\4", 400, "neither PNG"),
        (b"x" * (transfer.FILE_MAX + 1), 413, "at most 60 MiB"),
    ):
        answer = bring(ann, wrong, source="1")
        assert answer.status_code == status and sentence in answer.json()["error"]
    assert ann.ask("POST", "/media/private/left?session=tab1").status_code == 204
    assert [session for _, session in kept.private._away] == ["tab1"]
    assert ann.ask("POST", "/media/private/left?session=a b").status_code == 404
    assert ann.ask("GET", "/media/private/left?session=tab1").status_code in (404, 405)
    assert "session's id" in bring(ann, data, source="1", private="a b").json()["error"]


def test_an_upload_has_a_bound_of_its_own_told_or_not(studio: Studio, kept: storage.Storage) -> None:
    ann = Visit(studio, most=5000)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(60):
            yield b"x" * 100

    assert bring(ann, b"x" * 4900).status_code == 400  # came in, and is no picture
    assert bring(ann, b"x" * 5001).status_code == 413
    assert ann.ask("POST", transfer.IMPORT, content=pieces()).status_code == 413
    assert ann.ask("POST", "/media/export.zip", content=b"x" * 1001).status_code == 413
    assert not [path for path in kept.folder.iterdir() if path.name.startswith("tmp")]
    assert [bring(ann, b"x").status_code for _ in range(5)] == [400] * 5  # places for uploads are given back


def test_a_foreign_page_brings_nothing(studio: Studio) -> None:
    ann = Visit(studio)
    answer = ann.ask("POST", transfer.IMPORT, content=png(), headers={"origin": "http://evil.example"})
    assert answer.status_code == 403
    assert ann.ask("POST", transfer.IMPORT, content=png(), headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_all_of_it_through_the_door_of_a_whole_app(server: App) -> None:
    with web(server.url) as browser:
        seen = browser.post(transfer.IMPORT, params={"name": "x.png", "preview": "1"}, content=png())
        assert (seen.status_code, seen.json()["kind"]) == (200, "picture")
        id = browser.post(transfer.IMPORT, params={"name": "x.png"}, content=png()).json()["picture"]["id"]
        out = browser.post("/media/export.zip", json={"ids": [id]})
        there = browser.post(transfer.IMPORT, params={"name": "x.zip"}, content=out.content).json()
        assert (there["kind"], there["here"], there["brought"]) == ("archive", 1, [])
        large = browser.post(transfer.IMPORT, content=b"x" * (33 * 2**20))  # more than any other body may have
        assert large.status_code == 400 and "neither PNG" in large.json()["error"]


def packed(tmp_path: Path, many: int) -> bytes:
    """A zip of another studio with so many pictures."""
    studio = Studio(storage.open(tmp_path / "elsewhere"), PaintEngine(), None)
    for _ in range(many):
        studio.transfer.import_file("ann", io.BytesIO(png()), "x.png")
    archive = b"".join(studio.transfer.export("ann"))
    studio.close()
    return archive


def test_whoever_would_is_told_meanwhile_how_far_it_is(server: App, tmp_path: Path) -> None:
    archive = packed(tmp_path, 200)
    lines: list[dict[str, Any]] = []
    with web(server.url) as browser:
        asked = {"params": {"name": "x.zip"}, "content": archive, "headers": {"accept": ndjson.KIND}}
        with browser.stream("POST", transfer.IMPORT, **asked) as answer:
            assert answer.headers["content-type"].startswith(ndjson.KIND)
            lines += [json.loads(line) for line in answer.iter_lines()]
        plain = browser.post(transfer.IMPORT, params={"name": "x.zip"}, content=archive).json()
        refused = browser.post(transfer.IMPORT, content=b"GIF89a", headers={"accept": ndjson.KIND})
    *told, last = lines
    assert (len(last["result"]["brought"]), last["result"]["ended"], last["result"]["left"]) == (200, None, 0)
    assert told and told[-1]["done"] == 200 and {one["total"] for one in told} == {200}
    assert [one["done"] for one in told] == sorted({one["done"] for one in told})
    assert told[0]["done"] < 200, "it comes while the work goes on"
    assert (plain["here"], plain["brought"]) == (200, [])
    assert json.loads(refused.text)["error"].startswith("This file is neither PNG")


def test_whoever_leaves_stops_it_and_what_came_is_kept(server: App, tmp_path: Path) -> None:
    archive = packed(tmp_path, 240)
    with web(server.url) as browser:
        asked = {"params": {"name": "x.zip"}, "content": archive, "headers": {"accept": ndjson.KIND}}
        with browser.stream("POST", transfer.IMPORT, **asked) as answer:
            next(answer.iter_lines())
    with web(server.url) as browser:
        until, before, here = time.monotonic() + 60, -1, 0
        while time.monotonic() < until and before != here:  # until it stands
            time.sleep(1)
            before, here = (
                here,
                browser.post(transfer.IMPORT, params={"name": "x.zip", "preview": "1"}, content=archive).json()["here"],
            )
        assert 0 < here < 240
        rest = browser.post(transfer.IMPORT, params={"name": "x.zip"}, content=archive).json()
        assert (rest["here"], len(rest["brought"]), rest["wrong"]) == (here, 240 - here, [])


def test_how_far_an_export_is_can_be_asked_by_its_token(studio: Studio) -> None:
    ann, bob = Visit(studio), Visit(studio)
    ids = [bring(ann, png()).json()["picture"]["id"] for _ in range(3)]
    at = "/media/export/progress?token=abcdef123456"
    assert ann.ask("GET", at).json() == {"done": 0, "total": 0, "ended": False}
    assert ann.ask("POST", "/media/export.zip?token=abcdef123456", json={"ids": ids}).status_code == 200
    assert ann.ask("GET", at).json() == {"done": 3, "total": 3, "ended": True}
    assert bob.ask("GET", at).json() == {"done": 0, "total": 0, "ended": False}
    for n in range(transfer.EXPORTS_MAX):
        assert ann.ask("GET", f"/media/export.zip?token={n:08}").status_code == 200
    assert ann.ask("GET", at).json()["total"] == 0, "the oldest is forgotten"
    assert ann.ask("GET", "/media/export.zip?token=../x").status_code == 200
    assert ann.ask("GET", "/media/export/progress?token=../x").json()["ended"] is False


def test_who_is_nobody_gets_nothing(studio: Studio) -> None:
    async def ask() -> list[int]:
        transport = httpx.ASGITransport(app=Starlette(routes=transfer.routes(studio)))
        async with httpx.AsyncClient(transport=transport, base_url=AT) as client:
            asked = [client.get("/media/export.zip"), client.post(transfer.IMPORT, content=png())]
            asked += [
                client.get("/media/pictures/abcdefgh1234.jpg"),
                client.get("/media/export/progress?token=abcdefgh"),
            ]
            return [(await one).status_code for one in asked]

    assert asyncio.run(ask()) == [404, 404, 404, 404]
