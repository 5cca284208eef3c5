"""Vague wishes, "something cute" or "a birthday", and what in the world fits them.

A theme is asked for in several phrases of both languages and has more than one answer. It knows no captions' forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from pocket.captions import capital, en_things, zh_things
from pocket.dialogues.answers import (
    Asked,
    Dialogue,
    answer,
    chosen_letters,
    joined,
    quoted,
    sentences,
    told_background,
)
from pocket.dialogues.frames import ended, grounded, polite
from pocket.words import Language
from pocket.world import VIEWS, Background, Scene, Text, fits, legible_colours, plain

GREETING = 0.5
"""How often a theme that has words gets them."""


@dataclass(frozen=True, kw_only=True)
class Theme:
    """One theme: the kinds that fit it, its backgrounds, its phrases, and words that may stand on its picture."""

    kinds: tuple[str, ...]
    grounds: tuple[Background, ...]
    en: tuple[str, ...]
    zh: tuple[str, ...]
    words: tuple[str, str] | None = None


def ground(name: str) -> Background:
    """A background by its name: a view's, a colour's, or `gradient red yellow`."""
    pattern, *colours = name.split()
    for view in VIEWS:
        if view.pattern == name:
            return view
    if not colours:
        return plain(name)
    assert pattern in ("gradient", "two-tone")
    return Background(pattern="gradient" if pattern == "gradient" else "two-tone", colours=tuple(colours))


def grounds(names: str) -> tuple[Background, ...]:
    return tuple(ground(name.strip()) for name in names.split(","))


def _theme(kinds: str, grounds_: str, en: str, zh: str, words: tuple[str, str] | None = None) -> Theme:
    return Theme(
        kinds=tuple(kind.replace("_", " ") for kind in kinds.split()),
        grounds=grounds(grounds_),
        en=tuple(phrase.strip() for phrase in en.split("/")),
        zh=tuple(phrase.strip() for phrase in zh.split("/")),
        words=words,
    )


THEMES: tuple[Theme, ...] = (
    _theme(
        "cat rabbit panda dog fox penguin",
        "pink, yellow, grass",
        "something cute / a cute animal / something adorable / something sweet and small",
        "可爱的东西 / 可爱的小动物 / 萌萌的 / 可爱一点的",
    ),
    _theme(
        "cake candle balloon gift",
        "pink, yellow, gradient pink yellow",
        "a birthday / a birthday party / a birthday card / it is my birthday",
        "生日 / 生日聚会 / 生日贺卡 / 今天我生日",
        ("HAPPY", "生日快乐"),
    ),
    _theme(
        "bird flower butterfly sun",
        "grass, day sky",
        "a spring morning / spring / springtime / the first day of spring",
        "春天 / 春天的早晨 / 春日 / 春天来了",
        ("SPRING", "春"),
    ),
    _theme(
        "sun watermelon umbrella ball",
        "sea, day sky, yellow",
        "summer / a hot summer day / a day at the beach / summer holidays",
        "夏天 / 炎热的夏天 / 海边的一天 / 暑假",
        ("SUMMER", "夏天"),
    ),
    _theme(
        "leaf mushroom goose mountain",
        "yellow, red, gradient red yellow",
        "autumn / an autumn day / fall colours / the end of summer",
        "秋天 / 秋日 / 金色的秋天 / 秋意",
    ),
    _theme(
        "snowflake pine penguin house",
        "white, blue, night sky",
        "winter / a cold winter day / a snowy day / let it snow",
        "冬天 / 寒冷的冬天 / 下雪天 / 雪景",
        ("WINTER", "冬"),
    ),
    _theme(
        "moon star cloud owl",
        "night sky",
        "the night sky / a starry night / night / a quiet night / midnight",
        "夜空 / 星夜 / 夜晚 / 安静的夜晚 / 深夜",
    ),
    _theme(
        "sun bird cloud",
        "day sky, gradient pink yellow",
        "a sunny morning / good morning / sunrise / a new day",
        "早晨 / 日出 / 早上好 / 新的一天",
    ),
    _theme(
        "raindrop umbrella cloud frog",
        "blue, day sky",
        "rainy weather / a rainy day / rain / bad weather",
        "下雨天 / 雨天 / 雨 / 天气不好",
    ),
    _theme(
        "boat fish whale",
        "sea",
        "the ocean / a trip on the water / under way at sea / a voyage",
        "大海 / 出海 / 海上旅行 / 航行",
    ),
    _theme(
        "heart flower gift",
        "pink, red",
        "love / a valentine / romance / something romantic / I am in love",
        "爱情 / 情人节 / 浪漫 / 浪漫的画 / 我恋爱了",
        ("LOVE", "爱"),
    ),
    _theme(
        "pig cow horse sheep chicken duck",
        "grass",
        "a farm / farm animals / life on the farm / the countryside",
        "农场 / 农场的动物 / 乡村生活 / 田园",
    ),
    _theme(
        "tree mushroom deer owl fox",
        "green, grass",
        "a forest / in the woods / something in the forest / wild nature",
        "森林 / 树林里 / 森林里的动物 / 大自然",
    ),
    _theme(
        "apple banana lemon strawberry watermelon",
        "white, yellow, green",
        "something to eat / fruit / a healthy snack / something fresh",
        "水果 / 吃的东西 / 健康的点心 / 新鲜的东西",
    ),
    _theme(
        "rocket star moon",
        "night sky, black",
        "outer space / space travel / a trip to the stars / science fiction",
        "太空 / 太空旅行 / 去星星上 / 科幻",
    ),
    _theme(
        "car bus train plane",
        "white, day sky, two-tone blue green",
        "traffic / something that drives / a journey / travel",
        "交通 / 会开的东西 / 旅途 / 旅行",
    ),
    _theme(
        "guitar bell heart",
        "purple, yellow",
        "music / a concert / a song / something that sounds",
        "音乐 / 音乐会 / 一首歌 / 会响的东西",
        ("MUSIC", "歌"),
    ),
    _theme(
        "castle crown dragon horse",
        "purple, day sky",
        "a fairy tale / a knight's story / once upon a time / a legend",
        "童话 / 骑士的故事 / 很久很久以前 / 传说",
    ),
    _theme(
        "lantern dragon fish",
        "red",
        "Chinese New Year / a spring festival / a happy new year / a festival in China",
        "春节 / 新年 / 过年 / 过年的气氛",
        ("LUCK", "福"),
    ),
    _theme(
        "moon lantern rabbit",
        "night sky, blue",
        "the mid-autumn festival / a full moon party / moon festival / lantern night",
        "中秋节 / 赏月 / 团圆夜 / 花灯之夜",
    ),
    _theme(
        "pine gift bell candle star",
        "red, green, night sky",
        "Christmas / Christmas eve / a winter holiday / presents under a tree",
        "圣诞节 / 平安夜 / 冬天的节日 / 圣诞礼物",
    ),
    _theme(
        "book clock candle",
        "yellow, white",
        "school / studying / homework / a quiet evening of reading",
        "上学 / 学习 / 做作业 / 安静地看书",
    ),
    _theme(
        "sunflower flower lotus butterfly bee",
        "grass, green",
        "a garden / a blooming garden / something that blooms / nature in bloom",
        "花园 / 开满花的花园 / 盛开 / 百花齐放",
    ),
    _theme(
        "kite cloud balloon bird",
        "day sky",
        "wind / a windy day / up in the air / freedom",
        "风 / 刮风的日子 / 在空中 / 自由",
    ),
    _theme(
        "rainbow cloud sun",
        "day sky, blue",
        "after the rain / hope / something colourful / joy",
        "雨后 / 希望 / 五颜六色的 / 快乐",
        ("HOPE", "乐"),
    ),
    _theme(
        "lion dragon horse",
        "red, yellow, grass",
        "something strong / power / a strong animal / something brave",
        "强大的东西 / 力量 / 勇敢的动物 / 威武",
    ),
    _theme(
        "bamboo panda mountain",
        "green, white",
        "China / something Chinese / an ink landscape / a land of pandas",
        "中国风 / 中国的动物 / 山水 / 国宝",
    ),
    _theme(
        "wine_cup candle heart cake",
        "red, purple, night sky",
        "a dinner for two / a celebration / cheers / an evening with friends",
        "烛光晚餐 / 庆祝 / 干杯 / 朋友聚会",
    ),
    _theme(
        "penguin snowflake whale",
        "blue, white, sea",
        "the south pole / something cold / ice and snow / the far north",
        "南极 / 冷的东西 / 冰天雪地 / 北方",
    ),
    _theme(
        "turtle lotus frog fish duck",
        "green, blue",
        "a pond / by the pond / life in the water / a calm lake",
        "池塘 / 池塘边 / 水里的生活 / 平静的湖",
    ),
    _theme(
        "crown key gift heart",
        "black, purple",
        "something precious / a treasure / a secret / luxury",
        "贵重的东西 / 宝藏 / 秘密 / 奢华",
    ),
    _theme(
        "ball kite balloon",
        "grass, day sky, yellow",
        "playtime / children at play / a toy / fun outside",
        "玩耍 / 孩子们的玩具 / 玩具 / 户外的快乐",
    ),
    _theme(
        "tower mountain cloud",
        "day sky, white",
        "a view from high up / something very high / a long climb / the top of the world",
        "登高 / 很高的东西 / 高处的风景 / 世界之巅",
    ),
    _theme(
        "house tree flower",
        "grass",
        "home / my home / a place to live / a happy home",
        "家 / 我的家 / 温馨的家 / 住的地方",
        ("HOME", "家"),
    ),
    _theme(
        "bee butterfly bird",
        "yellow, day sky",
        "something that flies / wings / small wings / the sound of wings",
        "会飞的东西 / 翅膀 / 小翅膀 / 飞起来",
    ),
)

ANY_EN = (
    "something nice",
    "surprise me",
    "anything",
    "a picture",
    "draw something",
    "whatever you like",
    "something beautiful",
)
ANY_ZH = ("随便画点什么", "给我惊喜", "随便", "画点好看的", "什么都行", "一张图", "美丽的画")
ANY_SHARE = 0.06


def _scene(theme: Theme, rng: Random, *, words: str | None) -> Scene:
    """A scene that fits a theme: one to three of its kinds, few of each.

    They come in the theme's own order, so that the likeliest second kind is never the first one again.
    """
    number = rng.choice((1, 1, 2, 2, 3))
    kinds = sorted(rng.sample(theme.kinds, min(number, len(theme.kinds))), key=theme.kinds.index)
    most = {1: 5, 2: 3, 3: 2}[len(kinds)]
    background = rng.choice(theme.grounds)
    text = Text(words=words, colour=legible_colours(background, "flat")[0]) if words else None
    if text is not None:
        kinds, most = kinds[:2], 2
    return Scene(things=tuple((kind, rng.randint(1, most)) for kind in kinds), background=background, text=text)


def vague(language: Language, rng: Random) -> Dialogue:
    """A vague wish: what fits it is chosen."""
    chinese = language == "zh"
    anything = rng.random() < ANY_SHARE
    theme = rng.choice(THEMES)
    phrase = rng.choice((ANY_ZH if chinese else ANY_EN) if anything else (theme.zh if chinese else theme.en))
    greeting = theme.words[chinese] if theme.words and not anything and rng.random() < GREETING else None
    while True:
        scene = _scene(theme, rng, words=greeting)
        if fits(scene):
            break
    told = rng.random() < 0.12
    wish = polite(
        ended(grounded(phrase, scene.background, language, rng) if told else phrase, language, rng), language, rng
    )
    back = told_background(scene.background, language)
    keep = joined((phrase, back if told else ""), language)
    things = zh_things(scene.things) if chinese else en_things(scene.things)
    fitting = (f"{phrase}：" if chinese else f"{capital(phrase)}: ") + joined((things, "" if told else back), language)
    solve = sentences(
        (
            fitting + ("。" if chinese else "."),
            ""
            if greeting is None
            else f"写上{quoted(greeting, language)}。"
            if chinese
            else f"Written: {quoted(greeting, language)}.",
            chosen_letters(scene, language),
        ),
        language,
    )
    kinds = frozenset() if anything else frozenset(theme.kinds)
    return Dialogue(
        kind="vague",
        language=language,
        wish=wish,
        answer=answer(scene, language, keep, solve),
        scene=scene,
        asked=Asked(
            open=frozenset({"kinds", "counts", "words", "letters"} | (set() if told else {"background"})), kinds=kinds
        ),
    )
