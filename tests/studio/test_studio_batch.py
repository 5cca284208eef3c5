"""A file of prompts: read, refused by line, drawn once however often it is asked, gone on with where it was broken off."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.cli import batch
from studio.domain.recipe import Recipe
from studio.engine.base import AdapterInfo
from studio.services.generation import Bounds
from studio.settings import ROOT
from studio.studio import Studio
from tests.fakes.engine import PaintEngine

Make = Callable[..., Studio]
ME = "me"
PROMPTS = """# a list
a cat

{"prompt": "a dog", "seed": 7, "count": 2}
a cat
{a brace} is a prompt too
"""


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    file = tmp_path / "prompts.txt"
    file.write_text(PROMPTS, encoding="utf-8")
    return file


def fresh(make: Make) -> Studio:
    """A studio over the same folder, as another start of the command has it."""
    return make(start=False, on=PaintEngine())


def ask(studio: Studio, file: Path, *flags: str, stop: Callable[[], bool] = lambda: False) -> tuple[int, list[str]]:
    defaults = {name.removeprefix("--"): int(value) for name, value in zip(flags[::2], flags[1::2], strict=True)}
    said: list[str] = []
    wanted = batch.Batch(file=file, defaults={"enhance": False, **defaults})
    return wanted.run(studio, ME, stop=stop, say=said.append), said


def total(studio: Studio) -> int:
    found = studio.library.history(ME)["total"]
    assert isinstance(found, int)
    return found


def test_every_line_is_drawn_once_however_often_the_file_is_asked(make: Make, prompts: Path) -> None:
    studio = fresh(make)
    code, said = ask(studio, prompts)
    assert code == 0 and said[0] == "4 prompts in prompts.txt" and said[-1] == "4 of 4 prompts are generated"
    assert total(studio) == 5, "a line that stands twice is drawn twice"
    items = studio.library.history(ME)["items"]
    assert isinstance(items, list)
    assert {(one["prompt"], one["seed"]) for one in items} >= {("a dog", 7), ("a dog", 8)}
    assert "{a brace} is a prompt too" in {one["prompt"] for one in items}

    prompts.write_text(PROMPTS + "a fish\n", encoding="utf-8")
    code, said = ask(fresh(make), prompts)
    assert code == 0 and sum("there already" in line for line in said) == 4
    assert total(fresh(make)) == 6
    code, said = ask(fresh(make), prompts, "--steps", "2")
    assert code == 0 and total(fresh(make)) == 12, "other settings are other pictures"


def test_what_was_broken_off_or_failed_is_gone_on_with(make: Make, engine: PaintEngine, prompts: Path) -> None:
    def fail(recipe: Recipe, step: int) -> None:
        if recipe.seed == 8:
            raise RuntimeError("the brush broke")

    engine.before_step = fail
    studio = make(start=False)
    code, said = ask(studio, prompts, stop=lambda: total(studio) >= 3)
    assert code == 1 and "the same command continues with them" in said[-1]
    assert any("failed" in line for line in said)
    assert 3 <= total(studio) < 5
    engine.before_step = lambda recipe, step: None
    code, said = ask(fresh(make), prompts)
    assert code == 0, said
    seeds = [one["seed"] for one in fresh(make).library.history(ME)["items"]]
    assert len(seeds) == 5 and seeds.count(7) == seeds.count(8) == 1, (
        "the failed picture is drawn, the others not again"
    )


def test_a_line_names_adapters_as_the_api_does(make: Make, engine: PaintEngine, tmp_path: Path) -> None:
    engine.has = [AdapterInfo(name=name, title=name, fits=True, digest=lambda: "aa") for name in ("ink", "fur")]
    file = tmp_path / "prompts.txt"
    said = ['{"ink": 0.8, "fur": -1}', '[["ink", 0.8], ["fur", -1]]', '"ink 0.8, fur -1"', "null"]
    file.write_text("".join(f'{{"prompt": "a cat", "adapters": {one}}}\n' for one in said), encoding="utf-8")
    studio = make(start=False)
    code, told = ask(studio, file)
    assert code == 0, told
    items: Any = studio.library.history(ME)["items"]
    assert sorted(len(one["adapters"]) for one in items) == [0, 2, 2, 2]
    assert {(each["name"], each["weight"]) for one in items for each in one["adapters"]} == {
        ("ink", 0.8),
        ("fur", -1.0),
    }


def test_a_full_queue_is_waited_for(make: Make, prompts: Path) -> None:
    studio = make(start=False, bounds=Bounds(per_owner=1, total=1))
    assert ask(studio, prompts)[0] == 0 and total(studio) == 5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'a cat\n{"prompt": "a dog", "width": 1000}',
            "Line 2 of prompts.txt: width must be a multiple of 16 (got 1000).",
        ),
        ('{"prompt": ""}', "Line 1 of prompts.txt: prompt must not be empty"),
        ('{"seed": 3}', "Line 1 of prompts.txt: prompt must be a text (got nothing)."),
        ('{"prompt": "a", "adapters": "ink"}', "Line 1 of prompts.txt: adapters must be a name and a weight"),
        ('{"prompt": "a", "adapters": {"ink": 9}}', "Line 1 of prompts.txt: adapters must be from -4 to 4 (got 9)."),
        ('{"prompt": "a", "wings": 2}', "Line 1 of prompts.txt: wings must be one of adapters, cfg_normalization"),
    ],
)
def test_a_line_that_breaks_a_rule_is_named_before_anything_is_drawn(
    make: Make, tmp_path: Path, text: str, sentence: str
) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text(text, encoding="utf-8")
    studio = fresh(make)
    code, said = ask(studio, file)
    assert code == 2 and said[0].startswith(sentence)
    assert total(studio) == 0


def test_files_that_cannot_be_read_are_told(make: Make, tmp_path: Path) -> None:
    studio = fresh(make)
    assert ask(studio, tmp_path / "none.txt") == (
        2,
        [f"{tmp_path / 'none.txt'} cannot be read (No such file or directory)."],
    )
    latin = tmp_path / "latin.txt"
    latin.write_bytes("né".encode("latin-1"))
    assert ask(studio, latin) == (2, ["latin.txt is not UTF-8 text."])


def test_the_command_draws_with_pocket_and_leaves_the_history_to_the_page(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("two cats on a blue background\n三只兔子，紫色背景\n", encoding="utf-8")
    command = [sys.executable, "app.py", "batch", str(file), "--data", str(tmp_path / "data"), "--checkpoint", "pocket"]
    for expected in ("done in", "there already"):
        done = subprocess.run([*command, "--steps", "1"], cwd=ROOT, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(expected) == 2, done.stdout
        assert done.stdout.endswith("2 of 2 prompts are generated\n")
