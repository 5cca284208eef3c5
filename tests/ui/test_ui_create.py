"""What the page is made of, without a browser: the form's values, the words, the colours, and that nothing comes from elsewhere."""

from __future__ import annotations

import json
import re
import time
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from locales import load, text
from storage.repositories.trash import DAYS
from studio.domain import adapter_text
from studio.domain.request import GenerationRequest
from studio.engine.base import AdapterInfo
from studio.errors import InvalidRequest
from studio.ui import page
from studio.ui.page import head
from studio.ui.scripts import ASSETS, files
from studio.ui.views import adapters_field, form_values

VALUES = (
    "two cats",
    True,
    "",
    1.0,
    128.0,
    128.0,
    8.0,
    0.0,
    "",
    "pocket",
    3.0,
    1.0,
    False,
    "",
    "auto",
    "",
    "",
    False,
    *[""] * (len(form_values.FIELDS) - 18),  # what most pictures have nothing of
)
SCRIPTS = sorted(ASSETS.glob("*/*.js"))
STYLES = sorted(ASSETS.glob("*/*.css"))


def asked(values: tuple[Any, ...], **instead: object) -> SimpleNamespace:
    """The API's parameters of the form's values."""
    return SimpleNamespace(**form_values.request_from_form(values, **instead).flatten())


def test_a_form_becomes_a_wish() -> None:
    wish = asked(VALUES)
    assert (wish.prompt, wish.enhance, wish.seed, wish.count) == ("two cats", True, None, 1)
    assert (wish.width, wish.height, wish.steps, wish.guidance) == (128, 128, 8, 0.0)
    assert isinstance(wish.width, int) and wish.checkpoint == "pocket"


@pytest.mark.parametrize(
    ("typed", "seed"),
    [
        ("", None),
        ("  ", None),
        (None, None),
        ("7", 7),
        ("4 017 733", 4017733),
        ("4\u202f017\u202f733", 4017733),
        (12, 12),
    ],
)
def test_a_seed_is_read_as_people_write_it(typed: object, seed: int | None) -> None:
    assert form_values.seed(typed) == seed


@pytest.mark.parametrize("typed", ["seven", "-1", "1.5", "1e3", "٣", "9007199254740992", "9" * 30, ["7"]])
def test_what_is_no_seed_is_refused_by_name(typed: object) -> None:
    with pytest.raises(InvalidRequest, match=r"^seed must be"):
        asked((VALUES[0], VALUES[1], typed, *VALUES[3:]))


@pytest.mark.parametrize(
    ("place", "name", "value"), [(3, "count", 1.5), (3, "count", 65), (4, "width", 1000.0), (6, "steps", 0.0)]
)
def test_a_broken_rule_is_named(place: int, name: str, value: float) -> None:
    values = [*VALUES]
    values[place] = value
    with pytest.raises(InvalidRequest, match=f"^{name} must be"):
        asked(tuple(values))


def test_what_a_script_says_goes_before_the_form() -> None:
    wish = asked(VALUES, prompt="edited", enhancement="abc")
    assert (wish.prompt, wish.enhancement, wish.count) == ("edited", "abc", 1)


def test_the_words_over_the_trash_tell_the_time_that_it_is_kept() -> None:
    for language in ("en", "zh"):
        assert f" {DAYS} " in text("gallery.trash_days", language)


def test_scripts_use_only_texts_that_exist() -> None:
    keys = {key for path in SCRIPTS for key in re.findall(r"""\bt\(\s*"([a-z_.]+)\"""", path.read_text("utf-8"))}
    assert len(keys) > 200, "few keys were found: do the scripts name texts in another way?"
    for texts in page.texts().values():
        assert keys <= texts.keys()


def test_the_head_loads_every_script_and_nothing_from_another_host() -> None:
    found = head()
    for path in STYLES:
        assert path.read_text("utf-8")[:200] in found, path.name
    assert len(files()) == len(SCRIPTS)
    for address in files():
        assert f' href="{address}">' in found
    assert found.count('<script type="module"') == 1
    everything = found + "".join(content.decode() for content in files().values())
    hosts = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}", re.sub(r"(?m)^\s*//.*$", "", everything)))
    assert hosts <= {"http://www.w3.org"}
    texts = re.search(r'<script type="application/json" id="texts">(.*?)</script>', found)
    assert texts is not None and json.loads(texts[1]) == page.texts()


def test_scripts_never_make_markup_or_code_from_text() -> None:
    traps = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|\bFunction\(|srcdoc|DOMParser"
    for path in SCRIPTS:
        assert not re.search(traps, path.read_text("utf-8")), path.name


def test_templates_hold_nothing_to_fill_in() -> None:
    from studio.ui.views.header import TEMPLATE

    assert "${" not in TEMPLATE and "{{" not in TEMPLATE


def test_launch_has_none_of_gradios_extras() -> None:
    found = page.launch_kwargs()
    assert found["run_history"] is False and found["footer_links"] == ["api"]
    assert isinstance(found["theme"], gr.themes.Base)
    css = found["theme"]._get_theme_css()
    assert "fonts.googleapis" not in css and "#f97316" not in css


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def tokens(light: bool) -> dict[str, str]:
    """The colours of tokens.css that are written as #rrggbb."""
    first, rest = (ASSETS / "shared" / "tokens.css").read_text("utf-8").split(":root.dark", 1)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", first))
    return found if light else found | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", rest))


@pytest.mark.parametrize("light", [True, False], ids=["light", "dark"])
def test_text_can_be_read(light: bool) -> None:
    colours = tokens(light)
    for name in ("text", "soft", "faint", "added"):
        for ground in ("room", "wall", "raised"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for ground in ("seal-fill", "seal-hover"):
        assert contrast(colours["seal-ink"], colours[ground]) >= 4.5, ground
    for ground in ("room", "wall", "raised"):
        assert contrast(colours["seal"], colours[ground]) >= 3, ground  # rings and borders


def test_colours_have_names() -> None:
    for path in STYLES:
        if path.name != "tokens.css":
            assert set(re.findall(r"#[0-9a-f]{3,8}\b(?=[;\s,)])", path.read_text("utf-8"))) <= {"#fff"}, path.name


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": "  "},
        {"prompt": "x" * 20_001},
        {"width": 1000},
        {"width": 4096},
        {"steps": 2.5},
        {"count": None},
        {"seed": "abc"},
        {"guidance": "much"},
        {"guidance": 21},
        {"strength": 0.5},
        {"source": "p1", "strength": 1},
        {"source": "p1", "strength": 0},
        {"adapters": [("ink", 0)]},
        {"adapters": [("ink", 9)]},
        {"adapters": [("ink", None)]},
        {"adapters": ["ink"]},
        {"adapters": [("ink", 1), ("ink", 2)]},
        {"adapters": [("ink", 1)] * 9},
    ],
    ids=str,
)
def test_a_refusal_is_known_in_chinese(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        GenerationRequest.of(**{"prompt": "a cat", **wrong})
    chinese = refusal.value.message.in_language("zh")
    assert load("zh")[f"parameter.{refusal.value.name}"] in chinese and "must" not in chinese


def test_how_the_reasoning_is_steered_becomes_a_part_of_the_wish() -> None:
    steered = (*VALUES[:13], "pencil", "auto", "two, cats，", "", True, *VALUES[18:])
    wish = asked(steered)
    assert (wish.style, wish.locks, wish.template, wish.spread) == ("pencil", ("two", "cats"), None, True)
    plain = asked(steered, enhance=False)
    assert (plain.style, plain.locks, plain.spread) == ("pencil", (), False)
    kept = asked(steered, prompt="as it is", enhancement="abc")
    assert (kept.style, kept.locks, kept.spread) == (None, (), False)
    assert asked(steered, prompt="as it is", enhance=False, enhancement=None).style is None
    with pytest.raises(InvalidRequest, match="locks must be words of the prompt"):
        asked((*VALUES[:15], "three", "", False, *VALUES[18:]))


def test_what_a_picture_begins_with_comes_from_two_hidden_fields() -> None:
    said = lambda source, strength: asked(  # noqa: E731
        tuple(
            {"source": source, "strength": strength}.get(name, value)
            for name, value in zip(form_values.FIELDS, VALUES, strict=True)
        )
    )
    begun = said("ab" * 32, "0.35")
    assert (begun.source, begun.strength) == ("ab" * 32, 0.35) and said("p1", "").strength is None
    assert (said("", "0.6").source, said("", "0.6").strength) == (None, None)
    for wrong in ("much", "1", "0", "-0.5", "0.5.5"):
        with pytest.raises(InvalidRequest, match="strength must be"):
            said("p1", wrong)


def test_adapters_are_typed_as_names_and_weights() -> None:
    place = form_values.FIELDS.index("adapters")
    typed = lambda text: asked((*VALUES[:place], text, *VALUES[place + 1 :])).adapters  # noqa: E731
    assert typed("ink 0.8, fur -0.5") == (("ink", 0.8), ("fur", -0.5)) and typed("") == typed(None) == ()
    assert typed("a, b 2 .5，c 1;") == (("a, b 2", 0.5), ("c", 1.0)), "names are those of files, and may be anything"
    assert typed({"ink": 1}) == typed([["ink", 1]]) == (("ink", 1),)
    assert (
        adapter_text.format_adapters([{"name": "ink", "weight": 0.8, "sha256": ""}, {"name": "a, b 2", "weight": -1.0}])
        == '[["ink",0.8],["a, b 2",-1]]'
    )
    for pairs in ([("a, b 2", -1.0), ("ink", 0.123456789)], [("a 1, b", 1.0)], [("[ink]", 1.0)], [('"}', 2.0)]):
        assert typed(adapter_text.format_adapters(pairs)) == tuple(pairs)
    assert (
        adapter_text.format_adapters([])
        == adapter_text.format_adapters([("ink", float("nan"))])
        == adapter_text.format_adapters(None)
        == ""
    )
    assert typed('{"ink": 0.8}') == (("ink", 0.8),) and typed("[ink] 0.8, {fur} 1") == (("[ink]", 0.8), ("{fur}", 1.0))
    for wrong in ("ink", "0.8", "ink 0", "ink 5", "ink 0.5 0", "ink 1, ink 1", "ink 1e9", [["ink"]], 7,
                  '[["ink", NaN]]', "[5]", "[[]]", "[" * 5000, "{" * 5001):  # fmt: skip
        with pytest.raises(InvalidRequest, match="adapters"):
            typed(wrong)


@pytest.mark.parametrize(
    "text", ["1 " * 12_000 + "b", "1 " * 2_499 + "b", " " * 4_999 + "b", "1," * 2_499 + "b", "a " * 2_499]
)
def test_a_long_choice_of_adapters_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    with pytest.raises(InvalidRequest, match="adapters must"):
        adapter_text.parse_adapters(text)
    assert time.process_time() - began < 0.1


def test_another_model_keeps_the_adapters_that_fit_it() -> None:
    class Here:
        def adapters(self, checkpoint: str) -> list[AdapterInfo]:
            return [AdapterInfo(name=name, title=name, fits=name != "wide", digest=str) for name in ("a 1, b", "wide")]

    here: Any = SimpleNamespace(checkpoints=Here())
    assert adapters_field.fitting(here, "pocket", '[["a 1, b",0.5],["wide",1],["gone",1]]') == '[["a 1, b",0.5]]'
    for odd in ("[[]]", "[5]", "[[[], 1]]", "ink", "", None, 7, '[["wide",1]]'):
        assert adapters_field.fitting(here, "pocket", odd) == ""


def test_a_variation_is_typed_as_seeds_and_strengths() -> None:
    place = form_values.FIELDS.index("variation_of")
    typed = lambda text: asked((*VALUES[:place], text, *VALUES[place + 1 :])).variation_of  # noqa: E731
    assert typed("42 0.3") == ((42, 0.3),) and typed(" 42 .5，7 1 ") == ((42, 0.5), (7, 1.0)) and typed("") == ()
    assert form_values.format_variations([[42, 0.3], [7, 0.25]]) == "42 0.3, 7 0.25" and typed(
        form_values.format_variations([[42, 0.25]])
    ) == ((42, 0.25),)
    for wrong in ("42", "cat 0.3", "42 0", "42 1.5", "42 0.3 7", "-1 0.3", ",".join(["1 0.5"] * 9)):
        with pytest.raises(InvalidRequest, match="variation_of"):
            typed(wrong)
