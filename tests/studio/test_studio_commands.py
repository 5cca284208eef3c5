"""`check`, `backup` and `restore` as a person at a terminal has them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import storage
from studio import __version__
from studio.cli import main, maintenance
from studio.domain.request import GenerationRequest
from studio.studio import Studio
from tests import command_line
from tests.apps import completed
from tests.fakes.engine import PaintEngine
from tests.studio.conftest import end

ME = "home"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with three pictures."""
    studio = Studio(storage.open(tmp_path / "data"), PaintEngine(), None)
    studio.start()
    end(studio, ME, studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False, count=3, seed=1)))
    studio.close()
    return tmp_path / "data"


def ask(*arguments: object) -> tuple[int, str]:
    return command_line.run(*arguments)


def pngs(data: Path) -> list[Path]:
    return sorted((data / "pictures").rglob("*.png"))


def test_a_check_says_that_all_is_well_and_else_what_is_not(data: Path, tmp_path: Path) -> None:
    assert ask("check", "--data", data) == (
        0,
        "the database is whole\n3 pictures: 0 findings mended or told, 0 that could not be mended",
    )
    whole = pngs(data)
    lost, torn = whole[0].rename(tmp_path / "lost.png"), whole[1]
    torn.write_bytes(torn.read_bytes()[:-100])
    code, said = ask("check", "--data", data)
    assert code == 1 and said.count("it is missing") == 2 and said.endswith("2 that could not be mended")
    code, said = ask("check", lost, "--data", data)
    assert code == 1 and "was found again" in said and said.endswith("1 that could not be mended")
    assert pngs(data) == [whole[0], whole[2]]


def test_a_backup_comes_back_elsewhere(data: Path, tmp_path: Path) -> None:
    code, said = ask("backup", tmp_path / "kept", "--data", data)
    assert code == 0 and "3 pictures" in said and "linked, not copied" in said
    code, said = ask("restore", tmp_path / "kept", "--data", tmp_path / "new")
    assert code == 0 and said.endswith(f"Start the studio with --data {tmp_path / 'new'}")
    assert [path.read_bytes() for path in pngs(tmp_path / "new")] == [path.read_bytes() for path in pngs(data)]
    assert ask("check", "--data", tmp_path / "new")[0] == 0
    code, said = ask("restore", tmp_path / "kept", "--data", tmp_path / "new")
    assert code == 2 and "must be an empty folder" in said
    code, said = ask("restore", tmp_path / "kept")
    assert code == 2 and "needs --data" in said


def test_a_backup_has_a_place_of_its_own_unless_one_is_named(data: Path, tmp_path: Path) -> None:
    code, said = ask("backup", "--copy", "--data", data)
    assert code == 0 and "linked" not in said
    assert [path.name[:9] for path in tmp_path.iterdir() if path != data][:1] == ["backup-20"]


def test_what_cannot_begin_is_a_sentence(data: Path, tmp_path: Path) -> None:
    code, said = ask("check", "--data", tmp_path / "none")
    assert code == 2 and "nothing to check" in said and not (tmp_path / "none").exists()
    open_now = storage.open(data)
    try:
        code, said = ask("check", "--data", data)
        assert code == 2 and "Another studio is using the folder" in said
        assert ask("backup", tmp_path / "kept", "--data", data)[0] == 0, "a backup is made beside a studio at work"
    finally:
        open_now.close()


def test_progress_is_told_with_counts_and_the_time_that_is_left() -> None:
    said: list[str] = []
    progress = maintenance.Progress("files", said.append)
    progress.tell(1, 10)
    assert said == []
    progress._begun -= 10
    progress._told -= 10
    progress.tell(2_000, 10_000)
    assert said == ["files: 2,000 of 10,000, 40 s left"]


def test_the_commands_are_commands_of_app_py(data: Path, tmp_path: Path) -> None:
    for arguments, code in (
        (["backup", str(tmp_path / "kept")], 0),
        (["check"], 0),
        (["restore", str(tmp_path / "none")], 2),
    ):
        done = completed(*arguments, "--data", str(data))
        assert done.returncode == code, done.stdout + done.stderr
        assert (done.stdout if code == 0 else done.stderr).count("\n") >= 1
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("kept")] == ["kept"]


def test_an_export_is_imported_elsewhere_and_inspected(data: Path, tmp_path: Path) -> None:
    code, said = ask("export", tmp_path / "all.zip", "--data", data)
    assert code == 0 and "all.zip" in said
    code, said = ask("export", tmp_path / "all.zip", "--data", data)
    assert code == 2 and "exists already" in said
    code, said = ask("export", tmp_path / "none.zip", "--data", tmp_path / "none")
    assert code == 2 and "nothing to export" in said and not (tmp_path / "none.zip").exists()
    (tmp_path / "in").mkdir()
    (tmp_path / "all.zip").rename(tmp_path / "in" / "all.zip")
    code, said = ask("import", tmp_path / "in", "--data", tmp_path / "new")
    assert code == 0 and said.startswith("3 pictures imported"), said
    code, said = ask("inspect", pngs(data)[0], tmp_path / "missing.png")
    first, second = (json.loads(line) for line in said.splitlines())
    assert code == 1 and first["prompt"] == "a cat" and "error" in second


def test_the_command_line_says_what_it_has(tmp_path: Path) -> None:
    assert ask("--version") == (0, f"Z-Image Studio {__version__}")
    code, said = ask("--help")
    assert code == 0 and all(f"\n  {name} " in said for name in main.COMMANDS)
    for name in main.COMMANDS:
        code, said = ask(name, "--help")
        assert code == 0 and "Exit codes: 0" in said and said.count("\n") < (60 if name == "serve" else 35), name
    assert "--memory-gb NUMBER" in ask("serve", "--help")[1]
    assert ask("check", "--no-such-flag")[0] == 2 and ask("check", "--port")[0] == 2


def test_former_names_work_with_a_warning(data: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    code, said = ask("bring", tmp_path / "in", "--data", data, "--disk_quota_gb=1")
    assert code == 0 and "bring is now import" in said and "--disk_quota_gb is now --disk-quota-gb" in said
    assert main.normalized(["--port", "9"], print) == ["serve", "--port", "9"]
    assert main.normalized(["batch", "a_b.txt", "--reason"], lambda _: None) == ["batch", "a_b.txt", "--enhance"]
