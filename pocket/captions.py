"""Captions of scenes in English and Chinese, short ones as people write them and the long one that Pocket writes.

A caption tells everything that is not as usual; where it is silent there is one usual way. It knows no pixels and no
model; reading.py reads captions back.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from pocket.phrases import (
    EN_BACKS,
    EN_GROUNDS,
    EN_ORDERS,
    EN_PLACES,
    EN_RELATIONS,
    EN_STYLES,
    EN_TEXTS,
    EN_TEXTS_SILENT,
    ZH_BACKS,
    ZH_INSIDE,
    ZH_ORDERS,
    ZH_PLACES,
    ZH_RELATIONS,
    ZH_STYLES,
    ZH_TEXTS,
    ZH_TEXTS_SILENT,
)
from pocket.words import (
    EN_OTHER_COLOURS,
    EN_SIZES,
    ZH_COLOURS,
    ZH_OTHER_COLOURS,
    ZH_SIZES,
    Language,
    en_arrangement,
    en_thing,
    zh_arrangement,
    zh_thing,
)
from pocket.world import KIND, Background, Scene, Size, legible_colours

LONG_SHARE = 0.25
"""The part of training's captions that have the long form."""
OTHER_NAME = 0.15
"""How often a short caption calls a kind or a colour by another name."""

Things = Sequence[tuple[str, int]]


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _one(rng: Random | None, phrases: Sequence[str]) -> str:
    """The canonical phrase, or with `rng` any of them."""
    return phrases[0] if rng is None else rng.choice(phrases)


def en_parts(things: Things, rng: Random | None = None, size: Size = "usual") -> list[str]:
    """Each kind with its count: `two rabbits`; with `rng` also digits, articles, other names and size words."""
    digits = rng is not None and rng.random() < 0.2
    word = _one(rng, EN_SIZES[size])
    parts = []
    for kind, count in things:
        number, name = (str(count) if digits else None), None
        if rng is not None and count == 1 and rng.random() < 0.5:
            number = "a"
        if rng is not None and KIND[kind].others and rng.random() < OTHER_NAME:
            name = rng.choice(KIND[kind].others)
        parts.append(en_thing(kind, count, number, word, name))
    return parts


def zh_parts(things: Things, rng: Random | None = None, size: Size = "usual") -> list[str]:
    """Each kind with its count: `两只兔子`; with `rng` also digits, 二, other classifiers, names and size words."""
    digits = rng is not None and rng.random() < 0.2
    word = _one(rng, ZH_SIZES[size])
    parts = []
    for kind, count in things:
        own = KIND[kind].classifiers
        number, name, classifier = (str(count) if digits else None), None, own[0]
        if rng is not None:
            if count == 2 and not digits and rng.random() < 0.1:
                number = "二"
            if KIND[kind].zh_others and rng.random() < OTHER_NAME:
                name = rng.choice(KIND[kind].zh_others)
            classifier = rng.choice((own[0], own[0], own[-1], "个"))
        parts.append(zh_thing(kind, count, number, classifier, word, name))
    return parts


def en_things(things: Things, rng: Random | None = None, size: Size = "usual") -> str:
    """`two rabbits and one chicken`; with `rng` in other words and joined in other ways."""
    parts = en_parts(things, rng, size)
    if len(parts) == 3:
        return f"{parts[0]}, {parts[1]} and {parts[2]}"
    return (" and " if rng is None else rng.choice((" and ", " and ", " and ", ", ", " with ", " next to "))).join(
        parts
    )


def zh_things(things: Things, rng: Random | None = None, size: Size = "usual") -> str:
    """`两只兔子和一只鸡`; with `rng` in other words and joined in other ways."""
    parts = zh_parts(things, rng, size)
    if len(parts) == 3:
        return f"{parts[0]}、{parts[1]}和{parts[2]}"
    return ("和" if rng is None else rng.choice(("和", "和", "和", "、", "与", "，"))).join(parts)


def _en_colours(background: Background, rng: Random | None) -> dict[str, str]:
    words = []
    for colour in background.colours:
        others = [word for word, meant in EN_OTHER_COLOURS.items() if meant == colour]
        words.append(rng.choice(others) if rng is not None and others and rng.random() < OTHER_NAME else colour)
    return dict(zip("ab", words, strict=False))


def _zh_colours(background: Background, rng: Random | None) -> dict[str, str]:
    words = []
    for colour in background.colours:
        others = [word for word, meant in ZH_OTHER_COLOURS.items() if meant == colour]
        other = rng is not None and background.pattern == "plain" and others and rng.random() < OTHER_NAME
        words.append(rng.choice(others) if rng is not None and other else ZH_COLOURS[colour])
    return dict(zip("ab", words, strict=False))


def en_ground(background: Background, rng: Random | None = None) -> str:
    """`on a plain red background`; with `rng` in other words."""
    return _one(rng, EN_GROUNDS[background.pattern]).format(**_en_colours(background, rng))


def en_back(background: Background, rng: Random | None = None) -> str:
    """`red background`; with `rng` in other words."""
    return _one(rng, EN_BACKS[background.pattern]).format(**_en_colours(background, rng))


def zh_back(background: Background, rng: Random | None = None) -> str:
    """`纯红色背景`; with `rng` in other words."""
    return _one(rng, ZH_BACKS[background.pattern]).format(**_zh_colours(background, rng))


def _names(things: Things, language: Language) -> list[str]:
    if language == "zh":
        return [KIND[kind].zh for kind, _ in things]
    return [kind if count == 1 else KIND[kind].plural for kind, count in things]


def en_place(scene: Scene, rng: Random | None = None) -> str:
    """How a scene's arrangement is told after its things, `the cats left of the rocket`; empty where it is the usual one."""
    if scene.rows is not None:
        return "in a row" if rng and len(scene.rows) == 1 and rng.random() < 0.4 else en_arrangement(scene.rows)
    if scene.place is not None:
        return _one(rng, EN_PLACES[scene.place])
    if scene.relation is None:
        return ""
    if len(scene.things) == 3:
        return EN_ORDERS[scene.relation] if scene.relation in EN_ORDERS else _en_chain(scene)
    first, second = _names(scene.things, "en")
    return f"the {first} {_one(rng, EN_RELATIONS[scene.relation])} the {second}"


def _en_chain(scene: Scene) -> str:
    """Three kinds, each against the next."""
    assert scene.relation is not None
    between = EN_RELATIONS[scene.relation][0]
    return f" {between} ".join(f"the {name}" for name in _names(scene.things, "en"))


def zh_place(scene: Scene, rng: Random | None = None) -> str:
    """How a scene's arrangement is told after its things, `猫在火箭左边`; empty where it is the usual one."""
    if scene.rows is not None:
        return zh_arrangement(scene.rows)
    if scene.place is not None:
        return _one(rng, ZH_PLACES[scene.place])
    if scene.relation is None:
        return ""
    names = _names(scene.things, "zh")
    if len(names) == 3 and scene.relation in ZH_ORDERS:
        return ZH_ORDERS[scene.relation] + "排列"
    word = _one(rng, ZH_RELATIONS[scene.relation])
    return "，".join(f"{names[i]}在{names[i + 1]}{word}" for i in range(len(names) - 1))


def _text(scene: Scene, language: Language, rng: Random | None = None) -> str:
    """How the scene's words are told; the colour may be left out where it is the usual one."""
    text = scene.text
    if text is None:
        return ""
    usual = text.colour == legible_colours(scene.background, scene.style)[0]
    silent = rng is not None and usual and rng.random() < 0.6
    if language == "zh":
        written = _one(rng, ZH_TEXTS_SILENT if silent else ZH_TEXTS).format(w=text.words, c=ZH_COLOURS[text.colour])
        return written.replace("“", '"').replace("”", '"') if rng is not None and rng.random() < 0.3 else written
    written = _one(rng, EN_TEXTS_SILENT if silent else EN_TEXTS).format(w=text.words, c=text.colour)
    if rng is not None and rng.random() < 0.15:
        return written.replace(f'"{text.words}"', f"“{text.words}”")
    return written


def _extras(scene: Scene, language: Language, rng: Random | None = None) -> list[str]:
    """What stands after the rest: words and style."""
    styles = EN_STYLES if language == "en" else ZH_STYLES
    told = scene.style != "flat" or (rng is not None and rng.random() < 0.04)
    return [part for part in (_text(scene, language, rng), _one(rng, styles[scene.style]) if told else "") if part]


def _en_body(scene: Scene, rng: Random) -> str:
    """Things with their arrangement, in one of several ways."""
    if scene.relation is not None and (len(scene.things) == 2 or scene.relation not in EN_ORDERS):
        if len(scene.things) == 2 and rng.random() < 0.2:
            return f"{en_things(scene.things, rng, scene.size)}, {en_place(scene, rng)}"
        between = rng.choice(EN_RELATIONS[scene.relation])
        return f" {between} ".join(en_parts(scene.things, rng, scene.size))
    things, place = en_things(scene.things, rng, scene.size), en_place(scene, rng)
    return f"{things} {place}" if place else things


def _en_short(scene: Scene, rng: Random) -> str:
    body = _en_body(scene, rng)
    ground, back = en_ground(scene.background, rng), en_back(scene.background, rng)
    article = "an" if back[0] in "aeiou" else "a"
    form = rng.randrange(12)
    if form < 6:
        text = f"{body} {ground}"
    elif form == 6:
        text = f"{article} {back} with {body}"
    elif form == 7:
        text = f"{back}, {body}"
    elif form == 8:
        text = f"{body}, {back}"
    elif form == 9:
        text = f"{ground}, {body}"
    elif form == 10:
        text = f"a picture of {body} {ground}"
    else:
        text = f"{article} {back}, {body}"
    for part in _extras(scene, "en", rng):
        text += (" " if part.startswith(("with", "that", "and")) and rng.random() < 0.6 else ", ") + part
    return text


def _zh_body(scene: Scene, rng: Random) -> str:
    if scene.relation is not None:
        if len(scene.things) == 2 and rng.random() < 0.75:
            first, second = zh_parts(scene.things, rng, scene.size)
            return f"{first}在{second}{rng.choice(ZH_RELATIONS[scene.relation])}"
        if len(scene.things) == 3 and scene.relation in ZH_ORDERS and rng.random() < 0.4:
            return f"{ZH_ORDERS[scene.relation]}是{zh_things(scene.things, rng, scene.size)}"
    things, place = zh_things(scene.things, rng, scene.size), zh_place(scene, rng)
    joint = "" if place.startswith(("在", "位于", "排成")) and rng.random() < 0.7 else "，"
    return f"{things}{joint}{place}" if place else things


def _zh_short(scene: Scene, rng: Random) -> str:
    body, back = _zh_body(scene, rng), zh_back(scene.background, rng)
    inside = ZH_INSIDE.get(scene.background.pattern, "上")
    if "背景" in back:
        inside = "上"
    form = rng.randrange(10)
    simple = scene.relation is None and scene.rows is None and scene.place is None
    if form < 3:
        text = f"{body}，{back}"
    elif form < 5:
        text = f"{back}{inside}有{body}"
    elif form == 5:
        text = f"{back}，{body}"
    elif form == 6 and simple:
        text = f"{body}在{back}{inside}"
    elif form == 7 and simple:
        text = f"{back}{inside}的{body}"
    elif form == 8:
        text = f"画面上有{body}，背景是{back}"
    else:
        text = f"一张图：{body}，{back}"
    return "，".join((text, *_extras(scene, "zh", rng)))


def short_caption(scene: Scene, language: Language, rng: Random) -> str:
    """A caption as a person would write it, in one of many forms."""
    if language == "zh":
        return _zh_short(scene, rng) + ("。" if rng.random() < 0.2 else "")
    text = _en_short(scene, rng)
    return (capital(text) if rng.random() < 0.3 else text) + ("." if rng.random() < 0.2 else "")


def long_caption(scene: Scene, language: Language) -> str:
    """The form in which Pocket's language model writes its final prompt: one for each scene and language."""
    if language == "zh":
        parts = [zh_things(scene.things, size=scene.size), zh_place(scene), zh_back(scene.background)]
        return "，".join(part for part in (*parts, *_extras(scene, "zh")) if part) + "。"
    things = f"{capital(en_things(scene.things, size=scene.size))} {en_ground(scene.background)}"
    return ", ".join(part for part in (things, en_place(scene), *_extras(scene, "en")) if part) + "."


def caption(scene: Scene, language: Language, rng: Random) -> str:
    """A caption for the transformer's training: short or long."""
    return long_caption(scene, language) if rng.random() < LONG_SHARE else short_caption(scene, language, rng)
