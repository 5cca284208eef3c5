"""Wishes and the reasoned answers that Pocket's language model learns: keep, solve, compose, text, prompt.

A wish is what a person types: a plain caption, one with something left out, a sum, a riddle. The answer has the
enhancer's own section names. It knows no tokenizer and no model; the system message is the enhancer's template file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pocket.captions import capital, en_things, long_caption, parse, short_caption, zh_things
from pocket.words import (
    EN_NUMBERS,
    EN_PLURALS,
    ZH_COLOURS,
    ZH_NAMES,
    ZH_NUMBERS,
    Language,
    en_arrangement,
    en_thing,
    zh_arrangement,
    zh_thing,
)
from pocket.world import BACKGROUNDS, KINDS, Scene, draw_scene, row_choices

TEMPLATES = Path(__file__).parent.parent / "enhancer" / "templates"
SECTIONS = ("keep", "solve", "compose", "text", "prompt")


@dataclass(frozen=True, kw_only=True)
class Dialogue:
    """A wish, its reasoned answer, and the scene that the answer's prompt describes."""

    kind: str
    language: Language
    wish: str
    answer: str
    scene: Scene


def system_message(language: Language) -> str:
    """The enhancer's system message for this miniature, as its template file has it."""
    return (TEMPLATES / f"pocket.{language}.txt").read_text(encoding="utf-8").strip()


def _answer(scene: Scene, language: Language, rng: Random, keep: str, solve: str) -> str:
    rows = rng.choice(row_choices(scene.total))
    if language == "zh":
        colour = ZH_COLOURS[scene.background]
        compose = f"{zh_arrangement(rows)}，间距均匀；背景为纯{colour}，光线柔和均匀。"
        text = "无"
    else:
        compose = (
            f"{capital(en_arrangement(rows))}, even gaps; one plain {scene.background} colour behind, soft even light."
        )
        text = "none"
    prompt = long_caption(scene, language, rows)
    bodies = (keep, solve, compose, text, prompt)
    return "\n".join(f"## {name}\n{body}" for name, body in zip(SECTIONS, bodies, strict=True))


def _told(scene: Scene, language: Language, *, colour: bool) -> str:
    """What must survive: subjects with counts, and the colour if the wish named one."""
    if language == "zh":
        return zh_things(scene.things) + (f"；{ZH_COLOURS[scene.background]}背景" if colour else "")
    return en_things(scene.things) + (f"; {scene.background} background" if colour else "")


def _counts(scene: Scene, language: Language) -> str:
    if language == "zh":
        return "，".join(f"{ZH_NAMES[kind][0]} {count}" for kind, count in scene.things) + "。"
    return capital(", ".join(f"{EN_PLURALS[kind]}: {count}" for kind, count in scene.things)) + "."


def _colour(scene: Scene, language: Language, *, named: bool) -> str:
    if language == "zh":
        word = ZH_COLOURS[scene.background]
        return f"背景{word}。" if named else f"没有说背景，选{word}。"
    return f"Background: {scene.background}." if named else f"No background was named: {scene.background} is chosen."


EN_POLITE = (
    "draw {}",
    "draw me {}",
    "please draw {}",
    "{} please",
    "{}, please",
    "I want {}",
    "I would like {}",
    "make a picture of {}",
    "show me {}",
    "can you draw {}?",
    "paint {}",
    "an image of {}",
)
ZH_POLITE = (
    "画{}",
    "请画{}",
    "我想要{}",
    "给我画{}",
    "帮我画{}",
    "请给我{}",
    "来一张：{}",
    "我要{}",
    "画一张图：{}",
)


def _polite(wish: str, language: Language, rng: Random) -> str:
    if rng.random() < 0.55:
        return wish
    if language == "zh":
        return rng.choice(ZH_POLITE).format(wish)
    wish = wish.removesuffix(".")
    text = rng.choice(EN_POLITE).format(wish[:1].lower() + wish[1:])
    return capital(text) if rng.random() < 0.3 else text


def plain(language: Language, rng: Random, *, held_out: bool = False) -> Dialogue:
    """A complete wish: kinds, counts and background are named."""
    scene = draw_scene(rng, held_out=held_out)
    if rng.random() < 0.12:
        wish = long_caption(scene, language, rng.choice(row_choices(scene.total)), light=rng.random() < 0.7)
    else:
        wish = _polite(short_caption(scene, language, rng), language, rng)
    solve = _counts(scene, language) + (" " if language == "en" else "") + _colour(scene, language, named=True)
    answer = _answer(scene, language, rng, _told(scene, language, colour=True), solve)
    return Dialogue(kind="plain", language=language, wish=wish, answer=answer, scene=scene)


def without_background(language: Language, rng: Random, *, held_out: bool = False) -> Dialogue:
    """A wish that names no background: one is chosen, and that is said."""
    scene = draw_scene(rng, held_out=held_out)
    wish = en_things(scene.things, rng) if language == "en" else zh_things(scene.things, rng)
    gap = " " if language == "en" else ""
    solve = _counts(scene, language) + gap + _colour(scene, language, named=False)
    answer = _answer(scene, language, rng, _told(scene, language, colour=False), solve)
    return Dialogue(kind="background", language=language, wish=_polite(wish, language, rng), answer=answer, scene=scene)


def without_count(language: Language, rng: Random, *, held_out: bool = False) -> Dialogue:
    """A wish that says `some rabbits` or `rabbits`: a count is chosen, and that is said."""
    while True:
        scene = draw_scene(rng, held_out=held_out)
        kind, count = scene.things[0]
        if len(scene.things) == 1 and (count > 1 or language == "zh"):
            break
    named = rng.random() < 0.6
    if language == "zh":
        name, colour = ZH_NAMES[kind][0], ZH_COLOURS[scene.background]
        things = rng.choice(("{}", "一些{}", "几个{}", f"几{ZH_NAMES[kind][1][0]}{{}}")).format(name)
        wish = rng.choice(("{things}，{colour}背景", "{colour}背景上的{things}", "{colour}背景上有{things}"))
        wish = wish.format(things=things, colour=colour) if named else things
        keep = name + (f"；{colour}背景" if named else "")
        solve = f"没有说数量，选 {count}。" + _colour(scene, language, named=named)
    else:
        name = EN_PLURALS[kind]
        things = rng.choice(("{}", "some {}", "a few {}")).format(name)
        wish = rng.choice(("{things} on a {colour} background", "{things}, {colour} background"))
        wish = wish.format(things=things, colour=scene.background) if named else things
        keep = name + (f"; {scene.background} background" if named else "")
        solve = f"No count was named: {count} is chosen. " + _colour(scene, language, named=named)
    answer = _answer(scene, language, rng, keep, solve)
    return Dialogue(kind="count", language=language, wish=_polite(wish, language, rng), answer=answer, scene=scene)


def _solved(
    kind: str, language: Language, rng: Random, scene: Scene, wish: str, keep: str, solve: str, *, named: bool
) -> Dialogue:
    """Adds the background to a riddle or sum, named in the wish or chosen, and makes the dialogue."""
    if language == "zh":
        colour = ZH_COLOURS[scene.background]
        if named:
            wish, keep = (
                rng.choice((f"{wish}，{colour}背景", f"{colour}背景，{wish}")),
                f"{keep}；{colour}背景",
            )
        solve += _colour(scene, language, named=named)
    else:
        if named:
            wish, keep = f"{wish}, {scene.background} background", f"{keep}; {scene.background} background"
        solve += " " + _colour(scene, language, named=named)
    answer = _answer(scene, language, rng, keep, solve)
    return Dialogue(kind=kind, language=language, wish=wish, answer=answer, scene=scene)


def riddle(language: Language, rng: Random, *, held_out: bool = False) -> Dialogue:
    """Chickens and rabbits in a cage: heads and legs are told, the counts are to be found."""
    while True:
        chickens, rabbits = rng.randint(1, 4), rng.randint(1, 4)
        things = (("chicken", chickens), ("rabbit", rabbits))
        scene = Scene(things=things, background=rng.choice(tuple(BACKGROUNDS)))
        if scene.held_out == held_out:
            break
    heads, legs = chickens + rabbits, 2 * chickens + 4 * rabbits
    if language == "zh":
        wish = rng.choice(
            (
                f"鸡兔同笼，头{heads}个，脚{legs}只，画出来",
                f"鸡兔同笼，有{heads}个头，{legs}只脚，画出鸡和兔子",
                f"笼子里有鸡和兔子，共{heads}个头，{legs}条腿，鸡和兔各几只？画出来",
                f"鸡和兔子一共{heads}个头{legs}只脚",
            )
        )
        keep = f"鸡和兔子；头 {heads}，脚 {legs}"
        solve = (
            f"若全是鸡：{heads} x 2 = {heads * 2} 只脚。多出 {legs} - {heads * 2} = {legs - heads * 2}。"
            f"兔子 {legs - heads * 2} / 2 = {rabbits}。鸡 {heads} - {rabbits} = {chickens}。"
        )
    else:
        wish = rng.choice(
            (
                f"chickens and rabbits in a cage: {heads} heads, {legs} legs, draw them",
                f"a cage holds chickens and rabbits with {heads} heads and {legs} legs",
                f"there are {heads} heads and {legs} legs, chickens and rabbits; draw them",
                f"draw the chickens and rabbits: {heads} heads and {legs} feet",
                f"chickens and rabbits have {heads} heads and {legs} legs in all",
            )
        )
        keep = f"chickens and rabbits; heads {heads}, legs {legs}"
        solve = (
            f"If all were chickens: {heads} x 2 = {heads * 2} legs. Too many: {legs} - {heads * 2} = {legs - heads * 2}. "
            f"Rabbits: {legs - heads * 2} / 2 = {rabbits}. Chickens: {heads} - {rabbits} = {chickens}."
        )
    return _solved("riddle", language, rng, scene, wish, keep, solve, named=rng.random() < 0.6)


def _more(language: Language, first: str, second: str, count: int, extra: int) -> tuple[str, str, str]:
    """Wish, keep and solve of: so many of one kind, and so many more of another than of that."""
    if language == "zh":
        one, other = ZH_NAMES[first][0], ZH_NAMES[second][0]
        wish = f"{zh_thing(first, count)}，{other}比{one}多{zh_thing(second, extra)[:2]}"
        return wish, wish, f"{one} {count}。{other} {count} + {extra} = {count + extra}。"
    names = EN_PLURALS[first], EN_PLURALS[second]
    more = EN_PLURALS[second] if extra > 1 else second
    wish = f"{en_thing(first, count)} and {EN_NUMBERS[extra]} more {more} than {names[0]}"
    return (
        wish,
        wish,
        f"{capital(names[0])}: {count}. {capital(names[1])}: {count} + {extra} = {count + extra}.",
    )


def _twice(language: Language, first: str, second: str, count: int) -> tuple[str, str, str]:
    if language == "zh":
        one, other = ZH_NAMES[first][0], ZH_NAMES[second][0]
        wish = f"{zh_thing(first, count)}，{other}是{one}的两倍"
        return wish, wish, f"{one} {count}。{other} {count} x 2 = {count * 2}。"
    names = EN_PLURALS[first], EN_PLURALS[second]
    wish = f"{en_thing(first, count)} and twice as many {names[1]} as {names[0]}"
    return wish, wish, f"{capital(names[0])}: {count}. {capital(names[1])}: {count} x 2 = {count * 2}."


def _sum_of(language: Language, kind: str, left: int, right: int, rng: Random) -> tuple[str, str, str]:
    """One kind counted by a plus or a minus; the result is in 1 to 4."""
    plus = right > 0
    amount, result = abs(right), left + right
    if language == "zh":
        name, classifier = ZH_NAMES[kind][0], ZH_NAMES[kind][1][0]
        first = zh_thing(kind, left)
        rest = f"{ZH_NUMBERS[amount]}{classifier}"
        wish = f"{first}，又来了{rest}" if plus else f"{first}，拿走{rest}，还剩几{classifier}"
        return wish, wish, f"{name} {left} {'+' if plus else '-'} {amount} = {result}。"
    first, more = en_thing(kind, left), EN_NUMBERS[amount]
    wish = f"{first} plus {more} more" if plus else rng.choice((f"{first} minus {more}", f"{first}, {more} taken away"))
    return wish, wish, f"{capital(EN_PLURALS[kind])}: {left} {'+' if plus else '-'} {amount} = {result}."


def little_sum(language: Language, rng: Random, *, held_out: bool = False) -> Dialogue:
    """A small sum: more than, twice as many, plus, minus."""
    while True:
        first, second = rng.sample(KINDS, 2)
        form = rng.randrange(3)
        if form == 0:
            count = rng.randint(1, 3)
            extra = rng.randint(1, 4 - count)
            told = _more(language, first, second, count, extra)
            things: tuple[tuple[str, int], ...] = ((first, count), (second, count + extra))
        elif form == 1:
            count = rng.randint(1, 2)
            told = _twice(language, first, second, count)
            things = ((first, count), (second, count * 2))
        else:
            left, right = rng.choice([(a, b) for a in range(1, 5) for b in range(-3, 4) if b and 1 <= a + b <= 4])
            told = _sum_of(language, first, left, right, rng)
            things = ((first, left + right),)
        scene = Scene(things=things, background=rng.choice(tuple(BACKGROUNDS)))
        if scene.held_out == held_out:
            break
    wish, keep, solve = told
    return _solved("sum", language, rng, scene, wish, keep, solve, named=rng.random() < 0.6)


# fmt: off
_SYLLABLES = (
    "a", "ba", "be", "ca", "co", "da", "de", "dra", "el", "en", "fa", "go", "ha", "in", "ka", "la", "lo", "ma",
    "mi", "na", "ne", "no", "or", "pa", "pe", "ra", "re", "ri", "sa", "se", "so", "ta", "te", "to", "un", "va",
    "wi", "za",
)
_STRANGE_EN = (
    "a quiet lake at dawn", "a dragon above a castle", "an old man reading", "a city in the rain",
    "mountains in the mist", "a violin", "a cup of coffee on a table", "a woman with a red umbrella", "the sea",
    "a poster for a concert", "a robot", "a bridge", "hello", "something beautiful", "how to bake bread",
    "a poem about winter", "portrait of a queen", "an astronaut on a horse",
)
_STRANGE_ZH = (
    "山间的湖", "一条龙在城堡上", "老人在看书", "雨中的城市", "一杯咖啡", "大海", "一座桥", "你好", "机器人",
    "冬天的诗", "美丽的风景", "骑马的宇航员", "古风美人",
    "海报设计",
)
# fmt: on


def strange(language: Language, rng: Random, *, held_out: bool = False) -> Dialogue:
    """A wish outside the small world: the answer says so and draws something that it knows."""
    scene = draw_scene(rng, held_out=held_out)
    if language == "zh":
        wish = rng.choice(_STRANGE_ZH)
        if rng.random() < 0.5:
            wish = "".join(
                rng.sample("风雨雷电山河湖海春夏秋冬人物老少书画琴棋美好安静古今城市乡村", rng.randint(3, 10))
            )
        keep, solve = "无", f"小世界里没有这个，改画{zh_things(scene.things)}。"
    else:
        wish = rng.choice(_STRANGE_EN)
        if rng.random() < 0.6:
            words = ("".join(rng.choices(_SYLLABLES, k=rng.randint(1, 3))) for _ in range(rng.randint(1, 12)))
            wish = " ".join(words)
        keep, solve = "none", f"This is outside the small world: {en_things(scene.things)} instead."
    gap = " " if language == "en" else ""
    solve += gap + _colour(scene, language, named=False)
    answer = _answer(scene, language, rng, keep, solve)
    return Dialogue(kind="strange", language=language, wish=_polite(wish, language, rng), answer=answer, scene=scene)


MAKERS: dict[str, tuple[float, Callable[..., Dialogue]]] = {
    "plain": (0.5, plain),
    "background": (0.12, without_background),
    "count": (0.1, without_count),
    "riddle": (0.12, riddle),
    "sum": (0.12, little_sum),
    "strange": (0.04, strange),
}


def draw_dialogue(
    rng: Random, *, held_out: bool = False, kind: str | None = None, language: Language | None = None
) -> Dialogue:
    """A random dialogue, in either language; its scene is of the training's side unless asked otherwise."""
    language = language or rng.choice(("en", "zh"))
    kind = kind or rng.choices(tuple(MAKERS), tuple(weight for weight, _ in MAKERS.values()))[0]
    return MAKERS[kind][1](language, rng, held_out=held_out)


def read_prompt(answer: str) -> tuple[tuple[tuple[str, int], ...], str | None] | None:
    """What the final prompt of an answer says, or None where the answer has not the five sections in order."""
    position = -1
    for name in SECTIONS:
        found = answer.find(f"## {name}\n")
        if found <= position:
            return None
        position = found
    return parse(answer[position + len("## prompt\n") :])
