"""What a wish asks, and the answer to it in five sections: keep, solve, compose, text, prompt.

Every other module here makes wishes; this one writes all answers, so that they have one form. It knows no tokenizer and
no model; the system message is the enhancer's template file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pocket.captions import (
    capital,
    en_back,
    en_place,
    en_things,
    long_caption,
    zh_back,
    zh_place,
    zh_things,
)
from pocket.phrases import EN_STYLES, ZH_STYLES
from pocket.reading import Told, parse
from pocket.words import EN_PLURALS, ZH_COLOURS, ZH_NAMES, Language
from pocket.world import Background, Pattern, Scene, Style, legible_colours

TEMPLATES = Path(__file__).parent.parent.parent / "enhancer" / "templates"
SECTIONS = ("keep", "solve", "compose", "text", "prompt")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an answer may choose, and what it must not: all that is not open must be as in the dialogue's scene.

    Args:
        open: what the wish leaves to the answer: "background", "letters" (their colour), "words", "style", "size",
            "counts" and "kinds".
        between: for open counts, kinds with the least and the most of them.
        more: pairs of kinds, of which the first must be more than the second.
        kinds: the kinds that may be chosen where they are open; empty for any.
        no_kinds: kinds that must not be there.
        no_colours: colours that the background must not have.
    """

    open: frozenset[str] = frozenset()
    between: tuple[tuple[str, int, int], ...] = ()
    more: tuple[tuple[str, str], ...] = ()
    kinds: frozenset[str] = frozenset()
    no_kinds: frozenset[str] = frozenset()
    no_colours: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Dialogue:
    """A wish, its reasoned answer, the scene that the answer's prompt describes, and what the wish leaves open.

    `riddle` is the heads and legs of a riddle.
    """

    kind: str
    language: Language
    wish: str
    answer: str
    scene: Scene
    asked: Asked = Asked()
    riddle: tuple[int, int] | None = None


def system_message(language: Language) -> str:
    """The enhancer's system message for this miniature, as its template file has it."""
    return (TEMPLATES / f"pocket.{language}.txt").read_text(encoding="utf-8").strip()


_EN_LIGHT: dict[Pattern, str] = {
    "plain": "{a} behind, soft even light",
    "two-tone": "{a} above and {b} below, soft even light",
    "gradient": "{a} fading to {b}, soft light",
    "day sky": "bright daylight, pale clouds",
    "night sky": "deep blue night, small stars",
    "grass": "green grass, daylight",
    "sea": "blue waves, warm light",
}
_ZH_LIGHT: dict[Pattern, str] = {
    "plain": "背后{a}，光线柔和",
    "two-tone": "上{a}下{b}，光线柔和",
    "gradient": "{a}渐变到{b}，光线柔和",
    "day sky": "白天明亮，淡淡的云",
    "night sky": "深蓝夜色，点点星光",
    "grass": "绿草地，阳光明亮",
    "sea": "蓝色波浪，光线温暖",
}
_EN_LINES: dict[Style, str] = {
    "flat": "",
    "outlined": "thick outlines",
    "night": "a warm glow at night",
    "pencil": "grey pencil lines",
}
_ZH_LINES: dict[Style, str] = {"flat": "", "outlined": "粗描边", "night": "夜里暖光", "pencil": "灰色铅笔线"}


def _compose(scene: Scene, language: Language) -> str:
    """Arrangement, light and lines, as the world draws them."""
    chinese = language == "zh"
    words = [ZH_COLOURS[colour] if chinese else colour for colour in scene.background.colours]
    colours = dict(zip("ab", words, strict=False))
    place = (zh_place if chinese else en_place)(scene) or ("间距均匀" if chinese else "evenly spaced")
    light = (_ZH_LIGHT if chinese else _EN_LIGHT)[scene.background.pattern].format(**colours)
    lines = (_ZH_LINES if chinese else _EN_LINES)[scene.style]
    parts = [part for part in (place, light, lines) if part]
    return "；".join(parts) + "。" if chinese else capital("; ".join(parts)) + "."


def quoted(words: str, language: Language) -> str:
    return f"“{words}”" if language == "zh" else f'"{words}"'


def _text(scene: Scene, language: Language) -> str:
    """The words verbatim, their colour and place."""
    if scene.text is None:
        return "无" if language == "zh" else "none"
    words = quoted(scene.text.words, language)
    if language == "zh":
        return f"{words}，{ZH_COLOURS[scene.text.colour]}，在下方。"
    return f"{words}, {scene.text.colour}, below."


def answer(scene: Scene, language: Language, keep: str, solve: str) -> str:
    """The five sections; a heading stands on a line of its own."""
    bodies = (keep, solve, _compose(scene, language), _text(scene, language), long_caption(scene, language))
    return "\n".join(f"## {name}\n{body}" for name, body in zip(SECTIONS, bodies, strict=True))


def joined(parts: Iterable[str], language: Language) -> str:
    """What is kept, as a list: `three cats; red background`."""
    return ("；" if language == "zh" else "; ").join(part for part in parts if part)


def sentences(parts: Iterable[str], language: Language) -> str:
    """Sentences, which bring their own stops."""
    return ("" if language == "zh" else " ").join(part for part in parts if part)


def told_things(scene: Scene, language: Language) -> str:
    return zh_things(scene.things, size=scene.size) if language == "zh" else en_things(scene.things, size=scene.size)


def told_background(background: Background, language: Language) -> str:
    return zh_back(background) if language == "zh" else en_back(background)


def told_extras(scene: Scene, language: Language, *, letters: bool) -> list[str]:
    """Place, words (with their colour if that was told) and style, where the scene has them."""
    chinese = language == "zh"
    parts = [(zh_place if chinese else en_place)(scene)]
    if scene.text is not None:
        colour = ZH_COLOURS[scene.text.colour] if chinese else scene.text.colour
        words = quoted(scene.text.words, language)
        parts.append(words if not letters else f"{colour}{words}" if chinese else f"{colour} {words}")
    if scene.style != "flat":
        parts.append((ZH_STYLES if chinese else EN_STYLES)[scene.style][0])
    return parts


def named(kind: str, language: Language, count: int = 2) -> str:
    """A kind's name: plural in English unless there is one."""
    if language == "zh":
        return ZH_NAMES[kind][0]
    return kind if count == 1 else EN_PLURALS[kind]


def counts(scene: Scene, language: Language) -> str:
    """`Cats: 2. Dogs: 1.`"""
    if language == "zh":
        return "".join(f"{ZH_NAMES[kind][0]} {count}。" for kind, count in scene.things)
    return " ".join(f"{capital(EN_PLURALS[kind])}: {count}." for kind, count in scene.things)


def chosen_background(scene: Scene, language: Language) -> str:
    back = told_background(scene.background, language)
    return f"没有说背景，选{back}。" if language == "zh" else f"No background is named; chosen: {back}."


def chosen_letters(scene: Scene, language: Language) -> str:
    """Says which colour the letters get where the wish is silent: black or white, as can be read best."""
    if scene.text is None:
        return ""
    if language == "zh":
        return f"字选{ZH_COLOURS[scene.text.colour]}，看得清。"
    return f"Letters: {scene.text.colour}, easy to read."


def letters_told(wish: str, scene: Scene) -> bool:
    """Whether a wish tells the colour of its letters; raises ValueError where it then tells another than the scene's."""
    if scene.text is None:
        return False
    colour = parse(wish).letters
    usual = legible_colours(scene.background, scene.style)[0]
    if (colour or usual) != scene.text.colour:
        raise ValueError(f"a wish must tell its letters' colour, {scene.text.colour}; got {wish!r}")
    return colour is not None


def read_sections(text: str) -> dict[str, str] | None:
    """An answer's sections by name, or None where it has not exactly the five in order, each with something in it."""
    lines = text.strip().split("\n")
    heads = [number for number, line in enumerate(lines) if line.startswith("## ")]
    if [lines[number] for number in heads] != [f"## {name}" for name in SECTIONS] or heads[0] != 0:
        return None
    ends = (*heads[1:], len(lines))
    bodies = ["\n".join(lines[start + 1 : end]).strip() for start, end in zip(heads, ends, strict=True)]
    return dict(zip(SECTIONS, bodies, strict=True)) if all(bodies) else None


def read_prompt(text: str) -> Told | None:
    """What the final prompt of an answer tells, or None where the answer has not the five sections in order."""
    sections = read_sections(text)
    return None if sections is None else parse(sections["prompt"])
