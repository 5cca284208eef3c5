"""What a newcomer sees first: the studio as it starts, a wish in each language, and a picture that shows what was asked for."""

from __future__ import annotations

import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from pocket import judge


@pytest.mark.parametrize(
    ("prompt", "background", "things"),
    [
        ("three rabbits on a purple background", "plain purple", {"rabbit": 3}),
        ("三只兔子，紫色背景", "plain purple", {"rabbit": 3}),
        ("a rocket and two stars on a black background", "plain black", {"rocket": 1, "star": 2}),
    ],
)
def test_a_wish_is_reasoned_about_and_the_picture_shows_it(
    server: Any, prompt: str, background: str, things: dict[str, int]
) -> None:
    client = server.client()
    done = client.predict(prompt, seed=7, api_name="/generate")
    assert done["status"] == "done", done["error"]
    picture = done["pictures"][0]
    assert picture["original_prompt"] == prompt
    assert [step["name"] for step in picture["enhancement"]["steps"]] == ["keep", "solve", "compose", "text"]
    file = httpx.get(server.url + picture["url"], trust_env=False, timeout=60).content
    reading = judge.read(np.asarray(Image.open(io.BytesIO(file)).convert("RGB")))
    assert (str(reading.background), dict(reading.counts)) == (background, things), picture["prompt"]
