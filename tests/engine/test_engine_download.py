"""Downloading a checkpoint from a server on loopback that speaks both hubs' interfaces and holds Pocket."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from studio.engine.engine import ResidentEngine
from studio.engine.hub import providers
from studio.engine.hub.download import fetch
from studio.errors import Cancelled, DownloadFailed, EngineError, NotReady

REPOSITORY = "Tongyi-MAI/Z-Image-Turbo"
PIECE = 10 * 2**20  # bytes that the Hub's client reads before it writes
COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


class Hub(ThreadingHTTPServer):
    """A Hub with one repository. `cut`: bytes after which the next transfers break; `status`: what it answers instead."""

    def __init__(self, folder: Path, name: providers.Name) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files = {
            str(path.relative_to(folder).as_posix()): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }
        self.files |= {"README.md": b"# Papers and pictures", "assets/poster.png": bytes(5000), "vae/model.bin": b"x"}
        self.etags: dict[str, str] = {}
        self.cut: int | None = None
        self.status: int | None = None
        self.hold = threading.Event()
        self.hold.set()
        self.given: list[tuple[str, int]] = []  # file, first byte
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.name = name
        self.place = providers.hub(name, self.url)


class Answer(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        if self.server.status:
            return self._send(self.server.status, b"{}", body=body)
        if self.path.startswith(f"/api/models/{REPOSITORY}"):
            listed = [{"rfilename": name, "size": len(data)} for name, data in self.server.files.items()]
            about = {"id": REPOSITORY, "modelId": REPOSITORY, "sha": COMMIT, "siblings": listed, "tags": []}
            return self._send(200, json.dumps(about).encode(), body=body)
        if self.path.startswith(f"/api/v1/models/{REPOSITORY}/repo/files?"):
            return self._send(200, json.dumps({"Code": 200, "Data": {"Files": self._listed()}}).encode(), body=body)
        if self.path.startswith(f"/api/v1/models/{REPOSITORY}/repo?"):
            name = parse_qs(urlsplit(self.path).query)["FilePath"][0]
            return self._give(name, body=body)
        if self.path.startswith("/api/v1/"):
            return self._send(404, b"{}", body=body)
        name = self.path.partition("?")[0].removeprefix(f"/{REPOSITORY}/resolve/{COMMIT}/")
        self._give(name, body=body)

    def _listed(self) -> list[dict[str, Any]]:
        files = self.server.files.items()
        told = self.server.etags
        listed = [
            {
                "Path": name,
                "Size": len(data),
                "Type": "blob",
                "Sha256": told.get(name) or hashlib.sha256(data).hexdigest(),
            }
            for name, data in files
        ]
        return [{"Path": "vae", "Type": "tree", "Size": 0, "Sha256": ""}, *listed]

    def _give(self, name: str, *, body: bool) -> None:
        data = self.server.files.get(name)
        if data is None:
            return self._send(404, b"{}", body=body, headers={"X-Error-Code": "RepoNotFound"})
        etag = self.server.etags.get(name) or hashlib.sha256(data).hexdigest()
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
        first = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if body:
            self.server.given.append((name, first))
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        self._send(206 if first else 200, data[first:], body=body, headers=headers)

    def _send(self, status: int, data: bytes, *, body: bool, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if not body:
            return
        self.server.hold.wait(240)
        cut = self.server.cut
        if cut is not None and len(data) > cut:
            self.wfile.write(data[:cut])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.wfile.write(data)


@pytest.fixture(params=["huggingface", "modelscope"])
def hub(request: pytest.FixtureRequest, pocket: Path) -> Iterator[Hub]:
    made = Hub(pocket, request.param)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.hold.set()
    made.shutdown()
    made.server_close()
    thread.join()


def settled(engine: ResidentEngine, name: str, seconds: float = 60) -> Any:
    """The download's state once it is over."""
    end = time.monotonic() + seconds
    while engine.downloads[name].status == "loading" and time.monotonic() < end:
        time.sleep(0.01)
    return engine.downloads[name]


def test_progress_grows_to_all_and_only_what_is_needed_is_fetched(hub: Hub, tmp_path: Path, pocket: Path) -> None:
    told: list[tuple[int, int, float | None]] = []
    folder = fetch(
        REPOSITORY, tmp_path, report=lambda *values: told.append(values), stopped=lambda: False, place=hub.place
    )
    assert folder == tmp_path / "models--Tongyi-MAI--Z-Image-Turbo" / "snapshots" / hub.place.listing(REPOSITORY).commit
    done = [each[0] for each in told]
    assert done == sorted(done) and len(set(done)) > 5
    assert told[-1][0] == told[-1][1] == sum(len(data) for name, data in hub.files.items() if needed(name))
    assert any(each[2] is not None for each in told), "a time to go is told once something has come"
    assert {name for name, _ in hub.given} == {name for name in hub.files if needed(name)}
    for name in filter(needed, hub.files):
        assert (folder / name).read_bytes() == (pocket / name).read_bytes()


def needed(name: str) -> bool:
    return name == "model_index.json" or ("/" in name and name not in ("assets/poster.png", "vae/model.bin"))


def test_what_was_fetched_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    for _ in range(2):
        fetch(REPOSITORY, tmp_path, report=lambda *values: None, stopped=lambda: False, place=hub.place)
    names = [name for name, _ in hub.given]
    assert len(names) == len(set(names))


def test_a_stopped_download_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    """Stopped in the middle of the largest file, whose first piece of 10 MiB is on the disk; the next asks for the rest."""
    largest = max(hub.files, key=lambda name: len(hub.files[name]))
    assert len(hub.files[largest]) > PIECE
    rest = sum(len(data) for name, data in hub.files.items() if needed(name) and name != largest)
    came: list[int] = []

    def stopped() -> bool:
        return bool(came) and came[-1] >= rest + PIECE

    with pytest.raises(Cancelled, match="It continues from here next time"):
        fetch(REPOSITORY, tmp_path, report=lambda done, *_: came.append(done), stopped=stopped, place=hub.place)
    hub.given.clear()
    later: list[int] = []
    folder = fetch(
        REPOSITORY, tmp_path, report=lambda done, *_: later.append(done), stopped=lambda: False, place=hub.place
    )
    assert hub.given == [(largest, PIECE)], "only the rest of the largest file may be asked for"
    assert later == sorted(later)
    for name in filter(needed, hub.files):
        assert (folder / name).read_bytes() == hub.files[name]


def test_a_server_that_breaks_off_is_asked_for_the_rest(hub: Hub, tmp_path: Path) -> None:
    largest = max(hub.files, key=lambda name: len(hub.files[name]))
    hub.cut = PIECE + 100_000
    folder = fetch(REPOSITORY, tmp_path, report=lambda *v: None, stopped=lambda: False, place=hub.place)
    assert [first for name, first in hub.given if name == largest] == [0, PIECE]
    assert (folder / largest).read_bytes() == hub.files[largest]


def test_a_damaged_file_is_removed_and_fetched_anew(hub: Hub, tmp_path: Path) -> None:
    name = "vae/diffusion_pytorch_model.safetensors"
    whole = hub.files[name]
    hub.etags[name] = hashlib.sha256(whole).hexdigest()
    hub.files[name] = whole[:-1] + bytes([whole[-1] ^ 1])
    with pytest.raises(DownloadFailed, match=f"{name} arrived damaged and was removed"):
        fetch(REPOSITORY, tmp_path, report=lambda *v: None, stopped=lambda: False, place=hub.place)
    hub.files[name] = whole
    folder = fetch(REPOSITORY, tmp_path, report=lambda *v: None, stopped=lambda: False, place=hub.place)
    assert (folder / name).read_bytes() == whole


def test_the_hub_s_own_client_finds_what_was_fetched(hub: Hub, tmp_path: Path) -> None:
    from huggingface_hub import snapshot_download

    folder = fetch(REPOSITORY, tmp_path, report=lambda *v: None, stopped=lambda: False, place=hub.place)
    found = snapshot_download(REPOSITORY, cache_dir=tmp_path, local_files_only=True)
    assert Path(found) == folder


@pytest.mark.parametrize("name", ["vae/../../../escaped.json", "../model_index.json"])
def test_a_file_s_name_does_not_lead_out_of_its_folder(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.files[name] = b"{}"
    fetch(REPOSITORY, tmp_path / "cache", report=lambda *v: None, stopped=lambda: False, place=hub.place)
    assert not [path for path in tmp_path.rglob("*") if path.name == "escaped.json"]
    assert not any(".." in given for given, _ in hub.given)


def test_without_a_server_it_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match=r"could not be downloaded: Hugging Face cannot be reached\. .*kept\.$"):
        fetch(
            REPOSITORY,
            tmp_path,
            report=lambda *v: None,
            stopped=lambda: False,
            place=providers.hub("huggingface", "http://127.0.0.1:9"),
        )


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(500, "{hub} answered 500"), (401, "{hub} has no such repository, or it is private"), (403, "answered 403")],
)
def test_what_the_hub_refuses_is_a_sentence(hub: Hub, tmp_path: Path, status: int, sentence: str) -> None:
    hub.status = status
    with pytest.raises(DownloadFailed, match=sentence.replace("{hub}", hub.place.title)) as caught:
        fetch(REPOSITORY, tmp_path, report=lambda *values: None, stopped=lambda: False, place=hub.place)
    assert "\n" not in str(caught.value)


def test_a_repository_that_is_no_checkpoint_is_refused_before_anything_is_fetched(hub: Hub, tmp_path: Path) -> None:
    del hub.files["model_index.json"]
    with pytest.raises(DownloadFailed, match="not a checkpoint in diffusers layout"):
        fetch(REPOSITORY, tmp_path, report=lambda *values: None, stopped=lambda: False, place=hub.place)
    assert hub.given == []


def test_a_checkpoint_without_its_weights_is_told(hub: Hub, tmp_path: Path) -> None:
    del hub.files["vae/diffusion_pytorch_model.safetensors"]
    with pytest.raises(DownloadFailed, match=r"cannot be used: it lacks vae/diffusion_pytorch_model\.safetensors"):
        fetch(REPOSITORY, tmp_path, report=lambda *values: None, stopped=lambda: False, place=hub.place)


def test_the_disk_s_room_is_asked_first() -> None:
    from studio.engine.hub.download import _room

    _room(REPOSITORY, Path("/nowhere/at/all"), 0)
    with pytest.raises(DownloadFailed, match=r"needs 1000001\.0 GB of disk space, .* GB are free"):
        _room(REPOSITORY, Path("/nowhere/at/all"), 10**15)


def test_nothing_is_fetched_without_consent(hub: Hub, new_engine: Callable[..., ResidentEngine]) -> None:
    engine = new_engine("turbo", hub=hub.name, endpoint=hub.url)
    engine.start()
    state = engine.wait(240)
    assert state.status == "failed"
    assert state.message == "Z-Image-Turbo is not on this machine's disk yet. It can be downloaded on the page."
    assert hub.given == [] and engine.downloads == {}


def test_a_checkpoint_named_by_who_starts_the_studio_is_fetched_and_loaded(
    hub: Hub, new_engine: Callable[..., ResidentEngine]
) -> None:
    engine = new_engine("turbo", hub=hub.name, endpoint=hub.url, consent=True)
    hub.hold.clear()
    engine.start()
    assert engine.wait(0.2).status == "loading"
    with pytest.raises(NotReady, match="Z-Image-Turbo"):
        engine.chat()
    hub.hold.set()
    state = engine.wait(240)
    assert (state.status, state.checkpoint, state.revision) == ("ready", "turbo", hub.place.listing(REPOSITORY).commit)
    assert engine.downloads["turbo"].status == "ready"
    assert engine.info("turbo").on_disk


def test_a_single_file_has_only_the_rest_fetched(
    hub: Hub, new_engine: Callable[..., ResidentEngine], pocket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    file = tmp_path / "mine.safetensors"
    file.write_bytes((pocket / "transformer" / "diffusion_pytorch_model.safetensors").read_bytes())
    refused = new_engine(str(file), hub=hub.name, endpoint=hub.url, cache=cache)
    refused.start()
    assert "are not on the disk" in refused.wait(60).message and hub.given == []
    engine = new_engine(str(file), hub=hub.name, endpoint=hub.url, cache=cache, consent=True)
    engine.start()
    state = engine.wait(240)
    assert state.status == "ready", state.message
    fetched = {name for name, _ in hub.given}
    assert "vae/diffusion_pytorch_model.safetensors" in fetched and "transformer/config.json" in fetched
    assert not any(name.startswith("transformer/") and name.endswith(".safetensors") for name in fetched)
    assert not engine.info("turbo").on_disk, "its own transformer was not fetched"
    assert engine.downloads["turbo"].message == "The parts that Z-Image-Turbo shares are on the disk."


def test_a_download_that_was_agreed_to_goes_on_in_the_background(
    hub: Hub, new_engine: Callable[..., ResidentEngine]
) -> None:
    engine = new_engine("pocket", hub=hub.name, endpoint=hub.url)
    assert engine.downloads == {}
    hub.hold.clear()
    engine.download("turbo")
    engine.download("turbo")  # a second click begins no second download
    assert engine.downloads["turbo"].status == "loading"
    assert engine.downloads["turbo"].message.startswith(("Asking for", "Downloading Z-Image-Turbo"))
    hub.hold.set()
    state = settled(engine, "turbo")
    assert (state.status, state.fraction, state.message) == ("ready", 1.0, "Z-Image-Turbo is on the disk.")
    assert engine.info("turbo").on_disk
    assert len(hub.given) == len(set(hub.given))
    engine.switch("turbo")
    assert engine.state.checkpoint == "turbo"


def test_no_network_is_a_sentence_in_the_state(new_engine: Callable[..., ResidentEngine]) -> None:
    engine = new_engine("base", endpoint="http://127.0.0.1:9", consent=True)
    engine.start()
    state = engine.wait(240)
    assert state.status == "failed"
    assert "Hugging Face cannot be reached" in state.message
    assert engine.downloads["base"].status == "failed"
    engine.download("base")
    assert "Hugging Face cannot be reached" in settled(engine, "base").message


def test_closing_stops_a_download(hub: Hub, new_engine: Callable[..., ResidentEngine]) -> None:
    engine = new_engine("pocket", hub=hub.name, endpoint=hub.url)
    hub.hold.clear()
    engine.download("turbo")
    closing = threading.Thread(target=engine.close)
    closing.start()
    assert engine._closed.wait(60)
    hub.hold.set()
    closing.join()
    assert settled(engine, "turbo").status == "failed"
    assert not engine.info("turbo").on_disk


def test_a_folder_is_not_downloaded(new_engine: Callable[..., ResidentEngine]) -> None:
    with pytest.raises(EngineError, match="nothing to download"):
        new_engine("pocket").download("pocket")


def test_what_was_begun_at_one_hub_is_ended_at_the_other(hub: Hub, tmp_path: Path) -> None:
    """Files go by their hashes: what is there is not fetched again, and what was broken off goes on."""
    largest = max(hub.files, key=lambda name: len(hub.files[name]))
    hub.cut = 200_000
    with pytest.raises(DownloadFailed):
        fetch(REPOSITORY, tmp_path, report=lambda *v: None, stopped=lambda: False, place=hub.place)
    hub.cut = None
    before = len(hub.given)
    other = providers.hub("modelscope" if hub.name == "huggingface" else "huggingface", hub.url)
    folder = fetch(REPOSITORY, tmp_path, report=lambda *v: None, stopped=lambda: False, place=other)
    assert (folder / largest).read_bytes() == hub.files[largest]
    given = [name for name, _ in hub.given]
    assert set(given[:before]) - set(given[before:]), "small files were there already"
