"""`python app.py import FOLDER` as a person at a terminal has it: pictures of every maker, archives, and what is none."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import storage
from storage.search.pages import PageRequest
from studio.domain.request import GenerationRequest
from studio.services.folder_import import files_below
from studio.settings import ROOT
from studio.studio import Studio
from studio.worker.quota import GB
from tests import command_line
from tests.apps import completed
from tests.fakes.engine import PaintEngine
from tests.studio.conftest import end

ME = "home"
INFOTEXT = "a fox\nNegative prompt: blur\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 9, Size: 16x16, Model: dream"
GRAPH = (
    '{"3": {"class_type": "KSampler", "inputs": {"seed": 5, "steps": 8, "cfg": 1.0, "positive": ["6", 0], "model": ["16", 0]}},'
    '"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a hare"}},'
    '"16": {"class_type": "UNETLoader", "inputs": {"unet_name": "z.safetensors"}}}'
)
INVOKE = '{"positive_prompt": "an elk", "seed": 7, "steps": 30, "model": {"name": "SDXL"}, "app_version": "5.4.0"}'
SWARM = '{"sui_image_params": {"prompt": "an owl", "seed": 11, "steps": 8, "model": "turbo"}}'
FOOOCUS = '{"prompt": "a bee", "seed": "8", "steps": 30, "base_model": "xl", "metadata_scheme": "fooocus", "version": "Fooocus v2.5.5"}'


def png(colour: str, **texts: str) -> bytes:
    info = PngInfo()
    for name, value in texts.items():
        info.add_text(name, value)
    file = io.BytesIO()
    Image.new("RGB", (24, 16), colour).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def jpeg(kind: str = "JPEG", colour: str = "gold") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (24, 16), colour).save(file, kind)
    return file.getvalue()


def ask(*arguments: object) -> tuple[int, list[str]]:
    code, printed = command_line.run(*arguments)
    return code, printed.splitlines()


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    """A zip of another studio with two pictures in a collection."""
    studio = Studio(storage.open(tmp_path / "elsewhere"), PaintEngine(), None)
    studio.start()
    shot = end(
        studio, ME, studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False, count=2, seed=1))
    )
    studio.collections.create(ME, "Cats", ids=[str(one["id"]) for one in shot["pictures"]])  # type: ignore[attr-defined]
    packed = b"".join(studio.transfer.export(ME))
    studio.close()
    return packed


@pytest.fixture
def outputs(tmp_path: Path, archive: bytes) -> Path:
    """A folder as people have them: a file of every maker, an archive, a photo, doubles, and what is none."""
    folder = tmp_path / "outputs"
    files = {
        "a1111/00001.png": png("teal", parameters=INFOTEXT),
        "a1111/copy.png": png("teal", parameters=INFOTEXT),
        "a1111/same pixels.PNG": png("teal"),
        "comfy/z.png": png("red", prompt=GRAPH, workflow="{}"),
        "invoke/x.png": png("blue", invokeai_metadata=INVOKE),
        "swarm/2026-01/s.png": png("pink", parameters=SWARM),
        "fooocus/f.png": png("green", parameters=FOOOCUS, fooocus_scheme="fooocus"),
        "photos/p.jpeg": jpeg(),
        "photos/p.webp": jpeg("WEBP", "navy"),
        "ours.zip": archive,
        "bad/torn.png": png("teal")[:-40],
        "bad/named.png": b"GIF89a",
        "bad/other.zip": b"PK nothing",
        "notes.txt": b"no picture",
    }
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    os.utime(folder / "a1111/00001.png", (1_600_000_000, 1_600_000_000))
    return folder


def test_a_folder_comes_in_whole_and_twice_brings_nothing_twice(outputs: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    code, said = ask("import", outputs, "--data", data)
    assert code == 1, "three files are none"
    assert [line.split(":")[0] for line in said[:3]] == ["bad/named.png", "bad/other.zip", "bad/torn.png"]
    assert "neither PNG, JPEG nor WebP" in said[0] and "not a readable zip archive" in said[1]
    assert said[3] == "9 pictures imported, 2 existed already, 3 failed"
    for maker in ("A1111 / Forge", "ComfyUI", "InvokeAI", "SwarmUI", "Fooocus", "Z-Image Studio", "unknown source"):
        assert maker in said[4]
    assert said[5:] == ["1 collections"]
    code, said = ask("import", outputs, "--data", data)
    assert code == 1 and said[3] == "0 pictures imported, 11 existed already, 3 failed"
    kept = storage.open(data)
    try:
        found = {one.prompt: one for one in kept.pictures.page(PageRequest(owner=ME, limit=50)).items}
        assert {"a fox", "a hare", "an elk", "an owl", "a bee", ""} < set(found)
        assert (found["a fox"].seed, found["a fox"].checkpoint, found["an elk"].checkpoint) == (9, "dream", "SDXL")
        assert found["a fox"].created_at == datetime.fromtimestamp(1_600_000_000, timezone.utc)
        assert [(one.name, one.count) for one in kept.collections.of(ME)] == [("Cats", 2)]
        assert kept.reconciler.run(depth="pixels").findings == []
    finally:
        kept.close()


def test_a_file_of_no_year_is_brought_in_as_well(tmp_path: Path) -> None:
    memory = Path("/dev/shm")  # a file system that keeps any number for a time
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as found:
        folder = Path(found)
        (folder / "far.png").write_bytes(png("teal"))
        (folder / "near.png").write_bytes(png("red"))
        os.utime(folder / "far.png", (3e11, 3e11))
        code, said = ask("import", folder, "--data", tmp_path / "data")
    assert code == 0 and said[0].startswith("2 pictures imported"), said


def test_a_preview_tells_and_keeps_nothing(outputs: Path, tmp_path: Path) -> None:
    code, said = ask("import", outputs, "--preview", "--data", tmp_path / "data")
    assert code == 1
    assert "a1111/00001.png: A1111 / Forge, 24 x 16, seed 9, dream, a fox" in said
    assert "comfy/z.png: ComfyUI, 24 x 16, seed 5, z.safetensors, a hare" in said
    assert "ours.zip: 2 pictures, 0 of them exist already, 1 collections" in said
    assert "photos/p.jpeg: unknown source, 24 x 16" in said
    assert any(line.startswith("11 pictures can be imported") for line in said)
    assert any(line.startswith("bad/torn.png: torn.png is damaged") for line in said)
    kept = storage.open(tmp_path / "data")
    assert kept.pictures.page(PageRequest(owner=ME)).total == 0
    kept.close()


def test_nothing_outside_of_the_folder_is_read_and_nothing_in_a_name_steers_the_terminal(tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    outside.mkdir()
    (outside / "secret.png").write_bytes(png("red"))
    (folder / "linked").symlink_to(outside, target_is_directory=True)
    (folder / "linked.png").symlink_to(outside / "secret.png")
    (folder / "circle").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "waits.png")
    (folder / "x\x1b[2J.png").write_bytes(b"no")
    (folder / "good.png").write_bytes(png("teal", parameters="a\x1b[2Jb\nSteps: 1, Seed: 2"))
    code, said = ask("import", folder, "--preview", "--data", tmp_path / "data")
    assert code == 1 and len(said) == 4, said
    assert not any("\x1b" in line for line in said) and any("x?[2J.png" in line for line in said)
    data = folder / "data"
    assert ask("import", folder, "--data", data)[1][-2].startswith("1 pictures imported, 0 existed")
    assert [path.name for path in files_below(folder, data)] == ["good.png", "x\x1b[2J.png"], "its own folder is left"


def test_what_cannot_begin_is_a_sentence(outputs: Path, tmp_path: Path) -> None:
    code, said = ask("import", tmp_path / "none", "--data", tmp_path / "data")
    assert code == 2 and said == [f"{tmp_path / 'none'} is not a folder."]
    code, said = ask("import", outputs, "--data", tmp_path / "data", "--owners", "browser")
    assert code == 2 and "import needs --owner" in said[0]
    open_now = storage.open(tmp_path / "data")
    try:
        code, said = ask("import", outputs, "--data", tmp_path / "data")
        assert code == 2 and "Another studio is using the folder" in said[0]
    finally:
        open_now.close()
    code, _ = ask("import", outputs, "--data", tmp_path / "data", "--owners", "browser", "--owner", "person:ann")
    kept = storage.open(tmp_path / "data")
    assert (
        kept.pictures.page(PageRequest(owner="person:ann")).total,
        kept.pictures.page(PageRequest(owner=ME)).total,
    ) == (9, 0)
    kept.close()


def test_the_quota_ends_it_and_what_came_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for n in range(6):
        Image.effect_noise((256, 256), 90 + n).convert("RGB").save(folder / f"{n}.png")
    size = (folder / "0.png").stat().st_size
    storage.open(tmp_path / "data").close()
    there = sum(path.stat().st_size for path in (tmp_path / "data").rglob("*") if path.is_file())
    quota = (there + 2.5 * size) / GB
    code, said = ask("import", folder, "--data", tmp_path / "data", f"--disk-quota-gb={quota:.9f}")
    assert code == 1 and said[0].startswith("2 pictures imported")
    assert said[-1].startswith("It ended early, with 4 of 6 files left: The disk quota of ")
    code, said = ask("import", folder, "--data", tmp_path / "data")
    assert (code, said[0][:43]) == (0, "4 pictures imported, 2 existed already, 0 f")


def test_it_is_a_command_of_app_py_that_can_be_stopped_and_repeated(outputs: Path, tmp_path: Path) -> None:
    for n in range(40):
        Image.effect_noise((640, 640), 40 + n).convert("RGB").save(outputs / f"many-{n:03}.png")
    command = [sys.executable, "app.py", "import", str(outputs), "--data", str(tmp_path / "data")]
    run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    pictures = tmp_path / "data" / "pictures"
    until = time.monotonic() + 120
    while time.monotonic() < until and len(list(pictures.rglob("*.png")) if pictures.is_dir() else []) < 12:
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=120)
    assert (
        run.returncode == 1
        and "It was stopped. The imported pictures are kept. Run the command again to continue." in said
    ), said
    done = completed(*command[2:])
    assert done.returncode == 1 and "files: " in done.stdout and " left" in done.stdout, done.stdout
    kept = storage.open(tmp_path / "data")
    assert kept.pictures.page(PageRequest(owner=ME)).total == 49 and kept.reconciler.run(depth="names").findings == []
    kept.close()
