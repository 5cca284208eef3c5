"""Wishes that compare without numbers, that say what must not be there, or that name what the world does not hold.

Each leaves something to be chosen, within what it says, and `solve` tells the choice. It knows no sums.
"""

from __future__ import annotations

from random import Random

from pocket.captions import capital, en_things, zh_things
from pocket.dialogues.answers import Asked, Dialogue, named
from pocket.dialogues.finish import finished
from pocket.words import ZH_COLOURS, ZH_NAMES, Language, en_article, en_thing, zh_thing
from pocket.world import COLOURS, KINDS, MAX_COUNT, plain

Things = tuple[tuple[str, int], ...]


def _few_things(rng: Random, most: int = 4) -> Things:
    number = rng.choice((1, 1, 2, 2))
    kinds = rng.sample(KINDS, number)
    return tuple((kind, rng.randint(1, max(1, most // number))) for kind in kinds)


def _told(things: Things, language: Language, rng: Random | None = None) -> str:
    return zh_things(things, rng) if language == "zh" else en_things(things, rng)


def _chosen(things: Things, language: Language) -> str:
    if language == "zh":
        return "选" + "，".join(f"{named(kind, language)} {count}" for kind, count in things) + "。"
    return "Chosen: " + ", ".join(f"{named(kind, language)} {count}" for kind, count in things) + "."


def compare(language: Language, rng: Random) -> Dialogue:
    """More of one kind than of another, fewer, or within limits, without numbers for both."""
    a, b = rng.sample(KINDS, 2)
    form = rng.choice(("more", "more", "fewer", "fewer", "least", "most", "between"))
    if form in ("more", "fewer"):
        less = rng.randint(1, 3)
        great = less + rng.randint(1, 2)
        asked = Asked(open=frozenset({"counts"}), more=((a, b),), between=((a, 2, MAX_COUNT), (b, 1, MAX_COUNT)))
        return finished(
            "compare",
            language,
            rng,
            things=((a, great), (b, less)),
            wish=(keep := _compared(a, b, language, rng, more=form == "more")),
            keep=keep,
            solve=_chosen(((a, great), (b, less)), language),
            asked=asked,
        )
    least, most = rng.randint(2, 5), 0
    most = rng.randint(least, 6) if form == "between" else MAX_COUNT if form == "least" else least
    if form == "most":
        least = 1
    if form == "between" and most == least:
        most = least + 1
    count = rng.randint(least, min(most, least + 1)) if form != "most" else rng.randint(max(1, most - 1), most)
    keep = _limited(a, least, most, form, language, rng)
    return finished(
        "compare",
        language,
        rng,
        things=((a, count),),
        wish=keep,
        keep=keep,
        solve=_chosen(((a, count),), language),
        asked=Asked(open=frozenset({"counts"}), between=((a, least, most),)),
    )


def _compared(a: str, b: str, language: Language, rng: Random, *, more: bool) -> str:
    """More of `a` than of `b`, told from either side."""
    if language == "zh":
        one, other = ZH_NAMES[a][0], ZH_NAMES[b][0]
        if more:
            return rng.choice((f"{one}比{other}多", f"{one}和{other}，{one}更多", f"{one}多，{other}少"))
        return rng.choice((f"{other}比{one}少", f"{one}和{other}，{other}更少"))
    one, other = named(a, "en"), named(b, "en")
    if more:
        return rng.choice(
            (f"more {one} than {other}", f"{one} and {other}, but more {one}", f"many {one} and few {other}")
        )
    return rng.choice((f"fewer {other} than {one}", f"{one} and {other}, but fewer {other}"))


def _limited(kind: str, least: int, most: int, form: str, language: Language, rng: Random) -> str:
    if language == "zh":
        name, classifier = ZH_NAMES[kind][0], ZH_NAMES[kind][1][0]
        if form == "least":
            return rng.choice((f"至少{zh_thing(kind, least)}", f"不少于{zh_thing(kind, least)}"))
        if form == "most":
            return rng.choice((f"最多{zh_thing(kind, most)}", f"不超过{zh_thing(kind, most)}"))
        return f"{least}到{most}{classifier}{name}"
    if form == "least":
        return rng.choice((f"at least {en_thing(kind, least)}", f"no fewer than {en_thing(kind, least)}"))
    if form == "most":
        return rng.choice((f"at most {en_thing(kind, most)}", f"no more than {en_thing(kind, most)}"))
    return rng.choice((f"between {least} and {most} {named(kind, 'en')}", f"{least} to {most} {named(kind, 'en')}"))


EN_NOT_KIND = (
    "{t}, but no {n}",
    "{t}, no {n}",
    "{t} without any {n}",
    "{t} and no {n}",
    "no {n}, only {t}",
    "{t}, not a single {s}",
)
ZH_NOT_KIND = ("{t}，不要{n}", "{t}，没有{n}", "不要{n}，只要{t}", "{t}，但没有{n}", "{t}，别画{n}", "有{t}，没有{n}")
EN_ONLY_NOT = (
    "anything but {n}",
    "no {n}",
    "a picture without {n}",
    "no {n} please",
    "please no {n}",
    "something that is not {a}",
)
ZH_ONLY_NOT = ("不要{n}", "没有{n}的画", "画什么都行，不要{n}", "除了{n}都行", "不是{n}的东西")
EN_NOT_COLOUR = (
    "{t}, but no {c} background", "{t} without a background of {c}", "{t}, not on {c}", "{t}, any background but {c}",
    "{t}, no {c} behind", "{t}, the background must not be {c}",
)  # fmt: skip
ZH_NOT_COLOUR = (
    "{t}，不要{c}背景",
    "{t}，背景不要{c}",
    "{t}，背景不是{c}",
    "{t}，除了{c}什么背景都行",
    "{t}，背景别用{c}",
)
EN_RATHER = ("{t}, not {u}", "not {u} but {t}", "{t} instead of {u}", "no, not {u}: {t}")
ZH_RATHER = ("{t}，不是{u}", "不是{u}，是{t}", "不要{u}，要{t}", "把{u}换成{t}")


def without(language: Language, rng: Random) -> Dialogue:
    """A wish that says what must not be: a kind, a colour behind, or one kind in another's stead."""
    form = rng.choice(("kind", "kind", "colour", "colour", "rather", "only"))
    things = _few_things(rng)
    chinese = language == "zh"
    absent = rng.choice([kind for kind in KINDS if kind not in dict(things)])
    told = _told(things, language, rng)
    if form == "colour":
        return _not_colour(language, rng, things, told)
    no = frozenset({absent})
    if form == "only":
        a = f"{en_article(absent)} {absent}"
        wish = rng.choice(ZH_ONLY_NOT if chinese else EN_ONLY_NOT).format(n=named(absent, language), a=a)
        names = named(absent, language)
        keep = f"没有{names}" if chinese else f"no {names}"
        solve = (
            f"不画{names}，改画{_told(things, language)}。"
            if chinese
            else f"No {names}: {_told(things, language)} instead."
        )
        asked = Asked(open=frozenset({"kinds", "counts"}), no_kinds=no)
    elif form == "rather":
        other = ((absent, things[0][1]),)
        wish = rng.choice(ZH_RATHER if chinese else EN_RATHER).format(t=told, u=_told(other, language, rng))
        keep = _told(things, language)
        names = named(absent, language)
        solve = (f"不画{names}。" if chinese else f"No {names}. ") + _counts(things, language)
        asked = Asked(no_kinds=no)
    else:
        name = named(absent, language, rng.choice((1, 2))) if not chinese else named(absent, language)
        wish = rng.choice(ZH_NOT_KIND if chinese else EN_NOT_KIND).format(t=told, n=name, s=absent)
        names = named(absent, language)
        keep = f"{_told(things, language)}；没有{names}" if chinese else f"{_told(things, language)}; no {names}"
        solve = (f"不画{names}。" if chinese else f"No {names}. ") + _counts(things, language)
        asked = Asked(no_kinds=no)
    return finished("without", language, rng, things=things, wish=wish, keep=keep, solve=solve, asked=asked)


def _counts(things: Things, language: Language) -> str:
    if language == "zh":
        return "".join(f"{named(kind, language)} {count}。" for kind, count in things)
    return " ".join(f"{capital(named(kind, language))}: {count}." for kind, count in things)


def _not_colour(language: Language, rng: Random, things: Things, told: str) -> Dialogue:
    chinese = language == "zh"
    colour = rng.choice(tuple(COLOURS))
    background = plain(rng.choice([other for other in COLOURS if other != colour]))
    word = ZH_COLOURS[colour] if chinese else colour
    wish = rng.choice(ZH_NOT_COLOUR if chinese else EN_NOT_COLOUR).format(t=told, c=word)
    keep = (
        f"{_told(things, language)}；背景不是{word}" if chinese else f"{_told(things, language)}; background not {word}"
    )
    solve = (f"{word}不行。" if chinese else f"Not {word}. ") + _counts(things, language)
    return finished(
        "without",
        language,
        rng,
        things=things,
        wish=wish,
        keep=keep,
        solve=solve,
        background=background,
        asked=Asked(no_colours=frozenset({colour})),
    )


# What the world does not hold, and the nearest kind that it holds.
EN_NEAREST: tuple[tuple[str, str, str], ...] = (
    ("tiger", "tigers", "lion"), ("wolf", "wolves", "fox"), ("bear", "bears", "panda"), ("goat", "goats", "sheep"),
    ("donkey", "donkeys", "horse"), ("pony", "ponies", "horse"), ("unicorn", "unicorns", "horse"), ("bull", "bulls", "cow"),
    ("swan", "swans", "goose"), ("eagle", "eagles", "bird"), ("parrot", "parrots", "bird"), ("crow", "crows", "bird"),
    ("sparrow", "sparrows", "bird"), ("turkey", "turkeys", "chicken"), ("rooster", "roosters", "chicken"), ("hare", "hares", "rabbit"),
    ("shark", "sharks", "whale"), ("dolphin", "dolphins", "whale"), ("salmon", "salmon", "fish"), ("toad", "toads", "frog"),
    ("moth", "moths", "butterfly"), ("wasp", "wasps", "bee"), ("rose", "roses", "flower"), ("tulip", "tulips", "flower"),
    ("daisy", "daisies", "flower"), ("pear", "pears", "apple"), ("peach", "peaches", "apple"), ("orange", "oranges", "lemon"),
    ("melon", "melons", "watermelon"), ("cherry", "cherries", "strawberry"), ("pie", "pies", "cake"), ("truck", "trucks", "car"),
    ("taxi", "taxis", "car"), ("jeep", "jeeps", "car"), ("tram", "trams", "train"), ("helicopter", "helicopters", "plane"),
    ("canoe", "canoes", "boat"), ("yacht", "yachts", "boat"), ("spaceship", "spaceships", "rocket"), ("hut", "huts", "house"),
    ("cottage", "cottages", "house"), ("palace", "palaces", "castle"), ("temple", "temples", "tower"), ("hill", "hills", "mountain"),
    ("volcano", "volcanoes", "mountain"), ("oak", "oaks", "tree"), ("violin", "violins", "guitar"), ("banjo", "banjos", "guitar"),
    ("lamp", "lamps", "lantern"), ("watch", "watches", "clock"), ("parcel", "parcels", "gift"), ("magazine", "magazines", "book"),
    ("mug", "mugs", "wine cup"), ("hat", "hats", "crown"), ("planet", "planets", "star"), ("comet", "comets", "star"),
)  # fmt: skip
ZH_NEAREST: tuple[tuple[str, str, str], ...] = (
    ("老虎", "只", "lion"), ("狼", "只", "fox"), ("熊", "只", "panda"), ("驴", "头", "horse"), ("独角兽", "只", "horse"),
    ("天鹅", "只", "goose"), ("老鹰", "只", "bird"), ("鹦鹉", "只", "bird"), ("乌鸦", "只", "bird"), ("麻雀", "只", "bird"),
    ("公鸡", "只", "chicken"), ("鲨鱼", "条", "whale"), ("海豚", "只", "whale"), ("蟾蜍", "只", "frog"), ("飞蛾", "只", "butterfly"),
    ("玫瑰", "朵", "flower"), ("郁金香", "朵", "flower"), ("菊花", "朵", "flower"), ("梨", "个", "apple"), ("桃子", "个", "apple"),
    ("橙子", "个", "lemon"), ("哈密瓜", "个", "watermelon"), ("樱桃", "颗", "strawberry"), ("馅饼", "个", "cake"), ("卡车", "辆", "car"),
    ("出租车", "辆", "car"), ("电车", "辆", "train"), ("直升机", "架", "plane"), ("独木舟", "艘", "boat"), ("游艇", "艘", "boat"),
    ("飞碟", "个", "rocket"), ("小屋", "座", "house"), ("宫殿", "座", "castle"), ("寺庙", "座", "tower"), ("火山", "座", "mountain"),
    ("小提琴", "把", "guitar"), ("琵琶", "把", "guitar"), ("台灯", "盏", "lantern"), ("手表", "块", "clock"), ("包裹", "个", "gift"),
    ("杂志", "本", "book"), ("茶杯", "个", "wine cup"), ("帽子", "顶", "crown"), ("行星", "颗", "star"), ("橡树", "棵", "tree"),
)  # fmt: skip


def nearest(language: Language, rng: Random) -> Dialogue:
    """A wish for something that the world does not hold: the nearest kind stands for it, as many as asked."""
    other = rng.choice(KINDS) if rng.random() < 0.35 else None
    chinese = language == "zh"
    count = rng.choice((1, 1, 2, 3, 4))
    if chinese:
        name, classifier, kind = rng.choice(ZH_NEAREST)
        told = zh_thing(kind, count, classifier=classifier, name=name)
        solve = f"小世界里没有{name}，最像的是{named(kind, language)}。"
    else:
        one, many, kind = rng.choice(EN_NEAREST)
        told = en_thing(kind, count, "a" if count == 1 and rng.random() < 0.6 else None, name=(one, many))
        solve = f"This small world has no {many}; the nearest are {named(kind, language)}."
    things: Things = ((kind, count),)
    keep = wish = told
    if other is not None and other != kind:
        second = ((other, rng.randint(1, 3)),)
        wish = ("和" if chinese else " and ").join((told, _told(second, language, rng)))
        keep = ("和" if chinese else " and ").join((told, _told(second, language)))
        things += second
    solve += ("" if chinese else " ") + _counts(things, language)
    return finished("nearest", language, rng, things=things, wish=wish, keep=keep, solve=solve)
