"""The README's gallery of Pocket's pictures: `python -m docs.gallery`.

Asks a real studio as a program would, wish by wish, puts the pictures side by side into docs/pictures/pocket.png, the riddle's
picture into docs/pictures/riddle.png, and writes wishes and the riddle's reasoning into the README between its marks.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from bench.serving import last_of, studio

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
MARK = "gallery"
COLUMNS = 4
SIDE, GAP = 256, 12
"""A picture is shown at so many pixels, with so many between two."""
GROUND = (24, 24, 27)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked, and the seed it is drawn with."""

    prompt: str
    seed: int


RIDDLE = Wish(prompt="Chickens and rabbits sit in one cage: 4 heads and 14 legs. How many of each?", seed=7)
WISHES = (
    Wish(prompt="three rabbits on a purple background", seed=3),
    Wish(prompt="a cat to the left of a rocket, night sky", seed=1),
    Wish(prompt="two pandas and a bamboo on the grass", seed=4),
    Wish(prompt="a lion, in a pencil drawing style", seed=2),
    Wish(prompt='two hearts on a pink background, with the word "LOVE"', seed=5),
    Wish(prompt="一条龙，红色背景，写着“新年快乐”", seed=6),
    Wish(prompt="举头望明月，低头思故乡", seed=8),
    Wish(prompt="two more cats than dogs, and there is one dog", seed=9),
    Wish(prompt="a small boat on the sea", seed=10),
    Wish(prompt="五颗草莓排成一排，黄色背景", seed=11),
    Wish(prompt="something cute", seed=12),
    Wish(prompt="a fox and an owl at night, no cars", seed=13),
)


def sheet(images: Sequence[Image.Image]) -> Image.Image:
    """The pictures side by side, each about SIDE x SIDE pixels, COLUMNS in a row."""
    rows = -(-len(images) // COLUMNS)
    each = SIDE + GAP
    whole = Image.new("RGB", (COLUMNS * each + GAP, rows * each + GAP), GROUND)
    for number, image in enumerate(images):
        shown = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        whole.paste(shown, (GAP + number % COLUMNS * each, GAP + number // COLUMNS * each))
    return whole


def section(riddle: dict[str, Any]) -> str:
    """What the README says below the pictures: the wishes in their order, and how the riddle was reasoned about."""
    lines = ["![Twelve pictures by Pocket](docs/pictures/pocket.png)", ""]
    for start in range(0, len(WISHES), COLUMNS):
        lines.append(" · ".join(f"`{wish.prompt}`" for wish in WISHES[start : start + COLUMNS]) + "  ")
    lines += ["", "| `" + RIDDLE.prompt + "` | |", "|---|---|"]
    steps = [f"**{step['name']}** {step['text']}" for step in riddle["enhancement"]["steps"] if step["text"]]
    reasoning = "<br>".join(" ".join(step.split()) for step in (*steps, f"**prompt** {riddle['prompt']}"))
    lines.append(f"| ![The answer](docs/pictures/riddle.png) | {reasoning.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def put(body: str) -> None:
    """Writes the section between its marks in the README. Raises ValueError where the README has no such marks."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    begin, end = f"<!-- {MARK} -->", f"<!-- /{MARK} -->"
    if begin not in text or end not in text:
        raise ValueError(f"README.md must have the marks {begin} and {end}; it has not both")
    before, after = text.split(begin, 1)[0], text.split(end, 1)[1]
    readme.write_text(f"{before}{begin}\n{body}\n{end}{after}", encoding="utf-8")


def main() -> None:
    """Ask, draw, and write."""
    import httpx

    PICTURES.mkdir(exist_ok=True)
    with studio() as url, httpx.Client(base_url=url, trust_env=False, timeout=300) as client:

        def asked(wish: Wish) -> tuple[Image.Image, dict[str, Any]]:
            picture: dict[str, Any] = last_of(client, "generate", prompt=wish.prompt, seed=wish.seed)["pictures"][0]
            print(f"{wish.prompt}: {picture['prompt']}", flush=True)
            return Image.open(io.BytesIO(client.get(picture["url"]).raise_for_status().content)), picture

        sheet([asked(wish)[0] for wish in WISHES]).save(PICTURES / "pocket.png", optimize=True)
        image, riddle = asked(RIDDLE)
    image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(PICTURES / "riddle.png", optimize=True)
    put(section(riddle))


if __name__ == "__main__":
    main()
